"""A wallet copied while it serves: out of either database into a SQLite file of the same tables, and back into either.

A backup is one consistent view. It is itself a wallet's database, which `wallet check` can count; as it is written
anew, no byte of a deleted row is in it. What a restore must not bring back to life is ended on the way in: logins,
drafts, and consents that nobody fetched for good, which may have been withdrawn after the backup.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.durable import map_os_error
from ledger.errors import ConfigError, IntegrityError
from ledger.merkle import root_at
from ledger.reasons import Reason
from wallet_api.store.opening import create_store, open_store
from wallet_api.store.rows import RequestState
from wallet_api.store.schema import TABLES, sqlite_schema
from wallet_api.store.sql import Store, Transaction
from wallet_api.store.sqlite import SqliteStore, create_wallet_db

__all__ = ["LogHead", "back_up", "head_of", "restore"]

_CHUNK = 500
_LOGINS = ("sessions", "challenges", "drafts", "device_offers")


@dataclass(frozen=True, slots=True)
class LogHead:
    """How long the access log is, and the root hash (32 bytes) of its tree."""

    size: int
    root_hash: bytes


def back_up(store: Store, path: Path) -> LogHead:
    """Write a new file at `path`, complete and synced, or none. Returns the head of the access log in it.

    Raises:
        ConfigError: `cli.exists`.
        IntegrityError: `store.…`.
    """
    if os.path.lexists(path):
        raise ConfigError(Reason.CLI_EXISTS, path.name, hint="Choose another path; nothing is overwritten.")
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            made = Path(folder) / path.name
            create_wallet_db(made)
            with closing(SqliteStore(made)) as copy, store.read() as source, copy.write() as target:
                _copy(source, target)
                head = head_of(target)
            os.link(made, path)
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as exc:
        raise map_os_error(exc) from exc
    return head


def restore(path: Path, where: str, *, least: LogHead | None, moved: bool, now: int) -> LogHead:
    """Make a wallet at `where` (a new path or an empty PostgreSQL database) from the backup at `path`.

    Args:
        least: the newest head of the access log that is known outside; an older backup or another one is refused.
        moved: nothing was acknowledged since the backup, which its operator states: logins and consents go on.
    Raises:
        ConfigError: `cli.exists`, `cli.not_found`, `home.version`.
        IntegrityError: `store.rollback_detected`, `store.fork_detected`, `store.…`.
    """
    with closing(SqliteStore(path)) as backup, backup.read() as source:
        head = head_of(source)
        if least is not None:
            _guard(source, head, least)
        create_store(where)
        with closing(open_store(where)) as store, store.write() as target:
            _copy(source, target)
            if not moved:
                _end_what_may_be_over(target, now)
    return head


def head_of(tx: Transaction, size: int | None = None) -> LogHead:
    """The access log's head, or the one it had at `size`."""
    at = tx.log_size() if size is None else size

    def node(level: int, index: int) -> bytes:
        found = tx.log_node(level, index)
        if found is None:
            raise IntegrityError(Reason.STORE_HASH_MISMATCH, f"node {level}/{index} of the access log")
        return found

    return LogHead(at, root_at(at, node))


def _guard(source: Transaction, head: LogHead, least: LogHead) -> None:
    if head.size < least.size:
        raise IntegrityError(
            Reason.STORE_ROLLBACK_DETECTED,
            f"{head.size} access rows, {least.size} are known",
            hint="Take a newer backup; if there is none, restore without --least and tell those concerned.",
        )
    if head_of(source, least.size) != least:
        raise IntegrityError(
            Reason.STORE_FORK_DETECTED,
            f"another access log than the one known of {least.size} rows",
            hint="This is not a backup of that wallet; stop, and find the right one.",
        )


def _copy(source: Transaction, target: Transaction) -> None:
    for table in TABLES:
        columns, key = _columns(table.name)
        places = ", ".join("?" for _ in columns)
        insert = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - our own names
        # Steps may have put rows into new tables of an empty database: the backup's rows alone count.
        for row in _rows(source, table.name, columns, key):
            target.execute(insert, row)


def _rows(tx: Transaction, table: str, columns: list[str], key: list[str]) -> Iterator[tuple[Any, ...]]:
    """All rows by their primary key, some at a time."""
    chosen, order = ", ".join(columns), ", ".join(key)
    after = f"WHERE ({order}) > ({', '.join('?' for _ in key)})"
    places = [columns.index(name) for name in key]
    head, tail = f"SELECT {chosen} FROM {table}", f"ORDER BY {order} LIMIT {_CHUNK}"  # noqa: S608 - our own names
    rows = tx.execute(f"{head} {tail}")
    while rows:
        yield from rows
        rows = tx.execute(f"{head} {after} {tail}", [rows[-1][place] for place in places])


def _columns(table: str) -> tuple[list[str], list[str]]:
    """A table's columns, and those of its primary key in order."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for sql in sqlite_schema().values():
            if sql.startswith(f"CREATE TABLE {table} "):
                connection.execute(sql)
        found = connection.execute("SELECT name, pk FROM pragma_table_info(?)", (table,)).fetchall()
    return [name for name, _ in found], [name for name, pk in sorted(found, key=lambda row: row[1]) if pk]


def _end_what_may_be_over(tx: Transaction, now: int) -> None:
    for table in _LOGINS:
        tx.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
    open_ = "SELECT request, safe FROM answers WHERE acknowledged IS NULL AND withdrawn IS NULL"
    for request, safe in tx.execute(open_):
        tx.move_request(request, to=RequestState.WITHDRAWN, safe=safe)
        tx.mark_withdrawn(request, now)
