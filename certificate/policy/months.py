"""What shown strips say about one month: the least and the most it can be worth to a rule, and why.

A month is worth FULL when it counts, BACK when it counts only against an allowance for back payments, and NOT
otherwise. While something is not shown, not posted or paid elsewhere, the least and the most differ. Each state a
month may have is worth something fixed, so what is learned later can only bring the two together.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any, Final, cast

from certificate.kinds import KIND_BY_ID
from certificate.policy.facts import Facts
from certificate.policy.language import ALL_BACK, Counting, KindSet, month_index
from certificate.slots import STRIP_YEARS

__all__ = ["BACK", "FULL", "NOT", "SURE", "Cause", "Finding", "ShownMonths", "Worth"]

NOT, BACK, FULL = 0, 1, 2
_LATE_GRACE: Final = 1  # months that an on-time payment may come after its own
_ON_TIME, _BACK_PAID, _OTHERWISE = 1, 2, 3
_LOW_BITS: Final = 0x555555  # of the twelve states in a strip
_FOREVER: Final = 10**9
_State = tuple[int, int]
"""The state of a month, and the month index of the cut-off of who says so."""
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
    """`least` and `most` of a month, and for one kind the cause that keeps `least` from FULL."""

    least: int
    most: int
    cause: Cause | None = None


SURE: Final = Worth(FULL, FULL)
_YEARLY: Final = Worth(NOT, FULL, Cause.YEARLY)
_AFTER_CUT_OFF: Final = Worth(NOT, FULL, Cause.AFTER_CUT_OFF)
_NOT_SHOWN: Final = Worth(NOT, FULL, Cause.NOT_SHOWN)
_NOT_SETTLED: Final = Worth(NOT, FULL, Cause.NOT_SETTLED)
_ELSEWHERE: Final = Worth(NOT, FULL, Cause.ELSEWHERE)
_GAP: Final = Worth(NOT, NOT, Cause.GAP)
_BOUNDS: Final = {(low, high): Worth(low, high) for low in (NOT, BACK, FULL) for high in (NOT, BACK, FULL)}


class ShownMonths:
    """The months that some certificates of one person show together; each year is read once, however often it is asked.

    `here`: these certificates are all that the question is about.
    """

    __slots__ = ("_employed", "_facts", "_here", "_newest", "_paid", "_settled", "_years")

    def __init__(self, facts: Sequence[Facts], *, here: bool) -> None:
        self._facts = facts
        self._here = here
        self._newest = max(month_index(shown.cut_off) for shown in facts)
        self._years: dict[tuple[str, int], list[_State | None]] = {}
        self._settled: dict[str, int | None] = {}
        self._paid: dict[str, int] = {}
        self._employed: list[tuple[int, int]] | None = None

    def worths(self, kinds: KindSet, last: int, size: int, counting: Counting) -> list[Worth]:
        """What the `size` months up to the index `last` are worth, newest first."""
        sure_until = self._sure_until(counting)
        rows = [self._row(kind, last, size, counting, sure_until) for kind in kinds.kinds]
        if len(rows) == 1:
            return rows[0]
        return [_of_kinds(worths, kinds.at_least) for worths in zip(*rows, strict=True)]

    def findings(self, kinds: KindSet, month: int, counting: Counting) -> list[Finding]:
        """What keeps the month from being worth FULL, kind by kind."""
        sure_until = self._sure_until(counting)
        causes = [(kind, self._worth(kind, month, counting, sure_until).cause) for kind in kinds.kinds]
        return [
            Finding(cause, kind, None if cause is Cause.YEARLY else month)
            for kind, cause in causes
            if cause is not None
        ]

    def paid(self, kind: str) -> int:
        """How many different months any shown strip says were paid, on time or later."""
        if kind not in self._paid:
            years: dict[int, int] = defaultdict(int)
            for shown in self._facts:
                for back in range(STRIP_YEARS):
                    strip = shown.claims.get(f"strip.{kind}.-{back}")
                    if strip is not None:
                        states = int.from_bytes(cast(bytes, strip))
                        years[shown.cut_off // 100 - back] |= (states ^ states >> 1) & _LOW_BITS
            self._paid[kind] = sum(paid.bit_count() for paid in years.values())
        return self._paid[kind]

    def _sure_until(self, counting: Counting) -> int:
        """The month index up to which a month that was paid on time counts, whatever else is shown."""
        if not counting.flexible:
            return -1
        return _FOREVER if counting.posted_by is None else _month_of(counting.posted_by) - _LATE_GRACE

    def _worth(self, kind: str, month: int, counting: Counting, sure_until: int) -> Worth:
        return self._row(kind, month, 1, counting, sure_until)[0]

    def _row(self, kind: str, last: int, size: int, counting: Counting, sure_until: int) -> list[Worth]:
        """What the `size` months up to the index `last` are worth for one kind, newest first; year by year."""
        first, month = last - size + 1, last
        row: list[Worth] = []
        while month >= first:
            year = month // 12
            states = self._years.get((kind, year)) or self._year(kind, year)
            for at in range(month, max(first, 12 * year) - 1, -1):
                known = states[at - 12 * year]
                if known is not None and known[0] == _ON_TIME and at <= sure_until:
                    row.append(SURE)
                else:
                    row.append(self._doubtful(kind, at, known, counting))
            month = 12 * year - 1
        return row

    def _doubtful(self, kind: str, month: int, known: _State | None, counting: Counting) -> Worth:
        """What a month is worth that does not count whatever else is shown."""
        if known is None:
            return self._unknown(kind, month)
        state, cut_off = known
        if state == 0:
            return self._unpaid(kind, month)
        value, cause = _value(state, counting)
        most = value if self._here else FULL
        if value and _posted_in_doubt(state, cut_off, month, counting):
            value, cause = NOT, Cause.POSTED_LATER
        elif value and not counting.flexible and not self._has_employer(month):
            value, cause = NOT, Cause.NO_EMPLOYER_SHOWN
        return _kind_worth(value, most, cause)

    def _unknown(self, kind: str, month: int) -> Worth:
        if KIND_BY_ID[kind].yearly:
            return _YEARLY
        return _AFTER_CUT_OFF if month > self._newest else _NOT_SHOWN

    def _unpaid(self, kind: str, month: int) -> Worth:
        if kind not in self._settled:
            name = f"settled.{kind}"
            settled = [cast(int, shown.claims[name]) for shown in self._facts if name in shown.claims]
            self._settled[kind] = max(map(month_index, settled), default=None)
        until = self._settled[kind]
        if until is None:
            return _NOT_SHOWN
        if month > until:
            return _NOT_SETTLED
        return _GAP if self._here else _ELSEWHERE

    def _year(self, kind: str, year: int) -> list[_State | None]:
        """The best state of each month of a year that a shown strip gives, and the earliest cut-off that gives it."""
        found = self._years.get((kind, year))
        if found is None:
            found = self._years[kind, year] = [None] * 12
            for shown in () if KIND_BY_ID[kind].yearly else self._facts:
                cut_off = month_index(shown.cut_off)
                strip = shown.claims.get(f"strip.{kind}.-{cut_off // 12 - year}")
                if strip is not None:
                    _unite(found, int.from_bytes(cast(bytes, strip)), cut_off, cut_off - 12 * year)
                for month in _in_proved_run(shown, kind, year):
                    _unite_one(found, month % 12, _ON_TIME, cut_off)
        return found

    def _has_employer(self, month: int) -> bool:
        if self._employed is None:
            self._employed = _united(stretch for shown in self._facts for stretch in _employed(shown))
        at = bisect_right(self._employed, (month, _FOREVER)) - 1
        return at >= 0 and month <= self._employed[at][1]


def _of_kinds(worths: Sequence[Worth], at_least: int) -> Worth:
    """What one month is worth, from what it is worth for each kind."""
    first, sure, same = worths[0], 0, 0
    for worth in worths:
        sure += worth is SURE
        same += worth is first
    if sure >= at_least:
        return SURE
    if same == len(worths):
        return _BOUNDS[first.least, first.most]
    least = sorted([worth.least for worth in worths], reverse=True)[at_least - 1]
    most = sorted([worth.most for worth in worths], reverse=True)[at_least - 1]
    return _BOUNDS[least, most]


@cache
def _kind_worth(least: int, most: int, cause: Cause | None) -> Worth:
    return Worth(least, most, cause)


def _unite(states: list[_State | None], strip: int, cut_off: int, newest: int) -> None:
    """Take a strip of a certificate into the states; it knows nothing of months after the `newest` of the year."""
    said = [(state, cut_off) for state in range(4)]
    for month in range(min(11, newest) + 1):
        if states[month] is None:
            states[month] = said[strip >> 2 * month & 3]
        else:
            _unite_one(states, month, strip >> 2 * month & 3, cut_off)


def _unite_one(states: list[_State | None], month: int, state: int, cut_off: int) -> None:
    known = states[month]
    if known is None or (_PRIORITY[state], -cut_off) > (_PRIORITY[known[0]], -known[1]):
        states[month] = state, cut_off


def _in_proved_run(facts: Facts, kind: str, year: int) -> range:
    """The months of a year that a threshold proof says were paid on time.

    The run ends somewhere from the settled month to the cut-off. Of at least k months these are in it wherever it ends.
    """
    run, settled = facts.claims.get(f"ge.run.{kind}"), facts.claims.get(f"settled.{kind}")
    if run is None or settled is None:
        return range(0)
    first = month_index(facts.cut_off) - cast(int, run) + 1
    last = min(month_index(cast(int, settled)), month_index(facts.cut_off))
    return range(max(first, 12 * year), min(last, 12 * year + 11) + 1)


def _value(state: int, counting: Counting) -> tuple[int, Cause | None]:
    if state == _ON_TIME:
        return FULL, None
    if state == _OTHERWISE:
        return (FULL, None) if counting.otherwise else (NOT, Cause.OTHERWISE)
    if counting.back == ALL_BACK:
        return FULL, None
    return (BACK if counting.back else NOT), Cause.BACK_PAID


def _posted_in_doubt(state: int, cut_off: int, month: int, counting: Counting) -> bool:
    """Strips do not say when money arrived: by the cut-off for sure, and on time within the grace."""
    if counting.posted_by is None:
        return False
    by = _month_of(counting.posted_by)
    return cut_off > by and (state != _ON_TIME or month + _LATE_GRACE > by)


def _month_of(day: date) -> int:
    return day.year * 12 + day.month - 1


def _employed(facts: Facts) -> Iterator[tuple[int, int]]:
    """First and last month of each stretch that is shown with an employer."""
    employer = facts.claims.get("employer")
    if employer is not None:
        yield month_index(cast(Sequence[Any], employer)[2]), month_index(facts.cut_off)
    for name, value in facts.claims.items():
        if name.startswith("spells."):
            _, first, last, _ = cast(Any, value)
            yield month_index(first), month_index(last)


def _united(stretches: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches that overlap or touch as one, in order."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(stretches):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(last, found[-1][1])
        elif first <= last:
            found.append((first, last))
    return found
