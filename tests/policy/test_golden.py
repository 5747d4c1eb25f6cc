"""The golden answers of DOMAIN section 6, and what each option of a rule does."""

from __future__ import annotations

from datetime import date

import pytest

from certificate.policy.evaluate import answer_policy
from certificate.policy.months import Cause
from tests.policy.histories import History, months, policy

TODAY = date(2026, 11, 3)
PENSION = "pension.emp"


def paid(first: int, last: int, *, cut_off: int = 202610, without: tuple[int, ...] = ()) -> History:
    return History(cut_off).pay(PENSION, [month for month in months(first, last) if month not in without])


def answer(history: History, rule: str, **more: str) -> bool | None:
    return answer_policy(policy(rule, **more), [history.facts()], today=TODAY).value


def longest_run(history: History, options: str = "", *, most: int = 70) -> int:
    """The greatest n for which RUN is true; every smaller one must be true as well, every greater one false."""
    values = [answer(history, f"RUN({PENSION}, months = {n}, lag = 0{options})") for n in range(1, most)]
    found = values.count(True)
    assert values == [True] * found + [False] * (most - 1 - found)
    return found


def counted(history: History, window: int) -> int:
    values = [
        answer(history, f"COUNT({PENSION}, months = {n}, window = {window}, lag = 0)")
        for n in range(1, window + 1)
    ]
    found = values.count(True)
    assert values == [True] * found + [False] * (window - found)
    return found


def test_on_time_for_five_years() -> None:
    assert longest_run(paid(202111, 202610)) == 60


def test_one_month_missing() -> None:
    history = paid(202111, 202610, without=(202408,))
    assert (longest_run(history), counted(history, 60)) == (26, 59)


def test_one_month_back_paid() -> None:
    history = paid(202111, 202610).pay(PENSION, [202408], 2)
    assert longest_run(history) == 26
    assert longest_run(history, ", back = include") == 60
    assert longest_run(history, ", back = 1") == 60
    history.pay(PENSION, [202310], 2)
    assert longest_run(history, ", back = 1") == 36


def test_three_months_missing() -> None:
    history = paid(202105, 202610, without=(202401, 202402, 202403))
    assert (longest_run(history), counted(history, 60), counted(history, 66)) == (31, 57, 63)


def test_due_and_not_arrived() -> None:
    history = paid(202111, 202609)
    assert longest_run(history) == 0
    assert answer(history, f"RUN({PENSION}, months = 59, lag = 1)") is True
    assert answer(history, f"RUN({PENSION}, months = 60, lag = 1)") is False
    history.settled[PENSION] = 202609
    assert answer(history, f"RUN({PENSION}, months = 1, lag = 0)") is None
    assert answer(history, f"RUN({PENSION}, months = 59, lag = 1)") is True


def test_too_old_to_say() -> None:
    history = paid(202001, 202607, cut_off=202607)
    found = answer_policy(policy(f"RUN({PENSION}, months = 1)"), [history.facts()], today=TODAY)
    assert (found.value, found.findings[0].cause, found.findings[0].have) == (None, Cause.TOO_OLD, 4)
    assert answer(history, f"RUN({PENSION}, months = 1)", more="max_age = 4") is True


def test_months_of_two_certificates_are_united_and_counted_once() -> None:
    """Twelve months here, twelve there, three of them the same."""
    here = paid(202510, 202609)
    there = History(202609, authority=301).pay(PENSION, months(202501, 202512))
    for n, expected in ((21, True), (22, None)):
        rule = policy(f"COUNT({PENSION}, months = {n}, window = 24)", records="anywhere")
        assert answer_policy(rule, [here.facts(), there.facts()], today=TODAY).value is expected


def test_yearly_data_cannot_answer_a_monthly_rule() -> None:
    history = History(202610).pay("pension.res", months(202001, 202610))
    found = answer_policy(policy("RUN(pension.res, months = 1)"), [history.facts()], today=TODAY)
    assert (found.value, found.findings[0].cause) == (None, Cause.YEARLY)


