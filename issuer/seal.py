"""Sealing what must be erasable: seeds and the few claims beside a snapshot, under the home's seed key.

XChaCha20-Poly1305 (libsodium) with a random 24-byte nonce in front; the row's digest is authenticated along, so that
a sealed value cannot be moved to another certificate.
"""

from __future__ import annotations

from collections.abc import Callable

from nacl import bindings
from nacl.exceptions import CryptoError

from ledger.errors import FormatError, IntegrityError
from ledger.reasons import Reason

__all__ = ["SEAL_KEY_SIZE", "open_sealed", "seal"]

SEAL_KEY_SIZE = 32
_NONCE_SIZE = 24


def seal(key: bytes, plain: bytes, *, bound_to: bytes, random: Callable[[int], bytes]) -> bytes:
    """Seal `plain` under the 32-byte `key`; it opens only together with `bound_to`."""
    _check(key)
    nonce = random(_NONCE_SIZE)
    return nonce + bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, bound_to, nonce, key)


def open_sealed(key: bytes, sealed: bytes, *, bound_to: bytes) -> bytes:
    """Open what `seal` made. Raises IntegrityError `store.corrupt`."""
    _check(key)
    nonce, boxed = sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:]
    try:
        return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(boxed, bound_to, nonce, key)
    except (CryptoError, ValueError) as exc:
        raise IntegrityError(Reason.STORE_CORRUPT, "a sealed seed does not open") from exc


def _check(key: bytes) -> None:
    if len(key) != SEAL_KEY_SIZE:
        raise FormatError(Reason.KEY_MALFORMED, f"a seal key of {len(key)} bytes")
