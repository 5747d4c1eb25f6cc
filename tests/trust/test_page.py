"""docs/TRUST.md stays true: its ceremonies run as shown, one after another, and each leads to a verifier's sync."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from ledger.reasons import Reason
from tests.attacks.commands import ok, tally
from verifier.trust_dir import load_trust

PAGE = (Path(__file__).parents[2] / "docs" / "TRUST.md").read_text("utf-8")
LINES = re.findall(r"^    ((?:tally|rm) .+)$", PAGE, re.M)
WAITING = "trust root sign home/tuf/draft --key a.key"


def test_the_ceremonies_shown_run_as_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ok("init", "home")
    roots = []
    assert len(LINES) == 28
    for program, *words in map(shlex.split, LINES):
        if program == "rm":
            for name in words:
                Path(name).unlink()
            continue
        if words == WAITING.split():
            change_a_policy()
        ran = tally(*words)
        assert ran.code == 0, (words, ran.err, ran.out)
        if "--draft" in words and Path("trust").exists():
            roots.append(synced())
    assert roots == [4, 5]
    assert load_trust(Path("trust")).endorsed == 6


def change_a_policy() -> None:
    """What a publisher's day brings, and `publish` then leaves for the holders."""
    path = Path("home/ledger/policy.txt")
    path.write_text(path.read_text().replace("group local 3", "group local 4"))
    ok("trust", "publish", "--home", "home", "--out", "public")


def synced() -> int:
    done = ok("trust", "sync", "public", "--trust", "trust", "--json")
    return int(json.loads(done.out)["root"])


def test_every_code_it_names_exists() -> None:
    areas = {reason.value.split(".")[0] for reason in Reason}
    named = {code for code in re.findall(r"`([a-z]+\.[a-z_]+)`", PAGE) if code.split(".")[0] in areas}
    assert len(named) >= 14
    assert named <= {reason.value for reason in Reason}
