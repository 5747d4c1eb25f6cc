"""COSE receipts (RFC 9942) of inclusion and of growth in our log, for readers who know no signed notes. Pure.

    18([ << {1: -19, 4: kid, 395: 1} >>, {396: {-1: [ << [size, index, [hash, ...]] >> ]}}, null, signature ])
    18([ << {1: -19, 4: kid, 395: 1} >>, {396: {-2: [ << [old size, size, [hash, ...]] >> ]}}, null, signature ])

The payload, left out, is the root that the proof leads to; the log's Ed25519 key signs it. Many readers still want
-8 (EdDSA, deprecated by RFC 9864) in place of -19: both are written on demand and read, for the key is Ed25519 anyway.
Witnesses do not occur in a receipt: it says what the log says, and who wants the quorum takes a tlog-proof.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum

from ledger.cbor import COSE_SIGN1_TAG, Tag, decode_cbor, encode_cbor
from ledger.ed25519 import Signer, verify_ed25519
from ledger.errors import FormatError, VerificationError
from ledger.merkle import (
    HASH_SIZE,
    RootHash,
    leaf_hash,
    root_from_inclusion_path,
    verify_consistency,
)
from ledger.reasons import Reason

__all__ = [
    "ReceiptAlgorithm",
    "growth_receipt",
    "inclusion_receipt",
    "verify_growth_receipt",
    "verify_inclusion_receipt",
]

_ALG, _KID, _VDS, _VDP = 1, 4, 395, 396
_RFC9162_SHA256 = 1
_INCLUSION, _CONSISTENCY = -1, -2
_MAX_RECEIPT = 8192


class ReceiptAlgorithm(IntEnum):
    """How the header calls Ed25519."""

    ED25519 = -19
    EDDSA = -8


def inclusion_receipt(
    signer: Signer,
    *,
    kid: bytes,
    index: int,
    size: int,
    path: Sequence[bytes],
    root_hash: RootHash,
    algorithm: ReceiptAlgorithm = ReceiptAlgorithm.ED25519,
) -> bytes:
    """The log's receipt that an entry stands at `index` of `size` under `root_hash`.

    Args:
        kid: how the reader finds the log's key.
    """
    proof = encode_cbor([size, index, list(path)])
    return _receipt(signer, kid, algorithm, {_INCLUSION: [proof]}, root_hash)


def growth_receipt(
    signer: Signer,
    *,
    kid: bytes,
    old_size: int,
    size: int,
    path: Sequence[bytes],
    root_hash: RootHash,
    algorithm: ReceiptAlgorithm = ReceiptAlgorithm.ED25519,
) -> bytes:
    """The log's receipt that the tree of `size` under `root_hash` begins with its tree of `old_size`."""
    proof = encode_cbor([old_size, size, list(path)])
    return _receipt(signer, kid, algorithm, {_CONSISTENCY: [proof]}, root_hash)


def verify_inclusion_receipt(data: bytes, *, entry: bytes, public_key: bytes) -> tuple[int, int, RootHash]:
    """Check a receipt; returns index, size and root of what the log vouches for.

    Args:
        public_key: the log's Ed25519 key.
    Raises:
        FormatError: `enc.…`, `sig.malformed` or `log.proof_malformed` for what is no receipt of this form.
        VerificationError: `log.index_range`, `log.proof_malformed`, or `sig.invalid`: also if the entry is another one.
    """
    protected, signature, (size, index), path = _parse(data, _INCLUSION)
    root = root_from_inclusion_path(leaf_hash=leaf_hash(entry), index=index, size=size, path=path)
    verify_ed25519(public_key=public_key, message=_signed(protected, root), signature=signature)
    return index, size, root


def verify_growth_receipt(
    data: bytes, *, old_root_hash: RootHash, root_hash: RootHash, public_key: bytes
) -> tuple[int, int]:
    """Check a receipt of growth between two roots; returns the two sizes. Errors as above, and `verify_consistency`."""
    protected, signature, (old_size, size), path = _parse(data, _CONSISTENCY)
    verify_ed25519(public_key=public_key, message=_signed(protected, root_hash), signature=signature)
    verify_consistency(
        old_size=old_size, new_size=size, old_root_hash=old_root_hash, new_root_hash=root_hash, path=path
    )
    return old_size, size


def _receipt(
    signer: Signer, kid: bytes, algorithm: ReceiptAlgorithm, proofs: dict[int, list[bytes]], root: RootHash
) -> bytes:
    protected = encode_cbor({_ALG: int(algorithm), _KID: kid, _VDS: _RFC9162_SHA256})
    signature = signer.sign(_signed(protected, root))
    return encode_cbor(Tag(COSE_SIGN1_TAG, [protected, {_VDP: proofs}, None, signature]))


def _signed(protected: bytes, root: RootHash) -> bytes:
    """The Sig_structure of RFC 9052, section 4.4, no external data."""
    return encode_cbor(["Signature1", protected, b"", root])


def _parse(data: bytes, kind: int) -> tuple[bytes, bytes, tuple[int, int], list[bytes]]:
    """Protected header, signature, the two numbers and the path of a receipt with exactly one proof of `kind`."""
    if len(data) > _MAX_RECEIPT:
        raise FormatError(Reason.ENC_TOO_LARGE, f"a receipt of {len(data)} bytes")
    match decode_cbor(data):
        case Tag(value=[bytes() as protected, Mapping() as headers, None, bytes() as signature]):
            pass
        case _:
            raise FormatError(Reason.SIG_MALFORMED, "not a receipt")
    _require_header(protected)
    match headers.get(_VDP):
        case Mapping() as proofs if list(headers) == [_VDP] and list(proofs) == [kind]:
            pass
        case _:
            raise FormatError(Reason.LOG_PROOF_MALFORMED, "another kind of proof, or more than proofs")
    match proofs[kind]:
        case [bytes() as proof]:
            pass
        case _:
            raise FormatError(Reason.LOG_PROOF_MALFORMED, "not one proof")
    match decode_cbor(proof):
        case [int() as first, int() as second, [*path]] if all(_is_hash(node) for node in path):
            return protected, signature, (first, second), list(path)
        case _:
            raise FormatError(Reason.LOG_PROOF_MALFORMED, "not two numbers and hashes")


def _require_header(protected: bytes) -> None:
    header = decode_cbor(protected)
    if not isinstance(header, Mapping) or set(header) != {_ALG, _KID, _VDS}:
        raise FormatError(Reason.SIG_MALFORMED, "another protected header")
    if header[_ALG] not in tuple(ReceiptAlgorithm) or header[_VDS] != _RFC9162_SHA256:
        raise VerificationError(Reason.ALG_NOT_ALLOWED, "another algorithm, or another kind of tree")


def _is_hash(node: object) -> bool:
    return isinstance(node, bytes) and len(node) == HASH_SIZE
