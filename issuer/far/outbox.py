"""Entries on their way to a log that others run. A row stays until the log has said that the entry is durable.

A log that is down, or a kill between its answer and the row's end, loses nothing: the same bytes are sent again, and
the log answers with the index that they have.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from issuer.claiming.own_file import OwnFile

__all__ = ["EntryOutbox"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS waiting_entries (number INTEGER PRIMARY KEY, entry BLOB NOT NULL UNIQUE) STRICT;
"""


class EntryOutbox:
    """The file at a path; several processes may use it. Errors as `OwnFile.writing`."""

    def __init__(self, path: Path) -> None:
        self._file = OwnFile(path, _SCHEMA)

    def put(self, entries: Sequence[bytes]) -> None:
        """Put entries in, those that wait already once; durable on return."""
        with self._file.writing() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO waiting_entries (entry) VALUES (?)", ((entry,) for entry in entries)
            )

    def waiting(self, at_most: int) -> list[bytes]:
        """What waits, oldest first."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT entry FROM waiting_entries ORDER BY number LIMIT ?", (at_most,)
            ).fetchall()
        return [entry for (entry,) in rows]

    def done(self, entries: Sequence[bytes]) -> None:
        """The log has them, or will never take them."""
        with self._file.writing() as connection:
            connection.executemany(
                "DELETE FROM waiting_entries WHERE entry = ?", ((entry,) for entry in entries)
            )

    def count(self) -> int:
        with self._file.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM waiting_entries").fetchone()[0])
