"""What log and witness say to each other (C2SP tlog-witness, add-checkpoint), and what a witness decides. Pure.

    old 20852014                                  the size the log believes this witness last cosigned
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=   consistency proof from there, at most 63 lines
                                                   (an empty line)
    example.com/behind-the-sofa                    the new checkpoint, signed by the log
    ...

Steps of the decision, in the order of the specification:

1. The origin is known. Else `wit.unknown_log` (404).
2. One of its keys signed, and every line naming one of them verifies. Else `wit.unauthorised` (403).
3. The old size is not above the new one. Else `wit.bad_request` (400).
4. The old size is the one last cosigned. Else `wit.conflict` (409), which tells that size.
5. The consistency proof holds. Else `wit.proof_invalid` (422).
6. The same size means the same root. Else `wit.proof_invalid` (422).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ledger.checkpoint import Checkpoint, parse_checkpoint, verify_log_signature
from ledger.errors import ConflictError, FormatError, VerificationError
from ledger.merkle import EMPTY_ROOT, HASH_SIZE, MAX_PATH, RootHash, verify_consistency
from ledger.note import (
    MAX_NOTE,
    NoteSignature,
    VerifierKey,
    decode_base64,
    encode_base64,
    parse_note,
)
from ledger.reasons import Reason

__all__ = [
    "MAX_REQUEST",
    "NOTHING_YET",
    "SIZE_TYPE",
    "AddCheckpoint",
    "Witness",
    "WitnessConflictError",
    "WitnessedTree",
    "decide_add_checkpoint",
    "encode_add_checkpoint",
    "parse_add_checkpoint",
]

MAX_REQUEST = MAX_NOTE + 8192
SIZE_TYPE = "text/x.tlog.size"
"""Content type of the answer that tells the size last cosigned."""

_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class WitnessedTree:
    """What a witness last cosigned of a log; size 0 before the first time."""

    size: int
    root_hash: RootHash


NOTHING_YET = WitnessedTree(0, EMPTY_ROOT)


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A parsed request; nothing in it has been verified.

    Args:
        old_size: what the log believes was cosigned last.
        path: consistency proof, 32-byte hashes.
        signatures: the lines under the checkpoint.
    """

    old_size: int
    path: tuple[bytes, ...]
    checkpoint: Checkpoint
    signatures: tuple[NoteSignature, ...]


class WitnessConflictError(ConflictError):
    """`wit.conflict`. `size` is what the witness last cosigned."""

    def __init__(self, size: int) -> None:
        super().__init__(
            Reason.WIT_CONFLICT,
            f"last cosigned at size {size}",
            hint="Ask again with a proof from that size; if the log is smaller, it was rolled back or copied.",
        )
        self.size = size


class Witness(Protocol):
    """A witness as a log sees it, near or far."""

    @property
    def key(self) -> VerifierKey:
        """The key it cosigns with; it may have more."""
        ...

    @property
    def is_far(self) -> bool:
        """Whether it is asked over a network, in a thread of its own."""
        ...

    def add_checkpoint(self, body: bytes, *, now: int) -> bytes:
        """Answer a request with signature lines.

        Raises:
            ProjectError: a `wit.…` reason as in the steps above, WitnessConflictError for step 4.
        """
        ...


def encode_add_checkpoint(*, old_size: int, path: Sequence[bytes], note: bytes) -> bytes:
    """The request body for a signed checkpoint `note`, with the proof `path` from `old_size`."""
    lines = [f"old {old_size}", *(encode_base64(node) for node in path)]
    return "".join(f"{line}\n" for line in lines).encode("ascii") + b"\n" + note


