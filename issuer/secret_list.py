"""A list of secrets that are known by their hashes only: one SHA-256 in hex a line, in a private file."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from certificate.qr_text import encode_file_text

__all__ = ["SecretList"]


class SecretList:
    """Bearer tokens of one kind. A token is 256 random bits; taking one back is deleting its line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, random: Callable[[int], bytes]) -> str:
        """Make a token, note its hash, and return it: nobody can read it later."""
        token = encode_file_text(random(32))
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(f"{_hash(token)}\n")
            stream.flush()
            os.fsync(stream.fileno())
        return token

    def holds(self, token: str) -> bool:
        """Whether `token` is one of them."""
        try:
            known = self._path.read_text("ascii").split()
        except FileNotFoundError:
            return False
        wanted = _hash(token)
        return (
            sum(hmac.compare_digest(wanted, hash_) for hash_ in known) > 0
        )  # each is compared, found or not


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
