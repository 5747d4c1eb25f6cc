"""A home made once and copied for each test: making one takes a second."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.init import example_bureau
from issuer.home import Home
from issuer.sample import write_sample
from issuer.service import import_records
from issuer.setup import create_home
from tests.casework.doing import PASSPHRASE
from tests.issuer.conftest import PEOPLE, Bureau
from tests.world import SECONDS


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `bare`, a home without records, `home`, the same with PEOPLE imported people, and `export`."""
    folder = tmp_path_factory.mktemp("casework")
    home = create_home(
        folder / "home", example_bureau(), passphrase=PASSPHRASE, random=os.urandom, now=SECONDS
    )
    shutil.copytree(folder / "home", folder / "bare")
    write_sample(folder / "export", people=PEOPLE, seed=3)
    import_records(home, folder / "export", now=SECONDS)
    return folder


@pytest.fixture
def bureau(pristine: Path, tmp_path: Path) -> Iterator[Bureau]:
    """A copy of it for one test alone."""
    shutil.copytree(pristine / "home", tmp_path / "home")
    home = Home(tmp_path / "home")
    ledger = home.ledger()
    yield Bureau(home, ledger, list(home.snapshot().person_nos()))
    ledger.close()
