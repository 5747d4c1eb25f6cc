"""A small city's home for the attacks on the issuer's commands."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.attacks.commands import City, first_person, ok


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A home with imported people. Tests that change it take `own_city`."""
    folder = tmp_path_factory.mktemp("attacked-city")
    ok("sample", "--people", 40, "--seed", 7, "--out", folder / "export")
    ok("init", folder / "home")
    ok("issuer", "import", folder / "export", "--home", folder / "home")
    return City(folder / "home", folder / "export", first_person(folder / "export"))


@pytest.fixture
def own_city(city: City, tmp_path: Path) -> City:
    """A copy of the city's home, for one test alone."""
    shutil.copytree(city.home, tmp_path / "home")
    return City(tmp_path / "home", city.export, city.person)
