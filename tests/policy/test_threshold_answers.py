"""Threshold proofs answer rules about runs and totals: with as few months as are asked for, never more than is so."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from certificate.certificate import encode_certificate, parse_certificate
from certificate.holding import disclose
from certificate.policy.asking import facts_of_certificate, months_to_show, slots_for_policy
from certificate.policy.evaluate import answer_policy
from certificate.policy.parsing import parse_policy
from certificate.presentation import PresentationBody, sign_presentation
from certificate.request import PolicyItem, parse_request
from certificate.slot_tree import ClaimsTree
from certificate.slots import ClaimValue
from certificate.threshold import Opening
from issuer.answers import COMMITMENTS, commitments, openings
from ledger.reasons import Reason
from tests.policy.histories import History, months, policy, policy_file
from tests.policy.test_brute_force import CUT_OFF, back, case
from tests.policy.test_brute_force import TODAY as BRUTE_DAY
from tests.policy.test_outside import PENSION, TODAY
from tests.world import REGISTRY, SECONDS, World
from verifier.expect import Asked
from verifier.report import Outcome, Report

SEED = b"s" * 32
RUN_24 = policy_file(f"RUN({PENSION}, months = 24)")
TOTAL_180 = policy_file(f"TOTAL({PENSION}, months = 180)", records="anywhere")
GE_RUN, GE_TOTAL = f"ge.run.{PENSION}", f"ge.total.{PENSION}"


def held(history: History, run: int) -> tuple[World, bytes]:
    """The holder's whole certificate with all threshold commitments of its records."""
    world = World()
    claims: dict[int, ClaimValue] = {
        REGISTRY.slot_of(name): value for name, value in history.claims().items()
    }
    claims[REGISTRY.slot_of(f"run.{PENSION}")] = run
    claims |= commitments(tuple(COMMITMENTS), claims, SEED)
    tree = ClaimsTree.from_seed(REGISTRY, SEED, claims)
    whole = parse_certificate(
        world.certificate(world.body(claims_root=tree.root(), cut_off=history.cut_off), tree=tree)
    )
    tops = openings(claims, SEED)
    return world, encode_certificate(whole.sign1, whole.disclosures, whole.multiproof, whole.proof, tops)


def answered(
    asked: bytes, world: World, whole: bytes, *, change: dict[int, Opening] | None = None, least: bool = True
) -> Report:
    """What `verify` says to the least; `change` replaces openings on their way."""
    rule, certificate = parse_policy(asked), parse_certificate(whole)
    _, (slots,) = slots_for_policy(rule, [certificate], today=TODAY)
    registration = world.registration(policies=(rule.id,))
    request = world.request(items=(PolicyItem(rule.id, rule.digest),), registration=registration)
    body = world.request_body(items=(PolicyItem(rule.id, rule.digest),))
    at_least = (
        months_to_show(body, [0], certificate, slots, policies={rule.id: rule}, today=TODAY) if least else {}
    )
    shown = parse_certificate(disclose(whole, slots, at_least=at_least))
    sent = tuple((change or {}).get(opening.slot, opening) for opening in shown.openings)
    forwarded = encode_certificate(shown.sign1, shown.disclosures, shown.multiproof, shown.proof, sent)
    consent = PresentationBody(1, parse_request(request).digest(), SECONDS - 30, 10)
    data = sign_presentation(world.holder, consent, forwarded)
    return world.verify(data, expect=Asked(request), trust=world.bundle(policies=[asked]))


def paid(first: int) -> History:
    return History(CUT_OFF).pay(PENSION, months(first, CUT_OFF))


@pytest.mark.parametrize(
    ("asked", "name", "fewest"),
    [(RUN_24, GE_RUN, 25), (TOTAL_180, GE_TOTAL, 180)],  # a run of 24 that ended a month ago reaches back 25
)
def test_as_few_months_as_are_asked_for_are_shown(asked: bytes, name: str, fewest: int) -> None:
    world, whole = held(paid(200501), 262)
    report = answered(asked, world, whole)
    assert (report.outcome, report.reason) == (Outcome.VALID, None)
    names = {REGISTRY.claim_at(shown.slot).name for shown in report.disclosed}
    assert name in names
    assert not any(shown.startswith(("strip.", "months.", "run.")) for shown in names)
    rule, certificate = parse_policy(asked), parse_certificate(whole)
    body = world.request_body(items=(PolicyItem(rule.id, rule.digest),))
    slots = [shown.slot for shown in report.disclosed]
    found = months_to_show(body, [0], certificate, slots, policies={rule.id: rule}, today=TODAY)
    assert found == {REGISTRY.slot_of(name): fewest}


