"""Which database a ledger is in: a SQLite file by its path, PostgreSQL by its URL.

The driver of PostgreSQL is loaded only when such a URL is opened.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from ledger.store.base import Store
from ledger.store.sqlite import SqliteStore

__all__ = ["create_store", "has_password", "is_postgres", "open_store"]

_SCHEMES = ("postgresql://", "postgres://")


def is_postgres(location: str | Path) -> bool:
    """Whether `location` is a URL of PostgreSQL rather than a path."""
    return isinstance(location, str) and location.startswith(_SCHEMES)


def open_store(location: str | Path, *, lock_timeout: float = 10.0) -> Store:
    """Open a ledger's database.

    Args:
        location: a path, or `postgresql://…`.
        lock_timeout: seconds to wait for another writer before `store.locked`.
    Raises:
        ConfigError: `cli.not_found`, `home.version` or `store.retired`.
        IntegrityError: `store.not_durable_mode`, `store.schema_tampered`, `store.corrupt` or another `store.…`.
    """
    if not is_postgres(location):
        return SqliteStore(Path(location), lock_timeout=lock_timeout)
    from ledger.store.postgres import PostgresStore

    return PostgresStore(str(location), lock_timeout=lock_timeout)


def create_store(location: str | Path, *, origin: str) -> None:
    """Make an empty ledger for the log `origin`: a new file, or the tables in an empty database.

    Raises:
        FormatError: `ckpt.malformed` for an origin that no log can have.
        ConfigError: `cli.exists`.
        IntegrityError: `store.…`.
    """
    if not is_postgres(location):
        SqliteStore.create(Path(location), origin=origin)
        return
    from ledger.store.postgres_schema import create_ledger_schema

    create_ledger_schema(str(location), origin=origin)


def has_password(location: str | Path) -> bool:
    """Whether it is a URL that holds a password, which belongs on no command line and into no readable file."""
    if not is_postgres(location):
        return False
    parts = urlsplit(str(location))
    return parts.password is not None or "password" in parse_qs(parts.query)
