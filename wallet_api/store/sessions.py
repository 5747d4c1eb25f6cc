"""Who is there: login challenges, sessions of citizens, tokens of organisations."""

from __future__ import annotations

from dataclasses import replace

from wallet_api.store.rows import ChallengeRow, SafeRow
from wallet_api.store.statements import Statements

__all__ = ["SessionStatements"]

_SAFE = "id, holder_key, wrapped_key, log_counter, log_last, created"


class SessionStatements(Statements):
    """Absent, used and expired read as None."""

    __slots__ = ()

    def add_challenge(self, row: ChallengeRow) -> None:
        values = (row.id, row.holder_key, row.nonce, row.issued, row.expires)
        self._insert("challenges", "id, holder_key, nonce, issued, expires", values)

    def take_challenge(self, id_: bytes) -> ChallengeRow | None:
        """The challenge, which is gone afterwards."""
        row = self._one("SELECT id, holder_key, nonce, issued, expires FROM challenges WHERE id = ?", id_)
        self._execute("DELETE FROM challenges WHERE id = ?", (id_,))
        return None if row is None else ChallengeRow(*row)

    def add_session(self, token_hash: bytes, safe: bytes, *, holder_key: bytes, expires: int) -> None:
        values = (token_hash, safe, holder_key, expires)
        self._insert("sessions", "token_hash, safe, holder_key, expires", values)

    def safe_of_session(self, token_hash: bytes, *, now: int) -> SafeRow | None:
        """The safe, and as its `holder_key` the key that logged in; None as soon as that key ended."""
        columns = ", ".join(f"safes.{name}" for name in _SAFE.split(", "))
        sql = (
            f"SELECT safe_keys.holder_key, {columns} FROM sessions"  # noqa: S608 - our own names
            " JOIN safe_keys ON safe_keys.holder_key = sessions.holder_key AND safe_keys.safe = sessions.safe"
            " JOIN safes ON safes.id = sessions.safe"
            " WHERE token_hash = ? AND expires > ? AND safe_keys.ended IS NULL"
        )
        row = self._one(sql, token_hash, now)
        return None if row is None else replace(SafeRow(*row[1:]), holder_key=row[0])

    def end_session(self, token_hash: bytes) -> None:
        self._execute("DELETE FROM sessions WHERE token_hash = ?", (token_hash,))

    def add_org_token(self, org: int, token_hash: bytes, *, created: int) -> None:
        self._insert("org_tokens", "token_hash, org, created", (token_hash, org, created))

    def org_of_token(self, token_hash: bytes) -> int | None:
        row = self._one("SELECT org FROM org_tokens WHERE token_hash = ?", token_hash)
        return None if row is None else int(row[0])

    def end_org_tokens(self, org: int) -> None:
        self._execute("DELETE FROM org_tokens WHERE org = ?", (org,))
