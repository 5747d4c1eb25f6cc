"""A small city's home, made once per test process by the installed command itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

TALLY = Path(sys.executable).with_name("tally")
PEOPLE = 60


@dataclass(frozen=True)
class Ran:
    """One finished run of `tally`."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed


def tally(*arguments: object, stdin: bytes | None = None, cwd: Path | None = None) -> Ran:
    """Run the installed program as anyone would."""
    done = subprocess.run(
        [str(TALLY), *map(str, arguments)],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, "LANG": "en_US.UTF-8", "LC_ALL": "", "TALLY_HOME": ""},
        timeout=300,
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def ok(*arguments: object, **options: Any) -> Ran:
    """Run `tally` and expect exit code 0."""
    ran = tally(*arguments, **options)
    assert ran.code == 0, ran.err + ran.out
    return ran


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


Run = Callable[..., Ran]
