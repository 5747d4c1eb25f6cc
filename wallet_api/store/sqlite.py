"""The wallet's tables in one SQLite file: WAL, every commit synced, deleted bytes overwritten."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from queue import Empty, LifoQueue
from threading import Lock
from typing import Any, Final

from sqlite_utils import Database

from ledger.errors import ConfigError
from ledger.reasons import Reason
from ledger.store.sqlite_file import create_sqlite, mapped_errors, open_sqlite, transaction
from wallet_api.store.ddl import Step
from wallet_api.store.schema import STEPS, VERSION, require_known, sqlite_schema, statements_since
from wallet_api.store.sql import Transaction
from wallet_api.store.statements import Execute

__all__ = ["SqliteStore", "create_wallet_db", "migrate_wallet_db"]

_LOCK_TIMEOUT: Final = 10.0


def create_wallet_db(path: Path) -> None:
    """Make an empty database. Raises ConfigError `cli.exists`, IntegrityError `store.…`."""
    create_sqlite(path, sqlite_schema(), version=VERSION)


def migrate_wallet_db(path: Path, steps: tuple[Step, ...] = STEPS) -> tuple[int, int]:
    """Bring a database to the newest version in one transaction. Returns the version found and the one reached.

    Raises:
        ConfigError: `cli.not_found`; `home.version`: it is newer than this program.
        ConflictError: `store.locked`: a service is writing.
        IntegrityError: as `open_sqlite`; the database is then as it was.
    """
    found = _version(path)
    require_known(found, steps)
    before = sqlite_schema(steps[:found])
    database = open_sqlite(path, before, version=found, lock_timeout=_LOCK_TIMEOUT)
    try:
        with transaction(database):
            for statement in statements_since(found, steps):
                database.conn.execute(statement.sqlite)
            database.conn.execute(f"PRAGMA user_version = {len(steps)}")
    finally:
        database.conn.close()
    return found, len(steps)


def _version(path: Path) -> int:
    if not path.is_file():
        raise ConfigError(
            Reason.CLI_NOT_FOUND, path.name, hint="Check the path; nothing is made by opening it."
        )
    with (
        mapped_errors(),
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection,
    ):
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


class SqliteStore:
    """A store over one file. Each transaction has a connection of its own; writers of a process queue at a lock."""

    def __init__(self, path: Path) -> None:
        """Open what `create_wallet_db` made. Raises as `open_sqlite`."""
        self._path = path
        self._idle: LifoQueue[Database] = LifoQueue()
        self._writer = Lock()
        self._idle.put(self._open())

    def _open(self) -> Database:
        database = open_sqlite(
            self._path, sqlite_schema(), version=VERSION, lock_timeout=_LOCK_TIMEOUT, any_thread=True
        )
        database.conn.execute("PRAGMA secure_delete = ON")
        database.conn.execute("PRAGMA foreign_keys = ON")
        return database

    @contextmanager
    def _connection(self) -> Iterator[Database]:
        try:
            database = self._idle.get_nowait()
        except Empty:
            database = self._open()
        try:
            yield database
        finally:
            self._idle.put(database)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        with self._connection() as database, mapped_errors():
            database.conn.execute("BEGIN")
            try:
                yield Transaction(_execute_on(database.conn))
            finally:
                database.conn.rollback()

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        with self._writer, self._connection() as database, transaction(database):
            yield Transaction(_execute_on(database.conn))

    def wipe(self) -> None:
        # Deleted bytes are zeroed in the file by secure_delete; older frames of the journal still hold them.
        with self._writer, self._connection() as database, mapped_errors():
            database.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        while not self._idle.empty():
            self._idle.get_nowait().conn.close()


def _execute_on(connection: sqlite3.Connection) -> Execute:
    def execute(sql: str, parameters: Sequence[Any] = (), /) -> list[tuple[Any, ...]]:
        return connection.execute(sql, parameters).fetchall()

    return execute
