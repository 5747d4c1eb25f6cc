"""Sealing a snapshot at rest (ADR 0012): AES-256-GCM, one fresh key a file, kept in its head under the home's key.

    head    the file key, sealed under the home's key for snapshots
    parts   each as its ciphertext and a 16-byte tag; its nonce is what it is (4 bytes) and its place (8 bytes)

A fresh key seals each part once, so that counted nonces never repeat, and no part opens at another place or in another
file. Who overwrites the head has destroyed the file: no copy of its key is anywhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from issuer.seal import NONCE_SIZE, open_sealed, seal
from ledger.errors import IntegrityError
from ledger.reasons import Reason

__all__ = ["HEAD_SIZE", "TAG_SIZE", "Part", "SnapshotSeal"]

TAG_SIZE: Final = 16
_KEY_SIZE: Final = 32
HEAD_SIZE: Final = NONCE_SIZE + _KEY_SIZE + 16  # nonce, key, tag
_BOUND_TO: Final = b"tallystick snapshot 2"


class Part(IntEnum):
    """What a sealed part of the file is."""

    PERSON = 0
    EMPLOYERS = 1
    INDEX = 2


class SnapshotSeal:
    """Seals and opens the parts of one file. `head` is to be written into it."""

    def __init__(self, head: bytes, file_key: bytes) -> None:
        """Use `make` or `of_head`."""
        self.head = head
        self._cipher = AESGCM(file_key)

    @classmethod
    def make(cls, home_key: bytes, *, random: Callable[[int], bytes]) -> SnapshotSeal:
        """A fresh key for a new file, sealed under the home's 32-byte key."""
        file_key = random(_KEY_SIZE)
        return cls(seal(home_key, file_key, bound_to=_BOUND_TO, random=random), file_key)

    @classmethod
    def of_head(cls, home_key: bytes, head: bytes) -> SnapshotSeal:
        """The seal of an existing file. Raises IntegrityError `store.corrupt`: another home's, or destroyed."""
        return cls(head, open_sealed(home_key, head, bound_to=_BOUND_TO))

    def seal(self, part: Part, at: int, plain: bytes) -> bytes:
        """`plain` sealed for the place `at` among the parts of its kind. Each place once."""
        return self._cipher.encrypt(_nonce(part, at), plain, None)

    def open(self, part: Part, at: int, sealed: bytes) -> bytes:
        """Raises IntegrityError `store.hash_mismatch` when it is not what was sealed for this place."""
        try:
            return self._cipher.decrypt(_nonce(part, at), sealed, None)
        except InvalidTag as exc:
            hint = "restore the file from a backup, or import the records again"
            raise IntegrityError(
                Reason.STORE_HASH_MISMATCH, f"snapshot: {part.name.lower()} {at}", hint=hint
            ) from exc


def _nonce(part: Part, at: int) -> bytes:
    return part.to_bytes(4) + at.to_bytes(8)
