"""A bureau in a temporary folder with a handful of people, without the command line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.init import example_bureau
from issuer.bureau_ledger import BureauLedger
from issuer.home import Home
from issuer.sample import write_sample
from issuer.service import import_records
from issuer.setup import create_home
from tests.world import SECONDS

PEOPLE = 40


@dataclass
class Bureau:
    """An opened home and ledger with PEOPLE imported people."""

    home: Home
    ledger: BureauLedger
    persons: list[str]


@pytest.fixture
def bureau(tmp_path: Path) -> Iterator[Bureau]:
    home = create_home(
        tmp_path / "home", example_bureau(), passphrase=b"test passphrase", random=os.urandom, now=SECONDS
    )
    write_sample(tmp_path / "export", people=PEOPLE, seed=3)
    import_records(home, tmp_path / "export", now=SECONDS)
    ledger = home.ledger()
    yield Bureau(home, ledger, list(home.snapshot().person_nos()))
    ledger.close()
