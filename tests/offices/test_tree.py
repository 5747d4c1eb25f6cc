"""A province's offices through the command line: one village's key ends and no other; each office in its own place."""

from __future__ import annotations

import csv
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.directory import OFFICES, tree_of_offices
from certificate.numbers import CertificateType
from issuer.home import Home
from ledger.reasons import Reason
from tests.attacks.marking import attack
from tests.cli.conftest import City
from tests.offices.driving import COUNTY, NEIGHBOUR, decide, judged, keys, mint, paper, people_of
from tests.offices.inside import ok, tally
from tests.offices.thief import Thief
from verifier.trust import DIRECTORY_NAME

MOST_BYTES = 400_000
VALID = ("valid", None, None)
# Records name the county alone: an office below it that signs for people has the county's prefix.
VILLAGES = ("990102901001", "990102901002")


def added(city: City, offices: int) -> None:
    """The home's five offices and as many more as make `offices`, two of them villages that sign for people."""
    path = city.folder / "offices.csv"
    ours = [
        ("990102901", "示例二镇社会保险所(测试)", "Second Town Station (test)", COUNTY, "990102"),
        *(
            (code, f"村{code[-1]}代办点(测试)", f"Village {code[-1]} (test)", "990102901", "990102")
            for code in VILLAGES
        ),
    ]
    more = [
        (o.code, o.name_zh, o.name_en, o.parent, o.region_prefix)
        for o in tree_of_offices(offices - 5 - len(ours))
    ]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("code", "name_zh", "name_en", "parent", "region"))
        writer.writerows([*ours, *more])
    decide(city, "rotate", COUNTY)  # it has none yet, and the villages below it take theirs from it
    ok("issuer", "office", "add", "--list", path, "--operator", "first", "--home", city.home)


@attack("A14", Reason.KEY_UNKNOWN)
@attack("A16", Reason.TRUST_ISSUER_NOT_AUTHORISED)
def test_a_province_of_offices(city: City, full: bool) -> None:
    """1,140 with `--full`: size of the directory, one village's key ended, a county that signs for its neighbour."""
    offices = OFFICES if full else 45
    added(city, offices)
    rows = ok("issuer", "office", "list", "--home", city.home, "--json").json["offices"]
    assert len(rows) == offices
    assert {row["level"] for row in rows} == {1, 2, 3, 4}
    assert (city.trust / DIRECTORY_NAME).stat().st_size <= MOST_BYTES * offices // OFFICES

    one, two, three, *_ = people_of(city, "990102")
    early, other = (
        mint(city, person, "--office", code) for person, code in zip((one, two), VILLAGES, strict=True)
    )
    number = {row["code"]: row["number"] for row in rows}
    [village], [county] = keys(city, VILLAGES[0]), keys(city, COUNTY)
    row = Home(city.home).register().by_number(early["number"])
    assert row is not None
    of_village = Thief(city.home, key=f"office-{number[VILLAGES[0]]}", like=row)
    of_county = Thief(city.home, key=f"office-{number[COUNTY]}-{county['key']}", like=row)

    # The village's key ends: what it signs from then on fails, and nothing else does.
    decide(city, "retire", VILLAGES[0])
    assert keys(city, VILLAGES[0])[0]["key"] == village["key"]
    ran = tally("issuer", "mint", "--person", three, "--office", VILLAGES[0], "--home", city.home, "--json")
    assert (ran.code, ran.json["error"]["reason"]) == (2, Reason.CLI_KEY_RETIRED.value)
    late = of_village.write(city.folder, of_village.forge()[0])
    assert judged(city, late) == ("invalid", "key.out_of_range", 6)
    latest = mint(city, three, "--office", VILLAGES[1])
    assert [judged(city, paper(city, made["number"])) for made in (early, other, latest)] == [VALID] * 3
    rows = ok("issuer", "office", "list", "--home", city.home, "--json").json["offices"]
    without = [row["code"] for row in rows if not row["has_key"]]
    assert without == [NEIGHBOUR, "99010201", "99010211", VILLAGES[0]]  # those of the set-up never had one

    # The county signs for people of its neighbour, in its neighbour's name, and what it may not certify.
    outside = {"office": number[COUNTY]}
    forged = {
        "region": of_county.forge(**outside, region=990103),
        "type": of_county.forge(**outside, type=CertificateType.EMPLOYER),
        "office": of_county.forge(office=number[NEIGHBOUR], region=990103),
        "fine": of_county.forge(**outside),
    }
    files = {name: of_county.write(city.folder, data) for name, (data, _) in forged.items()}
    assert {name: judged(city, file) for name, file in files.items()} == {
        "region": ("invalid", "trust.issuer_not_authorised", 3),
        "type": ("invalid", "trust.issuer_not_authorised", 3),
        "office": ("undetermined", "key.unknown", 3),
        "fine": VALID,
    }


@attack("A14", Reason.KEY_UNKNOWN)
def test_an_unknown_region_is_unknown_and_not_forged(city: City, prepared: City, tmp_path: Path) -> None:
    """A certificate of another bureau: exit code 4, and a sentence that says so."""
    ok("init", tmp_path / "elsewhere")
    ok("issuer", "import", prepared.folder / "export", "--home", tmp_path / "elsewhere")
    there = City(tmp_path, tmp_path / "elsewhere", city.person)
    file = paper(there, mint(there, city.person)["number"])
    ran = tally("verify", file, "--static", "--trust", city.trust, "--lang", "en")
    assert ran.code == 4
    assert "not in your directory; this does not mean it is forged" in ran.out
    assert f"[{Reason.KEY_UNKNOWN}]" in ran.out


@attack("K12")
def test_an_insider_who_mints_for_himself_is_seen(city: City) -> None:
    """The rules allow it; it stands in the ledger for good, and taking it out of the register shows."""
    made = mint(city, city.person)
    ok("ledger", "audit", "--home", city.home)
    with closing(sqlite3.connect(city.home / "register.db", isolation_level=None)) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="rows stay"):
            connection.execute("DELETE FROM certificates")
        connection.execute("DROP TRIGGER certificates_stay")
        connection.execute("DELETE FROM certificates")
    audit = tally("ledger", "audit", "--home", city.home, "--json")
    assert audit.code == 3
    assert [one["index"] for one in audit.json["unknown"]] == [made["index"]]
