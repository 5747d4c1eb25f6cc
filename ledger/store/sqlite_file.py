"""A SQLite file that keeps what it acknowledged: how it is opened, how it is written, what its errors mean.

WAL with `synchronous=FULL` syncs the log of every commit. Both are set, and read back, at each open and
before each
write: a later `PRAGMA`, or a program that changed the file's journal mode meanwhile, would lose commits
silently.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlite_utils import Database

from ledger.durable import map_os_error
from ledger.errors import ConfigError, ConflictError, IntegrityError, ProjectError
from ledger.reasons import Reason
from ledger.store.retired import RETIRED, refuse_retired

__all__ = [
    "create_sqlite",
    "mapped_errors",
    "open_sqlite",
    "require_durable",
    "require_untouched",
    "retire",
    "transaction",
]

_SYNCHRONOUS_FULL = 2
_BUSY, _LOCKED = 5, 6
_REASONS = {
    1: Reason.STORE_SCHEMA_TAMPERED,  # SQL error: a table or column that we need is not there
    3: Reason.STORE_READONLY,
    8: Reason.STORE_READONLY,
    10: Reason.STORE_IO_ERROR,
    11: Reason.STORE_CORRUPT,
    13: Reason.STORE_FULL,
    14: Reason.STORE_IO_ERROR,
    17: Reason.STORE_SCHEMA_TAMPERED,
    19: Reason.STORE_CORRUPT,  # a constraint or trigger of ours: somebody wrote what we never write
    20: Reason.STORE_CORRUPT,
    24: Reason.STORE_CORRUPT,
    26: Reason.STORE_CORRUPT,
}
_HINTS = {
    Reason.STORE_FULL: "Free some space, then reopen the ledger; nothing of this write was acknowledged.",
    Reason.STORE_READONLY: "Make the file and its folder writable for this user.",
    Reason.STORE_IO_ERROR: "Check the disk, then reopen the ledger.",
    Reason.STORE_SCHEMA_TAMPERED: "Somebody changed the database's structure; restore the newest backup.",
    Reason.STORE_CORRUPT: "Stop writing; run ledger check, then restore the newest backup.",
}


def create_sqlite(path: Path, schema: Mapping[str, str], *, version: int, script: str = "") -> None:
    """Make a database at `path` in one step: it is complete and durable, or it is not there.

    Args:
        schema: CREATE statements by the name of what they create, in order.
        script: statements that fill it.
    Raises:
        ConfigError: `cli.exists`.
        IntegrityError: `store.…`.
    """
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        if os.path.lexists(name):
            raise ConfigError(
                Reason.CLI_EXISTS, name.name, hint="Choose another path; nothing is overwritten."
            )
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            made = Path(folder) / path.name
            made.touch(mode=0o600)
            _fill(made, schema, version, script)
            os.link(made, path)
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except FileExistsError as exc:
        raise ConfigError(Reason.CLI_EXISTS, path.name, hint="Choose another path.") from exc
    except OSError as exc:
        raise map_os_error(exc) from exc


def open_sqlite(
    path: Path, schema: Mapping[str, str], *, version: int, lock_timeout: float, any_thread: bool = False
) -> Database:
    """Open the database at `path`, which has to exist and to have exactly this schema.

    Args:
        lock_timeout: seconds to wait for another writer.
        any_thread: the connection may move between threads; the caller sees to it that one uses it at a time.
    Raises:
        ConfigError: `cli.not_found` or `home.version`.
        IntegrityError: `store.not_durable_mode`, `store.schema_tampered` or another `store.…`.
    """
    if not path.is_file():
        raise ConfigError(
            Reason.CLI_NOT_FOUND, path.name, hint="Check the path; nothing is made by opening it."
        )
    with mapped_errors():
        # The URI keeps SQLite from making a file that vanished meanwhile.
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=lock_timeout,
            isolation_level=None,
            check_same_thread=not any_thread,
        )
        try:
            database = Database(connection, execute_plugins=False)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            require_durable(database)
            _require_version(connection, version)
            _require_schema(connection, schema)
        except BaseException:
            connection.close()
            raise
    return database


def require_durable(database: Database) -> None:
    """Check that a commit on this connection is on the disk when it returns.

    Raises:
        IntegrityError: `store.not_durable_mode`.
    """
    journal = database.conn.execute("PRAGMA journal_mode").fetchone()[0]
    synchronous = database.conn.execute("PRAGMA synchronous").fetchone()[0]
    if journal != "wal" or synchronous < _SYNCHRONOUS_FULL:
        raise IntegrityError(
            Reason.STORE_NOT_DURABLE_MODE,
            f"journal_mode {journal}, synchronous {synchronous}",
            hint="Close every other program that uses the database, then open it again.",
        )


@contextmanager
def transaction(database: Database) -> Iterator[None]:
    """One write transaction that takes the write lock at once; within another one, a part of it.

    sqlite-utils' own `atomic` starts deferred: two writers would both read, and the second one fail late.
    """
    if database.conn.in_transaction:
        with mapped_errors():
            yield
        return
    with mapped_errors():
        require_durable(database)
        database.conn.execute("BEGIN IMMEDIATE")
        try:
            yield
            database.conn.execute("COMMIT")
        except BaseException:
            # After some errors SQLite has rolled back by itself; what matters is that nothing stays open.
            with suppress(sqlite3.Error):
                database.rollback()
            raise


def retire(database: Database) -> None:
    """Mark the database as moved away: nobody opens it again."""
    with transaction(database):
        database.conn.execute(f"PRAGMA user_version = {RETIRED}")


@contextmanager
def mapped_errors() -> Iterator[None]:
    """Let no exception of the database out."""
    try:
        yield
    except sqlite3.Error as exc:
        raise _map_sqlite_error(exc) from exc


def _map_sqlite_error(exc: sqlite3.Error) -> ProjectError:
    extended = getattr(exc, "sqlite_errorcode", 0)
    code = extended & 0xFF
    if code in (_BUSY, _LOCKED):
        return ConflictError(
            Reason.STORE_LOCKED,
            "another writer holds the ledger",
            hint="Try again when the other run is over.",
        )
    reason = _REASONS.get(code, Reason.STORE_IO_ERROR)
    return IntegrityError(reason, f"SQLite error {extended}", hint=_HINTS[reason])


def _fill(path: Path, schema: Mapping[str, str], version: int, script: str) -> None:
    with mapped_errors():
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            statements = [*schema.values(), script, f"PRAGMA user_version = {int(version)}"]
            connection.executescript("BEGIN;" + ";\n".join(statements) + ";COMMIT;")
        finally:
            connection.close()  # the last connection moves the log into the file


def require_untouched(
    database: Database, schema: Mapping[str, str], *, version: int, known: int | None = None
) -> int:
    """Check version and schema; the latter unless nothing changed it since it had the number `known`.

    Returns:
        the number to give next time.
    Raises:
        ConfigError: `home.version` or `store.retired`.
        IntegrityError: `store.schema_tampered`.
    """
    _require_version(database.conn, version)
    [number] = database.conn.execute("PRAGMA schema_version").fetchone()
    if number != known:
        _require_schema(database.conn, schema)
    return int(number)


def _require_version(connection: sqlite3.Connection, version: int) -> None:
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    refuse_retired(found)
    if found != version:
        hint = "Update the program." if found > version else "Migrate the database."
        raise ConfigError(Reason.HOME_VERSION, f"schema {found}, this program reads {version}", hint=hint)


def _require_schema(connection: sqlite3.Connection, schema: Mapping[str, str]) -> None:
    rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    if dict(rows) != dict(schema):
        changed = sorted(set(rows) ^ set(schema.items()))
        names = ", ".join(sorted({name for name, _ in changed}))
        raise IntegrityError(
            Reason.STORE_SCHEMA_TAMPERED, names[:200], hint=_HINTS[Reason.STORE_SCHEMA_TAMPERED]
        )
