"""The one answer to a policy, from whatever certificates show: true, false or undetermined (DESIGN section 5).

Each month has a least and a most it can be worth. A rule that holds for the least is true, one that fails for the most
is false, anything between is undetermined; so showing more can decide an answer and never turn it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, cast

from certificate.policy.facts import Facts
from certificate.policy.language import (
    BaseAverage,
    Combined,
    Count,
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
from certificate.policy.months import BACK, FULL, NOT, SURE, Cause, Finding, ShownMonths, Worth

__all__ = ["Answer", "answer_policy", "answer_to_mint"]

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
    answer = _answer_young(policy, young)
    if answer.value is None:
        minted = _minted(policy, young)
        answer = answer if minted is None else Answer(minted)
    return _trimmed(answer)


def answer_to_mint(policy: Policy, facts: Facts) -> bool | None:
    """What `policy` answers to all of one certificate; its age and the rule's days are for the reader to judge."""
    return (
        _answer(policy.rule, _Shown([facts], here=policy.here)).value if _in_regions(policy, facts) else None
    )


def _answer_young(policy: Policy, young: Sequence[Facts]) -> Answer:
    if not policy.here:
        return _answer(policy.rule, _Shown(young, here=False))
    authorities = sorted({shown.authority for shown in young})
    answers = [
        _answer(policy.rule, _Shown([shown for shown in young if shown.authority == authority], here=True))
        for authority in authorities
    ]
    return _at_least(1, answers)


def _minted(policy: Policy, young: Sequence[Facts]) -> bool | None:
    """The answer that the bureau minted into a newest certificate, for this very text of the policy.

    A no is one authority's, so it counts only where no other is asked or shown.
    """
    newest = max(shown.cut_off for shown in young)
    answers = {
        answer
        for shown in young
        if shown.cut_off == newest
        for name, value in shown.claims.items()
        if name.startswith("pol.")
        for digest, answer in [cast(Sequence[Any], value)]
        if digest == policy.digest
    }
    if True in answers:
        return True
    alone = policy.here and len({shown.authority for shown in young}) == 1
    return False if answers and alone else None


def _in_regions(policy: Policy, facts: Facts) -> bool:
    return not policy.regions or f"{facts.region:06d}".startswith(policy.regions)


def _trimmed(answer: Answer) -> Answer:
    if answer.value is True:
        return Answer(True)
    return Answer(answer.value, _first_different(answer.findings))


def _first_different(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """As many as an answer names; no more are made."""
    kept: dict[Finding, None] = {}
    for finding in findings:
        kept[finding] = None
        if len(kept) == _MAX_FINDINGS:
            break
    return tuple(kept)


@dataclass(frozen=True, slots=True)
class _Shown:
    """The facts that are judged together; `here`: they are all that this question is about."""

    facts: Sequence[Facts]
    here: bool
    months: ShownMonths = field(init=False)
    cut_off: int = field(init=False)  # month index of the newest one

    def __post_init__(self) -> None:
        object.__setattr__(self, "months", ShownMonths(self.facts, here=self.here))
        object.__setattr__(self, "cut_off", max(month_index(shown.cut_off) for shown in self.facts))

    def claims(self, name: str) -> list[Any]:
        return [shown.claims[name] for shown in self.facts if name in shown.claims]

    def may_be_false(self, name: str) -> bool:
        """Whether a claim of this name says no for good: the newest certificate shows it, and no other is asked."""
        newest = (shown for shown in self.facts if month_index(shown.cut_off) == self.cut_off)
        return self.here and all(name in shown.claims for shown in newest)

    def last_month(self, end: End) -> int:
        return self.cut_off - end.lag if end.month is None else end.month

    def worths(self, rule: Run | Count | Employer, size: int) -> list[Worth]:
        """The last `size` months up to the end of `rule`, newest first."""
        return self.months.worths(rule.kinds, self.last_month(rule.end), size, rule.counting)

    def findings(self, rule: Run | Count | Employer, back: int) -> list[Finding]:
        """What speaks against the month `back` months before the end of `rule`."""
        return self.months.findings(rule.kinds, self.last_month(rule.end) - back, rule.counting)


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


def _judged(
    worths: Sequence[Worth],
    fits: Callable[[Sequence[int]], bool],
    findings: Callable[[int], Iterable[Finding]],
) -> Answer:
    """`fits` is a test on months' worth, newest first, that a greater worth never breaks.

    `findings` says what speaks against the month at a place.
    """
    if fits([worth.least for worth in worths]):
        return Answer(True)
    value = None if fits([worth.most for worth in worths]) else False
    # What is false for good explains a no; what may still turn out well explains that it cannot be told.
    limits = (
        back
        for back, worth in enumerate(worths)
        if (worth.most != FULL if value is False else worth.most != worth.least)
    )
    return Answer(value, _first_different(finding for back in limits for finding in findings(back)))


def _run(rule: Run, shown: _Shown) -> Answer:
    return _judged(
        shown.worths(rule, rule.months),
        lambda values: _unbroken(values, rule.counting.back),
        lambda back: shown.findings(rule, back),
    )


def _unbroken(values: Sequence[int], back: int) -> bool:
    return NOT not in values and values.count(BACK) <= max(back, 0)


def _count(rule: Count, shown: _Shown) -> Answer:
    worths = shown.worths(rule, max(rule.window, rule.gap_window))

    def fits(values: Sequence[int]) -> bool:
        inside = values[: rule.window]
        counted = inside.count(FULL) + min(inside.count(BACK), max(rule.counting.back, 0))
        return counted >= rule.months and _gaps_fit(values[: rule.gap_window], rule)

    answer = _judged(worths, fits, lambda back: shown.findings(rule, back))
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
    low = max(low, shown.months.paid(kind))
    return low, low if exact and shown.here else _NO_LIMIT


def _extra_names(rule: Total) -> list[str]:
    return [name for name, wanted in (("deemed", rule.deemed), ("moved", rule.moved)) if wanted]


def _employer(rule: Employer, shown: _Shown) -> Answer:
    last = shown.last_month(rule.end)
    paid_by = _paid_by(rule, shown, last)
    worths = [
        Worth(min(month.least, payer.least), min(month.most, payer.most))
        for month, payer in zip(shown.worths(rule, rule.months), paid_by, strict=True)
    ]

    def findings(back: int) -> list[Finding]:
        cause = paid_by[back].cause
        of_payer = [] if cause is None else [Finding(cause, month=last - back)]
        return shown.findings(rule, back) + of_payer

    return _judged(worths, lambda values: _unbroken(values, rule.counting.back), findings)


def _paid_by(rule: Employer, shown: _Shown, last: int) -> list[Worth]:
    """Per month, newest first: whether the shown employer is one of those asked for, and was in it already."""
    stretches = [
        (uscc in rule.usccs, month_index(since), month_index(facts.cut_off))
        for facts in shown.facts
        if "employer" in facts.claims
        for uscc, _, since, _ in [cast(Sequence[Any], facts.claims["employer"])]
    ]
    other = Worth(NOT, NOT if shown.may_be_false("employer") else FULL, Cause.OTHER_EMPLOYER)
    none_shown = Worth(NOT, FULL, Cause.NO_EMPLOYER_SHOWN)

    def worth(month: int) -> Worth:
        known = [asked and since <= month for asked, since, cut_off in stretches if month <= cut_off]
        return SURE if any(known) else other if known else none_shown

    return [worth(last - back) for back in range(rule.months)]


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
