"""A policy asked, answered with the least claims and judged offline, by the installed program and by `verify`."""

from __future__ import annotations

from datetime import date

import pytest

from certificate.certificate import parse_certificate
from certificate.policy.asking import slots_for_policy
from certificate.policy.parsing import parse_policy
from certificate.request import PolicyItem
from ledger.reasons import Reason
from tests.policy.histories import History, months, policy_file
from tests.world import World
from verifier.expect import Asked
from verifier.render import report_json, report_text
from verifier.report import Outcome, Report

TODAY = date(2026, 11, 24)
PENSION = "pension.emp"
RUN_24 = policy_file("RUN(pension.emp, months = 24)")


def judged(
    asked: bytes,
    history: History,
    *,
    published: bytes | None = None,
    show: tuple[int, ...] | None = None,
    printed: bool = False,
) -> Report:
    """What `verify` says when the holder answers with the least that decides, or with the slots in `show`."""
    world, rule = World(), parse_policy(asked)
    registry = world.body().registry
    claims = {registry.slot_of(name): value for name, value in history.claims().items()} | {0: "测试甲"}
    tree = world.tree(claims)
    body = world.body(claims_root=tree.root(), cut_off=history.cut_off)
    full = world.certificate(body, tree=tree)
    _, (slots,) = slots_for_policy(rule, [parse_certificate(full)], today=TODAY)
    registration = world.registration(policies=(rule.id,))
    how = {"nonce": None, "desk": "窗口三"} if printed else {}
    request = world.request(items=(PolicyItem(rule.id, rule.digest),), registration=registration, **how)
    shown = world.presentation(certificate=full, request=request, slots=slots if show is None else show)
    trust = world.bundle(policies=[published or asked])
    return world.verify(shown, expect=Asked(request), trust=trust)


def paid(first: int, last: int, cut_off: int = 202610) -> History:
    return History(cut_off).pay(PENSION, months(first, last))


def test_met_and_nothing_more_than_needed_is_shown() -> None:
    report = judged(RUN_24, paid(202001, 202610))
    assert (report.outcome, report.reason) == (Outcome.VALID, None)
    registry = World().body().registry
    names = {registry.claim_at(shown.slot).name for shown in report.disclosed}
    assert names == {f"strip.{PENSION}.-{back}" for back in (0, 1, 2)}
    assert [policy.answer.value for policy in report.policies] == [True]


@pytest.mark.parametrize(
    ("history", "outcome", "reason"),
    [
        (paid(202501, 202610), Outcome.INVALID, Reason.POLICY_NOT_MET),
        (paid(202001, 202607, cut_off=202607), Outcome.UNDETERMINED, Reason.POLICY_DATA_TOO_OLD),
    ],
)
def test_not_met_and_too_old(history: History, outcome: Outcome, reason: Reason) -> None:
    report = judged(RUN_24, history)
    assert (report.outcome, report.reason, report.step(11).reason) == (outcome, reason, reason)


def test_not_posted_yet_is_no_gap() -> None:
    history = paid(202001, 202608)
    history.settled[PENSION] = 202608
    report = judged(RUN_24, history)
    assert (report.outcome, report.reason) == (Outcome.UNDETERMINED, Reason.POLICY_NOT_SETTLED) or (
        report.reason is Reason.POLICY_UNDETERMINED
    )


def test_a_strip_held_back_makes_it_undetermined() -> None:
    registry = World().body().registry
    slots = tuple(registry.slot_of(f"strip.{PENSION}.-{back}") for back in (0, 1))
    report = judged(RUN_24, paid(202001, 202610), show=slots)
    assert (report.outcome, report.reason) == (Outcome.UNDETERMINED, Reason.POLICY_UNDETERMINED)


def test_what_the_policy_shows_besides_is_due() -> None:
    asked = policy_file("RUN(pension.emp, months = 24)", more='show = ["name"]')
    assert judged(asked, paid(202001, 202610)).outcome is Outcome.VALID
    registry = World().body().registry
    slots = tuple(registry.slot_of(f"strip.{PENSION}.-{back}") for back in (0, 1, 2))
    report = judged(asked, paid(202001, 202610), show=slots)
    assert (report.outcome, report.step(10).reason) == (Outcome.INVALID, Reason.DISC_REQUIRED_MISSING)


def test_a_policy_under_the_same_name_with_another_text_is_unknown() -> None:
    report = judged(RUN_24, paid(202001, 202610), published=policy_file("RUN(pension.emp, months = 1)"))
    assert (report.outcome, report.reason) == (Outcome.UNDETERMINED, Reason.POLICY_UNKNOWN)


def test_the_report_names_rule_basis_and_months() -> None:
    report = judged(RUN_24, paid(202501, 202610))
    english, chinese = report_text(report, "en"), report_text(report, "zh")
    assert "a rule under test: not met" in english
    assert "legal basis: 测试规定" in english
    assert "2024-10, 2024-11, 2024-12: not paid" in english
    assert "测试规则: 不符合" in chinese
    assert "2024-10、2024-11、2024-12：没有缴费" in chinese
    (row,) = report_json(report, "en")["policies"]
    assert (row["answer"], row["legal_basis"], row["findings"][0]["month"]) == (
        "false",
        "测试规定",
        "2024-12",
    )


def test_a_policy_may_forbid_the_printed_counter_request() -> None:
    forbidden = policy_file("RUN(pension.emp, months = 24)", more="at_counter = false")
    report = judged(forbidden, paid(202001, 202610), printed=True)
    assert (report.outcome, report.step(11).reason) == (Outcome.INVALID, Reason.ORG_PURPOSE_NOT_ALLOWED)
    assert judged(forbidden, paid(202001, 202610)).outcome is Outcome.VALID
    assert judged(RUN_24, paid(202001, 202610), printed=True).outcome is Outcome.VALID
