"""The one answer to a policy, from whatever certificates show: true, false or undetermined (DESIGN section 5).

Each month has a least and a most it can be worth. A rule that holds for the least is true, one that fails for the most
is false, anything between is undetermined; so showing more can decide an answer and never turn it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, cast

from certificate.policy.facts import Facts
from certificate.policy.language import (
    BaseAverage,
    Combined,
    Count,
    Counting,
    Employer,
    End,
    KindSet,
    Leaf,
    Policy,
    Rule,
    Run,
    Status,
    Total,
    month_index,
)
from certificate.policy.months import BACK, FULL, NOT, Cause, Finding, Worth, month_worth

__all__ = ["Answer", "answer_policy"]

_MAX_FINDINGS: Final = 12
_NO_LIMIT: Final = 10**12


@dataclass(frozen=True, slots=True)
class Answer:
    """`value` is None for undetermined. `findings` say what keeps it from true, the newest months first."""

    value: bool | None
    findings: tuple[Finding, ...] = ()


def answer_policy(policy: Policy, facts: Sequence[Facts], *, today: date) -> Answer:
    """What `policy` answers to the shown `facts` of one person.

    Args:
        today: the day of the question, in the zone of the authority.
    """
    if not policy.valid_from <= today <= policy.valid_to:
        return Answer(None, (Finding(Cause.NOT_VALID),))
    near = [shown for shown in facts if _in_regions(policy, shown)]
    if not near:
        return Answer(None, (Finding(Cause.OTHER_REGION if facts else Cause.NOT_SHOWN),))
    asked = today.year * 12 + today.month - 1
    young = [shown for shown in near if asked - month_index(shown.cut_off) <= policy.max_age]
    if not young:
        newest = max(month_index(shown.cut_off) for shown in near)
        return Answer(None, (Finding(Cause.TOO_OLD, month=newest, need=policy.max_age, have=asked - newest),))
    if not policy.here:
        return _trimmed(_answer(policy.rule, _Shown(young, here=False)))
    authorities = sorted({shown.authority for shown in young})
    answers = [
        _answer(policy.rule, _Shown([shown for shown in young if shown.authority == authority], here=True))
        for authority in authorities
    ]
    return _trimmed(_at_least(1, answers))


def _in_regions(policy: Policy, facts: Facts) -> bool:
    return not policy.regions or f"{facts.region:06d}".startswith(policy.regions)


def _trimmed(answer: Answer) -> Answer:
    if answer.value is True:
        return Answer(True)
    return Answer(answer.value, tuple(dict.fromkeys(answer.findings))[:_MAX_FINDINGS])


@dataclass(frozen=True, slots=True)
class _Shown:
    """The facts that are judged together; `here`: they are all that this question is about."""

    facts: Sequence[Facts]
    here: bool

    @property
    def cut_off(self) -> int:
        """Month index of the newest cut-off."""
        return max(month_index(shown.cut_off) for shown in self.facts)

    def claims(self, name: str) -> list[Any]:
        return [shown.claims[name] for shown in self.facts if name in shown.claims]

    def may_be_false(self, name: str) -> bool:
        """Whether a claim of this name says no for good: the newest certificate shows it, and no other is asked."""
        newest = (shown for shown in self.facts if month_index(shown.cut_off) == self.cut_off)
        return self.here and all(name in shown.claims for shown in newest)

    def last_month(self, end: End) -> int:
        return self.cut_off - end.lag if end.month is None else end.month

    def worths(self, kinds: KindSet, end: End, size: int, counting: Counting) -> list[Worth]:
        """The last `size` months up to the end, newest first."""
        last = self.last_month(end)
        return [month_worth(self.facts, kinds, last - back, counting, here=self.here) for back in range(size)]


def _answer(rule: Rule, shown: _Shown) -> Answer:
    if isinstance(rule, Combined):
        return _at_least(rule.at_least, [_answer(part, shown) for part in rule.parts])
    return _PRIMITIVES[type(rule)](rule, shown)


def _at_least(count: int, answers: Sequence[Answer]) -> Answer:
    """Whether at least `count` of the answers are true, in Kleene's logic."""
    true = sum(answer.value is True for answer in answers)
    open_ = sum(answer.value is None for answer in answers)
    if true >= count:
        return Answer(True)
    value = None if true + open_ >= count else False
    # What is undetermined can still be mended; what is false explains a false answer.
    wanted = [answer for answer in answers if answer.value is value]
    return Answer(value, tuple(finding for answer in wanted for finding in answer.findings))


def _judged(worths: Sequence[Worth], fits: Callable[[Sequence[int]], bool]) -> Answer:
    """`fits` is a test on months' worth, newest first, that a greater worth never breaks."""
    if fits([worth.least for worth in worths]):
        return Answer(True)
    value = None if fits([worth.most for worth in worths]) else False
    # What is false for good explains a no; what may still turn out well explains that it cannot be told.
    limits = [
        worth for worth in worths if (worth.most != FULL if value is False else worth.most != worth.least)
    ]
    return Answer(value, tuple(cause for worth in limits for cause in worth.causes))


def _run(rule: Run, shown: _Shown) -> Answer:
    worths = shown.worths(rule.kinds, rule.end, rule.months, rule.counting)
    return _judged(worths, lambda values: _unbroken(values, rule.counting.back))


def _unbroken(values: Sequence[int], back: int) -> bool:
    return NOT not in values and values.count(BACK) <= max(back, 0)


