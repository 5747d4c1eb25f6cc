"""A bureau in a temporary folder with a handful of people, without the command line."""

from __future__ import annotations

import os
import shutil
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


@pytest.fixture(scope="session")
def pristine_bureau(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `home` and `export`, the records of its people."""
    folder = tmp_path_factory.mktemp("bureau")
    home = create_home(
        folder / "home", example_bureau(), passphrase=b"test passphrase", random=os.urandom, now=SECONDS
    )
    write_sample(folder / "export", people=PEOPLE, seed=3)
    import_records(home, folder / "export", now=SECONDS)
    return folder


@pytest.fixture
def bureau(pristine_bureau: Path, tmp_path: Path) -> Iterator[Bureau]:
    """A copy of it for one test alone, with its `export` beside it."""
    shutil.copytree(pristine_bureau, tmp_path, dirs_exist_ok=True)
    home = Home(tmp_path / "home")
    ledger = home.ledger()
    yield Bureau(home, ledger, list(home.snapshot().person_nos()))
    ledger.close()
