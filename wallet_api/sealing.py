"""Encryption at rest: one random data key per safe, wrapped under the master key (XChaCha20-Poly1305, libsodium).

    wrapped key = key id of the master key (8) || nonce (24) || box of the data key, bound to the safe's id
    sealed      = nonce (24) || box, bound to the row it stands in

A sealed value cannot be moved to another row or safe. Changing the master key re-wraps data keys and nothing else;
destroying a data key destroys all that its safe holds.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from nacl import bindings
from nacl.exceptions import CryptoError

from ledger.errors import ConfigError, IntegrityError
from ledger.reasons import Reason

__all__ = ["KEY_SIZE", "Keyring", "Random", "bound_to", "open_sealed", "seal"]

KEY_SIZE = 32
_KEY_ID_SIZE = 8
_NONCE_SIZE = bindings.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Keyring:
    """The master key, and older ones that are still being replaced. Each has 32 bytes."""

    current: bytes = field(repr=False)
    older: Sequence[bytes] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if any(len(key) != KEY_SIZE for key in (self.current, *self.older)):
            raise ConfigError(Reason.KEY_MALFORMED, f"a master key has {KEY_SIZE} bytes")

    def wrap(self, data_key: bytes, *, safe: bytes, random: Random) -> bytes:
        """The safe's data key under the current master key."""
        return _key_id(self.current) + seal(self.current, data_key, bound=_wrap_bound(safe), random=random)

    def unwrap(self, wrapped: bytes, *, safe: bytes) -> bytes:
        """The data key again. Raises ConfigError `cli.key_mismatch`, IntegrityError `store.corrupt`."""
        for key in (self.current, *self.older):
            if hmac.compare_digest(_key_id(key), wrapped[:_KEY_ID_SIZE]):
                return open_sealed(key, wrapped[_KEY_ID_SIZE:], bound=_wrap_bound(safe))
        hint = "start the service with the master key its safes were made with"
        raise ConfigError(Reason.CLI_KEY_MISMATCH, "sealed under another master key", hint=hint)

    def is_current(self, wrapped: bytes) -> bool:
        return wrapped[:_KEY_ID_SIZE] == _key_id(self.current)


def bound_to(kind: str, *parts: bytes) -> bytes:
    """The associated data of one row: its kind and the parts of its key, each with its length."""
    return b"".join(len(part).to_bytes(2) + part for part in (kind.encode("ascii"), *parts))


def seal(key: bytes, plain: bytes, *, bound: bytes, random: Random) -> bytes:
    """Seal `plain`; it opens only under `key` together with `bound`."""
    nonce = random(_NONCE_SIZE)
    return nonce + bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, bound, nonce, key)


def open_sealed(key: bytes, sealed: bytes, *, bound: bytes) -> bytes:
    """Open what `seal` made. Raises IntegrityError `store.corrupt`."""
    try:
        return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(
            sealed[_NONCE_SIZE:], bound, sealed[:_NONCE_SIZE], key
        )
    except (CryptoError, ValueError) as exc:
        raise IntegrityError(Reason.STORE_CORRUPT, "a sealed row does not open") from exc


def _key_id(key: bytes) -> bytes:
    return sha256(b"tallystick wallet master key" + key).digest()[:_KEY_ID_SIZE]


def _wrap_bound(safe: bytes) -> bytes:
    return bound_to("safe", safe)