def _count(rule: Count, shown: _Shown) -> Answer:
    size = max(rule.window, rule.gap_window)
    worths = shown.worths(rule.kinds, rule.end, size, rule.counting)

    def fits(values: Sequence[int]) -> bool:
        inside = values[: rule.window]
        counted = inside.count(FULL) + min(inside.count(BACK), max(rule.counting.back, 0))
        return counted >= rule.months and _gaps_fit(values[: rule.gap_window], rule)

    answer = _judged(worths, fits)
    return (
        answer if answer.value is True or answer.findings else Answer(answer.value, (_too_few(worths, rule),))
    )


def _gaps_fit(values: Sequence[int], rule: Count) -> bool:
    total = longest = current = 0
    for value in values:
        current = 0 if value else current + 1
        total += not value
        longest = max(longest, current)
    within_total = rule.max_gap_total is None or total <= rule.max_gap_total
    return within_total and (rule.max_gap_single is None or longest <= rule.max_gap_single)


def _too_few(worths: Sequence[Worth], rule: Count) -> Finding:
    have = sum(worth.most == FULL for worth in worths[: rule.window])
    return Finding(Cause.TOO_FEW, need=rule.months, have=have)


def _total(rule: Total, shown: _Shown) -> Answer:
    bounds = [_total_of(rule, kind, shown) for kind in rule.kinds.kinds]
    at = rule.kinds.at_least - 1
    least = sorted((low for low, _ in bounds), reverse=True)[at]
    most = sorted((high for _, high in bounds), reverse=True)[at]
    if least >= rule.months:
        return Answer(True)
    value = False if most < rule.months else None
    cause = (
        Cause.TOO_FEW if value is False else Cause.ELSEWHERE if shown.claims(_name(rule)) else Cause.NOT_SHOWN
    )
    return Answer(value, (Finding(cause, rule.kinds.kinds[0], need=rule.months, have=least),))


def _name(rule: Total) -> str:
    return f"months.{rule.kinds.kinds[0]}"


def _total_of(rule: Total, kind: str, shown: _Shown) -> tuple[int, int]:
    """Months at least and at most. Two bureaus may both count a month, so their totals are not added up."""
    low, exact = 0, True
    for facts in shown.facts:
        months = cast("int | None", facts.claims.get(f"months.{kind}"))
        extra = [facts.claims.get(f"{name}.{kind}") for name in _extra_names(rule)]
        exact &= months is not None and None not in extra
        low = max(low, (months or 0) + sum(cast(int, value) for value in extra if value is not None))
    low = max(low, _months_in_strips(shown, kind))
    return low, low if exact and shown.here else _NO_LIMIT


def _extra_names(rule: Total) -> list[str]:
    return [name for name, wanted in (("deemed", rule.deemed), ("moved", rule.moved)) if wanted]


def _months_in_strips(shown: _Shown, kind: str) -> int:
    """Different months that any shown strip says were paid, on time or later."""
    paid = set()
    for facts in shown.facts:
        for back in range(31):
            strip = facts.claims.get(f"strip.{kind}.-{back}")
            if strip is not None:
                bits = int.from_bytes(cast(bytes, strip))
                year = facts.cut_off // 100 - back
                paid |= {year * 12 + month for month in range(12) if bits >> 2 * month & 3 in (1, 2)}
    return len(paid)


def _employer(rule: Employer, shown: _Shown) -> Answer:
    last = shown.last_month(rule.end)
    worths = []
    for back, worth in enumerate(shown.worths(rule.kinds, rule.end, rule.months, rule.counting)):
        paid_by = _paid_by(rule, shown, last - back)
        worths.append(
            Worth(
                min(worth.least, paid_by.least), min(worth.most, paid_by.most), worth.causes + paid_by.causes
            )
        )
    return _judged(worths, lambda values: _unbroken(values, rule.counting.back))


def _paid_by(rule: Employer, shown: _Shown, month: int) -> Worth:
    """Whether the shown employer is one of those asked for, and was in this month already."""
    causes: tuple[Finding, ...] = (Finding(Cause.NO_EMPLOYER_SHOWN, month=month),)
    known = False
    for facts in shown.facts:
        employer = facts.claims.get("employer")
        if employer is None or month > month_index(facts.cut_off):
            continue
        uscc, _, since, _ = cast(Sequence[Any], employer)
        if uscc in rule.usccs and month_index(since) <= month:
            return Worth(FULL, FULL)
        known, causes = True, (Finding(Cause.OTHER_EMPLOYER, month=month),)
    return Worth(NOT, NOT if known and shown.may_be_false("employer") else FULL, causes)


def _status(rule: Status, shown: _Shown) -> Answer:
    return _per_kind(rule.kinds, shown, "status", lambda value: value == rule.value, Cause.STATUS, rule.value)


def _base(rule: BaseAverage, shown: _Shown) -> Answer:
    return _per_kind(
        rule.kinds, shown, "base_avg12", lambda value: value >= rule.at_least, Cause.LOW, rule.at_least
    )


def _per_kind(
    kinds: KindSet, shown: _Shown, name: str, holds: Callable[[int], bool], cause: Cause, need: int
) -> Answer:
    answers = []
    for kind in kinds.kinds:
        values = shown.claims(f"{name}.{kind}")
        if any(map(holds, values)):
            answers.append(Answer(True))
        elif not values:
            answers.append(Answer(None, (Finding(Cause.NOT_SHOWN, kind),)))
        else:
            value = False if shown.may_be_false(f"{name}.{kind}") else None
            answers.append(Answer(value, (Finding(cause, kind, need=need),)))
    return _at_least(kinds.at_least, answers)


_PRIMITIVES: Final[dict[type[Leaf], Callable[[Any, _Shown], Answer]]] = {
    Run: _run,
    Count: _count,
    Total: _total,
    Employer: _employer,
    Status: _status,
    BaseAverage: _base,
}
