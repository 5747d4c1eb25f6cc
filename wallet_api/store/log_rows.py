"""The rows and tree nodes of the access log."""

from __future__ import annotations

from wallet_api.store.rows import LogRow
from wallet_api.store.statements import Statements

__all__ = ["LogStatements"]

_LOG = "position, safe, counter, entry, sealed"


class LogStatements(Statements):
    """The access log: it only grows."""

    __slots__ = ()

    def log_size(self) -> int:
        row = self._one("SELECT MAX(position) FROM access_log")
        assert row is not None
        return 0 if row[0] is None else int(row[0]) + 1

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
