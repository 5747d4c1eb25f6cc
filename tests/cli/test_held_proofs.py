"""Short proofs from the outside: whoever holds the log's blocks needs no signature of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.cli.conftest import City
from tests.program import ok, tally


def test_an_answer_is_as_small_as_its_reader_allows(city: City, tmp_path: Path) -> None:
    """The request says what the bank holds; a bank that synced before the certificate was made cannot tell."""
    before = tmp_path / "before"
    shutil.copytree(city.trust, before)
    ok("holder", "new-key", "--out", tmp_path / "K")
    ok(
        "issuer", "mint", "--person", city.person, "--holder-key", tmp_path / "K.pub", "--home", city.home,
    )  # fmt: skip
    ok("issuer", "export", city.person, "--as", "file", "--out", tmp_path / "C", "--home", city.home)
    ok("request", "new", "--out", tmp_path / "R", "--home", city.home)
    ran = ok(
        "holder", "present", "--request", tmp_path / "R", "--certificate", tmp_path / "C", "--key", tmp_path / "K",
        "--out", tmp_path / "P.png", "--json",
    )  # fmt: skip
    assert ran.json["bytes"] < 1133
    asked = ("--request", tmp_path / "R", "--json")
    late = tally("verify", tmp_path / "P.png", "--trust", before, *asked)
    assert (late.code, late.json["reason"]) == (4, "log.subtree_unknown")
    now = ok("verify", tmp_path / "P.png", "--trust", city.trust, *asked)
    assert now.json["outcome"] == "valid"


def test_paper_with_a_short_proof(city: City, tmp_path: Path) -> None:
    sizes = []
    for name, more in (("full", ()), ("short", ("--short-proof",))):
        out = tmp_path / f"{name}.png"
        ran = ok(
            "issuer", "export", city.person, "--as", "png", "--out", out, "--home", city.home, "--json", *more
        )
        sizes.append(ran.json["bytes"])
        assert tally("verify", out, "--static", "--trust", city.trust).code == 0
    assert sizes[1] < 964 < sizes[0]
    (tmp_path / "list").write_text(f"{city.person}\n")
    ran = ok(
        "issuer", "export", "--list", tmp_path / "list", "--out-dir", tmp_path / "out", "--as", "png",
        "--short-proof", "--home", city.home,
    )  # fmt: skip
    drawn = json.loads(ran.out)["file"]
    assert tally("verify", drawn, "--static", "--trust", city.trust).code == 0


def test_a_verification_is_put_on_file_and_judged_again(city: City, tmp_path: Path) -> None:
    """Everything in one file; the second time without request, presentation and the used-up nonce."""
    ok("holder", "new-key", "--out", tmp_path / "K")
    ok("issuer", "mint", "--person", city.person, "--holder-key", tmp_path / "K.pub", "--home", city.home)
    ok("issuer", "export", city.person, "--as", "file", "--out", tmp_path / "C", "--home", city.home)
    ok("request", "new", "--out", tmp_path / "R", "--home", city.home, "--policy", "loan.24")
    ok(
        "holder", "present", "--request", tmp_path / "R", "--certificate", tmp_path / "C", "--key", tmp_path / "K",
        "--trust", city.trust, "--out", tmp_path / "P",
    )  # fmt: skip
    first = tally(
        "verify", tmp_path / "P", "--trust", city.trust, "--request", tmp_path / "R", "--evidence-out",
        tmp_path / "E", "--json",
    )  # fmt: skip
    again = tally("verify", "--evidence", tmp_path / "E", "--trust", city.trust, "--json")
    assert (again.code, again.json["steps"]) == (first.code, first.json["steps"])
    assert again.json["policies"] == first.json["policies"] != []
    assert tally("verify", "--evidence", tmp_path / "E", "--static", "--trust", city.trust).code == 2
