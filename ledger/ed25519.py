"""Ed25519 (RFC 8032) as strictly as a trust decision needs it, over libsodium.

libsodium refuses S >= L, non-canonical R and A and small-order R and A when it verifies. The 14 weak public keys are
refused once more when a key is registered or a bundle is loaded, so that a bad key never becomes a trusted one.
"""

from __future__ import annotations

from typing import Protocol

from nacl import bindings
from nacl.exceptions import BadSignatureError

from ledger.errors import FormatError, VerificationError
from ledger.reasons import Reason

__all__ = [
    "PUBLIC_KEY_SIZE",
    "SIGNATURE_SIZE",
    "Ed25519Signer",
    "Signer",
    "check_public_key",
    "verify_ed25519",
]

PUBLIC_KEY_SIZE = 32
SIGNATURE_SIZE = 64

# y-coordinates of the eight points of small order. Reduced or not (y + p), with the sign bit or without: 14 encodings.
_P = 2**255 - 19
_SMALL_ORDER_Y = (
    0,
    1,
    _P - 1,
    2707385501144840649318225287225658788936804267575313519463743609750303402022,
    55188659117513257062467267217118295137698188065244968500265048394206261417927,
)
_WEAK_KEYS = frozenset(
    (spelling | sign << 255).to_bytes(32, "little")
    for y in _SMALL_ORDER_Y
    for spelling in (y, y + _P)
    if spelling < 2**255
    for sign in (0, 1)
)


class Signer(Protocol):
    """A private key behind a door: a file, or a module that never lets the key out (PKCS#11)."""

    @property
    def public_key(self) -> bytes:
        """The raw public key, 32 bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature over `message`."""
        ...


class Ed25519Signer:
    """A signer over a 32-byte seed held in memory."""

    __slots__ = ("_secret_key", "public_key")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != bindings.crypto_sign_SEEDBYTES:
            raise FormatError(Reason.KEY_MALFORMED, f"a seed of {len(seed)} bytes")
        self.public_key: bytes
        self.public_key, self._secret_key = bindings.crypto_sign_seed_keypair(seed)

    def sign(self, message: bytes) -> bytes:
        return bindings.crypto_sign(message, self._secret_key)[:SIGNATURE_SIZE]

    def __repr__(self) -> str:
        return f"Ed25519Signer({self.public_key[:4].hex()}…)"


def check_public_key(public_key: bytes) -> bytes:
    """Return `public_key` if it is 32 bytes, canonically encoded and not of small order.

    Raises:
        FormatError: `key.malformed` for another length, `key.weak` for the degenerate ones.
    """
    if len(public_key) != PUBLIC_KEY_SIZE:
        raise FormatError(Reason.KEY_MALFORMED, f"{len(public_key)} bytes where 32 are due")
    reduced = int.from_bytes(public_key, "little") & (2**255 - 1) < _P
    if public_key in _WEAK_KEYS or not reduced:
        raise FormatError(Reason.KEY_WEAK, public_key[:4].hex())
    return public_key


def verify_ed25519(*, public_key: bytes, message: bytes, signature: bytes) -> None:
    """Check one signature. RFC 8032 section 5.1.7, cofactorless, with the strict refusals named above.

    Raises:
        FormatError: `sig.malformed` for a signature that is not 64 bytes.
        VerificationError: `sig.invalid`.
    """
    if len(signature) != SIGNATURE_SIZE:
        raise FormatError(Reason.SIG_MALFORMED, f"{len(signature)} bytes where 64 are due")
    try:
        bindings.crypto_sign_open(signature + message, public_key)
    except (BadSignatureError, ValueError) as exc:
        raise VerificationError(Reason.SIG_INVALID, f"key {public_key[:4].hex()}") from exc
