"""docs/POLICIES.md stays true: the policy that it shows is written, checked, published and asked as shown."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

from certificate.policy.grammar import parse_rule
from tests.cli.conftest import City
from tests.program import ok, tally

TEXT = (Path(__file__).parents[2] / "docs" / "POLICIES.md").read_text("utf-8")


def test_the_example_as_shown(city: City, tmp_path: Path) -> None:
    policy, commands = re.search(r"```toml\n(.*?)```", TEXT, re.S), re.search(r"```sh\n(.*?)```", TEXT, re.S)
    assert policy is not None
    assert commands is not None
    (tmp_path / "school.6.toml").write_text(policy[1], "utf-8")
    shutil.copytree(city.home, tmp_path / "home")
    lines = commands[1].splitlines()
    assert len(lines) == 4
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "tally"
        ok(*words, cwd=tmp_path)
    broken = policy[1].replace("months = 6", "month = 6")
    (tmp_path / "school.6.toml").write_text(broken, "utf-8")
    refused = tally("issuer", "policy", "check", "school.6.toml", cwd=tmp_path)
    assert refused.code != 0
    assert "line 14" in refused.err


def test_the_template_as_shown(city: City, tmp_path: Path) -> None:
    template = re.findall(r"```toml\n(.*?)```", TEXT, re.S)[1]
    lines = re.findall(r"```sh\n(.*?)```", TEXT, re.S)[1].splitlines()
    (tmp_path / "school.place.toml").write_text(template, "utf-8")
    shutil.copytree(city.home, tmp_path / "home")
    assert len(lines) == 6
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "tally"
        ok(*words, cwd=tmp_path)
    (tmp_path / "school.place.toml").write_text(template.replace('"birth_date"]', '"birth"]', 1), "utf-8")
    refused = tally("template", "check", "school.place.toml", cwd=tmp_path)
    assert refused.code != 0
    assert "line 9" in refused.err


def test_every_primitive_and_option_named_there_exists() -> None:
    for name in re.findall(r"^\| `([A-Z]+)\((.*?)\)` ", TEXT, re.M):
        rule = f"{name[0]}({name[1]})".replace("kinds", "unemp").replace("= n", "= 5").replace("= w", "= 9")
        parse_rule(rule.replace("…", "91990000T0000001X7").replace("= fen", "= 500000"))
    for option in re.findall(r"^\| `([a-z_]+ = [a-z0-9-]+)`", TEXT, re.M):
        parse_rule(f"RUN(unemp, months = 5, {re.sub('= n$', '= 2', option)})")
