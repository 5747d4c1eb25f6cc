"""Keys and signatures as COSE names them: Ed25519 for every role, ES256 on P-256 also for holders.

A public key is raw bytes whose length tells its kind: 32 for Ed25519, 33 for a compressed P-256 point. Its key id is
the first 8 bytes of its COSE Key Thumbprint (RFC 9679).
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certificate.numbers import Algorithm
from ledger.cbor import encode_cbor
from ledger.ed25519 import PUBLIC_KEY_SIZE, SIGNATURE_SIZE, Ed25519Signer, check_public_key, verify_ed25519
from ledger.errors import FormatError, VerificationError
from ledger.reasons import Reason

__all__ = [
    "KEY_ID_SIZE",
    "CoseSigner",
    "Ed25519CoseSigner",
    "algorithm_of",
    "check_key",
    "key_id",
    "verify_signature",
]

KEY_ID_SIZE = 8
_P256_COMPRESSED_SIZE = 33


class CoseSigner(Protocol):
    """Something that signs for one public key."""

    @property
    def algorithm(self) -> Algorithm:
        """The only algorithm this key signs with."""
        ...

    @property
    def public_key(self) -> bytes:
        """Raw public key: 32 bytes Ed25519, 33 bytes compressed P-256."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes."""
        ...


class Ed25519CoseSigner(Ed25519Signer):
    """An Ed25519 signer that also says its COSE algorithm."""

    __slots__ = ()
    algorithm = Algorithm.ED25519


def algorithm_of(public_key: bytes) -> Algorithm:
    """The algorithm that belongs to a raw public key. Raises FormatError `key.malformed`."""
    if len(public_key) == PUBLIC_KEY_SIZE:
        return Algorithm.ED25519
    if len(public_key) == _P256_COMPRESSED_SIZE:
        return Algorithm.ESP256
    raise FormatError(Reason.KEY_MALFORMED, f"a public key of {len(public_key)} bytes")


def check_key(public_key: bytes) -> bytes:
    """Return `public_key` if it is a sound key of either kind.

    Raises:
        FormatError: `key.malformed`, or `key.weak` for a degenerate Ed25519 key.
    """
    if algorithm_of(public_key) is Algorithm.ED25519:
        return check_public_key(public_key)
    _p256(public_key)
    return public_key


@lru_cache(maxsize=1024)
def key_id(public_key: bytes) -> bytes:
    """First 8 bytes of the SHA-256 COSE Key Thumbprint. RFC 9679 section 3; required members of OKP and EC2 keys."""
    if algorithm_of(public_key) is Algorithm.ED25519:
        members: dict[int, object] = {1: 1, -1: 6, -2: public_key}
    else:
        point = _p256(public_key).public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        members = {1: 2, -1: 1, -2: point[1:33], -3: point[33:]}
    return sha256(encode_cbor(members)).digest()[:KEY_ID_SIZE]


def verify_signature(*, public_key: bytes, message: bytes, signature: bytes) -> None:
    """Check one signature with the algorithm that belongs to the key.

    Raises:
        FormatError: `sig.malformed` (not 64 bytes), `key.malformed`.
        VerificationError: `sig.invalid`.
    """
    if algorithm_of(public_key) is Algorithm.ED25519:
        verify_ed25519(public_key=public_key, message=message, signature=signature)
    else:
        verify_esp256(public_key=public_key, message=message, signature=signature)


def verify_esp256(*, public_key: bytes, message: bytes, signature: bytes) -> None:
    """ECDSA on P-256 with SHA-256, signature r || s of 64 bytes (RFC 9053 section 2.1). A high s is as good as a low.

    Raises:
        FormatError: `sig.malformed`, `key.malformed`.
        VerificationError: `sig.invalid`.
    """
    if len(signature) != SIGNATURE_SIZE:
        raise FormatError(Reason.SIG_MALFORMED, f"{len(signature)} bytes where 64 are due")
    key = _p256(public_key)
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    try:
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
    except InvalidSignature as exc:
        raise VerificationError(Reason.SIG_INVALID, f"key {public_key[:4].hex()}") from exc


def _p256(public_key: bytes) -> ec.EllipticCurvePublicKey:
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
    except ValueError as exc:
        raise FormatError(Reason.KEY_MALFORMED, "not a point of P-256") from exc
