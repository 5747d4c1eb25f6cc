"""Access tokens and nonces of the running service: random, short-lived, kept as hashes in memory only.

A restart forgets them; the citizen asks for a token again with the same code and PIN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Any

from certificate.qr_text import encode_file_text
from ledger.errors import VerificationError
from ledger.reasons import Reason

__all__ = ["NONCE_LIFETIME", "TOKEN_LIFETIME", "Grant", "Nonces", "Tokens"]

TOKEN_LIFETIME = 900
NONCE_LIFETIME = 300
_MOST = 100_000  # so many at once; the oldest go first


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows: claiming for one person, by the offer with this code."""

    person_no: str
    code: str
    expires: int


class Tokens:
    """Access tokens. A token is 256 random bits; only its hash is kept."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._grants: dict[bytes, Grant] = {}
        self._lock = Lock()

    def issue(self, person_no: str, code: str, *, now: int) -> str:
        token = encode_file_text(self._random(32))
        with self._lock:
            _make_room(self._grants)
            self._grants[_hash(token)] = Grant(person_no, code, now + TOKEN_LIFETIME)
        return token

    def grant(self, token: str, *, now: int) -> Grant:
        """What `token` allows. Raises VerificationError `auth.invalid`."""
        grant = self._grants.get(_hash(token))
        if grant is None or now >= grant.expires:
            raise VerificationError(Reason.AUTH_INVALID, "the access token")
        return grant

    def end(self, token: str) -> None:
        with self._lock:
            self._grants.pop(_hash(token), None)


class Nonces:
    """Nonces for proofs: each is good once, for a few minutes."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._open: dict[bytes, int] = {}
        self._lock = Lock()

    def make(self, *, now: int) -> str:
        nonce = encode_file_text(self._random(16))
        with self._lock:
            _make_room(self._open)
            self._open[_hash(nonce)] = now + NONCE_LIFETIME
        return nonce

    def use(self, nonce: str, *, now: int) -> None:
        """Raises VerificationError `pres.nonce_mismatch` unless it is ours, fresh, and unused until now."""
        with self._lock:
            expires = self._open.pop(_hash(nonce), 0)
        if now >= expires:
            raise VerificationError(Reason.PRES_NONCE_MISMATCH, "the nonce of the proof")


def _hash(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def _make_room(kept: dict[bytes, Any]) -> None:
    while len(kept) >= _MOST:
        kept.pop(next(iter(kept)))
