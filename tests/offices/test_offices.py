"""Offices through the command line: delegated keys, what they may not exceed, and how they end."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from issuer.home import Home
from ledger.reasons import Reason
from tests.attacks.marking import attack
from tests.cli.conftest import City
from tests.offices.driving import (
    CITY,
    COUNTY,
    TOWN,
    VILLAGE,
    decide,
    judged,
    keys,
    mint,
    paper,
    people_of,
)
from tests.offices.inside import ok, tally
from tests.world import signer


def refused(code: int, reason: Reason, city: City, *arguments: object) -> None:
    ran = tally("issuer", *arguments, "--home", city.home, "--json")
    assert (ran.code, ran.json["error"]["reason"]) == (code, reason.value), ran.out + ran.err


def test_a_county_gets_a_key_and_mints_for_its_own_region(city: City) -> None:
    refused(2, Reason.CLI_NOT_FOUND, city, "mint", "--person", city.person, "--office", "99990000")
    decide(city, "rotate", COUNTY)
    ours, theirs = people_of(city, "990102")[0], people_of(city, "990103")[0]
    made = mint(city, ours, "--office", COUNTY)
    assert judged(city, paper(city, made["number"])) == ("valid", None, None)
    refused(3, Reason.TRUST_ISSUER_NOT_AUTHORISED, city, "mint", "--person", theirs, "--office", COUNTY)
    home = Home(city.home)
    assert home.register().of_person(theirs) == []
    # The city stands above both.
    assert judged(city, paper(city, mint(city, theirs)["number"])) == ("valid", None, None)


def test_paper_for_everyone_is_for_the_region_of_the_office(city: City) -> None:
    decide(city, "rotate", COUNTY)
    ran = ok("issuer", "mint", "--all", "--office", COUNTY, "--home", city.home, "--json").json
    assert 0 < ran["minted"] == len(people_of(city, "990102")) < 60


def test_renewal_of_the_enrolled_of_one_region(city: City) -> None:
    decide(city, "rotate", COUNTY)
    ours, theirs = people_of(city, "990102")[0], people_of(city, "990103")[0]
    listed = city.folder / "keys.csv"
    listed.write_text("".join(f"{no},{signer(no).public_key.hex()}\n" for no in (ours, theirs)))
    minting = ("issuer", "mint", "--enrolled", "--home", city.home, "--json")
    ran = ok(*minting, "--holder-keys", listed, "--office", COUNTY).json
    assert ran["minted"] == 1
    assert Home(city.home).register().of_person(theirs) == []
    assert ok(*minting).json["minted"] == 1  # the city's own office takes the other


@pytest.mark.parametrize(
    ("parent", "region", "more"),
    [(COUNTY, "990103", ()), (COUNTY, "9901", ()), (COUNTY, "990102009", ("--type", "employer"))],
    ids=["neighbour", "wider", "type"],
)
@attack("A16", Reason.TRUST_ISSUER_NOT_AUTHORISED)
def test_a_delegation_within_the_office_above(
    city: City, parent: str, region: str, more: tuple[str, ...]
) -> None:
    """Outside its region, wider than it, or a type that it may not certify itself."""
    named = ("--name-zh", "新所", "--name-en", "New", "--parent", parent, "--operator", "first")
    before = ok("issuer", "office", "list", "--home", city.home).out
    wanted = ("office", "add", "99010299", *named, "--region", region, *more)
    refused(3, Reason.TRUST_ISSUER_NOT_AUTHORISED, city, *wanted)
    assert ok("issuer", "office", "list", "--home", city.home).out == before
    assert len(list((city.home / "keys").glob("office-*"))) == 1


def test_a_fifth_level_is_refused(city: City) -> None:
    named = ("--name-zh", "组", "--name-en", "Group", "--operator", "first")
    below = ("office", "add", "99010212", *named, "--parent", VILLAGE, "--region", "990102001001")
    refused(3, Reason.TRUST_ISSUER_NOT_AUTHORISED, city, *below)


def test_a_key_with_an_end(city: City) -> None:
    """What an office with `--until-index` signs behind it is not signed at all."""
    named = ("--name-zh", "临时点", "--name-en", "Temporary", "--parent", COUNTY, "--region", "990102")
    size = ok("ledger", "check", "--home", city.home, "--json").json["entries"]
    ok("issuer", "office", "add", "99010288", *named, "--until-index", size + 300, "--operator", "first",
       "--home", city.home)  # fmt: skip
    first, second, *_ = people_of(city, "990102")
    made = mint(city, first, "--office", "99010288")
    assert judged(city, paper(city, made["number"])) == ("valid", None, None)
    refused(2, Reason.CLI_KEY_RETIRED, city, "mint", "--person", second, "--office", "99010288")


def test_suspended_removed_and_going_on(city: City) -> None:
    decide(city, "rotate", COUNTY)
    decide(city, "rotate", TOWN)
    first, second, *_ = people_of(city, "990102")
    before = paper(city, mint(city, first, "--office", COUNTY)["number"])
    ok("issuer", "office", "suspend", COUNTY, "--operator", "first", "--home", city.home)
    refused(2, Reason.CLI_KEY_RETIRED, city, "mint", "--person", second, "--office", COUNTY)
    assert judged(city, before) == ("valid", None, None)
    decide(city, "rotate", COUNTY)
    after = paper(city, mint(city, second, "--office", COUNTY)["number"])
    assert [judged(city, one)[0] for one in (before, after)] == ["valid", "valid"]
    removing = ("office", "remove", COUNTY, "--operator", "first")
    refused(2, Reason.CLI_EXISTS, city, *removing)  # the town below it still has a key
    ok("issuer", "office", "remove", TOWN, "--operator", "first", "--home", city.home)
    ok("issuer", *removing, "--home", city.home)
    refused(2, Reason.CLI_EXISTS, city, *removing)
    assert [judged(city, one)[0] for one in (before, after)] == ["valid", "valid"]
    case = ok("issuer", "key", "rotate", COUNTY, "--reason", "again", "--operator", "first", "--home",
              city.home, "--json").json["case"]  # fmt: skip
    refused(2, Reason.CLI_KEY_RETIRED, city, "key", "approve", case, "--operator", "second")
    rows = ok("issuer", "office", "list", "--home", city.home, "--json").json["offices"]
    assert {row["code"]: row["state"] for row in rows}[COUNTY] == "removed"


@attack("K10", Reason.CLI_DUAL_CONTROL)
@pytest.mark.parametrize("what", [("rotate", CITY), ("retire", CITY), ("void", CITY, "--from", "0")])
def test_one_person_alone_changes_no_key(city: City, what: tuple[str, ...]) -> None:
    before = keys(city, CITY)
    case = ok(
        "issuer", "key", *what, "--reason", "alone", "--operator", "first", "--home", city.home, "--json"
    )
    refused(3, Reason.CLI_DUAL_CONTROL, city, "key", "approve", case.json["case"], "--operator", "first")
    assert keys(city, CITY) == before
    ok("issuer", "key", "approve", case.json["case"], "--operator", "second", "--home", city.home)
    assert keys(city, CITY) != before
    refused(2, Reason.CLI_EXISTS, city, "key", "approve", case.json["case"], "--operator", "second")
    refused(2, Reason.CLI_NOT_FOUND, city, "key", "approve", case.json["case"], "--operator", "nobody")


@attack("K10", Reason.SIG_INVALID)
def test_a_case_that_was_changed_after_it_was_opened(city: City) -> None:
    """Whoever can write to the database does not turn one proposal into another before it is approved."""
    case = ok("issuer", "key", "void", CITY, "--from", "9", "--reason", "stolen", "--operator", "first",
              "--home", city.home, "--json").json["case"]  # fmt: skip
    with closing(sqlite3.connect(city.home / "offices.db", isolation_level=None)) as connection:
        [opening] = connection.execute("SELECT opening FROM key_cases").fetchone()
        connection.execute("DROP TRIGGER key_cases_are_final")
        assert opening.count(b"\x09") >= 1
        connection.execute(
            "UPDATE key_cases SET opening = ?", (opening.replace(b"\x83\xf6\x09", b"\x83\xf6\x01"),)
        )
    refused(3, Reason.SIG_INVALID, city, "key", "approve", case, "--operator", "second")
    assert keys(city, CITY)[0]["void_from"] is None


@attack("A15", Reason.KEY_REVOKED)
def test_what_a_thief_delegated_falls_with_the_key(city: City) -> None:
    """The county's key is void from an index: offices it made since then were never good, earlier ones are."""
    decide(city, "rotate", COUNTY)
    named = (
        "--name-zh",
        "点",
        "--name-en",
        "Agent",
        "--parent",
        COUNTY,
        "--region",
        "990102",
        "--operator",
        "first",
    )
    ok("issuer", "office", "add", "99010281", *named, "--home", city.home)
    stolen = ok("ledger", "check", "--home", city.home, "--json").json["entries"]
    ok("issuer", "office", "add", "99010282", *named, "--home", city.home)
    below = ("--name-zh", "下", "--name-en", "Below", "--parent", "99010282", "--region", "990102")
    ok("issuer", "office", "add", "99010283", *below, "--operator", "first", "--home", city.home)
    one, two, three, *_ = people_of(city, "990102")
    papers = [
        paper(city, mint(city, person, "--office", code)["number"])
        for person, code in ((one, "99010281"), (two, "99010282"), (three, "99010283"))
    ]
    assert [judged(city, file) for file in papers] == [("valid", None, None)] * 3
    decide(city, "void", COUNTY, "--from", stolen)
    assert [judged(city, file) for file in papers] == [
        ("valid", None, None),
        ("invalid", "key.revoked", 6),
        ("invalid", "key.revoked", 6),
    ]
    # What was void stays void, and an earlier index may still be named.
    case = ("key", "void", COUNTY, "--reason", "again", "--operator", "first")
    later = ok("issuer", *case, "--from", stolen + 1, "--home", city.home, "--json").json["case"]
    refused(3, Reason.KEY_REVOKED, city, "key", "approve", later, "--operator", "second")
    decide(city, "void", COUNTY, "--from", stolen - 1)
    future = ok("issuer", *case, "--from", 9_999_999, "--home", city.home, "--json").json["case"]
    refused(2, Reason.CLI_USAGE, city, "key", "approve", future, "--operator", "second")


