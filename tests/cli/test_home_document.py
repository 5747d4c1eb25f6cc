"""docs/HOME.md stays true: the commands it shows run as shown, one after another."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from issuer.import_summary import parse_import_summary
from ledger.reasons import Reason
from tests.program import ok, tally

PAGE = (Path(__file__).parents[2] / "docs" / "HOME.md").read_text("utf-8")


def test_the_commands_shown_run_as_shown(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    ok("sample", "--people", 60, "--seed", 7, "--dirty", 0.05, "--out", tmp_path / "export")
    ok("init", tmp_path / "home")
    commands = re.findall(r"^    tally (.+)$", PAGE, re.M)
    assert len(commands) == 9
    for words in map(shlex.split, commands):
        ran = tally(*words, cwd=tmp_path)
        assert ran.code == 0, (words, ran.err, ran.out)
    summary = parse_import_summary((tmp_path / "import.cbor").read_bytes()).body
    assert summary.persons + summary.quarantined == 60
    assert summary.quarantined == 3
    again = tally("home", "restore", "backup", "--anchor-lost", "--home", "restored", cwd=tmp_path)
    assert again.code == 2


def test_every_code_it_names_exists() -> None:
    codes = set(re.findall(r"\(`([a-z]+\.[a-z_]+)`\)", PAGE))
    assert len(codes) >= 6
    assert codes <= {reason.value for reason in Reason}
