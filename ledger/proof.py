"""Proofs that an entry is logged (DESIGN section 3.3), in three forms, always beginning with log and index.

    full    [log, index, size, path, [key id ‖ blob, ...]]
    short   [log, index, path]                 exactly the lowest 8 hashes; the verifier's bundle holds the
    rest recent  [log, index, size, path, [...], known]   as full, without what lies below `known` and the
    verifier holds

`path` is one byte string of 32-byte hashes. The root is not carried: it is recomputed from the entry, so it
is worth what the signatures over it are worth. Numbered steps of a full proof:

1. The entry's own hash and the path give the root at `size` (`log.index_range`, `log.proof_malformed`).
2. Log and quorum signed that root (`ledger.trust_policy`). If nobody known did, entry and path do not belong
   together:
   `log.inclusion_invalid`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.checkpoint import Checkpoint, verify_cosignature
from ledger.errors import FormatError, VerificationError
from ledger.merkle import (
    HASH_SIZE,
    MAX_PATH,
    MAX_SIZE,
    LeafHash,
    RootHash,
    leaf_hash,
    root_from_inclusion_path,
)
from ledger.note import KEY_ID_SIZE
from ledger.reasons import Reason
from ledger.tiles import TILE_HEIGHT
from ledger.trust_policy import CheckpointMemory, TrustPolicy, VerifiedCheckpoint, verify_signatures

__all__ = [
    "MAX_LOG",
    "FullProof",
    "LoggedEntry",
    "Proof",
    "RecentProof",
    "ShortProof",
    "encode_proof",
    "parse_proof",
    "verify_full_proof",
]

MAX_LOG = 2**32 - 1
_MAX_SIGNATURES = 32
_MAX_BLOB = 4096
_HASH_SIZES = frozenset({HASH_SIZE})
_BYTES = frozenset({bytes})


@dataclass(frozen=True, slots=True)
class FullProof:
    """Stands on its own, given a trust policy.

    Args:
        log: number of the log in the directory, below 2**32.
        index, size: 0 <= index < size < 2**63.
        path: at most 63 hashes of 32 bytes, the leaf's sibling first.
        signatures: key id ‖ blob, at most 32 of at most 4096 bytes.
    Raises:
        FormatError: `enc.number_range`, `log.index_range`, `log.proof_malformed` or `enc.too_large`.
    """

    log: int
    index: int
    size: int
    path: tuple[bytes, ...]
    signatures: tuple[bytes, ...]

    def __post_init__(self) -> None:
        _require_numbers(self.log, self.index, self.size)
        _require_path(self.path)
        _require_signatures(self.signatures)


@dataclass(frozen=True, slots=True)
class ShortProof:
    """Ends in the entry's complete 256-leaf block. `path` is exactly 8 hashes; the rest as in `FullProof`."""

    log: int
    index: int
    path: tuple[bytes, ...]

    def __post_init__(self) -> None:
        _require_numbers(self.log, self.index, MAX_SIZE)
        _require_path(self.path)
        if len(self.path) != TILE_HEIGHT:
            raise FormatError(
                Reason.LOG_PROOF_MALFORMED, f"{len(self.path)} hashes where {TILE_HEIGHT} are due"
            )


@dataclass(frozen=True, slots=True)
class RecentProof:
    """A full proof without the large siblings below `known` <= size, which the verifier said it holds."""

    log: int
    index: int
    size: int
    path: tuple[bytes, ...]
    signatures: tuple[bytes, ...]
    known: int

    def __post_init__(self) -> None:
        _require_numbers(self.log, self.index, self.size)
        _require_path(self.path)
        _require_signatures(self.signatures)
        if not 0 <= self.known <= self.size:
            raise FormatError(Reason.LOG_INDEX_RANGE, "the known size is out of range")


Proof = FullProof | ShortProof | RecentProof


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """An entry of which log and quorum vouch that it stands at `index`.

    Args:
        checkpoint: what they signed; its size and root are those the proof led to.
    """

    log: int
    index: int
    size: int
    root_hash: RootHash
    leaf_hash: LeafHash
    checkpoint: VerifiedCheckpoint


def parse_proof(value: object) -> Proof:
    """Read a proof from a decoded CBOR array; its length tells the form.

    Raises:
        FormatError: `schema.field_type`, `schema.field_missing`, `schema.field_unknown`, `enc.number_range`,
            `log.index_range`, `log.proof_malformed` or `enc.too_large`.
    """
    if not isinstance(value, list | tuple):
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "a proof that is no array")
    fields = value
    if len(fields) == 3:
        return ShortProof(_integer(fields[0]), _integer(fields[1]), _path(fields[2]))
    if len(fields) < 5:
        raise FormatError(Reason.SCHEMA_FIELD_MISSING, f"a proof of {len(fields)} fields")
    if len(fields) > 6:
        raise FormatError(Reason.SCHEMA_FIELD_UNKNOWN, f"a proof of {len(fields)} fields")
    log, index, size = (_integer(field) for field in fields[:3])
    path, signatures = _path(fields[3]), _blobs(fields[4])
    if len(fields) == 5:
        return FullProof(log, index, size, path, signatures)
    return RecentProof(log, index, size, path, signatures, _integer(fields[5]))


