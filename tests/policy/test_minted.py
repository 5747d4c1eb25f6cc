"""Minted answers: shown instead of the months, believed for the very policy only, and never beyond its days."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest

from certificate.policy.evaluate import answer_policy, answer_to_mint
from certificate.policy.facts import Facts
from certificate.policy.language import Policy
from certificate.policy.least import least_claims
from certificate.policy.parsing import parse_policy
from certificate.policy.shipped import shipped_policies
from issuer import answers
from issuer.answers import MintedAnswers
from issuer.snapshot import PersonClaims
from ledger.reasons import Reason
from tests.policy.histories import History, months, policy, policy_file
from tests.policy.test_brute_force import CUT_OFF, case
from tests.policy.test_outside import PENSION, RUN_24, TODAY, judged, paid
from tests.world import REGISTRY, World
from verifier.render import report_json, report_text
from verifier.report import Outcome

POLICY = parse_policy(RUN_24)
POL = World().body().registry.slot_of("pol.3")


def minted(history: History, answer: bool, asked: bytes = RUN_24) -> History:
    history.more["pol.3"] = [parse_policy(asked).digest, answer]
    return history


def test_the_answer_is_shown_and_no_month() -> None:
    report = judged(RUN_24, minted(paid(202001, 202610), True))
    assert (report.outcome, report.reason) == (Outcome.VALID, None)
    assert [shown.slot for shown in report.disclosed] == [POL]
    assert [judged.answer.value for judged in report.policies] == [True]


def test_the_report_of_it_can_be_written() -> None:
    report = judged(RUN_24, minted(paid(202001, 202610), True))
    (row,) = json.loads(json.dumps(report_json(report, "en")))["disclosed"]
    assert (row["name"], row["value"], row["text"]) == ("pol.3", [POLICY.digest.hex(), True], "true")
    assert "a rule under test: met" in report_text(report, "en")


def test_a_minted_no_is_a_no() -> None:
    report = judged(RUN_24, minted(paid(202501, 202610), False))
    assert (report.outcome, report.reason) == (Outcome.INVALID, Reason.POLICY_NOT_MET)
    assert [shown.slot for shown in report.disclosed] == [POL]


def test_an_answer_to_another_text_is_none() -> None:
    """Neither the holder's side offers it, nor does the verifier take it."""
    other = policy_file("RUN(pension.emp, months = 1)")
    history = minted(paid(202610, 202610), True, other)
    assert judged(RUN_24, history).reason is Reason.POLICY_NOT_MET
    report = judged(RUN_24, history, show=(POL,))
    assert (report.outcome, report.reason) == (Outcome.UNDETERMINED, Reason.POLICY_UNDETERMINED)


def test_months_that_are_shown_outrank_it() -> None:
    """Both are the bureau's word; what can be recomputed is."""
    registry = World().body().registry
    strips = tuple(registry.slot_of(f"strip.{PENSION}.-{back}") for back in (0, 1, 2))
    report = judged(RUN_24, minted(paid(202001, 202610), False), show=(*strips, POL))
    assert report.outcome is Outcome.VALID


def test_it_ages_as_the_data_do() -> None:
    old = minted(paid(202001, 202607, cut_off=202607), True)
    report = judged(RUN_24, old, show=(POL,))
    assert (report.outcome, report.reason) == (Outcome.UNDETERMINED, Reason.POLICY_DATA_TOO_OLD)
    facts = minted(paid(202001, 202610), True).facts()
    assert answer_policy(replace(POLICY, valid_to=date(2026, 11, 1)), [facts], today=TODAY).value is None
    assert answer_policy(replace(POLICY, regions=("8801",)), [facts], today=TODAY).value is None


def bare(cut_off: int, answer: bool, authority: int = 300) -> History:
    return minted(History(cut_off, authority=authority), answer)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ([bare(202609, True), bare(202610, False)], False),  # only the newest speaks
        ([bare(202609, False), bare(202610, True)], True),
        ([bare(202610, False), bare(202610, True, authority=301)], True),
        ([bare(202610, False), bare(202610, False, authority=301)], None),
    ],
)
def test_answers_of_several_certificates(shown: list[History], expected: bool | None) -> None:
    assert answer_policy(POLICY, [one.facts() for one in shown], today=TODAY).value is expected


def test_a_no_is_never_minted_for_records_anywhere() -> None:
    anywhere = policy("RUN(pension.emp, months = 24)", records="anywhere")
    assert answer_to_mint(anywhere, paid(202501, 202610).facts()) is None
    assert answer_to_mint(anywhere, paid(202001, 202610).facts()) is True
    claim = {"pol.0": [anywhere.digest, False]}
    facts = replace(History(202610).facts(), claims=claim)
    assert answer_policy(anywhere, [facts], today=TODAY).value is None


@pytest.mark.parametrize("name", sorted(shipped_policies()))
def test_what_is_minted_is_what_a_verifier_would_compute(name: str) -> None:
    asked = shipped_policies()[name]
    for first in (199901, 202403, 202511):
        history = History(202610)
        for kind in ("pension.emp", "medical.emp", "unemp", "injury", "maternity"):
            history.pay(kind, months(first, 202610))
            history.more |= {f"status.{kind}": 1, f"base_avg12.{kind}": 900000, f"deemed.{kind}": 0}
        answer = answer_to_mint(asked, history.facts())
        assert answer is answer_policy(asked, [history.facts()], today=TODAY).value
        if answer is not None:
            history.more["pol.0"] = [asked.digest, answer]
            assert least_claims(asked, [history.facts()], today=TODAY)[1] == [frozenset({"pol.0"})]


def test_each_history_is_judged_once_and_rightly(full: bool) -> None:
    """Random people and rules, many of whom share their months: the same answers as judging each alone."""
    for seed in range(0, 4000 if full else 120, 12):
        rules = [case(seed + at)[0] for at in range(6)] + list(shipped_policies().values())[seed % 17 :][:2]
        minted_once = MintedAnswers(rules, 300, CUT_OFF)
        for history in [case(seed + at)[1] for at in range(12)] * 2:
            claims = {REGISTRY.slot_of(name): value for name, value in history.claims().items()}
            made = minted_once.of(PersonClaims("1", 990102, "9901", claims))
            facts = replace(history.facts(), region=990102)
            for at, rule in enumerate(rules):
                answer = answer_to_mint(rule, facts)
                assert made.get(REGISTRY.slot_of(f"pol.{at}")) == (
                    None if answer is None else [rule.digest, answer]
                )


@pytest.mark.parametrize("name", sorted(shipped_policies()))
def test_people_with_the_same_months_share_an_answer(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a policy does not look at makes no other history of it: a name, other years, the wage base."""
    asked = shipped_policies()[name]
    judged: list[Facts] = []

    def counting(rule: Policy, facts: Facts) -> bool | None:
        judged.append(facts)
        return answer_to_mint(rule, facts)

    monkeypatch.setattr(answers, "answer_to_mint", counting)
    once = MintedAnswers([asked], 300, 202610)
    for base in (900000, 900000 if "BASE" in asked.source.decode() else 910000):
        history = History(202610).pay("pension.emp", months(202001, 202610))
        history.more |= {"status.pension.emp": 1, "base_avg12.pension.emp": base, "name": str(base)}
        claims = {REGISTRY.slot_of(claim): value for claim, value in history.claims().items()}
        once.of(PersonClaims(str(base), 990102, "9901", claims))
    assert len(judged) == 1