@attack("K04", Reason.CLI_KEY_RETIRED)
def test_rotated_the_old_key_signs_no_more(city: City) -> None:
    """The old key file lies there still; certificates from before and after are both valid."""
    first, second, *_ = people_of(city, "9901")
    before = paper(city, mint(city, first)["number"])
    decide(city, "rotate", CITY)
    newest, old = keys(city, CITY)
    assert newest["to"] is None
    assert old["to"] <= newest["from"]
    after = paper(city, mint(city, second)["number"])
    assert [judged(city, one) for one in (before, after)] == [("valid", None, None)] * 2
    (city.home / "keys" / f"office-1-{newest['key']}.key").unlink()  # only the old one is left
    refused(2, Reason.CLI_KEY_RETIRED, city, "mint", "--person", people_of(city, "9901")[2])


def test_the_list_of_offices_is_all_or_none(city: City, tmp_path: Path) -> None:
    rows = ["code,name_zh,name_en,parent,region", "99010401,甲镇,Town A,99010000,990104"]
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("\n".join([*rows, "99010411,甲村,Village A,99010401,990104001"]))
    bad.write_text("\n".join([*rows, "99010411,甲村,Village A,99010401,990105"]))
    adding = ("office", "add", "--operator", "first", "--list")
    refused(3, Reason.TRUST_ISSUER_NOT_AUTHORISED, city, *adding, bad)
    assert len(ok("issuer", "office", "list", "--home", city.home, "--json").json["offices"]) == 5
    ok("issuer", *adding, good, "--home", city.home)
    rows_ = ok("issuer", "office", "list", "--home", city.home, "--json").json["offices"]
    assert [(row["code"], row["level"], row["has_key"]) for row in rows_[5:]] == [
        ("99010401", 2, True),
        ("99010411", 3, True),
    ]
    refused(2, Reason.CLI_DUPLICATE_ID, city, *adding, good)


def test_a_restored_home_goes_on_with_its_newest_key(city: City) -> None:
    """Keys, events and open cases come back with the rest of the home."""
    decide(city, "rotate", COUNTY)
    case = ok("issuer", "key", "rotate", COUNTY, "--reason", "yearly", "--operator", "first", "--home",
              city.home, "--json").json["case"]  # fmt: skip
    ok("home", "backup", "--out", city.folder / "backup", "--home", city.home)
    anchor = city.home / "anchor" / "last-checkpoint"
    ok("home", "restore", city.folder / "backup", "--anchor", anchor, "--home", city.folder / "restored")
    again = City(city.folder, city.folder / "restored", city.person)
    assert keys(again, COUNTY) == keys(city, COUNTY)
    ok("issuer", "key", "approve", case, "--operator", "second", "--home", again.home)
    assert len(keys(again, COUNTY)) == 2
    made = mint(again, people_of(again, "990102")[0], "--office", COUNTY)
    assert judged(again, paper(again, made["number"])) == ("valid", None, None)