def encode_proof(proof: Proof) -> list[object]:
    """The array to encode as CBOR, the inverse of `parse_proof`."""
    path = b"".join(proof.path)
    match proof:
        case ShortProof():
            return [proof.log, proof.index, path]
        case FullProof():
            return [proof.log, proof.index, proof.size, path, list(proof.signatures)]
        case RecentProof():
            return [proof.log, proof.index, proof.size, path, list(proof.signatures), proof.known]


def verify_full_proof(
    proof: FullProof,
    *,
    entry: bytes,
    origin: str,
    policy: TrustPolicy,
    now: int,
    known: CheckpointMemory | None = None,
) -> LoggedEntry:
    """Check that `entry` is logged where `proof` says, in the log named `origin`. Steps 1 and 2 above.

    Args:
        entry: the logged bytes, computed by the caller from what it wants to see logged.
        origin: of the log that the directory lists under `proof.log`.
        now: POSIX seconds.
        known: as in `verify_signatures`.
    Raises:
        VerificationError, UndeterminedError, FormatError: as in `root_from_inclusion_path` and
            `verify_signatures`; `log.inclusion_invalid` if nobody known signed what the proof leads to.
    """
    leaf = leaf_hash(entry)
    root = root_from_inclusion_path(leaf_hash=leaf, index=proof.index, size=proof.size, path=proof.path)
    checkpoint = Checkpoint(origin, proof.size, root)
    try:
        verified = verify_signatures(checkpoint, proof.signatures, policy=policy, now=now, known=known)
    except VerificationError as exc:
        if exc.reason is Reason.CKPT_SIG_INVALID and not _any_cosigned(checkpoint, proof.signatures, policy):
            raise VerificationError(
                Reason.LOG_INCLUSION_INVALID,
                f"entry {proof.index} of {proof.size} does not lead to a signed root",
                hint="The entry is another one, or the proof was damaged; ask for a fresh proof.",
            ) from exc
        raise
    return LoggedEntry(proof.log, proof.index, proof.size, root, leaf, verified)


def _any_cosigned(checkpoint: Checkpoint, blobs: Sequence[bytes], policy: TrustPolicy) -> bool:
    for witness in policy.witnesses:
        for blob in blobs:
            if blob[:KEY_ID_SIZE] == witness.key.key_id:
                try:
                    verify_cosignature(checkpoint, blob[KEY_ID_SIZE:], key=witness.key)
                except VerificationError:
                    continue
                return True
    return False


def _integer(value: object) -> int:
    if type(value) is not int:  # a bool is an int to Python, not to us
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "a number is due")
    return value


def _path(value: object) -> tuple[bytes, ...]:
    if not isinstance(value, bytes):
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "a path is one byte string")
    if len(value) % HASH_SIZE or len(value) > MAX_PATH * HASH_SIZE:
        raise FormatError(Reason.LOG_PROOF_MALFORMED, f"a path of {len(value)} bytes")
    return tuple(value[at : at + HASH_SIZE] for at in range(0, len(value), HASH_SIZE))


def _blobs(value: object) -> tuple[bytes, ...]:
    if not isinstance(value, list | tuple) or not _BYTES.issuperset(map(type, value)):
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "signatures are an array of byte strings")
    return tuple(value)


def _require_numbers(log: int, index: int, size: int) -> None:
    if not 0 <= log <= MAX_LOG:
        raise FormatError(Reason.ENC_NUMBER_RANGE, "log number out of range")
    if not 0 <= index < size <= MAX_SIZE:
        raise FormatError(Reason.LOG_INDEX_RANGE, "index and size out of range")


def _require_path(path: Sequence[bytes]) -> None:
    if len(path) > MAX_PATH or not _HASH_SIZES.issuperset(map(len, path)):
        raise FormatError(Reason.LOG_PROOF_MALFORMED, f"{len(path)} hashes, or one of another length")


def _require_signatures(blobs: Sequence[bytes]) -> None:
    if len(blobs) > _MAX_SIGNATURES or max(map(len, blobs), default=0) > _MAX_BLOB:
        raise FormatError(Reason.ENC_TOO_LARGE, f"{len(blobs)} signatures, or one too long")
    if blobs and min(map(len, blobs)) <= KEY_ID_SIZE:
        raise FormatError(Reason.SIG_MALFORMED, "a signature without key id or without content")
