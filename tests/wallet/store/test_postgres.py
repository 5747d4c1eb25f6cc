"""What PostgreSQL alone can get wrong: settings, structure, locks, lost connections, passwords."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import psycopg
import pytest
from click.testing import CliRunner

from cli.main import cli
from ledger.errors import ConfigError, ConflictError, IntegrityError, ProjectError
from ledger.reasons import Reason
from tests.wallet.stores import Databases
from wallet_api.store import postgres
from wallet_api.store.ddl import Statement, Step, Table, column
from wallet_api.store.opening import create_store, migrate_store, open_store
from wallet_api.store.postgres_schema import WRITER_LOCK, migrate_wallet_schema, require_schema
from wallet_api.store.rows import LogRow, SafeRow
from wallet_api.store.schema import STEPS, VERSION
from wallet_api.store.sql import Store

SAFE = SafeRow(b"s" * 16, b"k" * 32, b"w" * 40, 0, bytes(32), 1)
NEXT = Step(
    (Table("hires", "id BLOB PRIMARY KEY, rows INTEGER NOT NULL"),), (column("requests", "hire BLOB"),)
)
BROKEN = Step(NEXT.tables, (Statement("", "CREATE TABLE safes (id bytea)"),))


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    """A wallet that the test may spoil."""
    with databases.fresh() as url:
        yield url


def run(url: str, sql: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql)


def refusal(url: str) -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        open_store(url).close()
    return caught.value


# --- durable --------------------------------------------------------------------------------------------------------


def test_a_database_that_may_lose_commits_is_refused(url: str, databases: Databases) -> None:
    name = url.partition("@/")[2].partition("?")[0]
    databases.server.run(f"ALTER DATABASE {name} SET synchronous_commit = off")
    assert refusal(url).reason is Reason.STORE_NOT_DURABLE_MODE


def test_a_setting_changed_later_does_not_reach_open_connections(url: str, databases: Databases) -> None:
    store = open_store(url)
    try:
        databases.server.run("ALTER SYSTEM SET synchronous_commit = off")
        databases.server.run("SELECT pg_reload_conf()")
        with store.write() as tx:
            assert tx._execute("SELECT current_setting('synchronous_commit')") == [("on",)]
    finally:
        databases.server.run("ALTER SYSTEM RESET synchronous_commit")
        databases.server.run("SELECT pg_reload_conf()")
        store.close()


def test_what_was_acknowledged_outlives_a_crash_and_the_store_goes_on(url: str, databases: Databases) -> None:
    store = open_store(url)
    with store.write() as tx:
        tx.add_safe(SAFE)
    databases.server.crash()
    assert after_recovery(store) == SAFE
    store.close()
    databases.server.wait()  # a connection may have answered just before it was ended


def after_recovery(store: Store) -> SafeRow | None:
    """The safe as soon as the server is back; until then every refusal says that it is away."""
    deadline = monotonic() + 30
    while True:
        try:
            with store.read() as tx:
                return tx.safe(SAFE.id)
        except IntegrityError as exc:
            if exc.reason is not Reason.STORE_IO_ERROR or monotonic() > deadline:
                raise
            sleep(0.05)


# --- structure ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER access_log_stays ON access_log",
        "ALTER TABLE access_log DISABLE TRIGGER access_log_is_fixed",
        "CREATE OR REPLACE FUNCTION only_grows() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
        "ALTER TABLE answers DROP CONSTRAINT answers_pkey",
        "ALTER TABLE safes ALTER COLUMN holder_key DROP NOT NULL",
        "ALTER TABLE safes ADD COLUMN name text",
        "DROP INDEX requests_of_safe",
        "CREATE TABLE copies (id bytea)",
        "ALTER TABLE access_log SET UNLOGGED",
        "ALTER TABLE answers ENABLE ROW LEVEL SECURITY",
        "CREATE RULE forget AS ON INSERT TO access_log DO INSTEAD NOTHING",
    ],
)
def test_a_changed_structure_is_refused(databases: Databases, statement: str) -> None:
    with psycopg.connect(databases.emptied()) as connection:
        require_schema(connection)
        connection.execute(statement)
        with pytest.raises(IntegrityError) as caught:
            require_schema(connection)
        connection.rollback()
    assert caught.value.reason is Reason.STORE_SCHEMA_TAMPERED


def test_the_access_log_only_grows(url: str) -> None:
    store = open_store(url)
    with store.write() as tx:
        tx.add_log_row(LogRow(0, None, 1, b"e" * 32, None))
        tx.add_log_node(0, 0, b"h" * 32)
    for statement in (
        "DELETE FROM access_log",
        "TRUNCATE access_log",
        "UPDATE access_log SET entry = 'x'",
        "UPDATE access_log SET position = 9",
        "DELETE FROM log_nodes",
        "TRUNCATE log_nodes",
        "UPDATE log_nodes SET hash = 'x'",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation, match="only grows"):
            run(url, statement)
    store.close()


def test_versions(url: str) -> None:
    assert migrate_store(url) == (VERSION, VERSION)
    with pytest.raises(IntegrityError):
        migrate_wallet_schema(url, (*STEPS, BROKEN))
    open_store(url).close()  # the step that failed left nothing
    assert migrate_wallet_schema(url, (*STEPS, NEXT)) == (VERSION, VERSION + 1)
    assert refusal(url).reason is Reason.HOME_VERSION
    with pytest.raises(ConfigError) as caught:
        migrate_store(url)
    assert caught.value.reason is Reason.HOME_VERSION


def test_no_wallet_and_no_second_one(url: str, databases: Databases) -> None:
    with pytest.raises(ConfigError) as caught:
        create_store(url)
    assert caught.value.reason is Reason.CLI_EXISTS
    empty = databases.server.url()
    assert refusal(empty).reason is Reason.CLI_NOT_FOUND
    with pytest.raises(ConfigError) as caught:
        migrate_store(empty)
    assert caught.value.reason is Reason.CLI_NOT_FOUND
    error = refusal(databases.server.url("absent", user="nobody_secret"))
    assert error.reason is Reason.STORE_IO_ERROR
    assert "secret" not in f"{error}{error.detail}{error.hint}"


# --- locks and connections ------------------------------------------------------------------------------------------


def test_who_cannot_have_the_lock_says_so(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_LOCK_TIMEOUT", 1)
    store = open_store(url)
    with psycopg.connect(url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (WRITER_LOCK,))
        with store.read() as tx:
            assert tx.log_size() == 0  # readers wait for nobody
        with pytest.raises(ConflictError) as caught, store.write():
            pass
    assert caught.value.reason is Reason.STORE_LOCKED
    with store.write() as tx:
        tx.add_safe(SAFE)
    store.close()


def test_a_connection_that_the_server_closed_is_replaced(url: str, databases: Databases) -> None:
    store = open_store(url)
    with store.write() as tx:
        tx.add_safe(SAFE)
    databases.server.run(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'tallystick wallet'"
    )
    with store.read() as tx:
        assert tx.safe(SAFE.id) == SAFE
    store.close()


# --- passwords ------------------------------------------------------------------------------------------------------


def test_a_password_comes_from_a_file_alone(url: str, tmp_path: Path) -> None:
    shown = url.replace("postgres@", "postgres:secret-word@")
    for bad in (shown, f"{url}&password=secret-word"):
        with pytest.raises(ConfigError) as caught:
            CliRunner().invoke(
                cli, ["wallet", "migrate", "--db", bad], standalone_mode=False, catch_exceptions=False
            )
        assert caught.value.reason is Reason.CLI_USAGE
        assert "secret" not in f"{caught.value}{caught.value.hint}"
    file = tmp_path / "wallet.url"
    file.write_text(f"{shown}\n")
    file.chmod(stat.S_IRUSR | stat.S_IROTH)
    arguments = ["wallet", "migrate", "--db-file", str(file)]
    with pytest.raises(ConfigError) as caught:
        CliRunner().invoke(cli, arguments, standalone_mode=False, catch_exceptions=False)
    assert caught.value.reason is Reason.CLI_KEY_PERMISSIONS
    file.chmod(stat.S_IRUSR)
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    assert "secret" not in done.output
