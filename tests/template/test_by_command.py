"""Templates by the installed program: asked, answered, retired; whoever asks afterwards is told the law."""

from __future__ import annotations

import shutil
from pathlib import Path

import pypdfium2

from tests.cli.conftest import City, city
from tests.program import ok, tally
from tests.template.test_files import GOOD

__all__ = ["city"]
LAW = "示例市减证便民清单第三条"


def test_asked_answered_and_retired(city: City, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(city.home, home)
    key, request = tmp_path / "me.key", tmp_path / "R.txt"
    ok("holder", "new-key", "--out", key)
    made = ok(
        "issuer", "mint", "--person", city.person, "--holder-key", f"{key}.pub", "--home", home, "--json"
    )
    number = made.json["certificates"][0]["number"]
    ok("issuer", "export", number, "--as", "file", "--out", tmp_path / "C", "--home", home)

    (tmp_path / "school.6.toml").write_text(GOOD, "utf-8")
    ok("template", "check", tmp_path / "school.6.toml")
    ok("template", "add", tmp_path / "school.6.toml", "--home", home)
    again = tally("template", "add", tmp_path / "school.6.toml", "--home", home)
    assert again.code == 0  # the same text again changes nothing
    changed = GOOD.replace("application for", "form for")
    (tmp_path / "school.6.toml").write_text(changed, "utf-8")
    assert "cli.exists" in tally("template", "add", tmp_path / "school.6.toml", "--home", home).err
    (tmp_path / "school.6.toml").write_text(changed.replace("housing.24", "housing.25"), "utf-8")
    assert "line 8" in tally("template", "add", tmp_path / "school.6.toml", "--home", home).err
    listed = {row["id"]: row for row in ok("template", "list", "--home", home, "--json").json["templates"]}
    assert listed["school.6"]["fields"] == 6
    assert len(listed) == 21

    asking = ("request", "new", "--home", home, "--out", request, "--force")
    not_yet = tally(*asking, "--template", "school.6")
    assert "org.purpose_not_allowed" in not_yet.err
    register = (
        "org",
        "register",
        "--org",
        7,
        "--name-zh",
        "示例小学(测试)",
        "--name-en",
        "Example Primary (test)",
    )
    more = ("--contact", "示例路2号", "--template", "school.6", "--template", "unemp.12")
    ok(*register, *more, "--home", home)
    told = ok(*asking, "--org", 7, "--template", "school.6", "--json", "--lang", "en")
    assert told.json["asks"] == ["24 months in a row (home purchase)", "date of birth"]
    answering = ("holder", "present", "--certificate", tmp_path / "C", "--key", key, "--request", request)
    trust = home / "trust"
    ok(*answering, "--trust", trust, "--out", tmp_path / "P.txt")

    several = (*asking, "--org", 7, "--template", "school.6", "--template", "unemp.12")
    assert "--purpose" in tally(*several).err
    ok(*several, "--purpose", "随迁子女入学审核")
    retired = ok(
        "template", "retire", "school.6", "--since", "2026-01-01", "--legal-basis", LAW, "--home", home
    )
    assert LAW in retired.out
    refused = tally(*asking, "--org", 7, "--template", "school.6")
    assert refused.code == 3
    assert "template.retired" in refused.err
    assert f"no longer required since 2026-01-01, {LAW}" in refused.err
    # Another template asks the policy too, so it goes on; the date of birth that only this one asked does not.
    partly = ok(*answering, "--trust", trust, "--out", tmp_path / "P2.txt", "--json")
    assert f"no longer required since 2026-01-01, {LAW}" in partly.err
    assert not [name for name in partly.json["shown"] if "birth" in name]
    ok("template", "retire", "housing.24", "--since", "2026-01-01", "--legal-basis", LAW, "--home", home)
    ok("template", "retire", "unemp.12", "--since", "2026-01-01", "--legal-basis", LAW, "--home", home)
    never = tally(*answering, "--trust", trust, "--out", tmp_path / "P3.txt")
    assert (never.code, "template.retired" in never.err) == (3, True)
    assert not (tmp_path / "P3.txt").exists()
    around = tally(*asking, "--org", 7, "--policy", "housing.24", "--purpose", "随迁子女入学审核")
    assert (around.code, "template.retired" in around.err) == (3, True)
    report = ok("template", "report", "--home", home, "--json").json
    assert report["retired"] == 3
    assert {row["id"] for row in report["templates"] if row["retired"]} == {
        "school.6",
        "housing.24",
        "unemp.12",
    }


def test_a_form_filled_at_the_counter_and_verified_again(city: City, tmp_path: Path) -> None:
    home, trust = tmp_path / "home", tmp_path / "home" / "trust"
    shutil.copytree(city.home, home)
    key, request, answer = tmp_path / "me.key", tmp_path / "R.txt", tmp_path / "P.txt"
    ok("holder", "new-key", "--out", key)
    made = ok(
        "issuer", "mint", "--person", city.person, "--holder-key", f"{key}.pub", "--home", home, "--json"
    )
    number = made.json["certificates"][0]["number"]
    ok("issuer", "export", number, "--as", "file", "--out", tmp_path / "C", "--home", home)
    ok("request", "new", "--template", "identity.24", "--home", home, "--out", request)
    answering = ("holder", "present", "--certificate", tmp_path / "C", "--key", key, "--request", request)
    ok(*answering, "--trust", trust, "--out", answer)
    judging = ("verify", "--trust", trust, "--request", request)
    pdf, html = tmp_path / "form.pdf", tmp_path / "form.html"
    assert "template.unknown" in tally(*judging, answer, "--form-out", pdf, "--template", "none").err
    assert tally(*judging, answer, "--form-out", tmp_path / "form.doc", "--template", "identity.24").code == 2
    ok(*judging, answer, "--form-out", pdf, "--template", "identity.24", "--seen", tmp_path / "seen.db")
    ok(*judging, answer, "--form-out", html, "--template", "identity.24", "--seen", tmp_path / "other.db")
    assert pdf.read_bytes().startswith(b"%PDF")
    assert number in html.read_text("utf-8")
    proving = ("--proof-out", tmp_path / "proof", "--key", home / "keys" / "org-1.key")
    with (home / "passphrase").open("rb") as passphrase:
        ok(*judging, pdf, *proving, "--passphrase-fd", 0, stdin=passphrase.read())
    assert tally(*judging, pdf).code == 3  # an answer counts once,
    again = ok(*judging, pdf, "--proof", tmp_path / "proof", "--json")  # and stays provable
    assert again.json["outcome"] == "valid"

    paper = ok("issuer", "mint", "--person", city.person, "--home", home, "--json")
    number = paper.json["certificates"][0]["number"]
    ok("issuer", "export", number, "--as", "text", "--out", tmp_path / "paper.txt", "--home", home)
    static = ("verify", "--trust", trust, "--static")
    ok(*static, tmp_path / "paper.txt", "--form-out", tmp_path / "paper.pdf", "--template", "identity.24")
    ok(*static, tmp_path / "paper.pdf")
    forged = altered(tmp_path / "paper.pdf", tmp_path / "forged.pdf")
    refused = tally(*static, forged, "--json")
    assert (refused.code, refused.json["reason"]) == (3, "form.differs")
    assert refused.json["certificate"]["number"] == number


def altered(pdf: Path, out: Path) -> Path:
    """The same file with its first line of text taken out of the page."""
    document = pypdfium2.PdfDocument(pdf.read_bytes())
    page = document[0]
    first = next(iter(page.get_objects(filter=(1,))))
    page.remove_obj(first)
    page.gen_content()
    document.save(out)
    document.close()
    return out
