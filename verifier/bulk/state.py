"""The organisation's own file of one list: who was asked, with which request, and what came back.

Names and last four digits stand here and go nowhere else. One SQLite file, mode 0600, every commit synced, erased bytes
overwritten; one process at a time. A request is in the file before it is sent, an answer before it is acknowledged.
"""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.errors import ConfigError, ConflictError
from ledger.reasons import Reason
from verifier.bulk.people import Person
from verifier.seen import Seen

__all__ = ["AskedPerson", "BatchFile", "Result"]

_VERSION = 1
_SCHEMA = """
CREATE TABLE batch (list BLOB NOT NULL, wallet TEXT NOT NULL, org INTEGER NOT NULL) STRICT;
CREATE TABLE people (
    row INTEGER PRIMARY KEY, name TEXT NOT NULL, id_tail TEXT NOT NULL, ref TEXT NOT NULL, request BLOB NOT NULL,
    id TEXT UNIQUE, link TEXT, state TEXT NOT NULL DEFAULT 'unsent', reminded INTEGER, presentation BLOB,
    outcome TEXT, reason TEXT, facts TEXT, judged INTEGER, acknowledged INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE used (key BLOB PRIMARY KEY, row INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""
_COLUMNS = (
    "row, name, id_tail, ref, request, id, link, state, reminded, presentation, outcome, reason, facts, judged,"
    " acknowledged"
)


@dataclass(frozen=True, slots=True)
class Result:
    """What the verification of an answer said. `facts` are (claim, text) of a valid one, else none."""

    outcome: str
    reason: str | None
    facts: tuple[tuple[str, str], ...]
    judged: int


@dataclass(frozen=True, slots=True)
class AskedPerson:
    """One person of the list. `id` and `link` are the wallet's, None until it took the request; `state` is `unsent`
    or what the wallet said last; `presentation` is held from the fetch to the acknowledgement.
    """

    person: Person
    request: bytes
    id: str | None
    link: str | None
    state: str
    reminded: int | None
    presentation: bytes | None
    result: Result | None
    acknowledged: bool


class BatchFile:
    """An open file. Raises ConflictError `store.locked` while another process has it open."""

    def __init__(self, path: Path) -> None:
        """Open what `create` made.

        Raises:
            ConfigError: `cli.not_found`, `cli.path_unsafe` (a link, readable by others), `store.io_error` (no list).
        """
        try:
            status = os.lstat(path)
        except OSError as exc:
            hint = "name the file that `tally org hires send` wrote"
            raise ConfigError(Reason.CLI_NOT_FOUND, path.name, hint=hint) from exc
        if not stat.S_ISREG(status.st_mode) or stat.S_IMODE(status.st_mode) & 0o077:
            raise ConfigError(
                Reason.CLI_PATH_UNSAFE, path.name, hint="it holds names: chmod 600, and no link"
            )
        self._connection = _connect(path)
        with self._writing() as connection:  # takes the lock, which is held until `close`
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != _VERSION:
            self.close()
            raise ConfigError(Reason.STORE_IO_ERROR, f"{path.name} is no list of this version")

    @classmethod
    def create(
        cls, path: Path, asked: Iterable[tuple[Person, bytes]], *, list_digest: bytes, wallet: str, org: int
    ) -> BatchFile:
        """Make the file with every person and their signed request; it exists whole or not at all.

        Raises:
            ConfigError: `cli.exists`, `store.io_error`.
        """
        if os.path.lexists(path):
            raise ConfigError(Reason.CLI_EXISTS, path.name)
        new = path.with_name(f".{path.name}.new")
        new.unlink(missing_ok=True)
        try:
            os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_RDWR, 0o600))
        except OSError as exc:
            raise ConfigError(Reason.STORE_IO_ERROR, f"{path.name}: {exc.strerror}") from exc
        connection = _connect(new)
        with _mapped():
            connection.executescript(_SCHEMA)
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO batch VALUES (?, ?, ?)", (list_digest, wallet, org))
            connection.executemany(
                "INSERT INTO people (row, name, id_tail, ref, request) VALUES (?, ?, ?, ?, ?)",
                [(p.row, p.name, p.id_tail, p.ref, request) for p, request in asked],
            )
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            connection.execute("COMMIT")
            connection.close()
        os.link(new, path)  # never over a file that came meanwhile
        new.unlink()
        _sync_folder(path.parent)
        return cls(path)

    # --- reading --------------------------------------------------------------------------------------------

    def batch(self) -> tuple[bytes, str, int]:
        """Digest of the list, the wallet's URL, the organisation."""
        with _mapped():
            row = self._connection.execute("SELECT list, wallet, org FROM batch").fetchone()
        return row[0], row[1], row[2]

    def everybody(self) -> list[AskedPerson]:
        """All people, in the list's order."""
        with _mapped():
            rows = self._connection.execute(f"SELECT {_COLUMNS} FROM people ORDER BY row").fetchall()  # noqa: S608 - our own names
        return [_asked(row) for row in rows]

    # --- writing: each is durable when it returns -------------------------------------------------------------

    def sent(self, row: int, *, id_: str, link: str) -> None:
        self._set(row, "id = ?, link = ?, state = 'waiting'", id_, link)

    def stands(self, row: int, state: str) -> None:
        self._set(row, "state = ?", state)

    def reminded(self, row: int, time: int) -> None:
        self._set(row, "reminded = ?", time)

    def fetched(self, row: int, presentation: bytes) -> None:
        self._set(row, "presentation = ?", presentation)

    def judged(self, row: int, result: Result) -> None:
        facts = json.dumps(result.facts, ensure_ascii=False)
        columns = "outcome = ?, reason = ?, facts = ?, judged = ?"
        self._set(row, columns, result.outcome, result.reason, facts, result.judged)

    def acknowledged(self, row: int) -> None:
        """The wallet knows that the result is safe here; the presentation itself is not kept."""
        self._set(row, "acknowledged = 1, presentation = NULL")

    def erase_answer(self, row: int) -> None:
        """Forget what a withdrawn answer showed."""
        self._set(row, "presentation = NULL, outcome = NULL, reason = NULL, facts = NULL, judged = NULL")

    def seen_for(self, row: int, newest: Seen) -> Seen:
        """The memory of used answers while `row` is judged: judged again after a crash, it is no replay of itself."""
        return _RowSeen(self, row, newest)

    def is_used(self, keys: Iterable[bytes], row: int) -> bool:
        return any(self._user(key) not in (None, row) for key in keys)

    def use_once(self, keys: Iterable[bytes], row: int) -> bool:
        wanted = sorted(set(keys))
        with self._writing() as connection:
            if self.is_used(wanted, row):
                return False
            new = [(key, row) for key in wanted if self._user(key) is None]
            connection.executemany("INSERT INTO used VALUES (?, ?)", new)
        return True

    def close(self) -> None:
        self._connection.close()

    def _user(self, key: bytes) -> int | None:
        with _mapped():
            found = self._connection.execute("SELECT row FROM used WHERE key = ?", (key,)).fetchone()
        return None if found is None else int(found[0])

    def _set(self, row: int, columns: str, *values: Any) -> None:
        with self._writing() as connection:
            connection.execute(f"UPDATE people SET {columns} WHERE row = ?", (*values, row))  # noqa: S608 - our own names

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with _mapped():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


