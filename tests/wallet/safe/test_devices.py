"""A second phone: both keys agree, both see one safe, none answers for the other, and a removed one is out at once."""

from __future__ import annotations

import httpx
import pytest

from certificate.device import parse_device
from certificate.keys import key_id
from ledger.reasons import Reason
from tests.wallet.parties import AUDIENCE, Asker, Phone, Town, b64, good, refused, unb64
from tests.wallet.stores import BOTH_STORES
from wallet_api.access_log import check_access_log
from wallet_api.devices import MAX_DEVICES, OFFER_LIFETIME


def device(phone: Phone) -> str:
    return key_id(phone.key.public_key).hex()


def take_in(first: Phone, second: Phone) -> httpx.Response:
    """The first device's half."""
    key = b64(second.key.public_key)
    begun = good(first.post("/devices/begin", {"holder_key": key}))
    body = parse_device(unb64(begun["to_be_signed"]))
    assert (body.audience, body.second_key) == (AUDIENCE, second.key.public_key)
    signature = b64(first.key.sign(unb64(begun["to_be_signed"])))
    return first.post(
        "/devices/complete", {"holder_key": key, "issued": begun["issued"], "signature": signature}
    )


def accept(second: Phone) -> httpx.Response:
    """The second device's half."""
    offered = good(second.get("/devices/offer"))
    return second.post("/devices/accept", {"signature": b64(second.key.sign(unb64(offered["to_be_signed"])))})


@pytest.fixture
def tablet(town: Town, alice: Phone) -> Phone:
    """Alice's second device, in her safe."""
    tablet = town.citizen("alice's tablet").login()
    good(take_in(alice, tablet))
    good(accept(tablet))
    return tablet


@BOTH_STORES
def test_both_see_one_safe_and_each_answers_with_its_own(
    town: Town, alice: Phone, tablet: Phone, bank: Asker
) -> None:
    on_phone, on_tablet = alice.put(), tablet.put(tablet.certificate(seed=b"t" * 32))
    for phone in (alice, tablet):
        rows = good(phone.get("/certificates"))["certificates"]
        assert {row["number"]: row["device"] for row in rows} == {
            on_phone: device(alice),
            on_tablet: device(tablet),
        }
    id_ = bank.leave()
    refused(tablet.begin(id_, on_phone), Reason.PRES_BINDING_INVALID)
    begun = alice.begin(id_, on_phone)
    refused(tablet.complete(id_, tablet.sign(begun)), Reason.PRES_BINDING_INVALID)
    refused(tablet.complete(id_, alice.sign(begun)), Reason.PRES_BINDING_INVALID)
    tablet.answer(id_, on_tablet)
    assert good(alice.get("/requests"))["requests"][0]["id"] == id_
    shown = [row["action"] for row in good(alice.get("/access-log"))["rows"]]
    assert shown == ["device_added", "answered"]
    devices = good(tablet.get("/devices"))["devices"]
    assert {row["device"]: row["this"] for row in devices} == {device(alice): False, device(tablet): True}


def test_what_the_tablet_had_before_comes_along(town: Town, alice: Phone, bank: Asker) -> None:
    tablet = town.citizen("alice's tablet").login()
    number, id_ = tablet.put(tablet.certificate(seed=b"t" * 32)), bank.leave()
    tablet.answer(id_, number)
    good(take_in(alice, tablet))
    good(accept(tablet))
    assert [row["number"] for row in good(alice.get("/certificates"))["certificates"]] == [number]
    assert bank.fetch(id_)
    check_access_log(town.service.store, town.service.keyring)


@BOTH_STORES
def test_a_removed_device_is_out_at_once(town: Town, alice: Phone, tablet: Phone, bank: Asker) -> None:
    number, id_, other = tablet.put(tablet.certificate(seed=b"t" * 32)), bank.leave(), bank.leave()
    tablet.answer(id_, number)
    signature = tablet.sign(tablet.begin(other, number))
    gone = good(alice.call("DELETE", f"/devices/{device(tablet)}"))
    assert gone == {"suspended": 1, "withdrawn": 1}
    refused(tablet.get("/certificates"), Reason.AUTH_INVALID)
    refused(tablet.complete(other, signature), Reason.AUTH_INVALID)
    refused(bank.post(f"/requests/{id_}/fetch"), Reason.CONSENT_REVOKED)
    with pytest.raises(AssertionError, match=r"auth\.invalid"):
        tablet.login()
    refused(alice.begin(other, number), Reason.STATUS_SUSPENDED)
    refused(alice.call("DELETE", f"/devices/{device(tablet)}"), Reason.AUTHZ_NOT_FOUND)
    refused(alice.call("DELETE", f"/devices/{device(alice)}"), Reason.AUTHZ_DENIED)
    ended = {row["device"]: row["ended"] for row in good(alice.get("/devices"))["devices"]}
    assert ended == {device(alice): None, device(tablet): town.clock.now}


def test_nobody_comes_in_by_one_signature_alone(town: Town, alice: Phone, bob: Phone) -> None:
    key = b64(bob.key.public_key)
    begun = good(alice.post("/devices/begin", {"holder_key": key}))
    to_sign = unb64(begun["to_be_signed"])
    for signer, body in (
        (bob, {"holder_key": key, "issued": begun["issued"]}),  # not by the first key
        (alice, {"holder_key": key, "issued": begun["issued"] - 1}),  # over another time
        (alice, {"holder_key": b64(town.citizen("x").key.public_key), "issued": begun["issued"]}),
    ):
        answer = alice.post("/devices/complete", {**body, "signature": b64(signer.key.sign(to_sign))})
        refused(answer, Reason.PRES_BINDING_INVALID)
    refused(bob.get("/devices/offer"), Reason.AUTHZ_NOT_FOUND)
    good(take_in(alice, bob))
    offered = unb64(good(bob.get("/devices/offer"))["to_be_signed"])
    refused(
        bob.post("/devices/accept", {"signature": b64(alice.key.sign(offered))}), Reason.PRES_BINDING_INVALID
    )
    refused(alice.get("/devices/offer"), Reason.AUTHZ_NOT_FOUND)
    town.clock.now += OFFER_LIFETIME
    refused(bob.get("/devices/offer"), Reason.AUTHZ_NOT_FOUND)
    refused(bob.post("/devices/accept", {"signature": b64(bob.key.sign(offered))}), Reason.AUTHZ_NOT_FOUND)
    assert len(good(bob.get("/devices"))["devices"]) == 1


def test_an_offer_ends_with_the_key_that_made_it(town: Town, alice: Phone, tablet: Phone) -> None:
    third = town.citizen("a thief's phone").login()
    good(take_in(tablet, third))
    good(alice.call("DELETE", f"/devices/{device(tablet)}"))
    refused(third.get("/devices/offer"), Reason.AUTHZ_NOT_FOUND)


def test_others_cannot_remove_and_the_number_is_bounded(town: Town, alice: Phone, bob: Phone) -> None:
    for name in (device(alice), "0" * 16, "x", device(alice).upper()):
        refused(bob.call("DELETE", f"/devices/{name}"), Reason.AUTHZ_NOT_FOUND)
    for number in range(MAX_DEVICES - 1):
        more = town.citizen(f"more {number}").login()
        good(take_in(alice, more))
        good(accept(more))
    refused(take_in(alice, bob), Reason.CONSENT_EXHAUSTED)
