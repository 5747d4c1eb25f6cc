"""Attacks on the status list by and at the bureau: S12 to S16 and K10, by the program's own entry point."""

from __future__ import annotations

import shutil
import socket
import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import pytest

from certificate.keys import Ed25519CoseSigner
from certificate.status_list import (
    STATUS_BITS,
    StatusList,
    parse_status_token,
    sign_status_token,
    status_list_uri,
)
from cli.common import utc_now
from issuer.home import Home
from issuer.publish import cut_bundle
from issuer.service import opened_register
from issuer.status_places import LIST_SIZE, StatusPlaces
from ledger.errors import IntegrityError
from ledger.reasons import Reason
from tests.attacks.commands import City, Ran, ok, tally
from tests.attacks.marking import attack
from verifier.trust_dir import load_trust


def mint(city: City) -> str:
    """A paper certificate of the city's person; its number."""
    ran = ok("issuer", "mint", "--person", city.person, "--home", city.home, "--json")
    return str(ran.json["certificates"][0]["number"])


def case(city: City, action: str, number: str, *more: object) -> int:
    ran = ok(
        "issuer",
        action,
        number,
        "--reason",
        "a test",
        "--operator",
        "first",
        "--home",
        city.home,
        "--json",
        *more,
    )
    return int(ran.json["case"])


def approve(city: City, number: int, operator: str) -> Ran:
    return tally("issuer", "approve", number, "--operator", operator, "--home", city.home, "--json")


def change(city: City, action: str, number: str) -> None:
    assert approve(city, case(city, action, number), "second").code == 0


def verified(city: City, paper: Path) -> Ran:
    return tally("verify", paper, "--static", "--trust", city.trust, "--json")


def paper_of(city: City, number: str, out: Path) -> Path:
    ok("issuer", "export", number, "--as", "text", "--out", out, "--home", city.home)
    return out


@attack("K10", Reason.CLI_DUAL_CONTROL)
@pytest.mark.parametrize("action", ["revoke", "suspend"])
def test_K10_revoked_without_a_second_approver(own_city: City, tmp_path: Path, action: str) -> None:
    """Approved by who opened it, by nobody, by who does not exist: the certificate stays valid."""
    paper = paper_of(own_city, mint(own_city), tmp_path / "paper.txt")
    number = verified(own_city, paper).json["certificate"]["number"]
    opened = case(own_city, action, number)
    ran = approve(own_city, opened, "first")
    assert (ran.code, ran.reason) == (3, Reason.CLI_DUAL_CONTROL.value)
    assert approve(own_city, opened, "third").code == 2
    ok("issuer", "mint", "--person", own_city.person, "--home", own_city.home)  # cuts a bundle
    assert verified(own_city, paper).code == 0
    assert approve(own_city, opened, "second").code == 0
    assert verified(own_city, paper).code == 3


@attack("K10", Reason.CLI_DUAL_CONTROL)
def test_K10_a_citizens_call_is_for_suspending_alone(own_city: City) -> None:
    """The one act of a single operator: not on a list of two, and there is no such flag for the other acts."""
    number = mint(own_city)
    words = ("--reason", "x", "--operator", "first", "--citizen-call", "--home", own_city.home, "--json")
    for action in ("revoke", "resume"):
        assert tally("issuer", action, number, *words).code == 2
    two = own_city.home.parent / "two.txt"
    two.write_text(f"{number}\nAAAAAAAAAAAAA\n")
    ran = tally("issuer", "suspend", "--list", two, *words)
    assert (ran.code, ran.reason) == (3, Reason.CLI_DUAL_CONTROL.value)
    assert tally("issuer", "suspend", number, *words).code == 0


@attack("S12", Reason.CLI_DUPLICATE_ID)
def test_S12_two_certificates_with_one_place(own_city: City) -> None:
    """The register refuses a place that was given, whoever asks; and a place is never drawn twice."""
    mint(own_city)
    with closing(sqlite3.connect(own_city.home / "register.db")) as db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(certificates)")][1:]
        row = db.execute(f"SELECT {', '.join(columns)} FROM certificates").fetchone()
    fresh = {"number": "AAAAAAAAAAAAA", "digest": bytes(32), "person_no": "9900000099"}
    with opened_register(Home(own_city.home)) as register:
        with pytest.raises(IntegrityError) as refusal:
            register.add_signed(
                [tuple(fresh.get(name, value) for name, value in zip(columns, row, strict=True))]
            )
        assert refusal.value.reason is Reason.CLI_DUPLICATE_ID
        taken = set(register.used_indices(0))
        # A source of randomness that repeats itself gives each place once.
        draws = iter([*sorted(taken), *sorted(taken), 5, 5, 5, 6])
        places = StatusPlaces(register, lambda _: next(draws).to_bytes(3))
        assert [places.draw(), places.draw()] == [(0, 5), (0, 6)]


