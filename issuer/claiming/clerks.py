"""Tokens of clerks at the counter: 256 random bits for one operator, kept as a hash, expiring, ended at any time."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from certificate.qr_text import encode_file_text
from issuer.claiming.own_file import OwnFile
from ledger.errors import VerificationError
from ledger.reasons import Reason

__all__ = ["Clerks"]

_HOUR = 3600
_SCHEMA = """
CREATE TABLE IF NOT EXISTS clerk_tokens (
    token_hash BLOB PRIMARY KEY, operator TEXT NOT NULL, expires INTEGER NOT NULL, ended_at INTEGER
) STRICT, WITHOUT ROWID;
"""


class Clerks:
    """Who may serve people at the counter."""

    def __init__(self, path: Path) -> None:
        self._file = OwnFile(path, _SCHEMA)

    def add(self, operator: str, *, now: int, hours: int, random: Callable[[int], bytes]) -> str:
        """Make a token for `operator`, good for `hours`, and return it: nobody can read it later."""
        token = encode_file_text(random(32))
        with self._file.writing() as connection:
            connection.execute(
                "INSERT INTO clerk_tokens VALUES (?, ?, ?, NULL)",
                (_hash(token), operator, now + hours * _HOUR),
            )
        return token

    def end(self, operator: str, *, now: int) -> int:
        """Take back every token of `operator`; how many were good until now."""
        with self._file.writing() as connection:
            return connection.execute(
                "UPDATE clerk_tokens SET ended_at = ? WHERE operator = ? AND ended_at IS NULL AND expires > ?",
                (now, operator, now),
            ).rowcount

    def operator_of(self, token: str, *, now: int) -> str:
        """Whose token this is. Raises VerificationError `auth.invalid`: unknown, expired or taken back."""
        with self._file.reading() as connection:
            row = connection.execute(
                "SELECT operator FROM clerk_tokens WHERE token_hash = ? AND ended_at IS NULL AND expires > ?",
                (_hash(token), now),
            ).fetchone()
        if row is None:
            raise VerificationError(Reason.AUTH_INVALID, "no clerk has this token")
        return str(row[0])


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
