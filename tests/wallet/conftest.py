"""A wallet service over a real SQLite file, with wide limits; tests of the limits make their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wallet.parties import Asker, Phone, Town, make_town
from wallet_api.limits import Limits, Rate
from wallet_api.store.sqlite import SqliteStore, create_wallet_db

WIDE = Rate(100_000, 100_000)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    path = tmp_path / "wallet.db"
    create_wallet_db(path)
    store = SqliteStore(path)
    limits = Limits(login_address=WIDE, login_key=WIDE, bad_token=WIDE, new_request=WIDE)
    town = make_town(store, path, random=os.urandom, limits=limits)
    with town.http:
        yield town
    store.close()


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
