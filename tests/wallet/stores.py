"""Both databases for the wallet's tests: a fresh SQLite file, or a fresh copy of a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from tests.postgres import PostgresServer
from wallet_api.store.opening import create_store
from wallet_api.store.schema import TABLES

__all__ = ["BOTH_STORES", "Databases", "sqlite_url"]

_TEMPLATE = "wallet_template"

# `pytestmark = BOTH_STORES` runs every test of a module on both; without it they run on SQLite.
BOTH_STORES = pytest.mark.parametrize("kind", ["sqlite", "postgres"], indirect=True)


@dataclass
class Databases:
    """A PostgreSQL server with an empty wallet as a template."""

    server: PostgresServer
    _numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.server.run(f"CREATE DATABASE {_TEMPLATE}")
        create_store(self.server.url(_TEMPLATE))

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The URL of an empty wallet of one's own, which is dropped at the end."""
        name = f"wallet_{next(self._numbers)}"
        self.server.run(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        yield self.server.url(name)
        self.server.run(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def fresh_empty(self) -> Iterator[str]:
        """The URL of a database without a wallet, which is dropped at the end."""
        name = f"empty_{next(self._numbers)}"
        self.server.run(f"CREATE DATABASE {name}")
        yield self.server.url(name)
        self.server.run(f"DROP DATABASE {name} WITH (FORCE)")

    def emptied(self) -> str:
        """The URL of the one wallet that tests share, one after the other, emptied past its triggers."""
        deletes = "; ".join(f"DELETE FROM {table.name}" for table in reversed(TABLES))
        self.server.run(f"SET session_replication_role = replica; {deletes}", _TEMPLATE)
        return self.server.url(_TEMPLATE)


def sqlite_url(folder: Path) -> str:
    """The path of an empty wallet in `folder`."""
    path = folder / "wallet.db"
    create_store(str(path))
    return str(path)
