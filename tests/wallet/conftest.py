"""A wallet service over a real database, with wide limits; tests of the limits make their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import postgres_server
from tests.wallet.parties import Asker, Phone, Town, make_town
from tests.wallet.stores import Databases, sqlite_url
from wallet_api.limits import Limits, Rate
from wallet_api.store.opening import open_store
from wallet_api.store.sql import Store

WIDE = Rate(100_000, 100_000)


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """One PostgreSQL server for all tests of this process."""
    with postgres_server() as server:
        yield Databases(server)


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """On what a test runs: `sqlite`, or what `BOTH_STORES` says."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def database(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Where an empty wallet is: a path or a URL."""
    if kind == "sqlite":
        return sqlite_url(tmp_path)
    databases: Databases = request.getfixturevalue("databases")
    return databases.emptied()


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = open_store(database)
    yield store
    store.close()


@pytest.fixture
def town(store: Store, tmp_path: Path) -> Iterator[Town]:
    limits = Limits(login_address=WIDE, login_key=WIDE, bad_token=WIDE, new_request=WIDE)
    town = make_town(store, tmp_path / "wallet.db", random=os.urandom, limits=limits)
    with town.http:
        yield town


@pytest.fixture
def alice(town: Town) -> Phone:
    return town.citizen("alice").login()


@pytest.fixture
def bob(town: Town) -> Phone:
    return town.citizen("bob").login()


@pytest.fixture
def bank(town: Town) -> Asker:
    return town.organisation(1)


@pytest.fixture
def shop(town: Town) -> Asker:
    return town.organisation(2)
