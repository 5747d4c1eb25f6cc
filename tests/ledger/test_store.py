"""What SQLite in particular must not let happen (ATTACKS D); the contract of every store is in `store_contract`."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from sqlite_utils import Database

from ledger.entry import EntryType, encode_entry
from ledger.errors import ConfigError, FormatError, IntegrityError, ProjectError
from ledger.merkle import Frontier, leaf_hash
from ledger.reasons import Reason
from ledger.store.base import Store, StoredCheckpoint
from ledger.store.sqlite import SqliteStore
from ledger.store.tree import append_entries, recompute, verify_edge
from tests.ledger.tampering import CREATE_ALL, DROP_ALL

ORIGIN = "test.example/log"


def entries(start: int, end: int) -> list[bytes]:
    return [encode_entry(EntryType.CERTIFICATE, 1, sha256(b"%d" % n).digest()) for n in range(start, end)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.db"
    SqliteStore.create(path, origin=ORIGIN)
    return path


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path, lock_timeout=0.05)
    yield store
    store.close()


def reason_of(call: Callable[[], object], kind: type[ProjectError] = IntegrityError) -> Reason:
    with pytest.raises(kind) as caught:
        call()
    return caught.value.reason


def tamper(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE entries SET entry = x'00' WHERE idx = 1",
        "DELETE FROM entries WHERE idx = 299",
        "DELETE FROM entries",
        "INSERT OR REPLACE INTO entries SELECT 1, entry, leaf_hash FROM entries WHERE idx = 1",
        "INSERT OR REPLACE INTO entries SELECT 300, entry, leaf_hash FROM entries WHERE idx = 1",
        "INSERT INTO entries VALUES (301, x'00', zeroblob(32))",
        "UPDATE OR REPLACE entries SET idx = 0 WHERE idx = 1",
        "INSERT OR REPLACE INTO tiles SELECT 0, 0, hashes, zeroblob(32) FROM tiles",
        "UPDATE tiles SET root = zeroblob(32)",
        "DELETE FROM tiles",
        "DELETE FROM checkpoints",
        "UPDATE checkpoints SET note = x'00'",
        "INSERT OR REPLACE INTO checkpoints VALUES (0, 9, 9, 1, x'00')",
        "UPDATE meta SET value = 'other'",
        "INSERT OR REPLACE INTO meta VALUES ('origin', 'other')",
        "DELETE FROM meta",
    ],
)
def test_plain_sqlite_cannot_change_what_is_there(store: Store, path: Path, sql: str) -> None:  # D13
    append_entries(store, entries(0, 300))
    store.add_checkpoint(StoredCheckpoint(300, 1, False, b"x"))
    before = dump(path)
    with pytest.raises(sqlite3.IntegrityError):
        tamper(path, sql)
    assert dump(path) == before


def dump(path: Path) -> list[object]:
    tables = ("entries", "tiles", "checkpoints", "meta")
    with closing(sqlite3.connect(path)) as connection:
        return [connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables]


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TRIGGER entries_no_update",
        "DROP TRIGGER entries_next",
        DROP_ALL,
        "DROP TRIGGER tiles_no_delete; CREATE TRIGGER tiles_no_delete BEFORE DELETE ON tiles BEGIN SELECT 1; END",
        "ALTER TABLE entries ADD COLUMN note TEXT",
        "CREATE TABLE extra (x)",
        "CREATE VIEW extra AS SELECT 1",
        "CREATE TRIGGER extra AFTER INSERT ON entries BEGIN SELECT 1; END",
        "DROP INDEX checkpoints_by_size",
        "DROP TABLE tiles",
    ],
)
def test_a_changed_schema_is_not_opened(path: Path, sql: str) -> None:  # D13
    tamper(path, sql)
    assert reason_of(lambda: SqliteStore(path)) == Reason.STORE_SCHEMA_TAMPERED


def test_transform_is_not_opened(path: Path) -> None:  # D13
    database = Database(path)
    database.execute(DROP_ALL.split(";")[0])
    database.table("checkpoints").transform(drop={"time"})
    database.close()
    assert reason_of(lambda: SqliteStore(path)) == Reason.STORE_SCHEMA_TAMPERED


def test_a_newer_version_is_not_opened(path: Path) -> None:
    tamper(path, "PRAGMA user_version = 2")
    assert reason_of(lambda: SqliteStore(path), ConfigError) == Reason.HOME_VERSION


@pytest.mark.parametrize("pragma", ["synchronous = OFF", "synchronous = NORMAL"])
def test_a_mode_that_loses_commits_is_refused(store: SqliteStore, pragma: str) -> None:  # D05
    store._db.execute(f"PRAGMA {pragma}")
    assert reason_of(lambda: append_entries(store, entries(0, 1))) == Reason.STORE_NOT_DURABLE_MODE
    assert store.size() == 0


def test_another_journal_mode_is_refused(path: Path) -> None:  # D05
    store = SqliteStore(path)
    store._db.execute("PRAGMA journal_mode = MEMORY")
    assert reason_of(lambda: append_entries(store, entries(0, 1))) == Reason.STORE_NOT_DURABLE_MODE
    store.close()
    store = SqliteStore(path)  # opening sets it right again
    assert append_entries(store, entries(0, 1)) == [0]
    store.close()


def test_create_overwrites_nothing(tmp_path: Path, path: Path) -> None:  # D08
    before = path.read_bytes()
    assert reason_of(lambda: SqliteStore.create(path, origin=ORIGIN), ConfigError) == Reason.CLI_EXISTS
    assert path.read_bytes() == before
    beside = tmp_path / "new.db-wal"
    beside.touch()
    new = tmp_path / "new.db"
    assert reason_of(lambda: SqliteStore.create(new, origin=ORIGIN), ConfigError) == Reason.CLI_EXISTS
    new.symlink_to(tmp_path / "nowhere")
    assert reason_of(lambda: SqliteStore.create(new, origin=ORIGIN), ConfigError) == Reason.CLI_EXISTS
    assert not (tmp_path / "nowhere").exists()


def test_create_leaves_one_private_file(tmp_path: Path, path: Path) -> None:
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o600
    for origin in ("", "a\nb", "it's"):
        assert (
            reason_of(lambda o=origin: SqliteStore.create(tmp_path / "x.db", origin=o), FormatError)  # type: ignore[misc]
            == Reason.CKPT_MALFORMED
        )


def test_nothing_is_made_by_opening(tmp_path: Path) -> None:
    absent = tmp_path / "absent.db"
    assert reason_of(lambda: SqliteStore(absent), ConfigError) == Reason.CLI_NOT_FOUND
    assert reason_of(lambda: SqliteStore(tmp_path), ConfigError) == Reason.CLI_NOT_FOUND
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("damage", "reasons"),
    [
        (lambda data: b"no database at all" * 100, {Reason.STORE_CORRUPT}),
        (lambda data: b"", {Reason.HOME_VERSION}),
        (lambda data: b"\0" * 4096 + data[4096:], {Reason.STORE_CORRUPT}),
        (lambda data: data[:4096] + b"\0" * 4096 + data[8192:], {Reason.STORE_CORRUPT}),
        (lambda data: data[:4096] + b"\xa5" * (len(data) - 4096), {Reason.STORE_CORRUPT}),
        (lambda data: data[: len(data) // 2], {Reason.STORE_CORRUPT}),
    ],
)
def test_damaged_files(path: Path, damage: Callable[[bytes], bytes], reasons: set[Reason]) -> None:  # D03
    store = SqliteStore(path)
    append_entries(store, entries(0, 300))
    store.close()
    path.write_bytes(damage(path.read_bytes()))

    def use() -> None:
        store = SqliteStore(path)
        try:
            recompute(store, Frontier(), store.size())
            append_entries(store, entries(300, 301))
        finally:
            store.close()

    with pytest.raises((IntegrityError, ConfigError)) as caught:
        use()
    assert caught.value.reason in reasons


def test_a_full_disk_acknowledges_nothing(store: SqliteStore) -> None:  # D02
    append_entries(store, entries(0, 300))
    [pages] = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    assert reason_of(lambda: append_entries(store, entries(300, 3000))) == Reason.STORE_FULL
    assert store.size() == 300
    store._db.execute("PRAGMA max_page_count = 1000000")
    assert append_entries(store, entries(299, 310)) == list(range(299, 310))
    recompute(store, Frontier(), store.size())


def test_a_read_only_file(path: Path) -> None:
    store = SqliteStore(path)
    store._db.execute("PRAGMA query_only = ON")
    assert reason_of(lambda: append_entries(store, entries(0, 1))) == Reason.STORE_READONLY
    store.close()


FLIPS = {
    "entry": (
        "UPDATE entries SET entry = CAST(x'85' || substr(entry, 2) AS BLOB) WHERE idx = {}",
        Reason.STORE_HASH_MISMATCH,
    ),
    "leaf": ("UPDATE entries SET leaf_hash = zeroblob(32) WHERE idx = {}", Reason.STORE_HASH_MISMATCH),
    "both": (
        "UPDATE entries SET entry = x'00', leaf_hash = x'" + leaf_hash(b"\0").hex() + "' WHERE idx = {}",
        Reason.STORE_HASH_MISMATCH,
    ),
    "hole": ("DELETE FROM entries WHERE idx = {}", Reason.STORE_CORRUPT),
}


@pytest.mark.parametrize("index", [0, 255, 256, 400])
@pytest.mark.parametrize("flip", FLIPS)
def test_changed_entries_are_found(store: SqliteStore, path: Path, flip: str, index: int) -> None:  # D12
    append_entries(store, entries(0, 600))
    sql, reason = FLIPS[flip]
    tamper(path, DROP_ALL + sql.format(index))
    assert reason_of(lambda: recompute(store, Frontier(), 600)) == reason


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("UPDATE tiles SET hashes = zeroblob(8192) WHERE idx = 1", Reason.STORE_HASH_MISMATCH),
        ("UPDATE tiles SET root = zeroblob(32) WHERE idx = 0", Reason.STORE_HASH_MISMATCH),
        ("DELETE FROM tiles WHERE idx = 1", Reason.STORE_CORRUPT),
        ("UPDATE tiles SET idx = 2 WHERE idx = 1", Reason.STORE_CORRUPT),
    ],
)
def test_changed_tiles_are_found(store: SqliteStore, path: Path, sql: str, reason: Reason) -> None:  # D12
    append_entries(store, entries(0, 600))
    tamper(path, DROP_ALL + sql)
    assert reason_of(lambda: recompute(store, Frontier(), 600)) == reason
    assert reason_of(lambda: verify_edge(store, 600)) == reason


def test_a_changed_right_edge_stops_an_append(store: SqliteStore, path: Path) -> None:  # D12
    append_entries(store, entries(0, 300))
    tamper(path, f"{DROP_ALL}UPDATE entries SET leaf_hash = zeroblob(32) WHERE idx = 299;{CREATE_ALL}")
    assert reason_of(lambda: append_entries(store, entries(300, 301))) == Reason.STORE_HASH_MISMATCH
    assert store.size() == 300


def test_a_foreign_log_file_beside_the_database(path: Path, tmp_path: Path) -> None:  # D08
    store = SqliteStore(path)
    append_entries(store, entries(0, 300))
    store.close()
    other = tmp_path / "other.db"
    SqliteStore.create(other, origin=ORIGIN)
    writer = SqliteStore(other)
    append_entries(writer, entries(1000, 1003))
    shutil.copy(f"{other}-wal", f"{path}-wal")

    def use() -> None:
        store = SqliteStore(path)
        try:
            assert [row.entry for row in store.entries(0, 301)] == entries(0, 300)
            recompute(store, Frontier(), store.size())
        finally:
            store.close()

    # Either SQLite ignores it, or the pages it mixed in are noticed.
    try:
        use()
    except IntegrityError as exc:
        assert exc.reason in (Reason.STORE_CORRUPT, Reason.STORE_HASH_MISMATCH)  # noqa: PT017
    except AssertionError:
        pytest.fail("another history was read without an error")
    finally:
        writer.close()
