"""Every SQL statement of the wallet, in words that SQLite and PostgreSQL both understand.

A `Transaction` lives between the begin and the commit of its store; whatever it wrote becomes durable together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from wallet_api.store.rows import (
    AnswerRow,
    CertificateRow,
    ChallengeRow,
    DraftRow,
    LogRow,
    RequestRow,
    RequestState,
    SafeRow,
)

__all__ = ["Execute", "Store", "Transaction"]


class Execute(Protocol):
    """Runs one statement with `?` for each parameter; returns the rows it gives, and none for a plain write."""

    def __call__(self, sql: str, parameters: Sequence[Any] = (), /) -> list[tuple[Any, ...]]: ...


class Store(Protocol):
    """A database of the wallet. Safe under concurrent calls from threads and processes."""

    def read(self) -> AbstractContextManager[Transaction]:
        """A consistent view. Raises ConflictError `store.locked`, IntegrityError `store.…`."""
        ...

    def write(self) -> AbstractContextManager[Transaction]:
        """The only writer until it ends; durable when it has ended, undone when an exception leaves it."""
        ...

    def wipe(self) -> None:
        """Leave nothing of deleted rows in files, journals included."""
        ...

    def close(self) -> None: ...


_SAFE = "id, holder_key, wrapped_key, log_counter, log_last, created"
_CERTIFICATE = "safe, number, digest, sealed, added"
_REQUEST = "id, org, digest, request, state, safe, expires, created"
_ANSWER = (
    "request, safe, sealed, answered, issued, expires, fetched, acknowledged, withdrawn, deletion_confirmed"
)
_LOG = "position, safe, counter, entry, sealed"


class Transaction:
    """Reads and writes of one transaction. Absent rows read as None."""

    __slots__ = ("_execute",)

    def __init__(self, execute: Execute) -> None:
        self._execute = execute

    def _one(self, sql: str, *parameters: Any) -> tuple[Any, ...] | None:
        rows = self._execute(sql, parameters)
        return rows[0] if rows else None

    def _insert(self, table: str, columns: str, values: Sequence[Any]) -> None:
        places = ", ".join("?" for _ in values)
        self._execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", values)  # noqa: S608 - our own names

    # --- safes ------------------------------------------------------------------------------------------------

    def add_safe(self, row: SafeRow) -> None:
        values = (row.id, row.holder_key, row.wrapped_key, row.log_counter, row.log_last, row.created)
        self._insert("safes", _SAFE, values)

    def safe(self, id_: bytes) -> SafeRow | None:
        row = self._one(f"SELECT {_SAFE} FROM safes WHERE id = ?", id_)  # noqa: S608 - our own names
        return None if row is None else SafeRow(*row)

    def safe_of_key(self, holder_key: bytes) -> SafeRow | None:
        row = self._one(f"SELECT {_SAFE} FROM safes WHERE holder_key = ?", holder_key)  # noqa: S608 - our own names
        return None if row is None else SafeRow(*row)

    def safes(self) -> Iterator[SafeRow]:
        for row in self._execute(f"SELECT {_SAFE} FROM safes ORDER BY id"):  # noqa: S608 - our own names
            yield SafeRow(*row)

    def set_wrapped_key(self, safe: bytes, wrapped_key: bytes) -> None:
        self._execute("UPDATE safes SET wrapped_key = ? WHERE id = ?", (wrapped_key, safe))

    def set_log_end(self, safe: bytes, *, counter: int, last: bytes) -> None:
        self._execute("UPDATE safes SET log_counter = ?, log_last = ? WHERE id = ?", (counter, last, safe))

    def erase_safe(self, safe: bytes) -> None:
        """Destroy the data key and every sealed row; commitments in the access log stay, without an owner."""
        for table in ("certificates", "sessions", "drafts", "seen", "answers"):
            self._execute(f"DELETE FROM {table} WHERE safe = ?", (safe,))  # noqa: S608 - our own names
        self._execute("UPDATE access_log SET safe = NULL, sealed = NULL WHERE safe = ?", (safe,))
        self._execute(
            "UPDATE requests SET state = 'withdrawn' WHERE safe = ? AND state = 'answered'", (safe,)
        )
        self._execute("UPDATE requests SET safe = NULL WHERE safe = ?", (safe,))
        self._execute("DELETE FROM safes WHERE id = ?", (safe,))

    # --- certificates -----------------------------------------------------------------------------------------

    def add_certificate(self, row: CertificateRow) -> None:
        values = (row.safe, row.number, row.digest, row.sealed, row.added)
        self._insert("certificates", _CERTIFICATE, values)

    def certificate(self, safe: bytes, number: str) -> CertificateRow | None:
        sql = f"SELECT {_CERTIFICATE} FROM certificates WHERE safe = ? AND number = ?"  # noqa: S608 - our own names
        row = self._one(sql, safe, number)
        return None if row is None else CertificateRow(*row)

    def certificates(self, safe: bytes, *, after: str, limit: int) -> list[CertificateRow]:
        sql = f"SELECT {_CERTIFICATE} FROM certificates WHERE safe = ? AND number > ? ORDER BY number LIMIT ?"  # noqa: S608 - our own names
        return [CertificateRow(*row) for row in self._execute(sql, (safe, after, limit))]

    def delete_certificate(self, safe: bytes, number: str) -> None:
        self._execute("DELETE FROM certificates WHERE safe = ? AND number = ?", (safe, number))

    # --- who is there -----------------------------------------------------------------------------------------

    def add_challenge(self, row: ChallengeRow) -> None:
        values = (row.id, row.holder_key, row.nonce, row.issued, row.expires)
        self._insert("challenges", "id, holder_key, nonce, issued, expires", values)

    def take_challenge(self, id_: bytes) -> ChallengeRow | None:
        """The challenge, which is gone afterwards."""
        row = self._one("SELECT id, holder_key, nonce, issued, expires FROM challenges WHERE id = ?", id_)
        self._execute("DELETE FROM challenges WHERE id = ?", (id_,))
        return None if row is None else ChallengeRow(*row)

    def add_session(self, token_hash: bytes, safe: bytes, *, expires: int) -> None:
        self._insert("sessions", "token_hash, safe, expires", (token_hash, safe, expires))

    def safe_of_session(self, token_hash: bytes, *, now: int) -> SafeRow | None:
        columns = ", ".join(f"safes.{name}" for name in _SAFE.split(", "))
        sql = (
            f"SELECT {columns} FROM sessions JOIN safes ON safes.id = sessions.safe"  # noqa: S608 - our own names
            " WHERE token_hash = ? AND expires > ?"
        )
        row = self._one(sql, token_hash, now)
        return None if row is None else SafeRow(*row)

    def end_session(self, token_hash: bytes) -> None:
        self._execute("DELETE FROM sessions WHERE token_hash = ?", (token_hash,))

    def add_org_token(self, org: int, token_hash: bytes, *, created: int) -> None:
        self._insert("org_tokens", "token_hash, org, created", (token_hash, org, created))

    def org_of_token(self, token_hash: bytes) -> int | None:
        row = self._one("SELECT org FROM org_tokens WHERE token_hash = ?", token_hash)
        return None if row is None else int(row[0])

    def end_org_tokens(self, org: int) -> None:
        self._execute("DELETE FROM org_tokens WHERE org = ?", (org,))

    # --- requests and answers ---------------------------------------------------------------------------------

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

    def put_draft(self, row: DraftRow) -> None:
        self._execute("DELETE FROM drafts WHERE request = ? AND safe = ?", (row.request, row.safe))
        self._insert(
            "drafts", "request, safe, sealed, expires", (row.request, row.safe, row.sealed, row.expires)
        )

    def draft(self, request: bytes, safe: bytes) -> DraftRow | None:
        sql = "SELECT request, safe, sealed, expires FROM drafts WHERE request = ? AND safe = ?"
        row = self._one(sql, request, safe)
        return None if row is None else DraftRow(*row)

    def delete_drafts(self, request: bytes) -> None:
        self._execute("DELETE FROM drafts WHERE request = ?", (request,))

    def add_answer(self, row: AnswerRow) -> None:
        values = (
            row.request, row.safe, row.sealed, row.answered, row.issued, row.expires, row.fetched,
            row.acknowledged, row.withdrawn, row.deletion_confirmed,
        )  # fmt: skip
        self._insert("answers", _ANSWER, values)

    def answer(self, request: bytes) -> AnswerRow | None:
        row = self._one(f"SELECT {_ANSWER} FROM answers WHERE request = ?", request)  # noqa: S608 - our own names
        return None if row is None else AnswerRow(*row)

    def mark_fetched(self, request: bytes, time: int) -> None:
        self._execute("UPDATE answers SET fetched = ? WHERE request = ? AND fetched IS NULL", (time, request))

    def mark_acknowledged(self, request: bytes, time: int) -> None:
        """The organisation has it: the service keeps the presentation no longer."""
        self._execute("UPDATE answers SET acknowledged = ?, sealed = NULL WHERE request = ?", (time, request))

    def mark_withdrawn(self, request: bytes, time: int) -> None:
        self._execute("UPDATE answers SET withdrawn = ?, sealed = NULL WHERE request = ?", (time, request))

    def mark_deletion_confirmed(self, request: bytes, time: int) -> None:
        self._execute("UPDATE answers SET deletion_confirmed = ? WHERE request = ?", (time, request))

    # --- access log -------------------------------------------------------------------------------------------

    def log_size(self) -> int:
        row = self._one("SELECT COUNT(*), MAX(position) FROM access_log")
        assert row is not None
        return 0 if row[1] is None else int(row[1]) + 1

    def log_node(self, level: int, index: int) -> bytes | None:
        row = self._one("SELECT hash FROM log_nodes WHERE level = ? AND place = ?", level, index)
        return None if row is None else bytes(row[0])

    def add_log_node(self, level: int, index: int, hash_: bytes) -> None:
        self._insert("log_nodes", "level, place, hash", (level, index, hash_))

    def add_log_row(self, row: LogRow) -> None:
        self._insert("access_log", _LOG, (row.position, row.safe, row.counter, row.entry, row.sealed))

    def log_rows(self, safe: bytes, *, after: int, limit: int) -> list[LogRow]:
        """The safe's rows with a counter above `after`, ascending."""
        sql = f"SELECT {_LOG} FROM access_log WHERE safe = ? AND counter > ? ORDER BY counter LIMIT ?"  # noqa: S608 - our own names
        return [LogRow(*row) for row in self._execute(sql, (safe, after, limit))]

    def all_log_rows(self, *, start: int, limit: int) -> list[LogRow]:
        sql = f"SELECT {_LOG} FROM access_log WHERE position >= ? ORDER BY position LIMIT ?"  # noqa: S608 - our own names
        return [LogRow(*row) for row in self._execute(sql, (start, limit))]

    # --- upkeep -----------------------------------------------------------------------------------------------

    def purge(self, *, now: int) -> None:
        """Forget what has run out: challenges, sessions, drafts, and idempotency keys after a day."""
        for table in ("challenges", "sessions", "drafts"):
            self._execute(f"DELETE FROM {table} WHERE expires <= ?", (now,))  # noqa: S608 - our own names
        self._execute("DELETE FROM idempotency WHERE created <= ?", (now - 86400,))


def _request_row(row: tuple[Any, ...]) -> RequestRow:
    id_, org, digest, request, state, safe, expires, created = row
    return RequestRow(id_, org, digest, request, RequestState(state), safe, expires, created)
