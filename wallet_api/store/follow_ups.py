"""Follow-ups: requests that a citizen's safe keeps until a newer certificate answers them, or they run out."""

from __future__ import annotations

from typing import Final

from wallet_api.store.ddl import Step, Table, index
from wallet_api.store.statements import Statements

__all__ = ["FOLLOW_UPS", "FollowUpStatements"]

FOLLOW_UPS: Final = Step(
    tables=(
        Table(
            "follow_ups",
            "request BLOB PRIMARY KEY REFERENCES requests (id), safe BLOB NOT NULL REFERENCES safes (id),"
            " follows BLOB UNIQUE, expires INTEGER NOT NULL",  # follows: a request of before, NULL when kept by hand
            of_safe=True,
            expires=True,
        ),
    ),
    then=(index("follow_ups_of_safe", "follow_ups (safe, expires)"),),
)


class FollowUpStatements(Statements):
    """What is kept for later."""

    __slots__ = ()

    def add_follow_up(self, request: bytes, safe: bytes, *, follows: bytes | None, expires: int) -> None:
        self._insert("follow_ups", "request, safe, follows, expires", (request, safe, follows, expires))

    def delete_follow_up(self, request: bytes) -> None:
        self._execute("DELETE FROM follow_ups WHERE request = ?", (request,))

    def keeper_of(self, request: bytes) -> bytes | None:
        """The safe that keeps this request for later."""
        row = self._one("SELECT safe FROM follow_ups WHERE request = ?", request)
        return None if row is None else bytes(row[0])

    def is_followed(self, request: bytes) -> bool:
        return self._one("SELECT 1 FROM follow_ups WHERE follows = ?", request) is not None

    def kept_requests(self, safe: bytes, *, now: int, limit: int) -> list[bytes]:
        """Ids of requests that wait for this safe, the one that runs out first at the head."""
        sql = (
            "SELECT follow_ups.request FROM follow_ups JOIN requests ON requests.id = follow_ups.request"
            " WHERE follow_ups.safe = ? AND requests.state = 'waiting' AND requests.expires > ?"
            " ORDER BY requests.expires, follow_ups.request LIMIT ?"
        )
        return [bytes(row[0]) for row in self._execute(sql, (safe, now, limit))]
