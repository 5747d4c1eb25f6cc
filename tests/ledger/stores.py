"""Both stores for the ledger's tests: a fresh SQLite file, or a fresh PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

import psycopg
import pytest

from tests.postgres import PostgresServer

__all__ = ["BOTH_STORES", "POSTGRES", "LedgerDatabases", "run_sql"]

# `pytestmark = BOTH_STORES` runs every test of a module on both; without it they run on SQLite.
BOTH_STORES = pytest.mark.parametrize("kind", ["sqlite", "postgres"], indirect=True)
POSTGRES = pytest.mark.parametrize("kind", ["postgres"], indirect=True)


@dataclass
class LedgerDatabases:
    """A PostgreSQL server, and schemas in it, which are dropped at the end of a test: databases cost a second each."""

    server: PostgresServer
    _numbers: Iterator[int] = field(default_factory=count)

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The URL of an empty schema of one's own."""
        name = f"ledger_{next(self._numbers)}"
        self.server.run(f"CREATE SCHEMA {name}")
        yield f"{self.server.url()}&options=-csearch_path%3D{name}"
        self.server.run(_END_ALL)
        self.server.run(f"DROP SCHEMA {name} CASCADE")


_END_ALL = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'tallystick ledger'"


def run_sql(url: str, *statements: str) -> None:
    """As somebody who knows the database's password."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
