"""Minted answers and threshold commitments by the installed program: from the profile to the verdict, offline."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import City
from tests.policy.histories import policy_file
from tests.program import ok, tally

TOTAL = policy_file("TOTAL(pension.emp, months = 2)", records="anywhere").replace(b"test.rule", b"total.2")


@pytest.mark.parametrize(
    ("setting", "shown"),
    [
        ('minted_answers = ["total.2"]', "pol.0"),
        ('threshold_commitments = ["ge.total.pension.emp"]', "ge.total.pension.emp"),
    ],
)
def test_one_claim_answers(city: City, tmp_path: Path, setting: str, shown: str) -> None:
    """From the profile to the verdict: one claim is shown, no month, no number."""
    home, own = tmp_path / "home", tmp_path / "own.toml"
    shutil.copytree(city.home, home)
    own.write_bytes(TOTAL)
    ok("issuer", "policy", "add", own, "--home", home)
    (profile,) = (home / "profiles").glob("*.toml")
    text = profile.read_text("utf-8")
    off = f"{setting.partition(' = ')[0]} = []"
    assert text.count(off) == 1
    profile.write_text(text.replace(off, setting), "utf-8")
    key, request, answer = tmp_path / "me.key", tmp_path / "R.txt", tmp_path / "P.txt"
    ok("holder", "new-key", "--out", key)
    minting = ("issuer", "mint", "--person", city.person, "--holder-key", f"{key}.pub")
    number = ok(*minting, "--home", home, "--json").json["certificates"][0]["number"]
    ok("issuer", "export", number, "--as", "file", "--out", tmp_path / "C", "--home", home)
    names = ("--name-zh", "示例小学(测试)", "--name-en", "Example Primary (test)", "--contact", "示例路9号")
    ok("org", "register", "--org", "9", *names, "--policy", "total.2", "--home", home)
    ok("request", "new", "--org", "9", "--home", home, "--out", request, "--policy", "total.2")
    held = ("--request", request, "--certificate", tmp_path / "C", "--key", key, "--trust", home / "trust")
    ok("holder", "present", *held, "--out", answer)
    found = tally("verify", answer, "--trust", home / "trust", "--request", request, "--json")
    assert found.out, found.err
    assert (found.code, found.json["policies"][0]["answer"]) == (0, "true")
    (row,) = found.json["disclosed"]
    assert row["name"] == shown
    assert row.get("at_least") == (2 if shown.startswith("ge.") else None)
