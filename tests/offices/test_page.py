"""docs/OFFICES.md stays true: the commands it shows run as shown, one after another; its codes and pages exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from issuer.printing.pages import PAGES
from ledger.reasons import Reason
from tests.cli.conftest import City
from tests.offices.inside import tally

PAGE = (Path(__file__).parents[2] / "docs" / "OFFICES.md").read_text("utf-8")
COMMANDS = re.findall(r"^ +tally (.+)$", PAGE, re.M)


def test_the_commands_shown_run_as_shown(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(city.folder)
    rows = re.search(r"^    (code,.+(?:\n    .+)+)$", PAGE, re.M)
    assert rows is not None
    (city.folder / "villages.csv").write_text(rows[1].replace("\n    ", "\n"), "utf-8")
    assert len(COMMANDS) == 18
    for words in map(shlex.split, COMMANDS):
        ran = tally(*words)
        assert ran.code == 0, (words, ran.err, ran.out)


def test_every_code_and_page_it_names_exists() -> None:
    codes = set(re.findall(r"`([a-z]+\.[a-z_]+)`", PAGE)) - {*PAGES, "villages.csv"}
    assert len(codes) >= 9
    assert codes <= {reason.value for reason in Reason}
    assert {page for page in PAGES if f"| `{page}` |" in PAGE} == set(PAGES)
