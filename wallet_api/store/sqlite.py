"""The wallet's tables in one SQLite file: WAL, every commit synced, deleted bytes overwritten."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue
from threading import Lock
from typing import Any, Final

from sqlite_utils import Database

from ledger.store.sqlite_file import create_sqlite, mapped_errors, open_sqlite, transaction
from wallet_api.store.sql import Execute, Transaction

__all__ = ["SqliteStore", "create_wallet_db"]

_VERSION: Final = 1
_LOCK_TIMEOUT: Final = 10.0

_TABLES: Final = {
    "safes": "id BLOB PRIMARY KEY, holder_key BLOB NOT NULL UNIQUE, wrapped_key BLOB NOT NULL,"
    " log_counter INTEGER NOT NULL, log_last BLOB NOT NULL, created INTEGER NOT NULL",
    "certificates": "safe BLOB NOT NULL REFERENCES safes (id), number TEXT NOT NULL, digest BLOB NOT NULL,"
    " sealed BLOB NOT NULL, added INTEGER NOT NULL, PRIMARY KEY (safe, number)",
    "challenges": "id BLOB PRIMARY KEY, holder_key BLOB NOT NULL, nonce BLOB NOT NULL, issued INTEGER NOT NULL,"
    " expires INTEGER NOT NULL",
    "sessions": "token_hash BLOB PRIMARY KEY, safe BLOB NOT NULL REFERENCES safes (id), expires INTEGER NOT NULL",
    "org_tokens": "token_hash BLOB PRIMARY KEY, org INTEGER NOT NULL, created INTEGER NOT NULL",
    "requests": "id BLOB PRIMARY KEY, org INTEGER NOT NULL, digest BLOB NOT NULL UNIQUE, request BLOB NOT NULL,"
    " state TEXT NOT NULL CHECK (state IN ('waiting', 'answered', 'refused', 'expired', 'withdrawn')),"
    " safe BLOB REFERENCES safes (id), expires INTEGER NOT NULL, created INTEGER NOT NULL",
    "idempotency": "org INTEGER NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, request BLOB NOT NULL,"
    " created INTEGER NOT NULL, PRIMARY KEY (org, key)",
    "seen": "request BLOB NOT NULL, safe BLOB NOT NULL, PRIMARY KEY (request, safe)",
    "drafts": "request BLOB NOT NULL, safe BLOB NOT NULL, sealed BLOB NOT NULL, expires INTEGER NOT NULL,"
    " PRIMARY KEY (request, safe)",
    "answers": "request BLOB PRIMARY KEY REFERENCES requests (id), safe BLOB NOT NULL REFERENCES safes (id),"
    " sealed BLOB, answered INTEGER NOT NULL, issued INTEGER NOT NULL, expires INTEGER NOT NULL,"
    " fetched INTEGER, acknowledged INTEGER, withdrawn INTEGER, deletion_confirmed INTEGER",
    "access_log": "position INTEGER PRIMARY KEY, safe BLOB, counter INTEGER NOT NULL, entry BLOB NOT NULL,"
    " sealed BLOB",
    "log_nodes": "level INTEGER NOT NULL, place INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, place)",
}
_SCHEMA: Final = {
    **{name: f"CREATE TABLE {name} ({columns}) STRICT" for name, columns in _TABLES.items()},
    "access_log_of_safe": "CREATE UNIQUE INDEX access_log_of_safe ON access_log (safe, counter)",
    "requests_of_safe": "CREATE INDEX requests_of_safe ON requests (safe, id)",
    "access_log_stays": "CREATE TRIGGER access_log_stays BEFORE DELETE ON access_log"
    " BEGIN SELECT RAISE(ABORT, 'the access log only grows'); END",
    "access_log_is_fixed": "CREATE TRIGGER access_log_is_fixed BEFORE UPDATE OF position, counter, entry ON access_log"
    " BEGIN SELECT RAISE(ABORT, 'the access log only grows'); END",
    "log_nodes_stay": "CREATE TRIGGER log_nodes_stay BEFORE DELETE ON log_nodes"
    " BEGIN SELECT RAISE(ABORT, 'the access log only grows'); END",
    "log_nodes_are_fixed": "CREATE TRIGGER log_nodes_are_fixed BEFORE UPDATE ON log_nodes"
    " BEGIN SELECT RAISE(ABORT, 'the access log only grows'); END",
}


def create_wallet_db(path: Path) -> None:
    """Make an empty database. Raises ConfigError `cli.exists`, IntegrityError `store.…`."""
    create_sqlite(path, _SCHEMA, version=_VERSION)


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
            self._path, _SCHEMA, version=_VERSION, lock_timeout=_LOCK_TIMEOUT, any_thread=True
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
