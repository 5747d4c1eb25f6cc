"""What no certificate answers alone: two together, and threshold proofs, through wallet and citizen's client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from certificate.certificate import encode_certificate, parse_certificate
from certificate.policy.parsing import parse_policy
from certificate.presentation import parse_presentation
from certificate.request import PolicyItem
from certificate.slots import ClaimValue
from issuer.answers import COMMITMENTS, commitments, openings
from ledger.reasons import Reason
from tests.policy.histories import policy_file
from tests.wallet.parties import Asker, Phone, Town, good, refused, unb64
from tests.wallet.test_bundles import OTHER, client_of, opened, signed, two_cities
from tests.world import REGISTRY, claims_of_60_months
from verifier.expect import Asked
from verifier.render import report_json, report_text
from verifier.report import Outcome, Report
from wallet_api.store.sql import Store

KIND = "pension.emp"
LONG_RUN = policy_file(f"RUN({KIND}, months = 48)", records="anywhere")
TOTAL = policy_file(f"TOTAL({KIND}, months = 24)", records="anywhere").replace(b"test.rule", b"test.total")
RULES = {rule.id: rule for rule in (parse_policy(LONG_RUN), parse_policy(TOTAL))}


@pytest.fixture
def town(store: Store, tmp_path: Path) -> Iterator[Town]:
    town = opened(store, tmp_path, two_cities(policies=[LONG_RUN, TOTAL]))
    with town.http:
        yield town


def asked(bank: Asker, *names: str) -> tuple[str, bytes]:
    items = tuple(PolicyItem(name, RULES[name].digest) for name in names)
    request = bank.request(items=items, policies=names)
    return bank.leave(request), request


def claims_of(first: int, last: int) -> dict[int, ClaimValue]:
    """The strips of some years, and until when they are settled."""
    whole = claims_of_60_months()
    names = [f"settled.{KIND}", *(f"strip.{KIND}.{year}" for year in range(first, last + 1))]
    slots = [REGISTRY.slot_of(name, cut_off=202610) for name in names]
    return {slot: whole[slot] for slot in slots}


def moved(alice: Phone) -> tuple[str, str]:
    """Paid here until 2024, in the next city since: neither bureau knows of the other's months."""
    before = alice.put(alice.certificate(claims=claims_of(2021, 2024)))
    world = alice.town.world
    tree = world.tree(claims_of(2025, 2026), seed=b"t" * 32)
    body = world.body(authority=2, cnf=alice.key.public_key, claims_root=tree.root())
    return before, alice.put(world.certificate(body, tree=tree, key=OTHER, neighbours=8))


def fetched(town: Town, bank: Asker, id_: str, request: bytes) -> tuple[list[bytes], Report]:
    told = good(bank.post(f"/requests/{id_}/fetch"))
    shown = [unb64(text) for text in (told["presentation"], *told["also"])]
    return shown, town.world.verify(shown, expect=Asked(request), trust=town.service.trust())


def test_two_certificates_decide_together(town: Town, alice: Phone, bank: Asker) -> None:
    before, since = moved(alice)
    id_, request = asked(bank, "test.rule")
    for number in (before, since):
        refused(alice.begin(id_, number, (0,)), Reason.POLICY_UNDETERMINED)
    begun = good(alice.begin(id_, since, (0,), also=[{"certificate": before, "items": [0]}]))
    good(alice.post(f"/requests/{id_}/answers/complete", signed(alice, begun)))
    shown, report = fetched(town, bank, id_, request)
    assert (report.outcome, len(report.parts)) == (Outcome.VALID, 2)
    assert [judged.answer.value for judged in report.policies] == [True]
    assert (
        sum(len(part.disclosed) for part in report.parts) == 5
    )  # 2026 and 2025 there; 2024, 2023, 2022 here
    alone = town.world.verify(shown[0], expect=Asked(request), trust=town.service.trust())
    assert (alone.outcome, alone.reason) == (Outcome.UNDETERMINED, Reason.POLICY_UNDETERMINED)


def test_the_client_finds_both(town: Town, alice: Phone, bank: Asker) -> None:
    moved(alice)
    id_, request = asked(bank, "test.rule")
    client_of(town, alice).answer(id_, minutes=10)
    _, report = fetched(town, bank, id_, request)
    assert (report.outcome, len(report.parts)) == (Outcome.VALID, 2)
    assert [judged.answer.value for judged in report.policies] == [True]


def test_what_is_not_needed_is_not_laid_down(town: Town, alice: Phone, bank: Asker) -> None:
    """One of the two decides: the other is refused, and the client leaves it at home."""
    whole = alice.put()
    world = town.world
    tree = world.tree(claims_of(2025, 2026), seed=b"t" * 32)
    body = world.body(authority=2, cnf=alice.key.public_key, claims_root=tree.root())
    other = alice.put(world.certificate(body, tree=tree, key=OTHER, neighbours=8))
    id_, request = asked(bank, "test.rule")
    both = [{"certificate": other, "items": [0]}]
    refused(alice.begin(id_, whole, (0,), also=both), Reason.API_VALIDATION)
    client_of(town, alice).answer(id_, minutes=10)
    _, report = fetched(town, bank, id_, request)
    assert (report.outcome, report.parts) == (Outcome.VALID, ())


@pytest.fixture
def committed(alice: Phone) -> str:
    """A certificate that holds totals as threshold commitments, and their tops for its holder."""
    world, seed = alice.town.world, b"s" * 32
    claims = claims_of_60_months()
    claims |= commitments(tuple(COMMITMENTS), claims, seed)
    tree = world.tree(claims, seed=seed)
    whole = parse_certificate(
        world.certificate(
            world.body(cnf=alice.key.public_key, claims_root=tree.root()), tree=tree, neighbours=8
        )
    )
    tops = openings(claims, seed)
    return alice.put(encode_certificate(whole.sign1, whole.disclosures, whole.multiproof, whole.proof, tops))


def test_a_threshold_proof_goes_through_wallet_and_client(
    town: Town, alice: Phone, bank: Asker, committed: str
) -> None:
    """At least 24 months, and not that there are 60: the service composes it, and the client byte for byte the same."""
    id_, request = asked(bank, "test.total")
    client_of(town, alice).answer(id_, minutes=10)
    (data,), report = fetched(town, bank, id_, request)
    assert report.outcome is Outcome.VALID
    (opening,) = parse_presentation(data).certificate.openings
    assert opening.at_least == 24
    assert parse_presentation(data).certificate.body.number == committed
    assert (
        "Employee pension, threshold proof of total months: at least 24 months".lower()
        in report_text(report, "en").lower()
    )
    assert "至少 24 个月" in report_text(report, "zh")
    (row,) = report_json(report, "en")["disclosed"]
    assert (row["at_least"], row["text"]) == (24, "at least 24 months")
