"""The wallet's schema in a PostgreSQL database: made, migrated, and looked over whenever a store opens."""

from __future__ import annotations

from typing import Any, Final, NoReturn

import psycopg

from ledger.errors import ConfigError, IntegrityError
from ledger.reasons import Reason
from wallet_api.store.ddl import Step
from wallet_api.store.postgres_errors import mapped_errors
from wallet_api.store.schema import STEPS, VERSION, require_known, statements_since

__all__ = [
    "WRITER_LOCK",
    "create_wallet_schema",
    "migrate_wallet_schema",
    "require_durable",
    "require_schema",
]

Connection = psycopg.Connection[tuple[Any, ...]]

# One number for all that write to a wallet's database: services, migrations, rotations.
WRITER_LOCK: Final = 0x7461_6C6C_79
_VERSION_TABLE: Final = "CREATE TABLE wallet_version (version bigint NOT NULL)"
_CATALOGS: Final[
    dict[int, set[tuple[str, str, str]]]
] = {}  # what each version of the server says, found once
_SCRATCH: Final = "wallet_expected"
_CATALOG: Final = """
    SELECT 'column', table_name || '.' || column_name, data_type || ' ' || is_nullable || coalesce(column_default, '')
        FROM information_schema.columns WHERE table_schema = current_schema()
    UNION ALL SELECT 'table', relname, relkind::text || relpersistence::text || relrowsecurity::text
        FROM pg_class WHERE relkind <> 'i' AND relnamespace = current_schema()::regnamespace
    UNION ALL SELECT 'rule', rulename, definition FROM pg_rules WHERE schemaname = current_schema()
    UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
    UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()
    UNION ALL SELECT 'trigger', tgname, tgenabled::text || pg_get_triggerdef(pg_trigger.oid)
        FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace
    UNION ALL SELECT 'function', proname, prosrc FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
"""


def create_wallet_schema(url: str) -> None:
    """Make the tables in an empty database. Raises ConfigError `cli.exists`, IntegrityError `store.…`."""
    with mapped_errors(), psycopg.connect(url) as connection:
        _lock(connection)
        if _version(connection) is not None:
            raise ConfigError(
                Reason.CLI_EXISTS, "the tables", hint="Choose another database; nothing is overwritten."
            )
        _build(connection)
        connection.execute("INSERT INTO wallet_version VALUES (%s)", (VERSION,))


def migrate_wallet_schema(url: str, steps: tuple[Step, ...] = STEPS) -> tuple[int, int]:
    """Bring the tables to the newest version in one transaction. Returns the version found and the one reached.

    Raises:
        ConfigError: `cli.not_found`; `home.version`: it is newer than this program.
        IntegrityError: `store.…`; the database is then as it was.
    """
    with mapped_errors(), psycopg.connect(url) as connection:
        _lock(connection)
        found = _version(connection)
        if found is None:
            _refuse_empty()
        require_known(found, steps)
        for statement in statements_since(found, steps):
            if statement.postgres:
                connection.execute(statement.postgres)
        connection.execute("UPDATE wallet_version SET version = %s", (len(steps),))
    return found, len(steps)


def require_schema(connection: Connection) -> None:
    """Check version, columns and triggers.

    Raises:
        ConfigError: `cli.not_found` (no wallet is here), `home.version`.
        IntegrityError: `store.schema_tampered`.
    """
    found = _version(connection)
    if found is None:
        _refuse_empty()
    require_known(found)
    if found != VERSION:
        detail = f"schema {found}, this program reads {VERSION}"
        raise ConfigError(Reason.HOME_VERSION, detail, hint="Migrate the database.")
    there = _catalog(connection)
    expected = _expected(connection)
    if there != expected:
        names = sorted({name for _, name, _ in there ^ expected})
        raise IntegrityError(
            Reason.STORE_SCHEMA_TAMPERED,
            ", ".join(names)[:200],
            hint="Somebody changed the database's structure; restore the newest backup.",
        )


def require_durable(connection: Connection) -> None:
    """Check that a commit on this connection is on the disk when it returns, and keep it so for its lifetime.

    Raises:
        IntegrityError: `store.not_durable_mode`.
    """
    row = connection.execute(
        "SELECT current_setting('synchronous_commit'), current_setting('fsync')"
    ).fetchone()
    assert row is not None
    synchronous, fsync = row
    if synchronous == "off" or fsync != "on":
        raise IntegrityError(
            Reason.STORE_NOT_DURABLE_MODE,
            f"synchronous_commit {synchronous}, fsync {fsync}",
            hint="Turn both on for this database, then start again.",
        )
    # A later ALTER SYSTEM and reload would change an open session; what the session set itself stays.
    connection.execute("SELECT set_config('synchronous_commit', %s, false)", (synchronous,))


def _build(connection: Connection, steps: tuple[Step, ...] = STEPS) -> None:
    connection.execute(_VERSION_TABLE)
    for statement in statements_since(0, steps):
        if statement.postgres:
            connection.execute(statement.postgres)


def _expected(connection: Connection) -> set[tuple[str, str, str]]:
    """The catalogue of a schema made anew, which is rolled back: how PostgreSQL spells it, it says itself."""
    version = connection.info.server_version
    if version not in _CATALOGS:
        _CATALOGS[version] = _scratch_catalog(connection)
    return _CATALOGS[version]


def _scratch_catalog(connection: Connection) -> set[tuple[str, str, str]]:
    with connection.transaction(force_rollback=True):
        connection.execute(f"CREATE SCHEMA {_SCRATCH}")
        connection.execute(f"SET LOCAL search_path = {_SCRATCH}")
        _build(connection)
        return _catalog(connection)


def _catalog(connection: Connection) -> set[tuple[str, str, str]]:
    row = connection.execute("SELECT current_schema()").fetchone()
    assert row is not None
    return {(kind, name, text.replace(f"{row[0]}.", "")) for kind, name, text in connection.execute(_CATALOG)}


def _version(connection: Connection) -> int | None:
    row = connection.execute("SELECT to_regclass('wallet_version') IS NOT NULL").fetchone()
    if row is None or not row[0]:
        return None
    found = connection.execute("SELECT version FROM wallet_version").fetchone()
    return 0 if found is None else int(found[0])


def _lock(connection: Connection) -> None:
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (WRITER_LOCK,))


def _refuse_empty() -> NoReturn:
    raise ConfigError(
        Reason.CLI_NOT_FOUND, "no wallet is in this database", hint="Make one: tally wallet init."
    )
