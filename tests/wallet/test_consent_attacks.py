"""Consents that somebody widens, repeats, races, outlives or edits (G08-G17, G26)."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest

from certificate.keys import Ed25519CoseSigner
from certificate.numbers import CertificateType
from certificate.presentation import parse_presentation
from certificate.request import PolicyItem, SlotsItem, sign_request
from ledger.errors import ConsentError, VerificationError
from ledger.reasons import Reason
from tests.wallet.parties import ITEMS, Asker, Phone, Town, b64, good, refused, unb64
from tests.wallet.stores import BOTH_STORES
from tests.world import DAY, SECONDS, claims_of_60_months, signer
from verifier.expect import Asked
from verifier.own import check_own_certificate
from verifier.report import Outcome
from wallet_api.consents import begin_answer, complete_answer, withdraw_answer
from wallet_api.release import fetch_answer
from wallet_api.requests import leave_request
from wallet_api.sealing import bound_to, seal
from wallet_api.service import Citizen, Organisation

pytestmark = BOTH_STORES


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        ([2], Reason.CONSENT_FIELD_DENIED),
        ([1, 7], Reason.CONSENT_FIELD_DENIED),
        ([-1], Reason.CONSENT_FIELD_DENIED),
        (["*"], Reason.API_VALIDATION),
        (["role.__class__"], Reason.API_VALIDATION),
        ([1, 1], Reason.API_VALIDATION),
        (["NAME"], Reason.API_VALIDATION),
        ([True], Reason.API_VALIDATION),
        ([], Reason.API_VALIDATION),
    ],
)
def test_g08_g09_nothing_beside_the_items_asked(
    alice: Phone, bank: Asker, items: list[object], reason: Reason
) -> None:
    number, id_ = alice.put(), bank.leave()
    body = {"certificate": number, "items": items}
    refused(alice.post(f"/requests/{id_}/answers/begin", body), reason)
    refused(alice.complete(id_, b64(b"s" * 64)), Reason.CONSENT_NOT_YET_VALID)


@pytest.mark.parametrize("member", ["owner", "used", "revoked", "audience", "state"])
def test_g10_no_member_that_is_not_the_callers_to_set(alice: Phone, bank: Asker, member: str) -> None:
    number, id_ = alice.put(), bank.leave()
    begin = {"certificate": number, "items": [1], member: 1}
    refused(alice.post(f"/requests/{id_}/answers/begin", begin), Reason.API_VALIDATION)
    complete = {"signature": b64(b"s" * 64), member: 1}
    refused(alice.post(f"/requests/{id_}/answers/complete", complete), Reason.API_VALIDATION)
    for action in ("refuse", "withdraw"):
        refused(alice.post(f"/requests/{id_}/{action}", {member: 1}), Reason.API_VALIDATION)
    refused(bank.post("/requests", {"request": b64(bank.request()), member: 1}), Reason.API_VALIDATION)


def test_g11_a_release_holds_exactly_what_was_agreed(
    town: Town, alice: Phone, bank: Asker, full: bool
) -> None:
    """40 random consents, in full 1,000: the release verifies and shows the agreed claims, no byte of others."""
    draw = random.Random(11)
    certificate = alice.certificate()
    number, slots = alice.put(certificate), sorted(claims_of_60_months())
    for _ in range(1000 if full else 40):
        items = tuple(
            SlotsItem(CertificateType.CONTRIBUTION, tuple(sorted(draw.sample(slots, draw.randint(1, 6)))))
            for _ in range(draw.randint(1, 4))
        )
        agreed = draw.sample(range(len(items)), draw.randint(1, len(items)))
        request = bank.request(items=items)
        id_ = bank.leave(request)
        alice.answer(id_, number, agreed)
        released = good(bank.post(f"/requests/{id_}/fetch"))
        assert released.keys() == {"presentation", "also", "presenter", "expires"}
        report = town.world.verify(
            unb64(released["presentation"]), expect=Asked(request), trust=town.service.trust()
        )
        expected = sorted({slot for at in agreed for slot in items[at].slots})
        assert [shown.slot for shown in report.disclosed] == expected
        asked = {slot for item in items for slot in item.slots}
        assert (report.outcome is Outcome.VALID) is (set(expected) == asked)


def test_g13_windows(town: Town, alice: Phone, bank: Asker) -> None:
    number = alice.put()
    century = {"request": b64(bank.request(expires=SECONDS + 100 * 365 * DAY))}
    refused(bank.post("/requests", century), Reason.CONSENT_WINDOW_TOO_LONG)
    refused(bank.post("/requests", {"request": b64(bank.request(expires=SECONDS))}), Reason.CONSENT_EXPIRED)
    id_ = bank.leave()
    for minutes in (100 * 365 * 24 * 60, 0):
        refused(alice.begin(id_, number, minutes=minutes), Reason.CONSENT_WINDOW_TOO_LONG)
    alice.answer(id_, number, minutes=10)
    town.clock.now = SECONDS - 301  # before its start
    refused(bank.post(f"/requests/{id_}/fetch"), Reason.CONSENT_NOT_YET_VALID)
    town.clock.now = SECONDS + 599
    good(bank.post(f"/requests/{id_}/fetch"))
    town.clock.now = SECONDS + 600
    refused(bank.post(f"/requests/{id_}/fetch"), Reason.CONSENT_EXPIRED)


def test_g13_a_request_that_ran_out_is_not_answered(town: Town, alice: Phone, bank: Asker) -> None:
    number, id_ = alice.put(), bank.leave(bank.request(expires=SECONDS + 60))
    signature = alice.sign(alice.begin(id_, number))
    town.clock.now = SECONDS + 60
    refused(alice.complete(id_, signature), Reason.CONSENT_EXPIRED)
    refused(alice.begin(id_, number), Reason.CONSENT_EXPIRED)
    refused(bank.post(f"/requests/{id_}/fetch"), Reason.CONSENT_EXPIRED)
    assert good(bank.get(f"/requests/{id_}"))["state"] == "expired"


def test_g14_no_release_begins_after_a_withdrawal(town: Town, alice: Phone, bank: Asker, full: bool) -> None:
    """100 races, in full 1,000: a fetch that began after the withdrawal was acknowledged never succeeds."""
    service = town.service
    number = alice.put()
    with service.store.read() as tx:
        safe = tx.safe_of_key(alice.key.public_key)
    assert safe is not None
    citizen = Citizen(safe.id, safe.holder_key, service.data_key(safe))
    late, early = 0, 0

    def fetch(id_: bytes, withdrawn: Event) -> tuple[int, int]:
        in_time = too_late = 0
        while True:
            after = withdrawn.is_set()
            try:
                fetch_answer(service, Organisation(1), id_)
                in_time, too_late = in_time + (not after), too_late + after
            except ConsentError as exc:
                if after and exc.reason is Reason.CONSENT_REVOKED:
                    return in_time, too_late

    with ThreadPoolExecutor(2) as pool:
        for _ in range(1000 if full else 100):
            request = bank.request()
            status, _ = leave_request(service, Organisation(1), request, idempotency_key=None)
            id_ = status.id
            begun = begin_answer(service, citizen, id_, number=number, items=[1], minutes=10)
            complete_answer(service, citizen, id_, alice.key.sign(begun.parts[0].to_be_signed))
            withdrawn = Event()
            fetching = pool.submit(fetch, id_, withdrawn)
            withdraw_answer(service, citizen, id_)
            withdrawn.set()
            in_time, too_late = fetching.result(timeout=30)
            early, late = early + in_time, late + too_late
    assert late == 0
    assert early > 0  # else the two never met


def test_g15_one_consent_of_twenty(town: Town, alice: Phone, bank: Asker) -> None:
    number, id_ = alice.put(), bank.leave()
    signature = alice.sign(alice.begin(id_, number))
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: alice.complete(id_, signature), range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + 19 * [409]
    for answer in answers:
        if answer.status_code != 200:
            refused(answer, Reason.CONSENT_EXHAUSTED)
    with ThreadPoolExecutor(5) as pool:
        assert len(set(pool.map(lambda _: bank.fetch(id_), range(5)))) == 1


def test_g15_the_same_bytes_for_a_day(town: Town, alice: Phone, bank: Asker) -> None:
    number, id_ = alice.put(), bank.leave()
    alice.answer(id_, number, minutes=3 * 24 * 60)
    first = bank.fetch(id_)
    town.clock.now += DAY - 1
    assert bank.fetch(id_) == first
    town.clock.now += 1
    refused(bank.post(f"/requests/{id_}/fetch"), Reason.CONSENT_EXHAUSTED)


def test_g16_one_object_for_fifty_tries(bank: Asker) -> None:
    body = {"request": b64(bank.request())}
    answers = [bank.post("/requests", body, Idempotency_Key="hire-17") for _ in range(50)]
    assert len({good(answer)["id"] for answer in answers}) == 1
    assert [answer.status_code for answer in answers] == [201] + 49 * [200]
    other = {"request": b64(bank.request())}
    refused(bank.post("/requests", other, Idempotency_Key="hire-17"), Reason.API_IDEMPOTENCY_CONFLICT)
    assert good(bank.post("/requests", body))["id"] == answers[0].json()["id"]


def test_g26_an_edited_certificate_is_found_by_its_holder(town: Town, alice: Phone) -> None:
    """An operator with the master key can seal what he likes; he cannot sign it."""
    file = alice.certificate()
    number = alice.put(file)
    edited = file.replace("测试甲".encode(), "测试乙".encode())
    service = town.service
    for content, reason in (
        (edited, Reason.DISC_DIGEST_MISMATCH),
        (_with_other_signature(file), Reason.SIG_INVALID),
    ):
        with service.store.write() as tx:
            safe = tx.safe_of_key(alice.key.public_key)
            assert safe is not None
            row = tx.certificate(safe.id, number)
            assert row is not None
            bound = bound_to("certificate", safe.id, number.encode())
            tx.delete_certificate(safe.id, number)
            sealed = seal(service.data_key(safe), content, bound=bound, random=service.random)
            tx.add_certificate(replace(row, sealed=sealed))
        given = unb64(good(alice.get(f"/certificates/{number}"))["certificate"])
        with pytest.raises(VerificationError) as caught:
            check_own_certificate(
                given, trust=service.trust(), now=town.clock.now, holder_key=alice.key.public_key
            )
        assert caught.value.reason is reason


def _with_other_signature(file: bytes) -> bytes:
    return file[:-1] + bytes((file[-1] ^ 1,))


# --- signatures ---------------------------------------------------------------------------------------------------


def test_only_the_holders_signature_over_these_bytes_counts(town: Town, alice: Phone, bank: Asker) -> None:
    number, id_, other = alice.put(), bank.leave(), bank.leave()
    begun = good(alice.begin(id_, number))
    to_sign = unb64(begun["to_be_signed"])
    thief = signer("thief")
    of_other = alice.sign(alice.begin(other, number))
    for signature in (b64(thief.sign(to_sign)), of_other, b64(b"s" * 64), b64(b"short"), ""):
        refused(alice.complete(id_, signature), Reason.PRES_BINDING_INVALID)
    good(alice.complete(id_, b64(alice.key.sign(to_sign))))
    assert parse_presentation(bank.fetch(id_)).body.audience == 1


def test_a_second_citizen_with_the_link_comes_too_late(alice: Phone, bob: Phone, bank: Asker) -> None:
    number, others, id_ = alice.put(), bob.put(bob.certificate(seed=b"b" * 32)), bank.leave()
    signature = bob.sign(bob.begin(id_, others))
    alice.answer(id_, number)
    refused(bob.complete(id_, signature), Reason.AUTHZ_NOT_FOUND)
    refused(bob.post(f"/requests/{id_}/refuse"), Reason.AUTHZ_NOT_FOUND)


def test_a_refusal_is_final(alice: Phone, bank: Asker) -> None:
    number, id_ = alice.put(), bank.leave()
    signature = alice.sign(alice.begin(id_, number))
    good(alice.post(f"/requests/{id_}/refuse"))
    good(alice.post(f"/requests/{id_}/refuse"))
    refused(alice.complete(id_, signature), Reason.CONSENT_EXHAUSTED)
    refused(bank.post(f"/requests/{id_}/fetch"), Reason.CONSENT_EXHAUSTED)
    assert good(bank.get(f"/requests/{id_}"))["state"] == "refused"


def test_a_draft_is_signed_within_ten_minutes(town: Town, alice: Phone, bank: Asker) -> None:
    number, id_ = alice.put(), bank.leave()
    signature = alice.sign(alice.begin(id_, number))
    town.clock.now += 600
    refused(alice.complete(id_, signature), Reason.CONSENT_EXPIRED)


# --- who asks -----------------------------------------------------------------------------------------------------


def _signed(town: Town, bank: Asker, registration: bytes, **changes: object) -> dict[str, str]:
    body = town.world.request_body(items=ITEMS, **changes)
    return {"request": b64(sign_request(bank.key, body, registration))}


def test_unregistered_and_over_asking_requests_are_refused(town: Town, bank: Asker) -> None:
    world = town.world
    narrow = world.registration(slots=((CertificateType.CONTRIBUTION, (16, 511)),))
    refused(bank.post("/requests", _signed(town, bank, narrow)), Reason.ORG_PURPOSE_NOT_ALLOWED)
    purpose = _signed(town, bank, world.registration(), purpose="别的用途")
    refused(bank.post("/requests", purpose), Reason.ORG_PURPOSE_NOT_ALLOWED)
    over = world.registration(valid_to=SECONDS // DAY - 1)
    refused(bank.post("/requests", _signed(town, bank, over)), Reason.ORG_UNREGISTERED)
    foreign: Ed25519CoseSigner = signer("no registrar")
    world.registrar, registrar = foreign, world.registrar
    forged = world.registration()
    world.registrar = registrar
    refused(bank.post("/requests", _signed(town, bank, forged)), Reason.ORG_UNREGISTERED)


def test_a_name_of_mixed_scripts_is_marked(town: Town, alice: Phone, bank: Asker) -> None:
    registration = town.world.registration(name_en="Exаmple Bank")  # the third letter is Cyrillic
    id_ = good(bank.post("/requests", _signed(town, bank, registration)))["id"]
    assert good(alice.get(f"/requests/{id_}"))["name_warning"] == "schema.text_confusable"


def test_a_registration_that_lapsed_meanwhile_is_marked_and_not_answered(
    town: Town, alice: Phone, bank: Asker
) -> None:
    number = alice.put()
    registration = town.world.registration(valid_to=SECONDS // DAY)
    later = SECONDS + 3 * DAY
    id_ = good(bank.post("/requests", _signed(town, bank, registration, expires=later)))["id"]
    assert good(alice.get(f"/requests/{id_}"))["warning"] is None
    town.clock.now += DAY
    alice.login()
    seen = good(alice.get(f"/requests/{id_}"))
    assert (seen["organisation"], seen["warning"]) == (None, "org.unregistered")
    assert [item["offers"] for item in seen["items"]] == [[], []]
    refused(alice.begin(id_, number), Reason.ORG_UNREGISTERED)


def test_a_policy_nobody_knows_is_not_answered(town: Town, alice: Phone, bank: Asker) -> None:
    number = alice.put()
    registration = town.world.registration(policies=("t24/1",))
    body = town.world.request_body(items=(PolicyItem("t24/1", b"d" * 32),))
    file = b64(sign_request(bank.key, body, registration))
    id_ = good(bank.post("/requests", {"request": file}))["id"]
    refused(alice.begin(id_, number, (0,)), Reason.POLICY_UNKNOWN)


def test_a_certificate_that_lacks_what_is_asked(town: Town, alice: Phone, bank: Asker) -> None:
    claims = claims_of_60_months()
    del claims[0]
    number, id_ = alice.put(alice.certificate(claims=claims)), bank.leave()
    offer = good(alice.get(f"/requests/{id_}"))["items"][0]["offers"][0]
    assert (offer["complete"], offer["missing"]) == (False, ["name"])
    refused(alice.begin(id_, number, (0,)), Reason.DISC_REQUIRED_MISSING)


def test_a_certificate_of_somebody_else_is_not_put_away(alice: Phone, bob: Phone, town: Town) -> None:
    refused(alice.post("/certificates", {"certificate": b64(bob.certificate())}), Reason.PRES_BINDING_INVALID)
    unlogged = town.world.certificate(town.world.body(cnf=alice.key.public_key), logged=False)
    refused(alice.post("/certificates", {"certificate": b64(unlogged)}), Reason.LOG_INCLUSION_MISSING)
    broken = _with_other_signature(alice.certificate())
    refused(alice.post("/certificates", {"certificate": b64(broken)}), Reason.SIG_INVALID)
    refused(alice.post("/certificates", {"certificate": b64(b"no certificate")}), Reason.ENC_PREFIX_UNKNOWN)
