"""Copies of a ledger's database as a backup makes them, and bytes of it changed past its triggers; on both stores."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path

import psycopg

from ledger.store.opening import create_store
from ledger.store.postgres_schema import WRITER_LOCK
from tests.ledger.stores import run_sql
from tests.ledger.tampering import copy_database, tamper

__all__ = ["Copies", "overwrite", "value"]

_TABLES = ("entries", "tiles", "checkpoints")


class Copies:
    """Makes copies of ledgers. PostgreSQL's are schemas beside the first one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()
        self._schemas: list[tuple[str, str]] = []

    def copy(self, place: str | Path, *, origin: str) -> str | Path:
        """A copy of the ledger at `place`, at a place of its own."""
        number = next(self._numbers)
        if isinstance(place, Path):
            target = self._folder / f"copy-{number}.db"
            copy_database(place, target)
            return target
        source, name = _schema_of(place), f"{_schema_of(place)}_copy_{number}"
        url = place.replace(f"search_path%3D{source}", f"search_path%3D{name}")
        run_sql(place, f"CREATE SCHEMA {name}")
        self._schemas.append((place, name))
        create_store(url, origin=origin)
        _fill(url, source)
        return url

    def restore(self, place: str | Path, copy: str | Path) -> None:
        """Put a copy in the place of the ledger, which nobody has open."""
        if isinstance(place, Path):
            assert isinstance(copy, Path)
            copy_database(copy, place)
            return
        truncate = "; ".join(f"TRUNCATE {table}" for table in _TABLES)
        run_sql(place, f"SET session_replication_role = replica; {truncate}")
        _fill(place, _schema_of(str(copy)))

    def close(self) -> None:
        for place, name in self._schemas:
            run_sql(place, f"DROP SCHEMA {name} CASCADE")


def _fill(url: str, source: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (WRITER_LOCK,))
        for table in _TABLES:
            connection.execute(f"INSERT INTO {table} SELECT * FROM {source}.{table}")


def _schema_of(url: str) -> str:
    return url.rpartition("search_path%3D")[2]


def overwrite(place: str | Path, table: str, column: str, where: str, new: bytes) -> None:
    """Change one value the way a disk does, or somebody who knows about the triggers."""
    if isinstance(place, Path):
        tamper(place, f"UPDATE {table} SET {column} = x'{new.hex()}' WHERE {where}")
    else:
        sql = f"UPDATE {table} SET {column} = '\\x{new.hex()}' WHERE {where}"
        run_sql(place, f"SET session_replication_role = replica; {sql}")


def value(place: str | Path, table: str, column: str, where: str) -> bytes:
    """What stands there."""
    sql = f"SELECT {column} FROM {table} WHERE {where}"
    if isinstance(place, Path):
        with closing(sqlite3.connect(place)) as file:
            return bytes(file.execute(sql).fetchone()[0])
    with psycopg.connect(place) as connection:
        row = connection.execute(sql).fetchone()
    assert row is not None
    return bytes(row[0])
