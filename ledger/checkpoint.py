"""Checkpoints (C2SP tlog-checkpoint, no extension lines) and cosignatures (C2SP tlog-cosignature).

Ed25519 signs the text, a log's own as it is, a witness's with the time before it. ML-DSA-44 signs a structure with the
signer's name and a time, a log's and a witness's alike; the two never count for each other, because names differ.

    origin                                         the log's name, equal to the name of its key
    300                                            size
    gw31yQrqZZCcEOPrzX+bpy3nJ6QgngTKn8G1m0i62uU=   root hash

A `Checkpoint` is parsed, not verified; `ledger.trust_policy` makes a `VerifiedCheckpoint` of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ledger.ed25519 import SIGNATURE_SIZE, Signer, verify_ed25519
from ledger.errors import FormatError, VerificationError
from ledger.merkle import HASH_SIZE, MAX_SIZE, RootHash
from ledger.mldsa import MlDsa44Signer, verify_mldsa
from ledger.note import (
    NoteSignature,
    SignatureType,
    VerifierKey,
    decode_base64,
    encode_base64,
    parse_note,
    sign_note,
)
from ledger.reasons import Reason

__all__ = [
    "MAX_TIME",
    "Checkpoint",
    "cosign",
    "cosign_mldsa",
    "encode_checkpoint",
    "parse_checkpoint",
    "parse_checkpoint_note",
    "sign_checkpoint",
    "verify_cosignature",
    "verify_log_signature",
]

MAX_TIME = 2**63 - 1
_TIME_SIZE = 8
_MAX_NAME = 255
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log's tree.

    Args:
        origin: one line, not empty.
        size: 0 <= size < 2**63.
        root_hash: 32 bytes.
    Raises:
        FormatError: `ckpt.malformed`.
    """

    origin: str
    size: int
    root_hash: RootHash

    def __post_init__(self) -> None:
        if not self.origin or "\n" in self.origin:
            raise FormatError(Reason.CKPT_MALFORMED, "an origin that is not one line")
        if not 0 <= self.size <= MAX_SIZE:
            raise FormatError(Reason.CKPT_MALFORMED, "size out of range")
        if len(self.root_hash) != HASH_SIZE:
            raise FormatError(Reason.CKPT_MALFORMED, f"a root hash of {len(self.root_hash)} bytes")


