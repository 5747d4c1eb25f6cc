"""What no certificate answers yet is kept, asked again with more time, offered once a newer one decides it (容缺)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from certificate.numbers import CertificateType
from certificate.policy.shipped import shipped_files, shipped_policies
from certificate.request import PolicyItem, SlotsItem
from certificate.slots import REGISTRIES, ClaimValue
from ledger.reasons import Reason
from tests.wallet.parties import Asker, Phone, Town, b64, good, refused
from tests.wallet.stores import BOTH_STORES
from tests.world import SLOTS_24, claims_of_60_months
from verifier.expect import Asked
from verifier.report import Outcome

pytestmark = BOTH_STORES
REGISTRY = REGISTRIES[CertificateType.CONTRIBUTION]
DAY = 86400
VEHICLE = shipped_policies()["vehicle.24"]
ITEM = PolicyItem(VEHICLE.id, VEHICLE.digest)


def not_posted() -> dict[int, ClaimValue]:
    """As of today nothing is settled after 2025-12, so the last months cannot be told."""
    return claims_of_60_months() | {
        REGISTRY.slot_of("settled.medical.emp", cut_off=202610): 202512,
        REGISTRY.slot_of("strip.medical.emp.2026", cut_off=202610): bytes(3),
    }


def asked_until(bank: Asker, days: int, **changes: object) -> bytes:
    asked = {"items": (ITEM,), "policies": (VEHICLE.id,), "expires": bank.town.clock.now + days * DAY}
    return bank.request(**{**asked, **changes})  # type: ignore[arg-type]  # fields of a request


def followed(bank: Asker, id_: str, request: bytes) -> str:
    return str(good(bank.post("/requests", {"request": b64(request), "follows": id_}))["id"])


def kept(phone: Phone) -> list[tuple[str, bool]]:
    return [(row["id"], row["ready"]) for row in good(phone.get("/follow-ups"))["requests"]]


@pytest.fixture
def waiting(alice: Phone, bank: Asker) -> str:
    """A request that the citizen cannot answer today, and keeps."""
    number = alice.put(alice.certificate(claims=not_posted()))
    id_ = bank.leave(asked_until(bank, 1))
    refused(alice.begin(id_, number, (0,)), Reason.POLICY_UNDETERMINED)
    assert kept(alice) == []
    for _ in range(2):
        assert good(alice.post(f"/requests/{id_}/later"))["state"] == "waiting"
    assert kept(alice) == [(id_, False)]
    refused(alice.town.citizen("bob").login().post(f"/requests/{id_}/later"), Reason.AUTHZ_NOT_FOUND)
    return id_


def renewed(phone: Phone) -> str:
    """The month was posted: the certificate of the next run, which replaces the one in the safe."""
    world = phone.town.world
    tree = world.tree(seed=b"t" * 32)
    body = world.body(status_index=7, cnf=phone.key.public_key, claims_root=tree.root())
    return phone.put(world.certificate(body, tree=tree, neighbours=8))


def test_a_follow_up_is_offered_once_the_renewed_certificate_decides_it(
    town: Town, alice: Phone, bob: Phone, bank: Asker, waiting: str
) -> None:
    request = asked_until(bank, 45)
    later = followed(bank, waiting, request)
    assert kept(alice) == [(later, False)]  # without a link, and in the place of the first
    assert kept(bob) == []
    town.clock.now += 3 * DAY
    alice, bank = alice.login(), Asker(town, 1, bank.token, bank.key)
    assert kept(alice) == [(later, False)]
    number = renewed(alice)
    assert kept(alice) == [(later, True)]
    alice.answer(later, number, (0,))
    assert kept(alice) == []
    trust = town.world.bundle(policies=list(shipped_files().values()))
    report = town.world.verify(
        bank.fetch(later), expect=Asked(request), trust=trust, now=datetime.fromtimestamp(town.clock.now, UTC)
    )
    assert report.outcome is Outcome.VALID
    assert [judged.answer.value for judged in report.policies] == [True]


def test_it_is_dropped_when_it_runs_out(town: Town, alice: Phone, bank: Asker, waiting: str) -> None:
    later = followed(bank, waiting, asked_until(bank, 2))
    town.clock.now += 2 * DAY
    alice = alice.login()
    renewed(alice)
    assert kept(alice) == []
    refused(alice.post(f"/requests/{later}/later"), Reason.CONSENT_EXPIRED)
    with town.service.store.write() as tx:
        tx.purge(now=town.clock.now)
        assert tx.execute("SELECT request FROM follow_ups") == []


def test_what_follows_an_answer_asks_nothing_new(alice: Phone, bank: Asker, shop: Asker) -> None:
    """One follow-up a request, of its own organisation, to whoever answered; and no more than was asked before."""
    number = alice.put()
    id_ = bank.leave()
    items = (SlotsItem(CertificateType.CONTRIBUTION, SLOTS_24),)
    wider = asked_until(bank, 9)
    refused(
        bank.post("/requests", {"request": b64(bank.request(items=items)), "follows": id_}),
        Reason.CONSENT_NOT_YET_VALID,
    )
    alice.answer(id_, number, (1,))
    refused(bank.post("/requests", {"request": b64(wider), "follows": id_}), Reason.CONSENT_FIELD_DENIED)
    refused(
        shop.post("/requests", {"request": b64(shop.request(items=items)), "follows": id_}),
        Reason.AUTHZ_NOT_FOUND,
    )
    later = followed(bank, id_, bank.request(items=items))
    assert kept(alice) == [(later, True)]
    again = {"request": b64(bank.request(items=items)), "follows": id_}
    refused(bank.post("/requests", again), Reason.CONSENT_EXHAUSTED)
    good(alice.post(f"/requests/{later}/refuse"))
    assert kept(alice) == []


def test_an_erased_safe_keeps_nothing(alice: Phone, bank: Asker, waiting: str) -> None:
    followed(bank, waiting, asked_until(bank, 9))
    good(alice.call("DELETE", "/safe"))
    assert kept(alice.login()) == []
