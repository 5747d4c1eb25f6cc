"""The theft drill: a stolen key from the first forgery to the last replaced certificate, through the command line."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx
import pytest

from certificate.certificate import parse_certificate
from certificate.keys import Ed25519CoseSigner
from cli.bureau_client import CredentialOffer, claim, renew
from issuer.home import Home
from issuer.http.app import create_app
from issuer.http.configurations import CONFIGURATION
from ledger.errors import VerificationError
from ledger.reasons import Reason
from tests.attacks.marking import attack
from tests.cli.conftest import City
from tests.issuer_http.conftest import running
from tests.offices.driving import CITY, decide, judged, mint, paper, people_of
from tests.offices.inside import ok, tally
from tests.offices.thief import Thief
from verifier.own import check_own_certificate
from verifier.trust_dir import load_trust

KEY = "office-1"
VALID = ("valid", None, None)


def now() -> int:
    return int(time.time())


@contextmanager
def bureau(city: City) -> Iterator[tuple[str, httpx.Client]]:
    url = "https://bureau.example.test"
    app = create_app(Home(city.home), url=url, clock=now, random=os.urandom)
    with running(app) as address, httpx.Client(base_url=address, timeout=60) as http:
        yield url, http


def claimed(city: City, person: str, holder: Ed25519CoseSigner) -> bytes:
    """A certificate claimed by a wallet, with code and PIN."""
    offer = ok("issuer", "offer", person, "--home", city.home, "--json").json["offers"][0]
    with bureau(city) as (url, http):
        wanted = CredentialOffer(url, CONFIGURATION, offer["code"])
        return claim(wanted, offer["pin"], holder, http, trust=load_trust(city.trust), now=now())


def renewed(city: City, holder: Ed25519CoseSigner, held: bytes) -> bytes | None:
    """What a wallet fetches of itself, by its key alone."""
    body = parse_certificate(held).body
    with bureau(city) as (url, http):
        trust = load_trust(city.trust)
        return renew(url, holder, http, newer_than=body.cut_off, trust=trust, now=now())


@attack("A39", Reason.KEY_COMPROMISED_AFTER, Reason.KEY_VOID_ENTRY, Reason.LOG_INCLUSION_MISSING)
def test_the_theft_drill(city: City) -> None:
    before, between, after, claiming, *_ = people_of(city, "9901")
    honest = [paper(city, mint(city, before)["number"])]
    thief = Thief(city.home, key=KEY, like=Home(city.home).register().of_person(before)[0])

    # The theft: forgeries, most of them dated back, logged; the bureau goes on minting.
    first, at = thief.forge()
    second, _ = thief.forge(days_back=40)
    unlogged, _ = thief.forge(days_back=40, log=False)
    honest.append(paper(city, mint(city, between)["number"]))
    void_from = ok("ledger", "check", "--home", city.home, "--json").json["entries"]
    fell = mint(city, after)["number"]
    wallet, thiefs = Ed25519CoseSigner(os.urandom(32)), Ed25519CoseSigner(os.urandom(32))
    held = claimed(city, claiming, wallet)
    late, late_at = thief.forge(days_back=90)
    bound, _ = thief.forge(days_back=1, holder=thiefs.public_key)
    forged = [thief.write(city.folder, one) for one in (first, second, late)]
    fallen_paper = paper(city, fell)
    assert [judged(city, one) for one in (*honest, fallen_paper, forged[0])] == [
        VALID
    ] * 4  # nobody knows yet

    # Found.
    audit = tally("ledger", "audit", "--home", city.home, "--json")
    assert audit.code == 3
    assert [one["index"] for one in audit.json["unknown"]] == [at, at + 1, late_at, late_at + 1]

    # Ended: the key at an index, the forged ranges disowned, by two people.
    decide(city, "void", CITY, "--from", void_from, "--disown", f"{at}:{at + 2}",
           "--disown", f"{late_at}:{late_at + 2}")  # fmt: skip
    assert [judged(city, one) for one in honest] == [VALID] * 2
    assert [judged(city, one) for one in forged] == [
        ("invalid", "key.void_entry", 6),
        ("invalid", "key.void_entry", 6),
        ("invalid", "key.compromised_after", 6),
    ]
    assert judged(city, thief.write(city.folder, unlogged)) == ("invalid", "log.inclusion_missing", 5)
    assert judged(city, fallen_paper) == ("invalid", "key.compromised_after", 6)
    with pytest.raises(VerificationError) as refused:
        check_own_certificate(bound, trust=load_trust(city.trust), now=now(), holder_key=thiefs.public_key)
    assert refused.value.reason is Reason.KEY_COMPROMISED_AFTER
    audit = ok("ledger", "audit", "--home", city.home, "--json")
    assert {one["possible"].split(" ")[0] for one in audit.json["unknown"]} == {"disowned"}

    # Nothing is signed with it any more, nothing is minted again before there is a new key.
    for asked in (("--person", before), ("--reissue-void",)):
        ran = tally("issuer", "mint", *asked, "--home", city.home, "--json")
        assert (ran.code, ran.json["error"]["reason"]) == (2, "cli.key_retired")
    decide(city, "rotate", CITY)
    run = ok("issuer", "mint", "--reissue-void", "--home", city.home, "--json").json
    assert (run["minted"], run["already"], run["left"], run["paper"]) == (2, 0, 0, 1)
    [on_paper] = [one for one in run["certificates"] if one["paper"]]
    assert (on_paper["fallen"], on_paper["person_no"]) == (fell, after)
    assert judged(city, paper(city, on_paper["number"])) == VALID

    # The wallet fetches the new one of itself; the forged ones stay what they are.
    fetched = renewed(city, wallet, held)
    assert fetched is not None
    assert parse_certificate(fetched).body.cut_off == parse_certificate(held).body.cut_off
    assert parse_certificate(fetched).body.number in [one["number"] for one in run["certificates"]]
    assert [judged(city, one)[0] for one in forged] == ["invalid"] * 3
    assert [judged(city, one) for one in honest] == [VALID] * 2
    again = ok("issuer", "mint", "--reissue-void", "--home", city.home, "--json").json
    assert (again["minted"], again["already"]) == (0, 2)
    assert mint(city, after)["number"] == on_paper["number"]  # and this is theirs from now on
    ok("ledger", "check", "--home", city.home)
    ok("ledger", "audit", "--home", city.home)


def test_who_has_no_claim_any_more_gets_none_and_is_not_offered_the_fallen_one(city: City) -> None:
    """Erased since, or suspended: counted as left, and the wallet is told that there is nothing."""
    erased, suspended, *_ = people_of(city, "9901")
    wallet = Ed25519CoseSigner(os.urandom(32))
    held = claimed(city, erased, wallet)
    number = mint(city, suspended)["number"]
    said = ("--reason", "phone lost", "--citizen-call", "--operator", "first", "--home", city.home)
    ok("issuer", "suspend", number, *said)
    with closing(sqlite3.connect(city.home / "register.db", isolation_level=None)) as connection:
        connection.execute("UPDATE certificates SET sealed = NULL WHERE holder = ?", (wallet.public_key,))
    decide(city, "void", CITY, "--from", 0)
    decide(city, "rotate", CITY)
    run = ok("issuer", "mint", "--reissue-void", "--home", city.home, "--json").json
    assert (run["minted"], run["already"], run["left"], run["certificates"]) == (0, 0, 2, [])
    assert renewed(city, wallet, held) is None
    with closing(Home(city.home).register()) as register:
        assert register.newest_of_holder(wallet.public_key) is None