@attack("S13")
def test_S13_nobody_asks_for_one_certificates_status(own_city: City, tmp_path: Path) -> None:
    """A verifier takes whole lists from its bundle, and opens no connection: a folder is all it has."""
    paper = paper_of(own_city, mint(own_city), tmp_path / "paper.txt")

    def refuse(*_: object) -> None:
        raise AssertionError("a connection")

    with patch.object(socket.socket, "connect", refuse), patch.object(socket, "getaddrinfo", refuse):
        assert verified(own_city, paper).code == 0
    (token,) = load_trust(own_city.trust).status_tokens.values()
    assert len(parse_status_token(token).statuses) == LIST_SIZE


@attack("S14", Reason.STATUS_REVOKED)
def test_S14_from_the_case_to_the_verdict(own_city: City, tmp_path: Path) -> None:
    """Revoked by command, published, verified with the list that is in the bundle."""
    number = mint(own_city)
    paper = paper_of(own_city, number, tmp_path / "paper.txt")
    before = load_trust(own_city.trust).status_token(1, 0)
    assert verified(own_city, paper).code == 0
    change(own_city, "revoke", number)
    ran = verified(own_city, paper)
    assert (ran.code, ran.reason) == (3, Reason.STATUS_REVOKED.value)
    after = load_trust(own_city.trust).status_token(1, 0)
    counts = [
        int.from_bytes(parse_status_token(token).statuses.packed).bit_count() for token in (before, after)
    ]
    assert counts == [0, 1]


@pytest.fixture
def watched(own_city: City, tmp_path: Path) -> tuple[City, Path]:
    """A city, one of whose certificates is revoked, and the folder of an auditor who saw that list."""
    change(own_city, "revoke", mint(own_city))
    ran = monitor(own_city, tmp_path)
    assert (ran.code, ran.json["status_lists"]["in_order"]) == (0, True)
    return own_city, tmp_path


def monitor(city: City, folder: Path, *more: object) -> Ran:
    log = folder / "log"
    shutil.rmtree(log, ignore_errors=True)
    ok("ledger", "export", "--out", log, "--home", city.home)
    policy = city.home / "ledger" / "policy.txt"
    return tally(
        "ledger",
        "monitor",
        log,
        "--state",
        folder / "seen",
        "--policy",
        policy,
        "--trust",
        city.trust,
        "--json",
        *more,
    )


@attack("S15", Reason.STATUS_LIST_ROLLBACK)
def test_S15_a_revocation_undone_in_the_register(watched: tuple[City, Path]) -> None:
    """Somebody deletes the state: the next list, logged as it should be, lifts what the one before ended."""
    city, folder = watched
    before = load_trust(city.trust).status_token(1, 0)
    with closing(sqlite3.connect(city.home / "register.db", isolation_level=None)) as register:
        assert register.execute("DELETE FROM states").rowcount == 1
    ok("issuer", "mint", "--person", city.person, "--home", city.home)  # cuts a bundle
    for _ in range(2):  # and again, until somebody looks
        ran = monitor(city, folder)
        assert ran.code == 3
        (found,) = ran.json["status_lists"]["findings"]
        assert (found["reason"], found["count"]) == (Reason.STATUS_LIST_ROLLBACK.value, 1)
        evidence = [
            (folder / "seen" / "lists" / "evidence" / name).read_bytes() for name in found["evidence"]
        ]
        assert evidence == [before, load_trust(city.trust).status_token(1, 0)]
        index = found["places"][0]
        values = [parse_status_token(token).statuses.value(index) for token in evidence]
        assert values == [1, 0]


