"""`tally` as its user sees it (stdout, stderr, exit code), run in this process to spare a second per command."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars

from cli.main import main

__all__ = ["City", "Ran", "first_person", "ok", "tally"]


@dataclass(frozen=True)
class Ran:
    """One finished run."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def reason(self) -> str | None:
        """The reason it gave: of an error, or of a verdict."""
        said = self.json
        reason: str | None = said["error"]["reason"] if "error" in said else said["reason"]
        return reason


@dataclass(frozen=True)
class City:
    """A home, the export it was filled from, and one of its people."""

    home: Path
    export: Path
    person: str

    @property
    def trust(self) -> Path:
        return self.home / "trust"


def tally(*arguments: object) -> Ran:
    """Run the entry point with these words on its command line."""
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.object(sys, "argv", ["tally", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
            code = 0
        except SystemExit as exc:
            code = exc.code if isinstance(exc.code, int) else 1
    return Ran(code, out.getvalue(), err.getvalue())


def ok(*arguments: object) -> Ran:
    """Run it and expect exit code 0."""
    ran = tally(*arguments)
    assert ran.code == 0, ran.err + ran.out
    return ran


def first_person(export: Path) -> str:
    people = polars.read_parquet(export / "person.parquet")
    return str(people["person_no"].sort()[0])
