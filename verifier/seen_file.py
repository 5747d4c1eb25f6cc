"""The verifier's memory in a file, so that a replay is noticed after a restart and by a second process."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = ["FileSeen"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS used (key BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS newest (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""


class FileSeen:
    """A `Seen` in one SQLite file. Holds hashes and version numbers, nothing about a person."""

    def __init__(self, path: Path) -> None:
        """Open or make the file. Raises ConfigError `store.io_error` when it cannot be written."""
        self._path = path
        with self._transaction() as connection:
            connection.executescript(_SCHEMA)

    def is_used(self, keys: Iterable[bytes]) -> bool:
        with self._transaction() as connection:
            return any(
                connection.execute("SELECT 1 FROM used WHERE key = ?", (key,)).fetchone() is not None
                for key in keys
            )

    def use_once(self, keys: Iterable[bytes]) -> bool:
        try:
            with self._transaction() as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("INSERT INTO used VALUES (?)", [(key,) for key in set(keys)])
        except sqlite3.IntegrityError:
            return False
        return True

    def newest(self, name: str) -> int | None:
        with self._transaction() as connection:
            row = connection.execute("SELECT value FROM newest WHERE name = ?", (name,)).fetchone()
        return None if row is None else int(row[0])

    def advance(self, name: str, value: int) -> None:
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO newest VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
                (name, value),
            )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(self._path, timeout=30)
            try:
                with connection:
                    yield connection
            finally:
                connection.close()
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as exc:
            hint = "name a writable file with --seen; without it a second use of an answer would go unnoticed"
            raise ConfigError(Reason.STORE_IO_ERROR, "the memory of used answers", hint=hint) from exc
