"""Policies by the installed program: published, asked, answered with the least claims, judged offline."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.cli.conftest import City
from tests.policy.histories import policy_file
from tests.program import ok, tally


def test_by_the_installed_program(city: City, tmp_path: Path) -> None:
    """Home to verdict: a published policy, the holder's least answer, a verifier who sees months and no money."""
    home = tmp_path / "home"
    shutil.copytree(city.home, home)
    key, request, answer = tmp_path / "me.key", tmp_path / "R.txt", tmp_path / "P.txt"
    ok("holder", "new-key", "--out", key)
    made = ok(
        "issuer", "mint", "--person", city.person, "--holder-key", f"{key}.pub", "--home", home, "--json"
    )
    number = made.json["certificates"][0]["number"]
    ok("issuer", "export", number, "--as", "file", "--out", tmp_path / "C", "--home", home)
    own = tmp_path / "own.toml"
    rule = "COUNT(pension.emp, months = 1, window = 60)"
    text = policy_file(rule, more='show = ["name"]').replace(b"test.rule", b"count.1")
    own.write_bytes(text)
    assert ok("issuer", "policy", "check", own, "--json").json["id"] == "count.1"
    ok("issuer", "policy", "add", own, "--home", home)
    assert tally("issuer", "policy", "add", own, "--home", home).code == 0
    own.write_bytes(text.replace(b"months = 1", b"months = 2"))
    assert "cli.exists" in tally("issuer", "policy", "add", own, "--home", home).err
    listed = ok("issuer", "policy", "list", "--home", home, "--json").json["policies"]
    assert {"count.1", "housing.24", "points.84"} <= {row["id"] for row in listed}
    asker = (
        "--org",
        "9",
        "--name-zh",
        "示例小学(测试)",
        "--name-en",
        "Example Primary (test)",
        "--contact",
        "示例路9号",
    )
    ok("org", "register", *asker, "--policy", "count.1", "--home", home)
    asking = ("request", "new", "--org", "9", "--home", home, "--out", request)
    ok(*asking, "--policy", "count.1")
    assert "policy.unknown" in tally(*asking, "--policy", "count.9", "--force").err
    held = ("--request", request, "--certificate", tmp_path / "C", "--key", key, "--trust", home / "trust")
    said = ok("holder", "present", *held, "--out", answer, "--lang", "en")
    assert "a rule under test: " in said.err
    found = tally("verify", answer, "--trust", home / "trust", "--request", request, "--json")
    (policy,) = found.json["policies"]
    assert {"true": 0, "false": 3, "undetermined": 4}[policy["answer"]] == found.code
    shown = {row["name"] for row in found.json["disclosed"]}
    assert all(
        name == "name" or name.startswith(("strip.pension.emp.", "settled.pension.emp")) for name in shown
    )
