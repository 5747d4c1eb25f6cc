"""Requests of organisations, and whether a citizen saw one."""

from __future__ import annotations

from typing import Any

from wallet_api.store.organisations import OrganisationStatements
from wallet_api.store.rows import RequestRow, RequestState

__all__ = ["RequestStatements"]

_REQUEST = "id, org, digest, request, state, safe, expires, created"


class RequestStatements(OrganisationStatements):
    """Requests."""

    __slots__ = ()

    def add_request(self, row: RequestRow) -> None:
        values = (
            row.id, row.org, row.digest, row.request, row.state.value, row.safe, row.expires, row.created,
        )  # fmt: skip
        self._insert("requests", _REQUEST, values)

    def request(self, id_: bytes) -> RequestRow | None:
        return self._request("id = ?", id_)

    def request_of_digest(self, digest: bytes) -> RequestRow | None:
        return self._request("digest = ?", digest)

    def _request(self, where: str, value: bytes) -> RequestRow | None:
        row = self._one(f"SELECT {_REQUEST} FROM requests WHERE {where}", value)  # noqa: S608 - our own names
        return None if row is None else _request_row(row)

    def requests_of_safe(self, safe: bytes, *, after: bytes, limit: int) -> list[RequestRow]:
        sql = f"SELECT {_REQUEST} FROM requests WHERE safe = ? AND id > ? ORDER BY id LIMIT ?"  # noqa: S608 - our own names
        rows = self._execute(sql, (safe, after, limit))
        return [_request_row(row) for row in rows]

    def move_request(self, id_: bytes, *, to: RequestState, safe: bytes) -> None:
        self._execute("UPDATE requests SET state = ?, safe = ? WHERE id = ?", (to.value, safe, id_))
        self.enqueue_message(id_)

    def idempotent(self, org: int, key: str) -> tuple[bytes, bytes] | None:
        """(SHA-256 of the body, request id) that were used with this key."""
        row = self._one("SELECT body, request FROM idempotency WHERE org = ? AND key = ?", org, key)
        return None if row is None else (row[0], row[1])

    def add_idempotent(self, org: int, key: str, *, body: bytes, request: bytes, created: int) -> None:
        self._insert("idempotency", "org, key, body, request, created", (org, key, body, request, created))

    def mark_seen(self, request: bytes, safe: bytes) -> bool:
        """Whether this safe sees the request for the first time."""
        if self._one("SELECT 1 FROM seen WHERE request = ? AND safe = ?", request, safe) is not None:
            return False
        self._insert("seen", "request, safe", (request, safe))
        return True

    def is_seen(self, request: bytes, safe: bytes) -> bool:
        return self._one("SELECT 1 FROM seen WHERE request = ? AND safe = ?", request, safe) is not None


def _request_row(row: tuple[Any, ...]) -> RequestRow:
    id_, org, digest, request, state, safe, expires, created = row
    return RequestRow(id_, org, digest, request, RequestState(state), safe, expires, created)