def test_months_elsewhere_are_not_no() -> None:
    history = paid(202601, 202610)
    assert answer(history, f"RUN({PENSION}, months = 24)", records="anywhere") is None
    assert answer(history, f"RUN({PENSION}, months = 24)") is False
    history.pay(PENSION, [202608], 2)
    assert answer(history, f"RUN({PENSION}, months = 9)", records="anywhere") is None
    assert answer(history, f"RUN({PENSION}, months = 9)") is False
    assert answer(history, f"TOTAL({PENSION}, months = 24)", records="anywhere") is None
    assert answer(history, f"TOTAL({PENSION}, months = 24)") is False
    assert answer(history, f"TOTAL({PENSION}, months = 10)", records="anywhere") is True


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("RUN(any(pension.emp, medical.emp), months = 9)", True),
        ("RUN(all(pension.emp, medical.emp), months = 9)", False),
        ("RUN(2 of (pension.emp, medical.emp, injury), months = 9)", True),
        ("RUN(3 of (pension.emp, medical.emp, injury), months = 1)", False),
        ("RUN(pension.emp, months = 3, end = 2026-03)", True),
        ("RUN(pension.emp, months = 4, end = 2026-03)", False),
        ("RUN(unemp, months = 1)", None),
        ("RUN(unemp, months = 1) or RUN(injury, months = 1)", True),
        ("RUN(unemp, months = 1) and RUN(medical.emp, months = 1)", False),
        ("RUN(unemp, months = 1) and RUN(injury, months = 1)", None),
        ("2 of (RUN(unemp, months = 1), RUN(injury, months = 1), RUN(pension.emp, months = 1))", True),
        ("STATUS(pension.emp, value = 1)", True),
        ("STATUS(pension.emp, value = 2)", False),
        ("STATUS(medical.emp, value = 1)", None),
        ("BASE(pension.emp, average = 800000)", True),
        ("BASE(pension.emp, average = 800001)", False),
        ('EMPLOYER(pension.emp, uscc = "91990000T0000001X7", months = 9)', True),
        ('EMPLOYER(pension.emp, uscc = "91990000T0000001X7", months = 10)', False),
        ('EMPLOYER(pension.emp, uscc = ["91990000T000000287", "91990000T0000001X7"], months = 9)', True),
        ('EMPLOYER(pension.emp, uscc = "91990000T000000287", months = 1)', False),
        ("RUN(pension.emp, months = 9, flexible = no)", True),
        ("RUN(maternity, months = 6)", False),
        ("RUN(maternity, months = 6, otherwise = yes)", True),
        ("RUN(pension.emp, months = 9, posted_by = 2026-12-31)", True),
        ("RUN(pension.emp, months = 9, posted_by = 2026-08-31)", None),
        ("RUN(pension.emp, months = 3, end = 2026-03, posted_by = 2026-08-31)", True),
    ],
)
def test_options(rule: str, expected: bool | None) -> None:
    history = History(202610).pay("pension.emp", months(202601, 202610)).pay("injury", months(202501, 202609))
    history.pay("medical.emp", months(202501, 202512)).pay("maternity", months(202601, 202610))
    history.pay("maternity", [202606], 3)
    history.more = {
        "status.pension.emp": 1,
        "base_avg12.pension.emp": 800000,
        "employer": ["91990000T0000001X7", "样例制造有限公司(测试)", 202601, 10],
    }
    assert answer(history, rule) is expected


def test_limits_of_gaps() -> None:
    history = paid(202105, 202610, without=(202401, 202402, 202403, 202301))
    rule = f"COUNT({PENSION}, months = 60, window = 66, lag = 0, gap_window = 60, "
    assert answer(history, rule + "max_gap_total = 4)") is True
    assert answer(history, rule + "max_gap_total = 3)") is False
    assert answer(history, rule + "max_gap_single = 3)") is True
    assert answer(history, rule + "max_gap_single = 2)") is False


def test_regions_and_validity() -> None:
    history = paid(202601, 202610)
    rule = f"RUN({PENSION}, months = 6)"
    assert answer(history, rule, more='regions = ["9901"]') is True
    assert answer(history, rule, more='regions = ["9902", "98"]') is None
    assert answer_policy(policy(rule), [history.facts()], today=date(2031, 1, 1)).value is None


def test_an_older_certificate_cannot_hide_what_a_newer_one_says() -> None:
    """202608 was missing, then paid later: the older certificate alone of the two must not make it a no."""
    old = paid(202601, 202608, cut_off=202608, without=(202607,)).facts()
    new = paid(202601, 202610).pay(PENSION, [202607], 2)
    rule = policy(f"RUN({PENSION}, months = 6, back = include)")
    assert answer_policy(rule, [old, new.facts()], today=TODAY).value is True
    hidden = new.facts()
    bare = type(hidden)(hidden.authority, hidden.region, hidden.cut_off, {})
    assert answer_policy(rule, [old, bare], today=TODAY).value is None
