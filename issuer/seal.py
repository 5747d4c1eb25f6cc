"""Sealing what must be erasable: seeds and the few claims beside a snapshot, under the home's seal key.

XChaCha20-Poly1305 (libsodium) with a random 24-byte nonce in front; the row's digest is authenticated along, so that
a sealed value cannot be moved to another certificate.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

from nacl import bindings
from nacl.exceptions import CryptoError

from ledger.errors import FormatError, IntegrityError
from ledger.reasons import Reason

__all__ = ["NONCE_SIZE", "SEAL_KEY_SIZE", "derive_key", "open_sealed", "seal", "seal_with"]

SEAL_KEY_SIZE = 32
NONCE_SIZE = 24


def seal(key: bytes, plain: bytes, *, bound_to: bytes, random: Callable[[int], bytes]) -> bytes:
    """Seal `plain` under the 32-byte `key`; it opens only together with `bound_to`."""
    return seal_with(key, plain, bound_to=bound_to, nonce=random(NONCE_SIZE))


def seal_with(key: bytes, plain: bytes, *, bound_to: bytes, nonce: bytes) -> bytes:
    """As `seal`, with NONCE_SIZE random bytes at hand."""
    _check(key)
    return nonce + bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, bound_to, nonce, key)


def open_sealed(key: bytes, sealed: bytes, *, bound_to: bytes) -> bytes:
    """Open what `seal` made. Raises IntegrityError `store.corrupt`."""
    _check(key)
    nonce, boxed = sealed[:NONCE_SIZE], sealed[NONCE_SIZE:]
    try:
        return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(boxed, bound_to, nonce, key)
    except (CryptoError, ValueError) as exc:
        raise IntegrityError(
            Reason.STORE_CORRUPT, "what was sealed does not open: another key, or changed"
        ) from exc


def derive_key(key: bytes, purpose: bytes) -> bytes:
    """A 32-byte key for one purpose (at most 16 bytes), from the home's seal key."""
    _check(key)
    return blake2b(key=key, person=purpose, digest_size=SEAL_KEY_SIZE).digest()


def _check(key: bytes) -> None:
    if len(key) != SEAL_KEY_SIZE:
        raise FormatError(Reason.KEY_MALFORMED, f"a seal key of {len(key)} bytes")
