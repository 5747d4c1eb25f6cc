"""`tally verify --proof-out` and `--proof`, `--subject-…`: the installed program from the outside."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import City
from tests.program import ok, tally


@pytest.fixture(scope="module")
def filed(city: City, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a request R for name and months, an answer P, the trust bundle T, and the request key K."""
    folder = tmp_path_factory.mktemp("filed")
    ok("holder", "new-key", "--out", folder / "holder.key")
    holder = ("--holder-key", folder / "holder.key.pub")
    minted = ok("issuer", "mint", "--person", city.person, *holder, "--home", city.home, "--json").json
    number = minted["certificates"][0]["number"]
    ok("issuer", "export", number, "--as", "file", "--out", folder / "C", "--home", city.home)
    ok("request", "new", "--template", "identity.24", "--out", folder / "R", "--home", city.home)
    ok(
        "holder", "present", "--request", folder / "R", "--certificate", folder / "C", "--key",
        folder / "holder.key", "--trust", city.trust, "--out", folder / "P",
    )  # fmt: skip
    shutil.copytree(city.trust, folder / "T")
    shutil.copy(city.home / "keys" / "org-1.key", folder / "K")
    (folder / "pass").write_bytes((city.home / "passphrase").read_bytes())
    return folder


def verify(folder: Path, *more: object, seen: str = "seen") -> tuple[object, ...]:
    common = ("--request", folder / "R", "--trust", folder / "T", "--seen", folder / seen, "--json")
    return ("verify", folder / "P", *common, *more)


def name_in(folder: Path) -> str:
    ran = tally(*verify(folder, seen="look"))
    return str(next(item["value"] for item in ran.json["disclosed"] if item["name"] == "name"))


def test_a_proof_is_written_and_judged_again(filed: Path) -> None:
    out = filed / "proof"
    with_key = ("--proof-out", out, "--key", filed / "K", "--passphrase-fd", 0)
    secret = (filed / "pass").read_bytes()
    missing = tally(*verify(filed, "--proof-out", out, "--key", filed / "holder.key"))
    assert (missing.code, missing.json["error"]["reason"]) == (2, "key.purpose_mismatch")
    first = tally(*verify(filed, *with_key), stdin=secret)
    assert (first.code, first.json["outcome"]) == (0, "valid")  # the slip before used nothing up
    assert name_in(filed).encode() not in out.read_bytes()
    again = ("verify", "--proof", out, "--presentation", filed / "P", "--request", filed / "R")
    stands = tally(*again, "--trust", filed / "T", "--json")
    assert (stands.code, stands.json["proof"]["outcome"]) == (0, "valid")
    assert stands.json["proof"]["reason"] is None
    twice = tally(*again, "--trust", filed / "T", "--json")
    assert twice.out == stands.out
    wrong = tally("verify", "--proof", out, "--presentation", filed / "C", "--request", filed / "R", "--trust",
                  filed / "T", "--json")  # fmt: skip
    assert (wrong.code, wrong.json["error"]["reason"]) == (3, "proof.digest_mismatch")
    assert (
        tally(*verify(filed, *with_key, seen="other"), stdin=secret).json["error"]["reason"] == "cli.exists"
    )


def test_another_person_than_the_one_asked(filed: Path) -> None:
    name = name_in(filed)
    other = tally(*verify(filed, "--subject-name", "测试乙", seen="s1"))
    assert (other.code, other.json["reason"]) == (3, "pres.subject_mismatch")
    tail = tally(*verify(filed, "--subject-name", name, "--subject-tail", "xxxx", seen="s1"))
    assert (tail.code, tail.json["reason"]) == (3, "pres.subject_mismatch")
    assert tally(*verify(filed, "--subject-name", name, seen="s1")).code == 0


def test_usage(filed: Path) -> None:
    for more in (("--proof-out", "x"), ("--key", "x")):
        assert tally(*verify(filed, *more)).code == 2
    static = ("verify", filed / "P", "--static", "--trust", filed / "T")
    assert tally(*static, "--subject-name", "测试乙").code == 2
    assert tally("verify", "--request", filed / "R", "--trust", filed / "T").code == 2