def encode_checkpoint(checkpoint: Checkpoint) -> str:
    """The note text: three lines."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{encode_base64(checkpoint.root_hash)}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a note as a checkpoint.

    Raises:
        FormatError: `ckpt.malformed`, `ckpt.extension_forbidden` or `enc.base64_noncanonical`.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1]:
        raise FormatError(Reason.CKPT_MALFORMED, "fewer than three lines, or the last one cut short")
    origin, size, root = lines[:3]
    if not _SIZE.fullmatch(size):
        raise FormatError(Reason.CKPT_MALFORMED, "size is not a plain decimal number")
    if len(lines) > 4:
        if not all(lines[3:-1]):
            raise FormatError(Reason.CKPT_MALFORMED, "an empty line")
        raise FormatError(Reason.CKPT_EXTENSION_FORBIDDEN, f"{len(lines) - 4} extension lines")
    return Checkpoint(origin, int(size), RootHash(decode_base64(root)))


def parse_checkpoint_note(data: bytes) -> tuple[Checkpoint, tuple[NoteSignature, ...]]:
    """Read a signed checkpoint. Errors as in `parse_note` and `parse_checkpoint`."""
    note = parse_note(data)
    return parse_checkpoint(note.text), note.signatures


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> NoteSignature:
    """The log's own signature (type 0x01), under the origin as key name.

    Raises:
        FormatError: `ckpt.malformed` for an origin that cannot name a key.
    """
    return sign_note(encode_checkpoint(checkpoint), signer, name=checkpoint.origin)


def cosign(checkpoint: Checkpoint, signer: Signer, *, name: str, time: int) -> NoteSignature:
    """A witness's word that it saw this checkpoint, consistent with all before, at `time` (POSIX seconds).

    Raises:
        FormatError: `ckpt.malformed` for a name or time that no cosignature may have.
    """
    if not 0 <= time <= MAX_TIME:
        raise FormatError(Reason.CKPT_MALFORMED, "time out of range")
    key = VerifierKey(name, SignatureType.COSIGNATURE, signer.public_key)
    signature = signer.sign(_cosigned_message(checkpoint, time))
    return NoteSignature(name, key.key_id, time.to_bytes(_TIME_SIZE) + signature)


def cosign_mldsa(checkpoint: Checkpoint, signer: MlDsa44Signer, *, name: str, time: int) -> NoteSignature:
    """The ML-DSA-44 signature (0x06, `subtree/v1`) of a log, under its origin, or of a witness, at `time`.

    Raises:
        FormatError: `ckpt.malformed` for a name, origin or time that no such signature may have.
    """
    key = VerifierKey(name, SignatureType.ML_DSA_44, signer.public_key)
    signature = signer.sign(_subtree_message(checkpoint, name, time))
    return NoteSignature(name, key.key_id, time.to_bytes(_TIME_SIZE) + signature)


def verify_log_signature(checkpoint: Checkpoint, blob: bytes, *, key: VerifierKey) -> None:
    """Check the log's signature, of either type.

    Raises:
        VerificationError: `ckpt.sig_invalid`.
    """
    if key.algorithm == SignatureType.ML_DSA_44:
        try:
            _verify_mldsa(checkpoint, blob, key)
        except (FormatError, VerificationError) as exc:
            raise VerificationError(Reason.CKPT_SIG_INVALID, f"key {key.key_id.hex()}") from exc
        return
    try:
        verify_ed25519(
            public_key=key.public_key, message=encode_checkpoint(checkpoint).encode(), signature=blob
        )
    except (FormatError, VerificationError) as exc:
        raise VerificationError(Reason.CKPT_SIG_INVALID, f"key {key.key_id.hex()}") from exc


def verify_cosignature(checkpoint: Checkpoint, blob: bytes, *, key: VerifierKey) -> int:
    """Check a witness's cosignature of either type; returns its time, POSIX seconds. Whether that lies in the
    future is not judged.

    Raises:
        VerificationError: `ckpt.cosig_invalid`.
    """
    if key.algorithm == SignatureType.ML_DSA_44:
        try:
            return _verify_mldsa(checkpoint, blob, key)
        except (FormatError, VerificationError) as exc:
            raise VerificationError(Reason.CKPT_COSIG_INVALID, f"key {key.key_id.hex()}") from exc
    if len(blob) != _TIME_SIZE + SIGNATURE_SIZE or blob[0] & 0x80:
        raise VerificationError(Reason.CKPT_COSIG_INVALID, f"{len(blob)} bytes by key {key.key_id.hex()}")
    time = int.from_bytes(blob[:_TIME_SIZE])
    try:
        verify_ed25519(
            public_key=key.public_key,
            message=_cosigned_message(checkpoint, time),
            signature=blob[_TIME_SIZE:],
        )
    except (FormatError, VerificationError) as exc:
        raise VerificationError(Reason.CKPT_COSIG_INVALID, f"key {key.key_id.hex()}") from exc
    return time


def _verify_mldsa(checkpoint: Checkpoint, blob: bytes, key: VerifierKey) -> int:
    time = int.from_bytes(blob[:_TIME_SIZE])
    message = _subtree_message(checkpoint, key.name, time)
    verify_mldsa(public_key=key.public_key, message=message, signature=blob[_TIME_SIZE:])
    return time


def _subtree_message(checkpoint: Checkpoint, name: str, time: int) -> bytes:
    """The `cosigned_message` of a whole tree. Time 0 would leave open whether it is the largest tree seen: not ours."""
    signer, origin = name.encode(), checkpoint.origin.encode()
    if not 0 < time <= MAX_TIME or len(signer) > _MAX_NAME or len(origin) > _MAX_NAME:
        raise FormatError(Reason.CKPT_MALFORMED, "a name or time out of range")
    named = bytes((len(signer),)) + signer + time.to_bytes(8) + bytes((len(origin),)) + origin
    return b"subtree/v1\n\x00" + named + bytes(8) + checkpoint.size.to_bytes(8) + checkpoint.root_hash


def _cosigned_message(checkpoint: Checkpoint, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{encode_checkpoint(checkpoint)}".encode()
