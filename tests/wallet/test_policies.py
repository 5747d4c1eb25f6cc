"""A question through the wallet: the citizen reads the answer before anything is shown, and shows the least."""

from __future__ import annotations

from certificate.policy.shipped import shipped_files
from certificate.slots import REGISTRIES
from ledger.reasons import Reason
from tests.wallet.parties import Asker, Phone, Town, good, refused
from tests.wallet.stores import BOTH_STORES
from tests.world import claims_of_60_months
from verifier.expect import Asked
from verifier.report import Outcome

pytestmark = BOTH_STORES


def test_a_question_is_answered_with_the_least(town: Town, alice: Phone, bank: Asker) -> None:
    number = alice.put()
    request = bank.ask_policy("vehicle.24")
    id_ = bank.leave(request)
    (item,) = good(alice.get(f"/requests/{id_}", Accept_Language="en"))["items"]
    assert (item["policy"], item["title"]) == (
        "vehicle.24",
        "24 months of medical in a row (vehicle licence)",
    )
    (offer,) = item["offers"]
    assert (offer["certificate"], offer["answer"], offer["because"]) == (number, "true", [])
    shown = {f"strip.medical.emp.-{back}" for back in (0, 1, 2)} | {"id_tail"}
    assert {claim["claim"] for claim in offer["claims"]} == shown

    begun = alice.begin(id_, number, (0,))
    assert {claim["claim"] for claim in good(begun)["claims"]} == shown
    good(alice.complete(id_, alice.sign(begun)))
    trust = town.world.bundle(policies=list(shipped_files().values()))
    report = town.world.verify(bank.fetch(id_), expect=Asked(request), trust=trust)
    assert report.outcome is Outcome.VALID
    assert [judged.answer.value for judged in report.policies] == [True]
    actions = [row["claims"] for row in good(alice.get("/access-log"))["rows"] if row["action"] == "answered"]
    assert actions
    assert all("base" not in claim and "employer" not in claim for claim in actions[0])


def test_a_no_is_told_before_it_is_shown(alice: Phone, bank: Asker) -> None:
    registry = next(iter(REGISTRIES.values()))
    claims = claims_of_60_months() | {registry.slot_of("strip.medical.emp.-1"): bytes.fromhex("555515")}
    number = alice.put(alice.certificate(claims=claims))
    id_ = bank.leave(bank.ask_policy("vehicle.24"))
    (item,) = good(alice.get(f"/requests/{id_}", Accept_Language="en"))["items"]
    (offer,) = item["offers"]
    assert (offer["answer"], offer["complete"]) == ("false", True)
    assert offer["because"] == ["employee medical 2025-04: not paid"]
    assert good(alice.begin(id_, number, (0,)))["claims"]


def test_what_cannot_be_told_is_not_shown(alice: Phone, bank: Asker) -> None:
    number = alice.put()
    id_ = bank.leave(bank.ask_policy("loan.24"))
    (item,) = good(alice.get(f"/requests/{id_}", Accept_Language="en"))["items"]
    (offer,) = item["offers"]
    assert (offer["answer"], offer["complete"]) == ("undetermined", False)
    refused(alice.begin(id_, number, (0,)), Reason.POLICY_UNDETERMINED)
    good(alice.post(f"/requests/{id_}/refuse"))
