"""A lost phone: identity proven again, the old key ended in register, status list and writing."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import pytest

from certificate.certificate import parse_certificate
from certificate.holding import present
from certificate.numbers import CertificateType
from certificate.request import RequestBody, SlotsItem, sign_request
from certificate.succession import Succession, parse_succession, verify_succession
from issuer.claiming.holder_keys import Proxy
from issuer.claiming.identity import Terms, Way
from issuer.organisations import DEFAULT_PURPOSE, registration_of
from issuer.service import mint_enrolled, mint_persons, opened_register
from issuer.setup import DEMO_ORG
from ledger.entry import EntryType, parse_entry
from ledger.errors import ProjectError
from ledger.reasons import Reason
from tests.issuer_http.conftest import Service, Wallet, unb64
from tests.world import SLOTS_24
from verifier.expect import Asked
from verifier.report import Report
from verifier.seen import MemorySeen
from verifier.trust_dir import load_trust
from verifier.verify import verify

DAY = 86400
LOST = Terms(lost_key=True)


def claim(wallet: Wallet, at: int, terms: Terms = LOST) -> dict[str, Any]:
    """The whole answer to a claim by a new offer with `terms`."""
    service = wallet.service
    (offer,) = service.home.offers().make(
        [service.persons[at]], now=service.clock.now, days=1, random=os.urandom, terms=terms
    )
    token = wallet.token(offer.code, offer.pin).json()["access_token"]
    answer = wallet.credential(token, wallet.proof())
    assert answer.status_code == 200, answer.text
    given: dict[str, Any] = answer.json() | {"token": token}
    return given


def stated(service: Service, text: str) -> Succession:
    trust = load_trust(service.home.trust_dir)
    return verify_succession(
        parse_succession(unb64(text)),
        directory=trust.directory,
        policy=trust.policy,
        now=service.clock.now,
        max_age=DAY,
    )


def judged(service: Service, wallet: Wallet, certificate: bytes) -> Report:
    """What a bank says to an answer from `certificate` now."""
    now = service.clock.now
    body = RequestBody(
        DEMO_ORG, os.urandom(16), None, (SlotsItem(CertificateType.CONTRIBUTION, SLOTS_24),), DEFAULT_PURPOSE,
        "依据", "方式", 30, now + 600,
    )  # fmt: skip
    request = sign_request(service.home.signer("org-1"), body, registration_of(service.home, DEMO_ORG))
    return verify(
        present(wallet.signer(), certificate, request, SLOTS_24, issued=now),
        trust=load_trust(service.home.trust_dir),
        now=datetime.fromtimestamp(now, UTC),
        expect=Asked(request),
        seen=MemorySeen(),
    )


def test_a_new_key_takes_the_place_of_the_lost_one(service: Service) -> None:
    """Enrolment moves, the old certificate is suspended for every verifier, and the office says so in writing."""
    old, new = Wallet(service), Wallet(service)
    before = old.claim(service.offer())
    given = claim(new, 0)
    after = unb64(given["credentials"][0]["credential"])
    (statement,) = given["recoveries"]
    body = stated(service, statement).body
    assert (body.old_key, body.new_key, body.time) == (old.public_key, new.public_key, service.clock.now)
    with opened_register(service.home) as register:
        assert register.own_keys(service.persons[0]) == [new.public_key]
    assert judged(service, old, before).reason is Reason.STATUS_SUSPENDED
    assert judged(service, new, after).reason is None
    again = service.client.get("/recoveries", headers={"Authorization": f"Bearer {given['token']}"})
    assert again.json() == {"recoveries": [statement]}


def test_its_entry_is_a_key_event(service: Service) -> None:
    Wallet(service).claim(service.offer())
    (statement,) = claim(Wallet(service), 0)["recoveries"]
    parsed = parse_succession(unb64(statement))
    assert parsed.proof is not None
    ledger = service.home.ledger()
    try:
        entry = parse_entry(ledger.entry(parsed.proof.index))
    finally:
        ledger.close()
    assert (entry.entry_type, entry.digest) == (EntryType.KEY_EVENT, parsed.digest())


def test_an_ended_key_gets_nothing_more(service: Service) -> None:
    """No renewal, no claim by another letter, no minting for the enrolled or from the command line."""
    old, new = Wallet(service), Wallet(service)
    old.claim(service.offer())
    claim(new, 0)
    refused = old.renew()
    assert (refused.status_code, refused.json()["reason"]) == (403, "key.revoked")
    offer = service.offer()
    token = old.token(offer.code, offer.pin).json()["access_token"]
    refused = old.credential(token, old.proof())
    assert (refused.status_code, refused.json()["reason"]) == (403, "key.revoked")
    ledger = service.home.ledger()
    try:
        assert mint_enrolled(service.home, ledger, now=service.clock.now).already == 1
        with pytest.raises(ProjectError) as refusal:
            mint_persons(service.home, ledger, [(service.persons[0], old.public_key)], now=service.clock.now)
    finally:
        ledger.close()
    assert refusal.value.reason is Reason.KEY_REVOKED
    assert new.renew().status_code == 200


def test_without_the_flag_another_key_is_another_device(service: Service) -> None:
    first, second = Wallet(service), Wallet(service)
    first.claim(service.offer())
    given = claim(second, 0, Terms())
    assert "recoveries" not in given
    assert first.renew().status_code == second.renew().status_code == 200


def test_every_other_key_of_the_person_ends_and_nobody_elses(service: Service) -> None:
    first, second, neighbour, agent = (Wallet(service) for _ in range(4))
    first.claim(service.offer(0))
    second.claim(service.offer(0))
    neighbour.claim(service.offer(1))
    with opened_register(service.home) as register:
        register.add_proxy(
            Proxy(service.persons[0], agent.public_key, "测试乙", "0025", service.clock.now // DAY + 9)
        )
        register.enroll([(service.persons[0], agent.public_key)])
    new = Wallet(service)
    given = claim(new, 0)
    ended = {stated(service, text).body.old_key for text in given["recoveries"]}
    assert ended == {first.public_key, second.public_key}
    assert neighbour.renew().status_code == 200


def test_a_claim_that_was_cut_off_is_made_again(service: Service) -> None:
    """Killed after the old key ended and before the answer: the same offer gives the same statements."""
    old, new = Wallet(service), Wallet(service)
    old.claim(service.offer())
    (offer,) = service.home.offers().make(
        [service.persons[0]], now=service.clock.now, days=1, random=os.urandom, terms=LOST
    )
    answers = []
    for _ in range(2):
        token = new.token(offer.code, offer.pin).json()["access_token"]
        answers.append(new.credential(token, new.proof()).json())
    first, second = (stated(service, answer["recoveries"][0]) for answer in answers)
    assert first == second
    numbers = {parse_certificate(unb64(a["credentials"][0]["credential"])).body.number for a in answers}
    assert len(numbers) == 1


def test_a_claim_made_again_later_ends_no_newer_device(service: Service) -> None:
    old, new, tablet = Wallet(service), Wallet(service), Wallet(service)
    old.claim(service.offer())
    (offer,) = service.home.offers().make(
        [service.persons[0]], now=service.clock.now, days=1, random=os.urandom, way=Way.COUNTER, terms=LOST
    )
    for _ in range(2):
        token = new.token(offer.code, offer.pin).json()["access_token"]
        given = new.credential(token, new.proof()).json()
        assert {stated(service, text).body.old_key for text in given["recoveries"]} == {old.public_key}
        service.clock.now += 60
        tablet.claim(service.offer())
    assert tablet.renew().status_code == 200


def test_a_statement_that_grew_old_is_made_anew_for_who_proves_it_again(service: Service) -> None:
    old, new = Wallet(service), Wallet(service)
    old.claim(service.offer())
    (early,) = claim(new, 0)["recoveries"]
    service.clock.now += 2 * DAY
    with pytest.raises(ProjectError) as refusal:
        stated(service, early)
    assert refusal.value.reason is Reason.TIME_EXPIRED
    (late,) = claim(new, 0)["recoveries"]
    assert stated(service, late).body.time == service.clock.now


def test_recoveries_are_told_to_who_claimed_and_to_nobody_else(service: Service) -> None:
    old, new = Wallet(service), Wallet(service)
    old.claim(service.offer())
    (offer,) = service.home.offers().make(
        [service.persons[0]], now=service.clock.now, days=1, random=os.urandom, terms=LOST
    )
    token = new.token(offer.code, offer.pin).json()["access_token"]
    for headers in ({}, {"Authorization": "Bearer made-up"}, {"Authorization": f"Bearer {token}"}):
        assert service.client.get("/recoveries", headers=headers).status_code == 401
