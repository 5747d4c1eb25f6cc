"""A small SQLite file that one part of the bureau's service keeps for itself: made at first use, owner-only, durable.

Each transaction has a connection of its own, so a file may be used from several threads and processes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ledger.store.sqlite_file import mapped_errors

__all__ = ["OwnFile"]

_PATIENCE = 30.0  # seconds to wait for another writer


class OwnFile:
    """The file at a path, with the tables of `schema` (statements that may run again)."""

    def __init__(self, path: Path, schema: str) -> None:
        """Open or make the file. Raises as `writing`."""
        self._path = path
        if not path.exists():
            path.touch(mode=0o600)
        with mapped_errors(), closing(self._connect()) as connection:
            connection.executescript(schema)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that holds the write lock; durable when it is left, undone by an exception.

        Raises:
            ConflictError: `store.locked`.
            IntegrityError: `store.…`.
        """
        with mapped_errors(), closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for looking. Raises as `writing`."""
        with mapped_errors(), closing(self._connect()) as connection:
            yield connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None)
        connection.execute("PRAGMA synchronous = FULL")
        return connection
