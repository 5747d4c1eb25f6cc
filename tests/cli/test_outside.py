"""The whole way from the outside: the installed program, its files and its exit codes."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.attacks.marking import attack
from tests.cli.conftest import PEOPLE, City
from tests.program import TALLY, ok, tally


@pytest.fixture(scope="session")
def answered(city: City) -> Path:
    """A folder with a holder's key, certificate, a request and the answer P.png to it."""
    folder = city.folder / "holder"
    folder.mkdir()
    ok("holder", "new-key", "--out", folder / "K")
    minted = ok(
        "issuer",
        "mint",
        "--person",
        city.person,
        "--holder-key",
        folder / "K.pub",
        "--home",
        city.home,
        "--json",
    )
    number = minted.json["certificates"][0]["number"]
    ok("issuer", "export", number, "--as", "file", "--out", folder / "C", "--home", city.home)
    ok("request", "new", "--out", folder / "R", "--home", city.home)
    present(folder, "P.png")
    return folder


def present(folder: Path, name: str) -> None:
    ok(
        "holder", "present", "--request", folder / "R", "--certificate", folder / "C", "--key", folder / "K",
        "--out", folder / name,
    )  # fmt: skip


def test_the_way_of_a_holder_without_a_wallet(city: City, answered: Path) -> None:
    verify = ("verify", answered / "P.png", "--trust", city.trust, "--request", answered / "R", "--json")
    first = tally(*verify)
    assert first.code == 0, first.out
    assert first.json["outcome"] == "valid"
    assert [step["step"] for step in first.json["steps"]] == list(range(1, 12))
    second = tally(*verify)
    assert second.code == 3
    assert second.json["reason"] == "pres.nonce_replayed"


@pytest.mark.parametrize("form", ["png", "text", "svg", "pdf"])
def test_paper_is_exported_and_verified(city: City, tmp_path: Path, form: str) -> None:
    out = tmp_path / f"paper.{form}"
    ok("issuer", "export", city.person, "--as", form, "--out", out, "--home", city.home) if mint(
        city
    ) else None
    if form == "svg":
        assert out.read_text().startswith("<?xml")
        return
    ran = tally("verify", out, "--static", "--trust", city.trust, "--json")
    assert ran.code == 0, ran.out
    assert [note["reason"] for note in ran.json["notes"]] == ["pres.static_copy"]


def mint(city: City) -> bool:
    ok("issuer", "mint", "--person", city.person, "--home", city.home)
    return True


def test_paper_for_one_purpose_is_not_handed_out_for_another(city: City, tmp_path: Path) -> None:
    """仅供××办理××使用: it says so under the signature, and a plain export afterwards is a plain one."""
    person = other_person(city)
    bank, plain = tmp_path / "bank.txt", tmp_path / "plain.txt"
    export = ("issuer", "export", person, "--as", "text", "--home", city.home)
    ok(*export, "--for", "示例银行(测试)", "--purpose", "贷款", "--out", bank)
    ok(*export, "--out", plain)
    names = []
    for file in (bank, plain):
        shown = ok("verify", file, "--static", "--trust", city.trust, "--json").json["disclosed"]
        names.append({claim["name"]: claim["value"] for claim in shown})
    assert (names[0]["for.audience"], names[0]["for.purpose"]) == ("示例银行(测试)", "贷款")
    assert "for.audience" not in names[1]


def other_person(city: City) -> str:
    """A person for whom nothing was minted yet: exporting paper mints it."""
    return f"99{PEOPLE:08d}"


def test_one_flipped_character_is_refused(city: City, tmp_path: Path) -> None:
    mint(city)
    out = tmp_path / "paper.txt"
    ok("issuer", "export", city.person, "--as", "text", "--out", out, "--home", city.home)
    text = out.read_text()
    for at in (4, 60, len(text) // 2, len(text) - 2):
        out.write_text(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])
        ran = tally("verify", out, "--static", "--trust", city.trust, "--json")
        assert ran.code in (3, 4), ran.out
        assert ran.json["outcome"] != "valid"
    assert tally("verify", "-", "--static", "--trust", city.trust, stdin=text.encode()).code == 0


@attack("K06")
def test_minting_again_answers_with_the_same_certificate(city: City) -> None:
    """K06: same receipt, nothing new in the ledger under it."""
    first = ok("issuer", "mint", "--person", city.person, "--home", city.home, "--json").json
    second = ok("issuer", "mint", "--person", city.person, "--home", city.home, "--json").json
    assert second["minted"] == 0
    assert [c["number"] for c in first["certificates"]] == [c["number"] for c in second["certificates"]]
    assert [c["index"] for c in first["certificates"]] == [c["index"] for c in second["certificates"]]


