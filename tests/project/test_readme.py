"""The README stays true: its two commands exist, and the commands it shows run as shown, one after another."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.cli.conftest import first_person
from tests.program import tally

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_two_commands_are_targets() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in ("demo", "test", "install", "torture", "city"):
        assert re.search(rf"^{target}:", makefile, re.M)
    assert "make demo " in README
    assert "make test " in README


def shown_commands() -> list[list[str]]:
    """The lines of the block that begins with TALLY=, without comments."""
    block = re.search(r"```\nTALLY=.*?\n(.*?)```", README, re.S)
    assert block is not None
    lines = [line.partition("   #")[0].strip() for line in block[1].splitlines()]
    return [shlex.split(line.removeprefix("$TALLY ")) for line in lines if line]


def test_the_commands_shown_run_as_shown(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    commands = shown_commands()
    assert len(commands) >= 12
    number = ""
    for words in commands:
        person = first_person(tmp_path / "city") if "NO" in words else ""
        if words[0] == "sample":
            words[words.index("1000")] = "60"
        meant = {"NUMBER": number, "NO": person}
        ran = tally(*(meant.get(word, word) for word in words), cwd=tmp_path)
        assert ran.code == 0, (words, ran.err, ran.out)
        found = re.search(r"^  ([A-Z2-7]{13})  entry", ran.out, re.M)
        number = found[1] if found else number
    verify = next(words for words in commands if words[0] == "verify" and "--request" in words)
    assert tally(*verify, cwd=tmp_path).code == 3
