"""The key events of one home: kept, logged, and written into the directory that goes out.

The order that must hold: event kept, then logged, then published. A run killed anywhere is completed by the next one;
an event that was applied before changes nothing. Rows are never changed or deleted: no event is withdrawn.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from certificate.directory import Directory
from certificate.key_event import Delegation, Standing, State, UnverifiedKeyEvent, parse_key_event
from certificate.keys import CoseSigner
from certificate.office_tree import apply_events
from certificate.offices import Office, offices_above
from issuer.claiming.own_file import OwnFile
from issuer.home import Home
from issuer.lock import KEYS_LOCK, locked
from issuer.office_key import standing_signer
from issuer.publish import Checkpointer, cut_bundle, load_directory
from ledger.errors import ConfigError
from ledger.keyfile import SALT_SIZE, save_key
from ledger.reasons import Reason
from ledger.sequencer import Sequencer

__all__ = [
    "KeyEvents",
    "changing",
    "nobody_minting",
    "office_of_code",
    "offices_by_place",
    "publish_events",
    "resume_events",
    "speaker_for",
]

_PATIENCE = 60.0  # seconds
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
        self._file = OwnFile(home.path / "offices.db", _SCHEMA)

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


@contextmanager
def changing(home: Home) -> Iterator[None]:
    """Held while offices or keys are changed: one change after the other."""
    with locked(home.path / "offices.lock", what="changing offices or keys", timeout=_PATIENCE):
        yield


@contextmanager
def nobody_minting(home: Home) -> Iterator[None]:
    """Held while a key that is in use is ended, so that nothing signed with it is logged behind its end."""
    with locked(home.path / KEYS_LOCK, what="minting", timeout=_PATIENCE):
        yield


def publish_events(
    home: Home,
    ledger: Sequencer,
    statements: Sequence[bytes],
    *,
    now: int,
    keys: Sequence[tuple[str, bytes]] = (),
) -> Directory:
    """Log events and cut a bundle whose directory they are written into; returns that directory. Within `changing`.

    Args:
        keys: name and seed of new keys, saved before anything is logged.
        now: POSIX seconds.
    Raises:
        VerificationError, FormatError: as `certificate.office_tree.apply_events`; then nothing was kept or logged.
        ConflictError, IntegrityError: what logging and cutting raise; the next change completes this one.
    """
    parsed = [parse_key_event(statement) for statement in statements]
    first = ledger.size
    apply_events(load_directory(home), [(event, first + at) for at, event in enumerate(parsed)])
    salt = os.urandom(SALT_SIZE)  # shared by keys made together, so that one passphrase is stretched once
    for name, seed in keys:
        save_key(
            home.key_path(name),
            seed,
            purpose=name,
            environment=home.settings.environment.name.lower(),
            passphrase=home.passphrase(),
            salt=salt,
        )
    KeyEvents(home).add(statements)
    return resume_events(home, ledger, now=now)


def resume_events(home: Home, ledger: Checkpointer, *, now: int) -> Directory:
    """Complete what a killed run kept and did not publish; returns the directory as it stands then."""
    events = KeyEvents(home)
    waiting = events.waiting()
    directory = load_directory(home)
    if not waiting:
        return directory
    parsed = [parse_key_event(statement) for _, statement in waiting]
    indices = ledger.append([event.entry() for event in parsed])  # logged before: the index it has
    changed = apply_events(directory, zip(parsed, indices, strict=True))
    if changed != directory:
        cut_bundle(home, ledger, now=now, directory=changed)
    events.place([(position, index) for (position, _), index in zip(waiting, indices, strict=True)])
    return changed


def speaker_for(home: Home, directory: Directory, office: Office | None, *, size: int) -> CoseSigner:
    """Who signs an event about `office`: the nearest office above whose key is good now, else the registrar.

    Raises what opening a key file raises.
    """
    if office is not None:
        for above in offices_above(offices_by_place(directory), office):
            signer = standing_signer(home, directory, above.number, size=size)
            if signer is not None:
                return signer
    return home.signer("registrar")


def offices_by_place(directory: Directory) -> dict[tuple[int, int], Office]:
    """The offices of a directory by authority and number."""
    return {(office.authority, office.number): office for office in directory.offices}


def office_of_code(home: Home, directory: Directory, code: str) -> Office:
    """This bureau's office with a code. Raises ConfigError `cli.not_found`."""
    for office in directory.offices:
        if (office.authority, office.code) == (home.settings.authority, code):
            return office
    raise ConfigError(Reason.CLI_NOT_FOUND, "no office has this code", hint="tally issuer office list")
