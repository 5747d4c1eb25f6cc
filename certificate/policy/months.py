"""What shown strips say about one month: the least and the most it can be worth to a rule, and why.

A month is worth FULL when it counts, BACK when it counts only against an allowance for back payments, and NOT
otherwise. While something is not shown, not posted or paid elsewhere, the least and the most differ. Each state a
month may have is worth something fixed, so what is learned later can only bring the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, cast

from certificate.kinds import KIND_BY_ID
from certificate.policy.facts import Facts
from certificate.policy.language import ALL_BACK, Counting, KindSet, month_index

__all__ = ["BACK", "FULL", "NOT", "Cause", "Finding", "Worth", "month_worth"]

NOT, BACK, FULL = 0, 1, 2
_LATE_GRACE: Final = 1  # months that an on-time payment may come after its own
_ON_TIME, _BACK_PAID, _OTHERWISE = 1, 2, 3
_PRIORITY: Final = {0: 0, _BACK_PAID: 1, _OTHERWISE: 2, _ON_TIME: 3}


class Cause(StrEnum):
    """Why a month, or a rule, is not simply true. The words stand in `wording`."""

    GAP = "gap"
    BACK_PAID = "back_paid"
    OTHERWISE = "otherwise"
    ELSEWHERE = "elsewhere"
    NOT_SETTLED = "not_settled"
    AFTER_CUT_OFF = "after_cut_off"
    NOT_SHOWN = "not_shown"
    POSTED_LATER = "posted_later"
    NO_EMPLOYER_SHOWN = "no_employer_shown"
    YEARLY = "yearly"
    OTHER_EMPLOYER = "other_employer"
    TOO_FEW = "too_few"
    STATUS = "status"
    LOW = "low"
    TOO_OLD = "too_old"
    OTHER_REGION = "other_region"
    NOT_VALID = "not_valid"


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause; `kind` and `month` (index) say where, `need` and `have` how much, as far as that makes sense."""

    cause: Cause
    kind: str = ""
    month: int | None = None
    need: int | None = None
    have: int | None = None


@dataclass(frozen=True, slots=True)
class Worth:
    """`least` and `most` of a month, and the causes that keep `least` from FULL."""

    least: int
    most: int
    causes: tuple[Finding, ...] = ()


def month_worth(
    facts: Sequence[Facts], kinds: KindSet, month: int, counting: Counting, *, here: bool
) -> Worth:
    """What the month with index `month` is worth, given everything shown."""
    worths = [_kind_worth(facts, kind, month, counting, here=here) for kind in kinds.kinds]
    least = sorted((worth.least for worth in worths), reverse=True)[kinds.at_least - 1]
    most = sorted((worth.most for worth in worths), reverse=True)[kinds.at_least - 1]
    causes = () if least == FULL else tuple(cause for worth in worths for cause in worth.causes)
    return Worth(least, most, causes)


def _kind_worth(facts: Sequence[Facts], kind: str, month: int, counting: Counting, *, here: bool) -> Worth:
    if KIND_BY_ID[kind].yearly:
        return Worth(NOT, FULL, (Finding(Cause.YEARLY, kind),))
    states = [(state, shown) for shown in facts if (state := _state(shown, kind, month)) is not None]
    if not states:
        after = all(month > month_index(shown.cut_off) for shown in facts)
        return Worth(NOT, FULL, (Finding(Cause.AFTER_CUT_OFF if after else Cause.NOT_SHOWN, kind, month),))
    state, source = max(states, key=lambda found: _PRIORITY[found[0]])
    if state == 0:
        return _unpaid(facts, kind, month, here=here)
    value, cause = _value(state, counting)
    most = FULL if not here else value
    causes = () if cause is None else (Finding(cause, kind, month),)
    if value and _posted_in_doubt(state, source, month, counting):
        return Worth(NOT, most, (Finding(Cause.POSTED_LATER, kind, month),))
    if value and not counting.flexible and not any(_has_employer(shown, month) for shown in facts):
        return Worth(NOT, most, (Finding(Cause.NO_EMPLOYER_SHOWN, kind, month),))
    return Worth(value, most, causes)


def _state(facts: Facts, kind: str, month: int) -> int | None:
    """The state that the strip of this month's year shows; None when no strip is shown or the month lies after it."""
    if month > month_index(facts.cut_off):
        return None
    strip = facts.claims.get(f"strip.{kind}.-{facts.cut_off // 100 - month // 12}")
    if strip is None:
        return None
    return int.from_bytes(cast(bytes, strip)) >> 2 * (month % 12) & 3


def _unpaid(facts: Sequence[Facts], kind: str, month: int, *, here: bool) -> Worth:
    settled = [
        cast(int, shown.claims[name]) for shown in facts if (name := f"settled.{kind}") in shown.claims
    ]
    if not settled:
        return Worth(NOT, FULL, (Finding(Cause.NOT_SHOWN, kind, month),))
    if month > max(map(month_index, settled)):
        return Worth(NOT, FULL, (Finding(Cause.NOT_SETTLED, kind, month),))
    if not here:
        return Worth(NOT, FULL, (Finding(Cause.ELSEWHERE, kind, month),))
    return Worth(NOT, NOT, (Finding(Cause.GAP, kind, month),))


def _value(state: int, counting: Counting) -> tuple[int, Cause | None]:
    if state == _ON_TIME:
        return FULL, None
    if state == _OTHERWISE:
        return (FULL, None) if counting.otherwise else (NOT, Cause.OTHERWISE)
    if counting.back == ALL_BACK:
        return FULL, None
    return (BACK if counting.back else NOT), Cause.BACK_PAID


def _posted_in_doubt(state: int, source: Facts, month: int, counting: Counting) -> bool:
    """Strips do not say when money arrived: by the cut-off for sure, and on time within the grace."""
    if counting.posted_by is None:
        return False
    by = counting.posted_by.year * 12 + counting.posted_by.month - 1
    if month_index(source.cut_off) <= by:
        return False
    return state != _ON_TIME or month + _LATE_GRACE > by


def _has_employer(facts: Facts, month: int) -> bool:
    employer = facts.claims.get("employer")
    if employer is not None:
        since = month_index(cast(Sequence[Any], employer)[2])
        if since <= month <= month_index(facts.cut_off):
            return True
    spells = (value for name, value in facts.claims.items() if name.startswith("spells."))
    return any(month_index(first) <= month <= month_index(last) for _, first, last, _ in cast(Any, spells))