@attack("S15", Reason.LOG_INCLUSION_MISSING)
@pytest.mark.parametrize("how", ["revokes one more", "lifts it"])
def test_S15_a_list_that_was_not_logged(watched: tuple[City, Path], how: str) -> None:
    """Signed by the bureau's own status key and handed to one verifier only."""
    city, folder = watched
    home = Home(city.home)
    listed = parse_status_token(load_trust(city.trust).status_token(1, 0))
    packed = bytearray(LIST_SIZE * STATUS_BITS // 8)
    if how == "revokes one more":
        packed[:] = listed.statuses.packed
        packed[9] |= 1
    hidden = sign_status_token(
        home.signer("status"),
        uri=status_list_uri(1, 0),
        issued=listed.issued,
        expires=listed.expires + 60,  # or it could be, byte for byte, the logged list of a second ago
        ttl=listed.ttl,
        statuses=StatusList(STATUS_BITS, bytes(packed)),
    )
    (folder / "handed-out").mkdir()
    (folder / "handed-out" / "status-1-0.cwt").write_bytes(hidden)
    ran = monitor(city, folder, "--lists", folder / "handed-out")
    assert ran.code == 3
    (found,) = ran.json["status_lists"]["findings"]
    assert found["reason"] == Reason.LOG_INCLUSION_MISSING.value
    assert (folder / "seen" / "lists" / "evidence" / found["evidence"][0]).read_bytes() == hidden


@attack("S15", Reason.STATUS_LIST_WRONG_ISSUER)
def test_S15_a_list_of_somebody_else_accuses_nobody(watched: tuple[City, Path]) -> None:
    """Whoever wants to slander the bureau has no status key of it."""
    city, folder = watched
    listed = parse_status_token(load_trust(city.trust).status_token(1, 0))
    forged = sign_status_token(
        Ed25519CoseSigner(bytes(32)),
        uri=listed.uri,
        issued=listed.issued,
        expires=listed.expires,
        ttl=listed.ttl,
        statuses=StatusList(STATUS_BITS, bytes(1024)),
    )
    (folder / "handed-out").mkdir()
    (folder / "handed-out" / "forged.cwt").write_bytes(forged)
    (found,) = monitor(city, folder, "--lists", folder / "handed-out").json["status_lists"]["findings"]
    assert found["reason"] == Reason.STATUS_LIST_WRONG_ISSUER.value


@attack("S15")
def test_S15_honest_changes_are_in_order(watched: tuple[City, Path]) -> None:
    """Suspended, lifted, revoked: each list is in the log, and nothing is reported; what was not shown is counted."""
    city, folder = watched
    number = mint(city)
    second = ok("issuer", "mint", "--person", second_person(city), "--home", city.home, "--json").json[
        "certificates"
    ][0]["number"]
    assert number != second
    for action in ("suspend", "resume", "revoke"):
        change(city, action, second)
        ran = monitor(city, folder)
        assert (ran.code, ran.json["status_lists"]["findings"]) == (0, []), ran.out
    assert ran.json["status_lists"]["unshown"] > 0


def second_person(city: City) -> str:
    return list(Home(city.home).snapshot().person_nos())[1]


@attack("S16")
def test_S16_places_tell_nothing(own_city: City) -> None:
    """The list has its full size with the first certificate; places come in no order, and from all over the list."""
    home = Home(own_city.home)
    ok("issuer", "mint", "--all", "--home", own_city.home)
    with closing(sqlite3.connect(own_city.home / "register.db")) as db:
        places = [row[0] for row in db.execute("SELECT status_index FROM certificates ORDER BY id")]
    assert len(places) == 40
    assert len({place * 8 // LIST_SIZE for place in places}) >= 6  # of eighths: fewer once in 10^8 runs
    rising = sum(a < b for a, b in pairwise(places))
    assert 8 <= rising <= 31
    with closing(home.ledger()) as ledger:
        cut_bundle(home, ledger, now=int(utc_now().timestamp()))
    assert len(parse_status_token(load_trust(home.trust_dir).status_token(1, 0)).statuses) == LIST_SIZE


@attack("S14", Reason.STATUS_REVOKED)
def test_S14_the_holder_is_told_before_the_verifier_is(own_city: City, tmp_path: Path) -> None:
    """A holder who names a bundle shows nobody what its list ended"""
    key, home = tmp_path / "K", own_city.home
    ok("holder", "new-key", "--out", key)
    minted = ok(
        "issuer", "mint", "--person", own_city.person, "--holder-key", f"{key}.pub", "--home", home, "--json"
    )
    number = minted.json["certificates"][0]["number"]
    ok("issuer", "export", number, "--as", "file", "--out", tmp_path / "C", "--home", home)
    ok("request", "new", "--out", tmp_path / "R", "--home", home)
    words = ("holder", "present", "--request", tmp_path / "R", "--certificate", tmp_path / "C", "--key", key)
    ok(*words, "--trust", own_city.trust, "--out", tmp_path / "P")
    ok("issuer", "revoke", number, "--reason", "lost", "--operator", "first", "--home", home)
    ok("issuer", "approve", "1", "--operator", "second", "--home", home)
    refused = tally(*words, "--trust", own_city.trust, "--out", tmp_path / "Q", "--json")
    assert (refused.code, refused.reason) == (3, Reason.STATUS_REVOKED.value)
    assert not (tmp_path / "Q").exists()
