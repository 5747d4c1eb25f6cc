"""The key events that one home keeps. Rows are never changed or deleted: no event is withdrawn."""

from __future__ import annotations

from collections.abc import Sequence

from certificate.key_event import (
    Delegation,
    End,
    Standing,
    State,
    UnverifiedKeyEvent,
    Void,
    parse_key_event,
)
from issuer.claiming.own_file import OwnFile
from issuer.home import Home

__all__ = ["KeyEvents", "is_ending"]

_FILE = "offices.db"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS key_events (position INTEGER PRIMARY KEY, statement BLOB NOT NULL UNIQUE) STRICT;
CREATE TABLE IF NOT EXISTS key_event_places (
    position INTEGER PRIMARY KEY REFERENCES key_events, log_index INTEGER NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS key_events_stay BEFORE DELETE ON key_events
    BEGIN SELECT RAISE(ABORT, 'key events stay'); END;
CREATE TRIGGER IF NOT EXISTS key_events_are_final BEFORE UPDATE ON key_events
    BEGIN SELECT RAISE(ABORT, 'key events stay'); END;
"""


class KeyEvents:
    """What was said about this home's offices and keys, in order."""

    def __init__(self, home: Home) -> None:
        self._file = OwnFile(home.path / _FILE, _SCHEMA)

    def add(self, statements: Sequence[bytes]) -> None:
        """Keep events that are about to be logged."""
        with self._file.writing() as connection:
            connection.executemany(
                "INSERT INTO key_events (statement) VALUES (?)", ((statement,) for statement in statements)
            )

    def waiting(self) -> list[tuple[int, bytes]]:
        """Position and statement of what is not published yet, in order."""
        with self._file.reading() as connection:
            return connection.execute(
                "SELECT position, statement FROM key_events "
                "WHERE position NOT IN (SELECT position FROM key_event_places) ORDER BY position"
            ).fetchall()

    def place(self, places: Sequence[tuple[int, int]]) -> None:
        """Note position and ledger index of events that are published."""
        with self._file.writing() as connection:
            connection.executemany("INSERT INTO key_event_places VALUES (?, ?)", places)

    def published(self) -> list[tuple[UnverifiedKeyEvent, int]]:
        """All events with their ledger index, in order."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT statement, log_index FROM key_events JOIN key_event_places USING (position) ORDER BY position"
            ).fetchall()
        return [(parse_key_event(statement), index) for statement, index in rows]

    def states(self) -> dict[int, State]:
        """The offices that are suspended or removed; a key delegated later ends a suspension."""
        states: dict[int, State] = {}
        for statement, _ in self.published():
            match statement.event.said:
                case Standing(office, state):
                    states[office] = state
                case Delegation(office):
                    states.pop(office.number, None)
        return states

    def count(self) -> int:
        """How many events there are, published or not."""
        with self._file.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM key_events").fetchone()[0])


def is_ending(home: Home, public_key: bytes) -> bool:
    """Whether the end of a key was decided and is not published yet."""
    if not (home.path / _FILE).exists():
        return False
    said = (parse_key_event(statement).event.said for _, statement in KeyEvents(home).waiting())
    return any(isinstance(one, End | Void) and one.public_key == public_key for one in said)
