"""Proofs as text files that other people's verifiers read (C2SP tlog-proof, `.tlog-proof`). Pure.

    c2sp.org/tlog-proof@v1
    index 73894
    gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=      the path, the leaf's sibling first
                                                       (an empty line)
    example.com/fancylog                               the cosigned note as it was published
    ...

Ours have no `extra` line; one that has is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.checkpoint import parse_checkpoint_note
from ledger.errors import FormatError
from ledger.merkle import HASH_SIZE, MAX_PATH, leaf_hash, verify_inclusion
from ledger.note import MAX_NOTE, decode_base64, encode_base64
from ledger.reasons import Reason
from ledger.trust_policy import TrustPolicy, VerifiedCheckpoint, verify_checkpoint

__all__ = ["TlogProof", "encode_tlog_proof", "parse_tlog_proof", "verify_tlog_proof"]

_HEAD = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)
_MAX_HEAD = 8192


@dataclass(frozen=True, slots=True)
class TlogProof:
    """An entry's place and path under a cosigned note; nothing in it has been verified."""

    index: int
    path: tuple[bytes, ...]
    note: bytes


def encode_tlog_proof(index: int, path: Sequence[bytes], note: bytes) -> bytes:
    """The file, for the entry at `index` under `note`."""
    lines = [_HEAD, f"index {index}", *(encode_base64(node) for node in path)]
    return "".join(f"{line}\n" for line in lines).encode("ascii") + b"\n" + note


def parse_tlog_proof(data: bytes) -> TlogProof:
    """Read a file.

    Raises:
        FormatError: `enc.too_large`, `log.proof_malformed` or `enc.base64_noncanonical`. The note is not read yet.
    """
    if len(data) > MAX_NOTE + _MAX_HEAD:
        raise FormatError(Reason.ENC_TOO_LARGE, f"a proof of {len(data)} bytes")
    head, separator, note = data.partition(b"\n\n")
    try:
        first, index, *encoded = head.decode("ascii").split("\n")
    except ValueError as exc:  # not ASCII, or fewer than two lines
        raise FormatError(Reason.LOG_PROOF_MALFORMED, "not a proof file") from exc
    match = _INDEX.fullmatch(index)
    if first != _HEAD or match is None or not separator or len(encoded) > MAX_PATH:
        raise FormatError(Reason.LOG_PROOF_MALFORMED, "not the lines of tlog-proof v1")
    path = tuple(decode_base64(line) for line in encoded)
    if any(len(node) != HASH_SIZE for node in path):
        raise FormatError(Reason.LOG_PROOF_MALFORMED, "a hash of another length")
    return TlogProof(int(match[1]), path, note)


def verify_tlog_proof(proof: TlogProof, *, entry: bytes, policy: TrustPolicy, now: int) -> VerifiedCheckpoint:
    """Check that `entry` is logged where `proof` says, by log and quorum of `policy`.

    Raises:
        FormatError, VerificationError, UndeterminedError: as `verify_checkpoint` and `verify_inclusion`.
    """
    verified = verify_checkpoint(proof.note, policy=policy, now=now)
    checkpoint, _ = parse_checkpoint_note(proof.note)
    verify_inclusion(
        leaf_hash=leaf_hash(entry),
        index=proof.index,
        size=checkpoint.size,
        path=proof.path,
        root_hash=checkpoint.root_hash,
    )
    return verified
