"""A lost phone: the bureau's statement moves the safe to the new key, once, and ends what the old one could do."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from certificate.cose import parse_sign1
from certificate.directory import Directory, DirectoryKey, KeyRole, Office, VoidRange
from certificate.keys import key_id
from certificate.numbers import Typ
from certificate.slots import ClaimValue
from certificate.succession import encode_succession, parse_succession
from ledger.reasons import Reason
from tests.wallet.conftest import WIDE
from tests.wallet.parties import (
    Asker,
    Clock,
    InProcess,
    Phone,
    Town,
    b64,
    good,
    make_service,
    refused,
    unb64,
)
from tests.wallet.stores import BOTH_STORES
from tests.world import SECONDS, World, claims_of_60_months, signer
from wallet_api.access_log import check_access_log
from wallet_api.http.app import create_app
from wallet_api.limits import Limits
from wallet_api.store.sqlite import SqliteStore, create_wallet_db

DAY = 86400


def statement(town: Town, old: Phone, new: Phone, **changes: Any) -> bytes:
    """The bureau's word that `new` took the place of `old`."""
    keys = {"old_key": old.key.public_key, "new_key": new.key.public_key, "time": town.clock.now}
    return town.world.succession(neighbours=8, **{**keys, **changes})


def recover(phone: Phone, data: bytes) -> httpx.Response:
    return phone.post("/recoveries", {"statement": b64(data)})


def actions(phone: Phone) -> list[str]:
    return [row["action"] for row in good(phone.get("/access-log"))["rows"]]


@BOTH_STORES
def test_the_safe_goes_over_and_the_old_key_is_out(town: Town, alice: Phone, bank: Asker) -> None:
    number = alice.put()
    unfetched, unacknowledged, done, drafted = (bank.leave() for _ in range(4))
    for id_ in (unfetched, unacknowledged, done):
        alice.answer(id_, number)
    for id_ in (unacknowledged, done):
        bank.fetch(id_)
    good(bank.post(f"/requests/{done}/acknowledge"))
    signature = alice.sign(alice.begin(drafted, number))

    new = town.citizen("alice 2").login()
    claimed = new.put(new.certificate(seed=b"2" * 32))
    before = new.token
    assert good(recover(new, statement(town, alice, new))) == {"suspended": 1, "withdrawn": 2}

    refused(alice.get("/certificates"), Reason.AUTH_INVALID)
    refused(alice.complete(drafted, signature), Reason.AUTH_INVALID)
    asked = good(alice.call("POST", "/login/challenges", {"holder_key": b64(alice.key.public_key)}))
    to_sign = alice.key.sign(unb64(asked["to_be_signed"]))
    answer = {"challenge_id": asked["challenge_id"], "signature": b64(to_sign)}
    refused(alice.call("POST", "/login/tokens", answer), Reason.AUTH_INVALID)

    for id_ in (unfetched, unacknowledged):
        refused(bank.post(f"/requests/{id_}/fetch"), Reason.CONSENT_REVOKED)
        assert good(bank.get(f"/requests/{id_}"))["delete"] is True
    assert good(bank.get(f"/requests/{done}"))["state"] == "answered"

    assert new.token == before
    listed = {row["number"]: row["state"] for row in good(new.get("/certificates"))["certificates"]}
    assert listed == {number: "suspended", claimed: "current"}
    assert {row["id"] for row in good(new.get("/requests"))["requests"]} == {unfetched, unacknowledged, done}
    refused(new.complete(drafted, signature), Reason.CONSENT_NOT_YET_VALID)
    refused(new.begin(drafted, number), Reason.STATUS_SUSPENDED)
    offers = [offer for item in good(new.get(f"/requests/{drafted}"))["items"] for offer in item["offers"]]
    assert {offer["certificate"] for offer in offers} == {claimed}
    new.answer(drafted, claimed)
    log = good(new.get("/access-log"))["rows"]
    assert [row["action"] for row in log].count("withdrawn") == 2
    moved = next(row for row in log if row["action"] == "key_replaced")
    assert moved["details"] == [key_id(phone.key.public_key).hex() for phone in (alice, new)]
    size, _ = check_access_log(town.service.store, town.service.keyring)
    assert size == len(log)


