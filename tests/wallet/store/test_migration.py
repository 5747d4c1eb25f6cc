"""A database of an older version is brought to the newest in one step; a newer one is refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ledger.errors import ConfigError, IntegrityError
from ledger.reasons import Reason
from wallet_api.store.ddl import Statement, Step, Table, column
from wallet_api.store.rows import SafeRow
from wallet_api.store.schema import STEPS, VERSION
from wallet_api.store.sqlite import SqliteStore, create_wallet_db, migrate_wallet_db

NEXT = Step(
    (Table("hires", "id BLOB PRIMARY KEY, rows INTEGER NOT NULL"),), (column("requests", "hire BLOB"),)
)
BROKEN = Step(
    NEXT.tables, (Statement("CREATE TABLE safes (id BLOB) STRICT", "CREATE TABLE safes (id bytea)"),)
)
SAFE = SafeRow(b"s" * 16, b"k" * 32, b"w" * 40, 0, bytes(32), 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "wallet.db"
    create_wallet_db(path)
    store = SqliteStore(path)
    with store.write() as tx:
        tx.add_safe(SAFE)
    store.close()
    return path


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_the_newest_needs_nothing(path: Path) -> None:
    assert migrate_wallet_db(path) == (VERSION, VERSION)
    SqliteStore(path).close()


def test_one_version_more_and_what_was_there_stays(path: Path) -> None:
    assert migrate_wallet_db(path, (*STEPS, NEXT)) == (VERSION, VERSION + 1)
    assert migrate_wallet_db(path, (*STEPS, NEXT)) == (VERSION + 1, VERSION + 1)  # its own text is recognised
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT id FROM safes").fetchall() == [(SAFE.id,)]
        assert connection.execute("SELECT hire FROM requests").fetchall() == []


def test_a_newer_one_is_refused(path: Path) -> None:
    migrate_wallet_db(path, (*STEPS, NEXT))
    for refuse in (SqliteStore, migrate_wallet_db):
        with pytest.raises(ConfigError) as caught:
            refuse(path)
        assert caught.value.reason is Reason.HOME_VERSION


def test_a_step_that_fails_leaves_the_old_version_usable(path: Path) -> None:
    with pytest.raises(IntegrityError):
        migrate_wallet_db(path, (*STEPS, BROKEN))
    assert version_of(path) == VERSION
    store = SqliteStore(path)
    with store.read() as tx:
        assert tx.safe(SAFE.id) == SAFE
    store.close()


def test_a_table_changed_by_hand_is_not_migrated(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER access_log_stays")
    with pytest.raises(IntegrityError) as caught:
        migrate_wallet_db(path, (*STEPS, NEXT))
    assert caught.value.reason is Reason.STORE_SCHEMA_TAMPERED


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        migrate_wallet_db(tmp_path / "wallet.db")
    assert caught.value.reason is Reason.CLI_NOT_FOUND
