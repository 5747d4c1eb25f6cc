"""The ledger in a PostgreSQL database, for a log whose disk, backups and standbys others look after.

One writer at a time, as on SQLite: a write transaction takes one advisory lock before it reads anything, and gives it
back with its end. So the lock cannot be lost without the transaction, which a lock of the session could be; and under
it READ COMMITTED is serial, because every statement takes its snapshot after the lock was had and nobody else writes
(`wallet_api.store.postgres` says why a snapshot per transaction would be wrong). No serialization failure can occur.

A store does not replace a connection that was lost: the database behind the next one may be an older one, a standby for
example. Services open the ledger again, which compares it with what was signed, or with what was shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg
from psycopg.pq import TransactionStatus

from ledger.errors import IntegrityError
from ledger.merkle import LeafHash
from ledger.reasons import Reason
from ledger.store.base import StoredCheckpoint, StoredEntry, StoredTile
from ledger.store.postgres_errors import mapped_errors
from ledger.store.postgres_schema import WRITER_LOCK, require_untouched, retire
from ledger.store.postgres_server import Connection

__all__ = ["PostgresStore"]

_READ_AT_ONCE: Final = 4096
_NOTES_AT_ONCE: Final = 256
_INSIDE: Final = (TransactionStatus.INTRANS, TransactionStatus.INERROR)
_SILENT_TIMEOUT: Final = 60  # seconds after which a transaction whose client fell silent gives its lock back
_COPY_ENTRIES: Final = "COPY entries (idx, entry, leaf_hash) FROM STDIN (FORMAT BINARY)"
_COPY_TILES: Final = "COPY tiles (level, idx, hashes, root) FROM STDIN (FORMAT BINARY)"


class PostgresStore:
    """A `Store` in one database. For one thread at a time."""

    def __init__(self, url: str, *, lock_timeout: float = 10.0) -> None:
        """Open what `create_ledger_schema` made.

        Args:
            url: a libpq connection string; a password belongs into a password file or a service file.
            lock_timeout: seconds to wait for another writer before `store.locked`.
        Raises:
            ConfigError: `cli.not_found`, `home.version` or `store.retired`.
            IntegrityError: `store.not_durable_mode`, `store.schema_tampered` or another `store.…`.
        """
        with mapped_errors():
            self._connection: Connection = psycopg.connect(
                url, autocommit=True, prepare_threshold=0, application_name="tallystick ledger"
            )
        try:
            with mapped_errors():
                self._pin(lock_timeout)
                self._fingerprint = require_untouched(self._connection)
            self._origin = self._read_origin()
        except BaseException:
            self.close()
            raise

    @property
    def origin(self) -> str:
        return self._origin

    @contextmanager
    def writing(self) -> Iterator[None]:
        with mapped_errors():
            if self._connection.info.transaction_status in _INSIDE:
                yield
                return
            self._connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
            try:
                self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (WRITER_LOCK,))
                self._fingerprint = require_untouched(self._connection, self._fingerprint)
                yield
                # A transaction in which something failed answers a COMMIT with ROLLBACK, and with no error.
                if self._connection.execute("COMMIT").statusmessage != "COMMIT":
                    raise IntegrityError(Reason.STORE_IO_ERROR, "the write was rolled back")
            except BaseException:
                with suppress(psycopg.Error):
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[None]:
        with mapped_errors():
            self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                self._connection.execute("SELECT count(*) FROM meta")  # takes the snapshot
                yield
            finally:
                with suppress(psycopg.Error):
                    self._connection.execute("ROLLBACK")

    def size(self) -> int:
        [(size,)] = self._rows("SELECT coalesce(max(idx) + 1, 0) FROM entries")
        return int(size)

    def find(self, leaf_hashes: Sequence[LeafHash]) -> Mapping[LeafHash, int]:
        sql = "SELECT leaf_hash, idx FROM entries WHERE leaf_hash = ANY(%s)"
        found: dict[LeafHash, int] = {}
        for at in range(0, len(leaf_hashes), _READ_AT_ONCE):
            rows = self._rows(sql, list(leaf_hashes[at : at + _READ_AT_ONCE]))
            found.update((LeafHash(leaf), index) for leaf, index in rows)
        return found

    def entries(self, start: int, end: int) -> Iterator[StoredEntry]:
        sql = "SELECT idx, entry, leaf_hash FROM entries WHERE idx >= %s AND idx < %s ORDER BY idx"
        for at in range(start, end, _READ_AT_ONCE):
            for index, entry, leaf in self._rows(sql, at, min(at + _READ_AT_ONCE, end)):
                yield StoredEntry(index, entry, leaf)

    def leaf_hashes(self, start: int, end: int) -> list[bytes]:
        sql = "SELECT leaf_hash FROM entries WHERE idx >= %s AND idx < %s ORDER BY idx"
        return [leaf for (leaf,) in self._rows(sql, start, end)]

    def tile(self, level: int, index: int) -> StoredTile | None:
        rows = self._rows("SELECT hashes, root FROM tiles WHERE level = %s AND idx = %s", level, index)
        return StoredTile(level, index, *rows[0]) if rows else None

    def tile_roots(self, level: int, start: int, end: int) -> list[bytes]:
        sql = "SELECT root FROM tiles WHERE level = %s AND idx >= %s AND idx < %s ORDER BY idx"
        return [root for (root,) in self._rows(sql, level, start, end)]

    def add_entries(self, rows: Sequence[StoredEntry]) -> None:
        values = ((row.index, row.entry, row.leaf_hash) for row in rows)
        self._copy(_COPY_ENTRIES, ("int8", "bytea", "bytea"), values)

    def add_tiles(self, tiles: Sequence[StoredTile]) -> None:
        values = ((tile.level, tile.index, tile.hashes, tile.root) for tile in tiles)
        self._copy(_COPY_TILES, ("int8", "int8", "bytea", "bytea"), values)

    def add_checkpoint(self, checkpoint: StoredCheckpoint) -> None:
        with self.writing():
            self._connection.execute(
                "INSERT INTO checkpoints (number, size, time, cosigned, note) "
                "VALUES ((SELECT coalesce(max(number) + 1, 0) FROM checkpoints), %s, %s, %s, %s)",
                (checkpoint.size, checkpoint.time, checkpoint.cosigned, checkpoint.note),
            )

    def newest_checkpoint(self, *, cosigned: bool) -> StoredCheckpoint | None:
        rows = self._rows(
            "SELECT size, time, cosigned, note FROM checkpoints WHERE cosigned = %s "
            "ORDER BY size DESC, number DESC LIMIT 1",
            cosigned,
        )
        return StoredCheckpoint(*rows[0]) if rows else None

    def checkpoints(self) -> Iterator[StoredCheckpoint]:
        sql = "SELECT size, time, cosigned, note FROM checkpoints WHERE number >= %s ORDER BY number LIMIT %s"
        at, full = 0, True
        while full:
            rows = self._rows(sql, at, _NOTES_AT_ONCE)
            yield from (StoredCheckpoint(*row) for row in rows)
            at, full = at + len(rows), len(rows) == _NOTES_AT_ONCE

    def retire(self) -> None:
        with self.writing():
            retire(self._connection)

    def close(self) -> None:
        self._connection.close()

    def _pin(self, lock_timeout: float) -> None:
        """What a later change of the role's or the database's settings must not touch."""
        milliseconds = max(1, int(lock_timeout * 1000))  # zero would be no limit
        for name, value in (
            ("lock_timeout", f"{milliseconds}ms"),
            ("idle_in_transaction_session_timeout", f"{_SILENT_TIMEOUT}s"),
        ):
            self._connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        self._connection.execute("SELECT set_config('search_path', quote_ident(current_schema()), false)")

    def _rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with mapped_errors():
            return self._connection.execute(sql, values, binary=True).fetchall()

    def _copy(self, sql: str, types: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> None:
        with self.writing(), self._connection.cursor() as cursor, cursor.copy(sql) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)

    def _read_origin(self) -> str:
        rows = self._rows("SELECT value FROM meta WHERE name = 'origin'")
        if len(rows) != 1:
            raise IntegrityError(Reason.STORE_CORRUPT, "the ledger does not say whose it is")
        return str(rows[0][0])