def parse_add_checkpoint(body: bytes) -> AddCheckpoint:
    """Read a request body.

    Raises:
        FormatError: `enc.too_large` for more than about 1 MB, `wit.bad_request` for everything else.
    """
    if len(body) > MAX_REQUEST:
        raise FormatError(Reason.ENC_TOO_LARGE, f"a request of {len(body)} bytes")
    head, separator, data = body.partition(b"\n\n")
    try:
        old, *encoded = head.decode("ascii").split("\n")
        match = _OLD.fullmatch(old)
        if match is None or not separator or len(encoded) > MAX_PATH:
            raise FormatError(Reason.WIT_BAD_REQUEST, "no old size, no blank line, or too many hashes")
        path = tuple(decode_base64(line) for line in encoded)
        if any(len(node) != HASH_SIZE for node in path):
            raise FormatError(Reason.WIT_BAD_REQUEST, "a hash of another length")
        note = parse_note(data)
        checkpoint = parse_checkpoint(note.text)
    except (FormatError, UnicodeDecodeError) as exc:
        if isinstance(exc, FormatError) and exc.reason in (Reason.ENC_TOO_LARGE, Reason.WIT_BAD_REQUEST):
            raise
        raise FormatError(Reason.WIT_BAD_REQUEST, "not a request in the form of tlog-witness") from exc
    return AddCheckpoint(int(match[1]), path, checkpoint, note.signatures)


def decide_add_checkpoint(
    request: AddCheckpoint, *, log_keys: Sequence[VerifierKey], latest: WitnessedTree
) -> WitnessedTree:
    """Whether a witness that knows `log_keys` and last cosigned `latest` may cosign. Steps 1 to 6 above.

    Args:
        log_keys: the keys of all logs it serves; a key's name is its log's origin.
        latest: for the origin of the request; `NOTHING_YET` if it never cosigned for it.
    Returns:
        what it will have cosigned; to be stored before the cosignature leaves.
    Raises:
        FormatError, VerificationError, WitnessConflictError: as the steps say.
    """
    checkpoint = request.checkpoint
    keys = [key for key in log_keys if key.name == checkpoint.origin]
    if not keys:
        raise VerificationError(Reason.WIT_UNKNOWN_LOG, hint="Register the log's key with the witness first.")
    _require_signed(request, keys)
    if request.old_size > checkpoint.size:
        raise FormatError(Reason.WIT_BAD_REQUEST, f"old size {request.old_size} above {checkpoint.size}")
    if request.old_size != latest.size:
        raise WitnessConflictError(latest.size)
    _verify_growth(request, latest)
    return WitnessedTree(checkpoint.size, checkpoint.root_hash)


def _require_signed(request: AddCheckpoint, keys: Sequence[VerifierKey]) -> None:
    """What names a key of the log and does not verify makes the whole note worthless (C2SP signed-note)."""
    found = [(key, line.blob) for key in keys for line in request.signatures if line.is_by(key)]
    try:
        for key, blob in found:
            verify_log_signature(request.checkpoint, blob, key=key)
    except VerificationError as exc:
        raise VerificationError(Reason.WIT_UNAUTHORISED, "a forged signature of this log") from exc
    if not found:
        raise VerificationError(Reason.WIT_UNAUTHORISED, "no signature by a key of this log")


def _verify_growth(request: AddCheckpoint, latest: WitnessedTree) -> None:
    checkpoint = request.checkpoint
    if latest.size == 0 or checkpoint.size == latest.size:
        if request.path or (checkpoint.size == 0 and checkpoint.root_hash != EMPTY_ROOT):
            raise VerificationError(
                Reason.WIT_PROOF_INVALID, "a proof where none is due, or a root of nothing"
            )
        if checkpoint.size == latest.size and checkpoint.root_hash != latest.root_hash:
            raise VerificationError(Reason.WIT_PROOF_INVALID, f"another root at {latest.size}")
        return
    try:
        verify_consistency(
            old_size=latest.size,
            new_size=checkpoint.size,
            old_root_hash=latest.root_hash,
            new_root_hash=checkpoint.root_hash,
            path=request.path,
        )
    except VerificationError as exc:
        raise VerificationError(Reason.WIT_PROOF_INVALID, f"from {latest.size} to {checkpoint.size}") from exc
