"""A home with imported records, made once by the installed command; each test changes a copy of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import City, first_person
from tests.program import ok

PEOPLE = 60


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> City:
    folder = tmp_path_factory.mktemp("offices")
    ok("sample", "--people", PEOPLE, "--seed", 7, "--out", folder / "export")
    ok("init", folder / "home")
    ok("issuer", "import", folder / "export", "--home", folder / "home")
    return City(folder, folder / "home", first_person(folder / "export"))


@pytest.fixture
def city(prepared: City, tmp_path: Path) -> City:
    shutil.copytree(prepared.home, tmp_path / "home")
    return City(tmp_path, tmp_path / "home", prepared.person)