@BOTH_STORES
def test_what_the_new_phone_did_already_comes_along(town: Town, alice: Phone, bank: Asker) -> None:
    alice.put()
    new = town.citizen("alice 2").login()
    claimed, id_ = new.put(new.certificate(seed=b"2" * 32)), bank.leave()
    good(new.get(f"/requests/{id_}"))
    new.answer(id_, claimed)
    assert good(recover(new, statement(town, alice, new))) == {"suspended": 1, "withdrawn": 0}
    assert actions(new) == ["seen", "answered", "key_replaced"]
    assert bank.fetch(id_)
    good(new.post(f"/requests/{id_}/withdraw"))
    check_access_log(town.service.store, town.service.keyring)


def test_a_statement_counts_once(town: Town, alice: Phone) -> None:
    alice.put()
    second, third = town.citizen("alice 2").login(), town.citizen("alice 3").login()
    first_word = statement(town, alice, second)
    good(recover(second, first_word))
    good(recover(second, first_word))  # its answer was lost on the way: nothing changes
    assert actions(second).count("key_replaced") == 1
    refused(recover(third, statement(town, alice, third)), Reason.KEY_REVOKED)
    refused(recover(third, first_word), Reason.PRES_BINDING_INVALID)
    good(second.post("/certificates", {"certificate": b64(second.certificate(seed=b"2" * 32))}))
    good(recover(third, statement(town, second, third)))
    refused(recover(second, first_word), Reason.AUTH_INVALID)
    assert actions(third).count("key_replaced") == 2


@BOTH_STORES
def test_of_two_at_once_one_counts(town: Town, alice: Phone) -> None:
    alice.put()
    phones = [town.citizen(f"alice {n}").login() for n in range(2, 10)]
    words = [statement(town, alice, phone) for phone in phones]
    with ThreadPoolExecutor(len(phones)) as pool:
        answers = list(pool.map(recover, phones, words))
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 7
    for phone, answer in zip(phones, answers, strict=True):
        assert len(good(phone.get("/certificates"))["certificates"]) == (answer.status_code == 201)
        if answer.status_code != 201:
            refused(answer, Reason.KEY_REVOKED)
    check_access_log(town.service.store, town.service.keyring)


def turned(data: bytes) -> bytes:
    """The office's signature with one bit turned."""
    parsed = parse_succession(data)
    sign1 = parse_sign1(data, Typ.SUCCESSION, with_x=True)
    signature = bytes([sign1.signature[0] ^ 1]) + sign1.signature[1:]
    return encode_succession(replace(sign1, signature=signature), parsed.proof)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda town, old, new: statement(town, old, new, time=SECONDS - DAY - 1), Reason.TIME_EXPIRED),
        (lambda town, old, new: statement(town, old, new, time=SECONDS + 3600), Reason.TIME_ISSUED_IN_FUTURE),
        (lambda town, old, new: statement(town, old, new, logged=False), Reason.LOG_INCLUSION_MISSING),
        (lambda town, old, new: turned(statement(town, old, new)), Reason.SIG_INVALID),
        (
            lambda town, old, new: statement(town, old, new, key=town.world.registrar),
            Reason.KEY_PURPOSE_MISMATCH,
        ),
        (lambda town, old, new: statement(town, old, new, key=signer("a stranger")), Reason.KEY_UNKNOWN),
        (
            lambda town, old, new: statement(town, old, new, new_key=signer("other").public_key),
            Reason.PRES_BINDING_INVALID,
        ),
        (
            lambda town, old, new: statement(town, old, new, old_key=signer("nobody").public_key),
            Reason.AUTHZ_NOT_FOUND,
        ),
        (lambda town, old, new: new.certificate(), Reason.KEY_PURPOSE_MISMATCH),
        (lambda town, old, new: b"", Reason.ENC_CBOR_MALFORMED),
    ],
)
def test_refusals_change_nothing(
    town: Town, alice: Phone, make: Callable[[Town, Phone, Phone], bytes], reason: Reason
) -> None:
    alice.put()
    thief = town.citizen("thief").login()
    refused(recover(thief, make(town, alice, thief)), reason)
    assert good(thief.get("/certificates"))["certificates"] == []
    assert [row["state"] for row in good(alice.get("/certificates"))["certificates"]] == ["current"]
    assert actions(thief) == []


