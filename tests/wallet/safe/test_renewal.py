"""The newest certificate answers: what it replaces is shown, not offered, and a draft begun with it begins again."""

from __future__ import annotations

from typing import Any

from certificate.presentation import parse_presentation
from ledger.reasons import Reason
from tests.wallet.parties import Asker, Phone, Town, good, refused
from tests.wallet.stores import BOTH_STORES
from tests.world import TODAY


def certificate(phone: Phone, seed: bytes, **changes: Any) -> bytes:
    world = phone.town.world
    tree = world.tree(seed=seed * 32)
    body = world.body(cnf=phone.key.public_key, claims_root=tree.root(), **changes)
    return world.certificate(body, tree=tree, neighbours=8)


def states(phone: Phone) -> dict[str, str]:
    return {row["number"]: row["state"] for row in good(phone.get("/certificates"))["certificates"]}


@BOTH_STORES
def test_an_open_request_moves_to_the_newest(town: Town, alice: Phone, bank: Asker) -> None:
    old = alice.put(certificate(alice, b"1", issued=TODAY - 20))
    id_ = bank.leave()
    begun = alice.begin(id_, old)
    signature = alice.sign(begun)
    new = alice.put(certificate(alice, b"2"))
    assert states(alice) == {old: "replaced", new: "current"}

    refused(alice.complete(id_, signature), Reason.STATUS_REPLACED)
    refused(alice.begin(id_, old), Reason.STATUS_REPLACED)
    offers = [offer for item in good(alice.get(f"/requests/{id_}"))["items"] for offer in item["offers"]]
    assert {offer["certificate"] for offer in offers} == {new}

    again = alice.post(f"/requests/{id_}/answers/begin", {"items": [1]})
    assert good(again)["certificate"] == new
    good(alice.complete(id_, alice.sign(again)))
    assert parse_presentation(bank.fetch(id_)).certificate.body.number == new


def test_an_older_one_that_comes_late_replaces_nothing(alice: Phone) -> None:
    new = alice.put(certificate(alice, b"2"))
    old = alice.put(certificate(alice, b"1", cut_off=202609))
    assert states(alice) == {old: "replaced", new: "current"}


def test_two_devices_and_two_people_do_not_replace_each_other(alice: Phone, bob: Phone) -> None:
    mine, theirs = alice.put(certificate(alice, b"1")), bob.put(certificate(bob, b"2"))
    assert (states(alice), states(bob)) == ({mine: "current"}, {theirs: "current"})


def test_without_a_certificate_there_is_nothing_to_begin_with(alice: Phone, bank: Asker) -> None:
    id_ = bank.leave()
    refused(alice.post(f"/requests/{id_}/answers/begin", {"items": [1]}), Reason.DISC_REQUIRED_MISSING)
