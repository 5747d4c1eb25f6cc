"""A small city's home, made once per test process by the installed command itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.program import TALLY, Ran, ok, tally

__all__ = ["PEOPLE", "TALLY", "City", "Ran", "first_person", "ok", "tally"]

PEOPLE = 60


@dataclass(frozen=True)
class City:
    """A home with an imported city of PEOPLE people."""

    folder: Path
    home: Path
    person: str

    @property
    def trust(self) -> Path:
        return self.home / "trust"


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    folder = tmp_path_factory.mktemp("city")
    ok("sample", "--people", PEOPLE, "--seed", 7, "--out", folder / "export")
    ok("init", folder / "home")
    ok("issuer", "import", folder / "export", "--home", folder / "home")
    return City(folder, folder / "home", first_person(folder / "export"))


def first_person(export: Path) -> str:
    import polars

    people = polars.read_parquet(export / "person.parquet")
    return str(people["person_no"].sort()[0])
