"""ML-DSA-44 (FIPS 204) over the cryptography package. Checkpoints are signed with an empty context."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from ledger.errors import FormatError, VerificationError
from ledger.reasons import Reason

__all__ = [
    "MLDSA_PUBLIC_KEY_SIZE",
    "MLDSA_SIGNATURE_SIZE",
    "MlDsa44Signer",
    "check_mldsa_public_key",
    "verify_mldsa",
]

MLDSA_PUBLIC_KEY_SIZE = 1312
MLDSA_SIGNATURE_SIZE = 2420
_SEED_SIZE = 32
_MAX_CONTEXT = 255


class MlDsa44Signer:
    """A signer over a 32-byte seed held in memory."""

    __slots__ = ("_private_key", "public_key")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != _SEED_SIZE:
            raise FormatError(Reason.KEY_MALFORMED, f"a seed of {len(seed)} bytes")
        self._private_key = MLDSA44PrivateKey.from_seed_bytes(seed)
        self.public_key: bytes = self._private_key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """The signature over `message`, 2,420 bytes; another one each time."""
        return self._private_key.sign(message)

    def __repr__(self) -> str:
        return f"MlDsa44Signer({self.public_key[:4].hex()}…)"


def check_mldsa_public_key(public_key: bytes) -> bytes:
    """Return `public_key` if it can be one.

    Raises:
        FormatError: `key.malformed` for another length. Every string of 1,312 bytes is a key.
    """
    if len(public_key) != MLDSA_PUBLIC_KEY_SIZE:
        raise FormatError(
            Reason.KEY_MALFORMED, f"{len(public_key)} bytes where {MLDSA_PUBLIC_KEY_SIZE} are due"
        )
    return public_key


def verify_mldsa(*, public_key: bytes, message: bytes, signature: bytes, context: bytes = b"") -> None:
    """Check one signature. FIPS 204, algorithm 3.

    Raises:
        FormatError: `key.malformed`, or `sig.malformed` for a signature of another length.
        VerificationError: `sig.invalid`.
    """
    check_mldsa_public_key(public_key)
    if len(signature) != MLDSA_SIGNATURE_SIZE or len(context) > _MAX_CONTEXT:
        raise FormatError(
            Reason.SIG_MALFORMED, f"{len(signature)} bytes where {MLDSA_SIGNATURE_SIZE} are due"
        )
    try:
        MLDSA44PublicKey.from_public_bytes(public_key).verify(signature, message, context)
    except InvalidSignature as exc:
        raise VerificationError(Reason.SIG_INVALID, f"key {public_key[:4].hex()}") from exc