def test_what_is_refused_is_not_answered_by_the_way() -> None:
    world, whole = held(paid(200501), 262)
    certificate = parse_certificate(whole)
    long, short = (
        parse_policy(RUN_24),
        parse_policy(RUN_24.replace(b"24", b"12").replace(b"test.rule", b"test.short")),
    )
    policies = {rule.id: rule for rule in (long, short)}
    body = world.request_body(items=tuple(PolicyItem(rule.id, rule.digest) for rule in (long, short)))
    _, (slots,) = slots_for_policy(short, [certificate], today=TODAY)
    for items, fewest in (([1], 13), ([0, 1], 25)):
        found = months_to_show(body, items, certificate, slots, policies=policies, today=TODAY)
        assert found == {REGISTRY.slot_of(GE_RUN): fewest}


def test_what_was_changed_on_the_way_is_refused() -> None:
    world, whole = held(paid(200501), 262)
    slot = REGISTRY.slot_of(GE_TOTAL)
    _, other = held(paid(200502), 261)
    foreign = next(opening for opening in parse_certificate(other).openings if opening.slot == slot)
    for forged in (Opening(slot, 181, bytes(32)), foreign, replace(foreign, at_least=180)):
        report = answered(TOTAL_180, world, whole, change={slot: forged})
        assert (report.outcome, report.step(9).reason) == (Outcome.INVALID, Reason.DISC_DIGEST_MISMATCH)


def test_a_commitment_alone_says_nothing() -> None:
    world, whole = held(paid(200501), 262)
    report = answered(TOTAL_180, world, whole, least=False)
    assert (report.outcome, report.reason) == (Outcome.UNDETERMINED, Reason.POLICY_UNDETERMINED)


def run_of(history: History, kind: str) -> int:
    """DOMAIN section 5, by hand: on-time months in a row that reach the settled month, with those that follow."""
    on_time = {month for month, state in history.states[kind].items() if state == 1}
    last = history.settled[kind]
    if last not in on_time:
        return 0
    while back(last, -1) in on_time and last < CUT_OFF:
        last = back(last, -1)
    count = 0
    while back(last, count) in on_time:
        count += 1
    return count


def test_a_proved_run_says_what_the_strips_say(full: bool) -> None:
    """On random records and rules: what a run decides, the records decide alike; and sometimes it decides."""
    decided, rng = 0, random.Random(5)
    for seed in range(20_000 if full else 400):
        asked, history, _ = case(seed)
        facts = history.facts()
        shown = {name: value for name, value in facts.claims.items() if name.startswith("settled.")}
        for kind in history.states:
            run = run_of(history, kind)
            if run:
                shown[f"ge.run.{kind}"] = rng.choice([run, rng.randrange(1, run + 1)])
        said = answer_policy(asked, [replace(facts, claims=shown)], today=BRUTE_DAY).value
        true = answer_policy(asked, [facts], today=BRUTE_DAY).value
        assert said is None or said is true, seed
        decided += said is not None
    assert decided > 20


def test_totals_are_not_read_as_more_than_they_say() -> None:
    rule = policy(f"TOTAL({PENSION}, months = 20, deemed = yes)")
    bare = History(CUT_OFF).facts()
    for months_, deemed, expected in ((20, None, True), (19, None, None), (15, 5, True), (15, 4, None)):
        claims: dict[str, ClaimValue] = {GE_TOTAL: months_}
        if deemed is not None:
            claims[f"deemed.{PENSION}"] = deemed
        assert answer_policy(rule, [replace(bare, claims=claims)], today=TODAY).value is expected


def test_facts_hold_months_not_hashes() -> None:
    _, whole = held(paid(202001), 82)
    certificate = parse_certificate(whole)
    assert facts_of_certificate(certificate).claims[GE_RUN] == 82
    assert GE_RUN not in facts_of_certificate(replace(certificate, openings=())).claims