# --- whose word counts -------------------------------------------------------------------------------------------


class Offices(World):
    """A city office above the county office, another county beside it, another authority; one key each."""

    def directory(self, **changes: object) -> Directory:
        directory = super().directory()
        known = directory.offices[0]
        more = tuple(
            Office(
                authority,
                number,
                f"9901020{number}",
                "示例(测试)",
                "Example (test)",
                None,
                "9901",
                known.types,
            )
            for authority, number in ((1, 2), (1, 3), (2, 1))
        )
        keys = tuple(
            DirectoryKey(
                KeyRole.CERTIFICATE, office.authority, office.number, office_key(office).public_key, 1
            )
            for office in more
        )
        return replace(
            directory,
            authorities=(*directory.authorities, replace(directory.authorities[0], number=2)),
            offices=(replace(known, parent=2), *more),
            keys=(*directory.keys, *keys),
            **changes,  # type: ignore[arg-type]  # fields of Directory
        )


def office_key(office: Office) -> Any:
    return signer(f"office {office.authority}/{office.number}")


def town_of(world: World, path: Path, clock: Clock) -> Town:
    create_wallet_db(path)
    limits = Limits(login_address=WIDE, login_key=WIDE, bad_token=WIDE, new_request=WIDE)
    service = make_service(SqliteStore(path), world, clock, random=os.urandom, limits=limits)
    app = create_app(service, public_url="https://wallet.example-city.test")
    http = httpx.Client(transport=InProcess(app), base_url="http://wallet.test")
    return Town(service, clock, world, http, path)


@pytest.mark.parametrize(
    ("authority", "number", "reason"),
    [(1, 2, None), (1, 3, Reason.TRUST_ISSUER_NOT_AUTHORISED), (2, 1, Reason.TRUST_ISSUER_NOT_AUTHORISED)],
)
def test_the_office_above_may_speak_and_no_other(
    tmp_path: Path, authority: int, number: int, reason: Reason | None
) -> None:
    town = town_of(Offices(), tmp_path / "wallet.db", Clock())
    with town.http:
        alice, new = town.citizen("alice").login(), town.citizen("alice 2").login()
        alice.put()
        key = signer(f"office {authority}/{number}")
        answer = recover(new, statement(town, alice, new, key=key, authority=authority))
        if reason is None:
            good(answer)
        else:
            refused(answer, reason)
    town.service.store.close()


def test_a_void_entry_moves_nobody(tmp_path: Path) -> None:
    class Voided(Offices):
        def directory(self, **changes: object) -> Directory:
            return super().directory(voids=(VoidRange(1, 1, 0, 1000),))

    town = town_of(Voided(), tmp_path / "wallet.db", Clock())
    with town.http:
        alice, new = town.citizen("alice").login(), town.citizen("alice 2").login()
        refused(recover(new, statement(town, alice, new)), Reason.KEY_VOID_ENTRY)
    town.service.store.close()


def test_another_bureaus_certificates_do_not_go_to_the_new_key(tmp_path: Path) -> None:
    town = town_of(Offices(), tmp_path / "wallet.db", Clock())
    with town.http:
        alice, new = town.citizen("alice").login(), town.citizen("alice 2").login()
        ours = alice.put()
        claims: dict[int, ClaimValue] = claims_of_60_months()
        tree = town.world.tree(claims, seed=b"o" * 32)
        body = town.world.body(cnf=alice.key.public_key, claims_root=tree.root(), authority=2)
        theirs = alice.put(town.world.certificate(body, tree=tree, neighbours=8, key=signer("office 2/1")))
        assert theirs != ours
        good(recover(new, statement(town, alice, new)))
        assert [row["number"] for row in good(new.get("/certificates"))["certificates"]] == [ours]
    town.service.store.close()
