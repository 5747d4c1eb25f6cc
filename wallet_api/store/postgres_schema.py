"""The wallet's schema in a PostgreSQL database: made, migrated, and looked over whenever a store opens."""

from __future__ import annotations

from typing import Final, NoReturn

import psycopg

from ledger.errors import ConfigError
from ledger.reasons import Reason
from ledger.store.postgres_errors import mapped_errors
from ledger.store.postgres_server import Connection, require_catalog
from wallet_api.store.ddl import Step
from wallet_api.store.schema import STEPS, VERSION, require_known, statements_since

__all__ = [
    "WRITER_LOCK",
    "create_wallet_schema",
    "migrate_wallet_schema",
    "require_schema",
]

# One number for all that write to a wallet's database: services, migrations, rotations.
WRITER_LOCK: Final = 0x7461_6C6C_79
_VERSION_TABLE: Final = "CREATE TABLE wallet_version (version bigint NOT NULL)"


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
    require_catalog(connection, _build)


def _build(connection: Connection, steps: tuple[Step, ...] = STEPS) -> None:
    connection.execute(_VERSION_TABLE)
    for statement in statements_since(0, steps):
        if statement.postgres:
            connection.execute(statement.postgres)


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
