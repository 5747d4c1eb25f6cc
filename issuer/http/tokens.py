"""Access tokens and nonces of the running service: random, short-lived, kept as hashes in memory only.

A restart forgets them; the citizen asks for a token again with the same code and PIN.
"""

from __future__ import annotations

from asyncio import Future
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock
from typing import Any

from certificate.qr_text import encode_file_text
from issuer.claiming.identity import Proven, WayIn
from ledger.errors import VerificationError
from ledger.reasons import Reason

__all__ = ["NONCE_LIFETIME", "TOKEN_LIFETIME", "Grant", "Nonces", "Tokens", "make_room", "secret_hash"]

TOKEN_LIFETIME = 900
NONCE_LIFETIME = 300
_MOST = 100_000  # so many at once; the oldest go first
_MOST_ANSWERS = 2000  # of some 15 KB each


@dataclass(slots=True)
class Grant:
    """What a token allows: claiming what `proven` may claim, onto one key, once.

    Attributes:
        holder: the raw key that claims by it; None until one proved itself.
        spent: whether a certificate left; then only the same request again is answered.
        answers: by the hash of a proof, what was or will be answered to it.
    """

    proven: Proven
    way: WayIn
    expires: int
    holder: bytes | None = None
    spent: bool = False
    answers: dict[bytes, Future[bytes]] = field(default_factory=dict)

    def bind(self, holder: bytes) -> None:
        """Let `holder` claim by it, and no other key. Raises VerificationError `auth.invalid`."""
        if self.holder not in (None, holder):
            raise VerificationError(Reason.AUTH_INVALID, "the access token is another key's")
        self.holder = holder


class Tokens:
    """Access tokens. A token is 256 random bits; only its hash is kept."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._grants: dict[bytes, Grant] = {}
        self._answered: deque[Grant] = deque()
        self._lock = Lock()

    def issue(self, proven: Proven, way: WayIn, *, now: int) -> str:
        token = encode_file_text(self._random(32))
        with self._lock:
            make_room(self._grants)
            self._grants[secret_hash(token)] = Grant(proven, way, now + TOKEN_LIFETIME)
        return token

    def grant(self, token: str, *, now: int) -> Grant:
        """What `token` allows. Raises VerificationError `auth.invalid`."""
        grant = self._grants.get(secret_hash(token))
        if grant is None or now >= grant.expires:
            raise VerificationError(Reason.AUTH_INVALID, "the access token")
        return grant

    def end_ticket(self, ticket: str) -> None:
        """Forget the tokens that a ticket gave."""
        with self._lock:
            found = [name for name, grant in self._grants.items() if grant.proven.ticket == ticket]
            for name in found:
                del self._grants[name]

    def keep(self, answered: Grant) -> None:
        """Remember the answer of a grant that is spent; the oldest answers go when there are too many."""
        with self._lock:
            self._answered.append(answered)
            while len(self._answered) > _MOST_ANSWERS:
                self._answered.popleft().answers.clear()


class Nonces:
    """Nonces for proofs: each is good once, for a few minutes."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._open: dict[bytes, int] = {}
        self._lock = Lock()

    def make(self, *, now: int) -> str:
        nonce = encode_file_text(self._random(16))
        with self._lock:
            make_room(self._open)
            self._open[secret_hash(nonce)] = now + NONCE_LIFETIME
        return nonce

    def use(self, nonce: str, *, now: int) -> None:
        """Raises VerificationError `pres.nonce_mismatch` unless it is ours, fresh, and unused until now."""
        with self._lock:
            expires = self._open.pop(secret_hash(nonce), 0)
        if now >= expires:
            raise VerificationError(Reason.PRES_NONCE_MISMATCH, "the nonce of the proof")


def secret_hash(secret: str) -> bytes:
    """Under what a secret is kept."""
    return sha256(secret.encode()).digest()


def make_room(kept: dict[bytes, Any]) -> None:
    """Let the oldest go while there are too many."""
    while len(kept) >= _MOST:
        kept.pop(next(iter(kept)))
