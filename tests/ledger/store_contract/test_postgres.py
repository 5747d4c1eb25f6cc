"""What PostgreSQL in particular must not let happen (ATTACKS D05, D13, D14, D15)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
import pytest

from ledger.errors import ConfigError, ConflictError, IntegrityError
from ledger.merkle import Frontier, leaf_hash
from ledger.reasons import Reason
from ledger.store.base import StoredCheckpoint, StoredEntry
from ledger.store.opening import create_store, open_store
from ledger.store.postgres import PostgresStore
from ledger.store.postgres_schema import WRITER_LOCK
from ledger.store.tree import append_entries, recompute
from tests.attacks.marking import attack
from tests.ledger.cutting import Line, line_to
from tests.ledger.store_contract.test_contract import ORIGIN, entries, reason_of
from tests.ledger.stores import POSTGRES, LedgerDatabases, run_sql

if TYPE_CHECKING:
    from tests.ledger.conftest import World
else:
    World = Any

pytestmark = POSTGRES


@pytest.fixture
def url(place: str) -> str:
    create_store(place, origin=ORIGIN)
    return place


@pytest.fixture
def store(url: str) -> Iterator[PostgresStore]:
    store = PostgresStore(url, lock_timeout=0.2)
    yield store
    store.close()


# --- durable --------------------------------------------------------------------------------------------------------


@attack("D05", Reason.STORE_NOT_DURABLE_MODE)
@attack("D15", Reason.STORE_NOT_DURABLE_MODE)
def test_a_session_that_may_lose_commits_is_refused(url: str) -> None:
    unsafe = url.replace("options=", "options=-csynchronous_commit%3Doff%20")
    for use in (lambda: open_store(unsafe), lambda: create_store(unsafe, origin=ORIGIN)):
        assert reason_of(use) == Reason.STORE_NOT_DURABLE_MODE


@attack("D05", Reason.STORE_NOT_DURABLE_MODE)
@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_may_lose_commits_is_refused(
    url: str, store: PostgresStore, ledger_databases: LedgerDatabases, setting: str
) -> None:
    append_entries(store, entries(0, 1))
    server = ledger_databases.server
    server.run(f"ALTER SYSTEM SET {setting} = off")
    try:
        reload_settings(url, setting, "off")
        assert reason_of(lambda: open_store(url)) == Reason.STORE_NOT_DURABLE_MODE
        assert reason_of(lambda: append_entries(store, entries(1, 2))) == Reason.STORE_NOT_DURABLE_MODE
    finally:
        server.run(f"ALTER SYSTEM RESET {setting}")
        reload_settings(url, setting, "on")
    assert append_entries(store, entries(0, 2)) == [0, 1]


def reload_settings(url: str, setting: str, value: str) -> None:
    """Until new sessions and the one of the store, which looks whenever it is idle, know it."""
    run_sql(url, "SELECT pg_reload_conf()")
    for _ in range(100):
        with psycopg.connect(url, autocommit=True) as connection:
            if connection.execute(f"SHOW {setting}").fetchone() == (value,):
                connection.execute("SELECT pg_sleep(0.1)")
                return
            connection.execute("SELECT pg_sleep(0.02)")
    raise AssertionError(setting)


def test_a_setting_changed_later_does_not_reach_an_open_store(
    store: PostgresStore, ledger_databases: LedgerDatabases, url: str
) -> None:
    server = ledger_databases.server
    server.run("ALTER SYSTEM SET synchronous_commit = off")
    try:
        reload_settings(url, "synchronous_commit", "off")
        assert append_entries(store, entries(0, 1)) == [0]
        assert store._rows("SHOW synchronous_commit") == [("on",)]
    finally:
        server.run("ALTER SYSTEM RESET synchronous_commit")
        reload_settings(url, "synchronous_commit", "on")


# --- structure ------------------------------------------------------------------------------------------------------


@attack("D13")
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE entries SET entry = '' WHERE idx = 1",
        "UPDATE entries SET entry = '' WHERE false",
        "DELETE FROM entries WHERE idx = 299",
        "TRUNCATE entries",
        "INSERT INTO entries SELECT 1, entry, leaf_hash FROM entries WHERE idx = 1 "
        "ON CONFLICT (idx) DO UPDATE SET entry = ''",
        "MERGE INTO entries USING (SELECT 1) AS one ON idx = 1 WHEN MATCHED THEN DELETE",
        "INSERT INTO entries VALUES (301, '', sha256(''))",
        "INSERT INTO entries VALUES (-1, '', sha256(''))",
        "INSERT INTO entries VALUES (300, '', sha256('a')), (302, '', sha256('b'))",
        "INSERT INTO entries SELECT 300, entry, leaf_hash FROM entries WHERE idx = 1",
        "INSERT INTO tiles SELECT 0, 2, hashes, root FROM tiles",
        "INSERT INTO tiles SELECT 1, 1, hashes, root FROM tiles",
        "UPDATE tiles SET root = sha256('')",
        "DELETE FROM tiles",
        "TRUNCATE tiles",
        "DELETE FROM checkpoints",
        "UPDATE checkpoints SET note = ''",
        "INSERT INTO checkpoints VALUES (2, 9, 9, true, '')",
        "UPDATE meta SET value = 'other'",
        "INSERT INTO meta VALUES ('origin2', 'other')",
        "DELETE FROM meta",
    ],
)
def test_plain_sql_cannot_change_what_is_there(store: PostgresStore, url: str, sql: str) -> None:
    append_entries(store, entries(0, 300))
    store.add_checkpoint(StoredCheckpoint(300, 1, False, b"x"))
    before = dump(url)
    with pytest.raises(psycopg.errors.IntegrityError):
        run_sql(url, sql)
    assert dump(url) == before


def dump(url: str) -> list[object]:
    with psycopg.connect(url) as connection:
        tables = ("entries", "tiles", "checkpoints", "meta")
        return [connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables]


@attack("D13", Reason.STORE_SCHEMA_TAMPERED)
@pytest.mark.parametrize(
    "sql",
    [
        "DROP TRIGGER entries_kept ON entries",
        "ALTER TABLE entries DISABLE TRIGGER entries_kept",
        "ALTER TABLE tiles DISABLE TRIGGER ALL",
        "CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE OR REPLACE FUNCTION entries_next() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER extra AFTER INSERT ON entries EXECUTE FUNCTION append_only()",
        "ALTER TABLE entries ADD COLUMN note text",
        "ALTER TABLE entries ALTER COLUMN entry DROP NOT NULL",
        "ALTER TABLE entries DROP CONSTRAINT entries_leaf_hash_key",
        "ALTER TABLE entries SET UNLOGGED",
        "ALTER TABLE entries ENABLE ROW LEVEL SECURITY",
        "CREATE RULE forget AS ON INSERT TO entries DO INSTEAD NOTHING",
        "CREATE TABLE extra (x bigint)",
        "CREATE VIEW extra AS SELECT 1 AS x",
        "DROP INDEX checkpoints_by_size",
        "DROP TABLE tiles",
        "DELETE FROM ledger_version",
    ],
)
def test_a_changed_structure_is_neither_opened_nor_written(store: PostgresStore, url: str, sql: str) -> None:
    append_entries(store, entries(0, 1))
    run_sql(url, sql)
    assert reason_of(lambda: append_entries(store, entries(1, 2))) == Reason.STORE_SCHEMA_TAMPERED
    assert reason_of(lambda: open_store(url)) == Reason.STORE_SCHEMA_TAMPERED
    assert store.size() == 1


def test_what_a_server_does_to_its_own_tables_is_no_tampering(store: PostgresStore, url: str) -> None:
    append_entries(store, entries(0, 600))
    run_sql(url, "VACUUM (FULL, ANALYZE)", "REINDEX SCHEMA CONCURRENTLY " + schema_of(url), "VACUUM FREEZE")
    assert append_entries(store, entries(600, 601)) == [600]
    recompute(store, Frontier(), 601)


def schema_of(url: str) -> str:
    return url.rpartition("search_path%3D")[2]


@attack("D13", Reason.STORE_SCHEMA_TAMPERED)
def test_triggers_that_are_switched_off_for_a_role_are_noticed(url: str) -> None:
    off = url.replace("options=", "options=-csession_replication_role%3Dreplica%20")
    assert reason_of(lambda: open_store(off)) == Reason.STORE_SCHEMA_TAMPERED


def test_versions_and_absent_ledgers(url: str, ledger_databases: LedgerDatabases) -> None:
    run_sql(url, "UPDATE ledger_version SET version = 2")
    assert reason_of(lambda: open_store(url), ConfigError) == Reason.HOME_VERSION
    absent = ledger_databases.server.url()
    assert reason_of(lambda: open_store(absent), ConfigError) == Reason.CLI_NOT_FOUND
    nobody = ledger_databases.server.url("absent", user="nobody_secret")
    with pytest.raises(IntegrityError) as caught:
        open_store(nobody)
    assert caught.value.reason is Reason.STORE_IO_ERROR
    assert "secret" not in f"{caught.value}{caught.value.detail}{caught.value.hint}"


# --- locks and connections ------------------------------------------------------------------------------------------


def test_a_commit_that_rolls_back_is_no_commit(store: PostgresStore) -> None:
    a, b = entries(0, 2)

    def swallow() -> None:
        with store.writing():
            append_entries(store, [a])
            with suppress(IntegrityError):
                store.add_entries([StoredEntry(7, b, leaf_hash(b))])

    assert reason_of(swallow) == Reason.STORE_IO_ERROR
    assert store.size() == 0


@attack("D15", Reason.STORE_LOCKED)
def test_a_deadlock_is_to_be_repeated(world: World) -> None:
    """The server ends one of the two; what it ended was not logged, and the ledger goes on."""
    ledger = world.open(lock_timeout=30)
    with psycopg.connect(str(world.place)) as other:
        other.execute("SET deadlock_timeout = '10s'")
        other.execute("LOCK TABLE entries IN EXCLUSIVE MODE")
        waiting = start(lambda: ledger.append(world.entries(1)))
        wait_for(other, "SELECT FROM pg_locks WHERE NOT granted")
        other.execute("SELECT pg_advisory_xact_lock(%s)", (WRITER_LOCK,))  # until the writer was ended
        with pytest.raises(ConflictError) as caught:
            waiting()
    assert caught.value.reason is Reason.STORE_LOCKED
    assert ledger.append(world.entries(1)) == [0]


def start(call: Callable[[], object]) -> Callable[[], object]:
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(1)
    future = pool.submit(call)
    pool.shutdown(wait=False)
    return lambda: future.result(timeout=30)


def wait_for(connection: psycopg.Connection[tuple[Any, ...]], sql: str) -> None:
    for _ in range(200):
        if connection.execute(sql).fetchall():
            return
        connection.execute("SELECT pg_sleep(0.02)")
    raise AssertionError(sql)


@attack("D14", Reason.STORE_LOCKED)
def test_a_writer_that_fell_silent_gives_the_lock_back_with_its_connection(
    store: PostgresStore, url: str
) -> None:
    other = PostgresStore(url, lock_timeout=0.05)

    def fall_silent() -> None:
        with store.writing():
            append_entries(store, entries(0, 3))
            assert (
                reason_of(lambda: append_entries(other, entries(5, 6)), ConflictError) == Reason.STORE_LOCKED
            )
            [(pid,)] = store._rows("SELECT pg_backend_pid()")
            run_sql(url, f"SELECT pg_terminate_backend({pid}, 5000)")
            assert append_entries(other, entries(5, 6)) == [0]
            append_entries(store, entries(3, 4))

    assert reason_of(fall_silent) == Reason.STORE_IO_ERROR
    assert other.size() == 1
    assert reason_of(lambda: append_entries(store, entries(7, 8))) == Reason.STORE_IO_ERROR
    assert reason_of(store.size) == Reason.STORE_IO_ERROR
    other.close()


@pytest.fixture
def line(ledger_databases: LedgerDatabases) -> Iterator[tuple[Line, Callable[[str], str]]]:
    """A line that breaks on demand, and what makes a URL go over it."""
    server = ledger_databases.server.folder
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as name, line_to(server, Path(name)) as line:
        yield line, lambda url: url.replace(quote(str(server), safe=""), quote(name, safe=""))


@attack("D07", Reason.STORE_IO_ERROR)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_commit_whose_answer_is_lost(
    world: World, line: tuple[Line, Callable[[str], str]], number: int
) -> None:
    """Nobody can tell whether it happened: the ledger stops, and the next opening sees."""
    breaking, over_it = line
    ledger = world.open(path=over_it(str(world.place)))
    ledger.append(world.entries(1, 2))
    breaking.broken_from(number)
    logged = [1, 2]

    def go_on() -> None:
        for entry in range(3, 9):
            logged.append(entry)
            ledger.append(world.entries(entry))
            ledger.checkpoint(world.now)

    assert reason_of(go_on) == Reason.STORE_IO_ERROR
    with pytest.raises(IntegrityError):
        ledger.append(world.entries(20))
    again = world.open()
    assert again.append(world.entries(*logged)) == list(range(len(logged)))
    assert again.size == len(logged)
    assert again.checkpoint(world.now + 1)
