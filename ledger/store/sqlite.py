"""The embedded store: one SQLite file through sqlite-utils, append-only by trigger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ledger.errors import FormatError, IntegrityError
from ledger.merkle import LeafHash
from ledger.reasons import Reason
from ledger.store.base import StoredCheckpoint, StoredEntry, StoredTile
from ledger.store.sqlite_file import (
    create_sqlite,
    mapped_errors,
    open_sqlite,
    require_untouched,
    retire,
    transaction,
)

__all__ = ["SCHEMA", "SCHEMA_VERSION", "SqliteStore"]

SCHEMA_VERSION = 1
_READ_AT_ONCE = 4096
_FIND_AT_ONCE = 500
_RESTORE = "Stop writing; run ledger check, then restore the newest backup."


def _kept(table: str) -> dict[str, str]:
    """Triggers that refuse every change of what is there."""
    return {
        f"{table}_no_{verb}": f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for verb in ("update", "delete")
    }


def _added(table: str, condition: str) -> dict[str, str]:
    """A trigger that lets in only the next row. It runs before INSERT OR REPLACE removes an older one, which
    no delete trigger of ours would see."""
    name = f"{table}_next"
    return {
        name: f"CREATE TRIGGER {name} BEFORE INSERT ON {table} WHEN NOT ({condition}) "
        f"BEGIN SELECT RAISE(ABORT, '{table} takes the next row only'); END"
    }


SCHEMA: Mapping[str, str] = {
    "meta": "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "entries": "CREATE TABLE entries (idx INTEGER PRIMARY KEY, entry BLOB NOT NULL, "
    "leaf_hash BLOB NOT NULL UNIQUE CHECK (length(leaf_hash) = 32)) STRICT",
    "tiles": "CREATE TABLE tiles (level INTEGER NOT NULL, idx INTEGER NOT NULL, "
    "hashes BLOB NOT NULL CHECK (length(hashes) = 8192), root BLOB NOT NULL CHECK (length(root) = 32), "
    "PRIMARY KEY (level, idx)) STRICT",
    "checkpoints": "CREATE TABLE checkpoints (number INTEGER PRIMARY KEY, size INTEGER NOT NULL, "
    "time INTEGER NOT NULL, cosigned INTEGER NOT NULL CHECK (cosigned IN (0, 1)), note BLOB NOT NULL) STRICT",
    "checkpoints_by_size": "CREATE INDEX checkpoints_by_size ON checkpoints (cosigned, size)",
    **_kept("meta"),
    **_kept("entries"),
    **_kept("tiles"),
    **_kept("checkpoints"),
    **_added(
        "entries",
        "NEW.idx = (SELECT coalesce(max(idx) + 1, 0) FROM entries) "
        "AND NOT EXISTS (SELECT 1 FROM entries WHERE leaf_hash = NEW.leaf_hash)",
    ),
    **_added("tiles", "NEW.idx = (SELECT coalesce(max(idx) + 1, 0) FROM tiles WHERE level = NEW.level)"),
    **_added("checkpoints", "NEW.number = (SELECT coalesce(max(number) + 1, 0) FROM checkpoints)"),
    **_added("meta", "NOT EXISTS (SELECT 1 FROM meta)"),
}


class SqliteStore:
    """A `Store` in one file. For the thread that opened it."""

    def __init__(self, path: Path, *, lock_timeout: float = 10.0) -> None:
        """Open the ledger at `path`.

        Args:
            lock_timeout: seconds to wait for another writer before `store.locked`.
        Raises:
            ConfigError: `cli.not_found`, `home.version` or `store.retired`.
            IntegrityError: `store.not_durable_mode`, `store.schema_tampered`, `store.corrupt` or another
                `store.…`.
        """
        self._db = open_sqlite(path, SCHEMA, version=SCHEMA_VERSION, lock_timeout=lock_timeout)
        self._schema_number: int | None = None
        try:
            self._origin = self._read_origin()
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, path: Path, *, origin: str) -> None:
        """Make an empty ledger for the log `origin` at `path`, where nothing may be yet.

        Raises:
            FormatError: `ckpt.malformed` for an origin that no log can have.
            ConfigError: `cli.exists`.
            IntegrityError: `store.…`.
        """
        if not origin.isprintable() or not origin or "'" in origin:
            raise FormatError(Reason.CKPT_MALFORMED, "an origin that is empty or not one plain line")
        create_sqlite(
            path,
            SCHEMA,
            version=SCHEMA_VERSION,
            script=f"INSERT INTO meta VALUES ('origin', '{origin}')",  # noqa: S608 (no quote in it)
        )

    @property
    def origin(self) -> str:
        return self._origin

    @contextmanager
    def writing(self) -> Iterator[None]:
        inside = self._db.conn.in_transaction
        with transaction(self._db):
            if not inside:  # somebody may have dropped a trigger, or moved the ledger, since it was opened
                self._schema_number = require_untouched(
                    self._db, SCHEMA, version=SCHEMA_VERSION, known=self._schema_number
                )
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        with mapped_errors():
            self._db.conn.execute("BEGIN")
            try:
                self._db.conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # takes the snapshot
                yield
            finally:
                self._db.rollback()

    def size(self) -> int:
        [(size,)] = self._read("SELECT coalesce(max(idx) + 1, 0) FROM entries", (), int)
        return int(size)

    def find(self, leaf_hashes: Sequence[LeafHash]) -> Mapping[LeafHash, int]:
        found: dict[LeafHash, int] = {}
        for at in range(0, len(leaf_hashes), _FIND_AT_ONCE):
            part = list(leaf_hashes[at : at + _FIND_AT_ONCE])
            marks = ",".join("?" * len(part))
            sql = f"SELECT leaf_hash, idx FROM entries WHERE leaf_hash IN ({marks})"  # noqa: S608 (marks only)
            found.update(self._read(sql, part, bytes, int))
        return found

    def entries(self, start: int, end: int) -> Iterator[StoredEntry]:
        sql = "SELECT idx, entry, leaf_hash FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx"
        for at in range(start, end, _READ_AT_ONCE):  # so that no read holds up the writer's log for long
            for index, entry, leaf in self._read(sql, (at, min(at + _READ_AT_ONCE, end)), int, bytes, bytes):
                yield StoredEntry(index, entry, leaf)

    def leaf_hashes(self, start: int, end: int) -> list[bytes]:
        sql = "SELECT leaf_hash FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx"
        return [leaf for (leaf,) in self._read(sql, (start, end), bytes)]

    def tile(self, level: int, index: int) -> StoredTile | None:
        sql = "SELECT hashes, root FROM tiles WHERE level = ? AND idx = ?"
        rows = self._read(sql, (level, index), bytes, bytes)
        return StoredTile(level, index, *rows[0]) if rows else None

    def tile_roots(self, level: int, start: int, end: int) -> list[bytes]:
        sql = "SELECT root FROM tiles WHERE level = ? AND idx >= ? AND idx < ? ORDER BY idx"
        return [root for (root,) in self._read(sql, (level, start, end), bytes)]

    def add_entries(self, rows: Sequence[StoredEntry]) -> None:
        with self.writing():
            self._db.conn.executemany(
                "INSERT INTO entries (idx, entry, leaf_hash) VALUES (?, ?, ?)",
                ((row.index, row.entry, row.leaf_hash) for row in rows),
            )

    def add_tiles(self, tiles: Sequence[StoredTile]) -> None:
        with self.writing():
            self._db.conn.executemany(
                "INSERT INTO tiles (level, idx, hashes, root) VALUES (?, ?, ?, ?)",
                ((tile.level, tile.index, tile.hashes, tile.root) for tile in tiles),
            )

    def add_checkpoint(self, checkpoint: StoredCheckpoint) -> None:
        values = (checkpoint.size, checkpoint.time, int(checkpoint.cosigned), checkpoint.note)
        with self.writing():
            self._db.execute(
                "INSERT INTO checkpoints (number, size, time, cosigned, note) "
                "VALUES ((SELECT coalesce(max(number) + 1, 0) FROM checkpoints), ?, ?, ?, ?)",
                values,
            )

    def newest_checkpoint(self, *, cosigned: bool) -> StoredCheckpoint | None:
        sql = (
            "SELECT size, time, cosigned, note FROM checkpoints WHERE cosigned = ? "
            "ORDER BY size DESC, number DESC LIMIT 1"
        )
        rows = self._read(sql, (int(cosigned),), int, int, int, bytes)
        return _checkpoint_of(rows[0]) if rows else None

    def checkpoints(self) -> Iterator[StoredCheckpoint]:
        sql = "SELECT size, time, cosigned, note FROM checkpoints ORDER BY number"
        for row in self._read(sql, (), int, int, int, bytes):
            yield _checkpoint_of(row)

    def retire(self) -> None:
        retire(self._db)

    def close(self) -> None:
        self._db.close()

    def _read(self, sql: str, values: Sequence[object], *types: type) -> list[tuple[Any, ...]]:
        """All rows. The tables are STRICT, but a page that the disk gave back wrong may still hold other types."""
        with mapped_errors():
            rows: list[tuple[Any, ...]] = self._db.execute(sql, values).fetchall()
        for row in rows:
            if tuple(map(type, row)) != types:
                raise IntegrityError(Reason.STORE_CORRUPT, "a row of other types", hint=_RESTORE)
        return rows

    def _read_origin(self) -> str:
        with mapped_errors():
            rows = self._db.execute("SELECT value FROM meta WHERE name = 'origin'").fetchall()
        if len(rows) != 1:
            raise IntegrityError(Reason.STORE_CORRUPT, "the ledger does not say whose it is")
        return str(rows[0][0])


def _checkpoint_of(row: tuple[int, int, int, bytes]) -> StoredCheckpoint:
    size, time, cosigned, note = row
    return StoredCheckpoint(size, time, bool(cosigned), note)