class _RowSeen:
    def __init__(self, file: BatchFile, row: int, newest: Seen) -> None:
        self._file, self._row, self._newest = file, row, newest

    def is_used(self, keys: Iterable[bytes]) -> bool:
        return self._file.is_used(keys, self._row)

    def use_once(self, keys: Iterable[bytes]) -> bool:
        return self._file.use_once(keys, self._row)

    def newest(self, name: str) -> int | None:
        return self._newest.newest(name)

    def advance(self, name: str, value: int) -> None:
        self._newest.advance(name, value)


def _connect(path: Path) -> sqlite3.Connection:
    with _mapped():
        connection = sqlite3.connect(path, timeout=2, isolation_level=None)
        # No WAL: one file, and the rollback journal takes the file's own mode.
        for pragma in (
            "journal_mode = DELETE",
            "synchronous = EXTRA",
            "secure_delete = ON",
            "locking_mode = EXCLUSIVE",
        ):
            connection.execute(f"PRAGMA {pragma}")
    return connection


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as exc:
        if exc.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            hint = "another command works on this list; wait for it"
            raise ConflictError(Reason.STORE_LOCKED, "the list", hint=hint) from exc
        raise ConfigError(Reason.STORE_IO_ERROR, "the file of the list") from exc
    except sqlite3.Error as exc:
        raise ConfigError(Reason.STORE_IO_ERROR, "the file of the list") from exc


def _asked(row: Sequence[Any]) -> AskedPerson:
    (
        number,
        name,
        tail,
        ref,
        request,
        id_,
        link,
        state,
        reminded,
        shown,
        outcome,
        reason,
        facts,
        judged,
        done,
    ) = row
    result = None
    if outcome is not None:
        result = Result(outcome, reason, tuple((claim, text) for claim, text in json.loads(facts)), judged)
    return AskedPerson(
        Person(number, name, tail, ref), request, id_, link, state, reminded, shown, result, bool(done)
    )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
