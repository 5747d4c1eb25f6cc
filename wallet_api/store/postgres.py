"""The wallet's tables in a PostgreSQL database, for several service processes at once.

One writer at a time, as on SQLite: a write transaction takes one advisory lock before it reads anything, and gives it
back with its commit. Under that lock READ COMMITTED is serial: every statement takes its snapshot after the lock was
had, so it sees all that earlier writers committed, and nobody else writes. (With a snapshot per transaction it would
be older than the wait for the lock.) Nothing is ever to be repeated: no serialization failure can occur, and a
deadlock needs a second lock. A read is one REPEATABLE READ snapshot, and waits for nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from queue import Empty, LifoQueue
from select import select
from threading import BoundedSemaphore
from typing import Any, Final

import psycopg
from psycopg.pq import TransactionStatus

from ledger.errors import ConflictError
from ledger.reasons import Reason
from ledger.store.postgres_errors import mapped_errors
from ledger.store.postgres_server import Connection, require_durable
from wallet_api.store.postgres_schema import WRITER_LOCK, require_schema
from wallet_api.store.sql import Transaction
from wallet_api.store.statements import Execute

__all__ = ["PostgresStore"]

_LOCK_TIMEOUT: Final = 10  # seconds
_IDLE_TIMEOUT: Final = 60  # seconds after which a transaction whose client fell silent gives its lock back
_READ: Final = ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",)
_WRITE: Final = (
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    f"SELECT pg_advisory_xact_lock({WRITER_LOCK})",
)


class PostgresStore:
    """A store over one database. Each transaction has a connection of its own out of a pool."""

    def __init__(self, url: str, *, connections: int = 8) -> None:
        """Open what `create_wallet_schema` made.

        Args:
            url: a libpq connection string; a password belongs into a password file or a service file.
            connections: of this process, at most.
        Raises:
            ConfigError: `cli.not_found` or `home.version`.
            IntegrityError: `store.not_durable_mode`, `store.schema_tampered` or another `store.…`.
        """
        self._url = url
        self._idle: LifoQueue[Connection] = LifoQueue()
        self._free = BoundedSemaphore(connections)
        with mapped_errors():
            connection = self._connect()
            try:
                require_schema(connection)
            except BaseException:
                connection.close()
                raise
        self._idle.put(connection)

    def _connect(self) -> Connection:
        connection: Connection = psycopg.connect(
            self._url, autocommit=True, prepare_threshold=0, application_name="tallystick wallet"
        )
        try:
            require_durable(connection)
            connection.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}s'")
            connection.execute(f"SET idle_in_transaction_session_timeout = '{_IDLE_TIMEOUT}s'")
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _transaction(self, begin: Sequence[str]) -> Iterator[Transaction]:
        if not self._free.acquire(timeout=_LOCK_TIMEOUT):
            raise ConflictError(
                Reason.STORE_LOCKED, "all connections are taken", hint="Try again in a moment."
            )
        try:
            with mapped_errors():
                connection = self._connection()
                try:
                    # A pipeline waits for answers only where rows are read, and at its end for the commit's.
                    with connection.pipeline():
                        for statement in begin:
                            connection.execute(statement)
                        yield Transaction(_execute_on(connection))
                        connection.execute("COMMIT")
                except BaseException:
                    with suppress(psycopg.Error):
                        connection.execute("ROLLBACK")
                    raise
                finally:
                    self._give_back(connection)
        finally:
            self._free.release()

    def _connection(self) -> Connection:
        """An idle connection, or a new one."""
        while True:
            try:
                connection = self._idle.get_nowait()
            except Empty:
                return self._connect()
            # The server says nothing to an idle connection but that it is over, after a restart for example.
            if not select((connection.fileno(),), (), (), 0)[0]:
                return connection
            connection.close()

    def _give_back(self, connection: Connection) -> None:
        if connection.info.transaction_status is TransactionStatus.IDLE:
            self._idle.put(connection)
        else:
            connection.close()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        with self._transaction(_READ) as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        with self._transaction(_WRITE) as tx:
            yield tx

    def wipe(self) -> None:
        """Nothing at once: PostgreSQL keeps dead rows until they are vacuumed (docs/WALLET.md, erasure)."""

    def close(self) -> None:
        while not self._idle.empty():
            self._idle.get_nowait().close()


@lru_cache(maxsize=512)
def _numbered(sql: str) -> str:
    """`?` as `$1`, `$2`, …: what the server itself reads. No text of ours holds a question mark otherwise."""
    first, *rest = sql.split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(rest, 1))


def _execute_on(connection: Connection) -> Execute:
    def execute(sql: str, parameters: Sequence[Any] = (), /) -> list[tuple[Any, ...]]:
        cursor = psycopg.RawCursor(connection)
        cursor.execute(_numbered(sql), parameters, binary=True)
        return cursor.fetchall() if sql.startswith("SELECT") else []

    return execute
