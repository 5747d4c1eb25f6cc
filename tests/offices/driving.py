"""What a bureau does at the keyboard: offices, keys with two operators, minting, verifying."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from issuer.home import Home
from tests.cli.conftest import City
from tests.offices.inside import ok, tally
from tests.program import Ran

COUNTY, NEIGHBOUR, TOWN, VILLAGE = "99010200", "99010300", "99010201", "99010211"
CITY = "99010000"


def people_of(city: City, region: str) -> list[str]:
    """Numbers of the people insured in a region."""
    snapshot = Home(city.home).snapshot()
    return [no for no in snapshot.person_nos() if str(snapshot.claims(no).region).startswith(region)]


def decide(city: City, *what: object) -> Ran:
    """One operator proposes, another approves."""
    case = ok(
        "issuer", "key", *what, "--reason", "a test", "--operator", "first", "--home", city.home, "--json"
    )
    return ok(
        "issuer", "key", "approve", case.json["case"], "--operator", "second", "--home", city.home, "--json"
    )


def keys(city: City, code: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = ok("issuer", "key", "list", code, "--home", city.home, "--json").json[
        "keys"
    ]
    return listed


def mint(city: City, person: str, *more: object) -> dict[str, Any]:
    """Mint one; its number and index."""
    ran = ok("issuer", "mint", "--person", person, *more, "--home", city.home, "--json")
    made: dict[str, Any] = ran.json["certificates"][0]
    return made


def paper(city: City, number: str) -> Path:
    """The paper of a certificate as a file of text."""
    out = city.folder / f"{number}.txt"
    ok("issuer", "export", number, "--as", "text", "--out", out, "--force", "--home", city.home)
    return out


def judged(city: City, file: Path) -> tuple[str, str | None, int | None]:
    """Outcome and reason of a paper, and the first step that fails."""
    ran = tally("verify", file, "--static", "--trust", city.trust, "--json")
    said = ran.json
    failing = [step["step"] for step in said["steps"] if step["outcome"] in ("no", "cannot tell")]
    return said["outcome"], said["reason"], failing[0] if failing else None
