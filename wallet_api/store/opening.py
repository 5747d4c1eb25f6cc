"""Which database a wallet runs on: a SQLite file by its path, PostgreSQL by its URL.

The driver of PostgreSQL is loaded only when such a URL is opened.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from ledger.errors import ConfigError
from ledger.reasons import Reason
from ledger.store.opening import has_password, is_postgres
from wallet_api.store.sql import Store
from wallet_api.store.sqlite import SqliteStore, create_wallet_db, migrate_wallet_db

__all__ = ["create_store", "database_name", "is_postgres", "migrate_store", "open_store", "refuse_password"]


def open_store(where: str, *, connections: int = 8) -> Store:
    """Open a wallet's database. Raises as the store's constructor."""
    if not is_postgres(where):
        return SqliteStore(Path(where))
    from wallet_api.store.postgres import PostgresStore

    return PostgresStore(where, connections=connections)


def create_store(where: str) -> None:
    """Make the file, or the tables in the empty database. Raises ConfigError `cli.exists`, IntegrityError `store.…`."""
    if not is_postgres(where):
        create_wallet_db(Path(where))
        return
    from wallet_api.store.postgres_schema import create_wallet_schema

    create_wallet_schema(where)


def migrate_store(where: str) -> tuple[int, int]:
    """Bring the tables to the newest version. Returns the version found and the one reached.

    Raises:
        ConfigError: `home.version`, `cli.not_found`.
        IntegrityError: `store.…`.
    """
    if not is_postgres(where):
        return migrate_wallet_db(Path(where))
    from wallet_api.store.postgres_schema import migrate_wallet_schema

    return migrate_wallet_schema(where)


def database_name(where: str) -> str:
    """What may be shown of it: the path, or the name of the database alone."""
    return urlsplit(where).path.lstrip("/") or "the database" if is_postgres(where) else where


def refuse_password(where: str) -> None:
    """Raise ConfigError `cli.usage` when a URL of the command line, which others can read, holds a password."""
    if has_password(where):
        hint = "put the URL into a file for --db-file, or the password into a file for PGPASSFILE"
        raise ConfigError(Reason.CLI_USAGE, "a password on the command line", hint=hint)