def test_the_ledger_checks_and_proves(city: City, tmp_path: Path) -> None:
    mint(city)
    checked = ok("ledger", "check", "--home", city.home, "--json").json
    assert checked["entries"] >= 3
    note = ok("ledger", "checkpoint", "--home", city.home, "--json").json["note"]
    assert note.count("\n— ") == 5  # two keys of the log, and three witnesses
    proof = tmp_path / "proof.cbor"
    ok("ledger", "prove", 0, "--out", proof, "--entry-out", tmp_path / "entry", "--home", city.home)
    assert proof.stat().st_size > 300


def test_minting_everyone_and_the_enrolled(city: City, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(city.home, home)
    everyone = ok("issuer", "mint", "--all", "--home", home, "--json").json
    again = ok("issuer", "mint", "--all", "--home", home, "--json").json
    assert everyone["minted"] + everyone["already"] == again["already"]
    assert again["minted"] == 0
    ok("holder", "new-key", "--out", tmp_path / "K")
    keys = tmp_path / "keys.csv"
    keys.write_text(f"{city.person},{(tmp_path / 'K.pub').read_text().strip()}\n")
    enrolled = ok("issuer", "mint", "--enrolled", "--holder-keys", keys, "--home", home, "--json").json
    assert enrolled["minted"] >= 1


def test_an_unknown_person_is_named_as_such_and_nothing_is_minted(city: City) -> None:
    ran = tally("issuer", "mint", "--person", "0000000000", "--home", city.home, "--json")
    assert ran.code == 2
    assert ran.json["error"]["reason"] == "person.not_found"


@attack("K01")
@pytest.mark.parametrize("mode", [0o644, 0o640])
def test_a_key_others_can_read_is_refused(city: City, answered: Path, tmp_path: Path, mode: int) -> None:
    """K01 for the holder's key."""
    key = tmp_path / "K"
    shutil.copy(answered / "K", key)
    os.chmod(key, mode)
    ran = tally(
        "holder", "present", "--request", answered / "R", "--certificate", answered / "C", "--key", key,
        "--out", tmp_path / "P", "--json",
    )  # fmt: skip
    assert ran.code == 2
    assert ran.json["error"]["reason"] == "cli.key_permissions"
    assert not (tmp_path / "P").exists()


def test_keys_are_private_files(answered: Path) -> None:
    assert stat.S_IMODE((answered / "K").stat().st_mode) == 0o600


@attack("K09")
def test_nothing_is_overwritten_without_force(city: City, tmp_path: Path) -> None:
    """K09."""
    mint(city)
    out = tmp_path / "paper.txt"
    export = ("issuer", "export", city.person, "--as", "text", "--out", out, "--home", city.home)
    ok(*export)
    before = out.read_bytes()
    ran = tally(*export, "--json")
    assert ran.code == 2
    assert ran.json["error"]["reason"] == "cli.exists"
    assert out.read_bytes() == before
    ok(*export, "--force")
    link = tmp_path / "link.txt"
    link.symlink_to(out)
    ran = tally(
        "issuer",
        "export",
        city.person,
        "--as",
        "text",
        "--out",
        link,
        "--home",
        city.home,
        "--force",
        "--json",
    )
    assert ran.json["error"]["reason"] == "cli.path_unsafe"


def test_identity_is_not_shown_to_an_unchecked_asker(city: City, answered: Path, tmp_path: Path) -> None:
    ok("request", "new", "--template", "identity.24", "--out", tmp_path / "R", "--home", city.home)
    arguments = (
        "holder", "present", "--request", tmp_path / "R", "--certificate", answered / "C", "--key", answered / "K",
        "--out", tmp_path / "P", "--json",
    )  # fmt: skip
    refused = tally(*arguments)
    assert refused.code == 3
    assert refused.json["error"]["reason"] == "org.unregistered"
    shown = ok(*arguments, "--trust", city.trust)
    assert shown.json["to"] == "Example Bank (test)"
    ran = tally("verify", tmp_path / "P", "--trust", city.trust, "--request", tmp_path / "R")
    assert ran.code == 0, ran.out


def test_verify_needs_to_know_what_to_expect(city: City, answered: Path) -> None:
    """P13: no mode without checks."""
    assert tally("verify", answered / "P.png", "--trust", city.trust).code == 2
    both = tally("verify", answered / "P.png", "--trust", city.trust, "--static", "--request", answered / "R")
    assert both.code == 2


def test_a_missing_bundle_cannot_tell(answered: Path, tmp_path: Path) -> None:
    ran = tally("verify", answered / "P.png", "--static", "--trust", tmp_path / "nothing", "--json")
    assert ran.code == 4
    assert ran.json["error"]["reason"] == "trust.missing"


def test_a_home_is_not_made_twice(city: City) -> None:
    ran = tally("init", city.home, "--json")
    assert ran.code == 2
    assert ran.json["error"]["reason"] == "cli.exists"


def test_organisations_are_registered_and_suspended(city: City, tmp_path: Path) -> None:
    ok(
        "org", "register", "--org", 25, "--name-zh", "示例医院(测试)", "--name-en", "Example Hospital (test)",
        "--contact", "示例路2号", "--home", city.home,
    )  # fmt: skip
    listed = ok("org", "list", "--home", city.home, "--json").json["organisations"]
    assert {row["org"] for row in listed} >= {1, 25}
    ok("request", "new", "--org", 25, "--out", tmp_path / "R7", "--home", city.home)
    ok("org", "suspend", "--org", 25, "--home", city.home)
    ran = tally("request", "new", "--org", 25, "--out", tmp_path / "R8", "--home", city.home, "--json")
    assert ran.json["error"]["reason"] == "org.unregistered"


@attack("K02")
def test_a_sealed_key_opens_with_its_passphrase_from_a_descriptor(city: City, tmp_path: Path) -> None:
    """K02: the passphrase comes by a descriptor, never by argument or environment, and is never printed."""

    def run(*arguments: object, passphrase: bytes) -> subprocess.CompletedProcess[bytes]:
        reader, writer = os.pipe()
        os.write(writer, passphrase)
        os.close(writer)
        words = [str(TALLY), *map(str, arguments), "--passphrase-fd", str(reader)]
        try:
            return subprocess.run(words, pass_fds=(reader,), capture_output=True, check=False, timeout=120)
        finally:
            os.close(reader)

    tmp_path.chmod(0o700)
    assert run("holder", "new-key", "--out", tmp_path / "K", passphrase=b"correct horse\n").returncode == 0
    ok("issuer", "mint", "--person", city.person, "--holder-key", tmp_path / "K.pub", "--home", city.home)
    ok("issuer", "export", city.person, "--as", "file", "--out", tmp_path / "C", "--home", city.home)
    ok("request", "new", "--out", tmp_path / "R.png", "--home", city.home)
    present = (
        "holder", "present", "--request", tmp_path / "R.png", "--certificate", tmp_path / "C", "--key", tmp_path / "K",
        "--out", tmp_path / "P.png", "--json",
    )  # fmt: skip
    for wrong in (b"wrong", b""):
        refused = run(*present, passphrase=wrong)
        assert refused.returncode == 2
        assert b"key.passphrase" in refused.stdout
    unasked = tally(*present)
    assert (unasked.code, unasked.json["error"]["reason"]) == (2, "key.passphrase")
    done = run(*present, passphrase=b"correct horse")
    assert done.returncode == 0
    assert b"horse" not in done.stdout + done.stderr
    ran = tally("verify", tmp_path / "P.png", "--trust", city.trust, "--request", tmp_path / "R.png")
    assert ran.code == 0, ran.out


@attack("K15")
def test_a_home_is_private(city: City) -> None:
    """K15 in part: what holds keys, seeds or persons is readable by its owner only."""
    assert stat.S_IMODE(city.home.stat().st_mode) == 0o700
    private = [city.home / "passphrase", city.home / "register.db", *(city.home / "keys").iterdir()]
    private += [city.home / "ledger" / "ledger.db", *(city.home / "snapshots").iterdir()]
    assert len(private) > 10
    assert [path.name for path in private if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


def test_claims_are_named_by_name_by_year_or_by_slot(city: City, answered: Path, tmp_path: Path) -> None:
    mint(city)
    out = tmp_path / "paper.txt"
    export = ("issuer", "export", city.person, "--as", "text", "--out", out, "--home", city.home, "--force")
    ok(*export, "--show", "name,strip.pension.emp.2025", "--show", "16")
    shown = ok("verify", out, "--static", "--trust", city.trust, "--json").json["disclosed"]
    assert [claim["slot"] for claim in shown] == [0, 16, 18]
    unknown = tally(*export, "--show", "salary", "--json")
    assert unknown.json["error"]["reason"] == "schema.field_unknown"
