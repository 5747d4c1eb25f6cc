"""What a policy says, as values (DOMAIN section 6). A rule is a tree of five primitives, a wage test, and/or/k-of.

Months are counted as `year * 12 + month - 1`; amounts are fen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final

__all__ = [
    "ALL_BACK",
    "BaseAverage",
    "Combined",
    "Count",
    "Counting",
    "Employer",
    "End",
    "KindSet",
    "Policy",
    "Rule",
    "Run",
    "Status",
    "Total",
    "leaves",
    "month_index",
    "month_text",
]

ALL_BACK: Final = -1  # back-paid months count, however many


@dataclass(frozen=True, slots=True)
class KindSet:
    """In a month, at least `at_least` of these kinds: 1 is any, all of them is all."""

    kinds: tuple[str, ...]
    at_least: int


@dataclass(frozen=True, slots=True)
class End:
    """The last month that is looked at: a fixed one, or `lag` months before the cut-off."""

    month: int | None = None
    lag: int = 1


@dataclass(frozen=True, slots=True)
class Counting:
    """Which months count beside those paid on time.

    Attributes:
        back: how many back-paid months may count: 0 none, ALL_BACK any number.
        otherwise: whether deemed, transferred and exempt months (state 3) count.
        posted_by: the money must have arrived by this day.
        flexible: whether months without an employer count.
    """

    back: int = 0
    otherwise: bool = False
    posted_by: date | None = None
    flexible: bool = True


@dataclass(frozen=True, slots=True)
class Run:
    """`months` consecutive months up to the end."""

    kinds: KindSet
    months: int
    end: End
    counting: Counting


@dataclass(frozen=True, slots=True)
class Count:
    """`months` of the last `window`; of the last `gap_window` at most so many missing, in all and in a row."""

    kinds: KindSet
    months: int
    window: int
    end: End
    counting: Counting
    gap_window: int
    max_gap_total: int | None = None
    max_gap_single: int | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """`months` paid in all, deemed and transferred ones on top if the rule says so."""

    kinds: KindSet
    months: int
    deemed: bool = False
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Employer:
    """`months` consecutive months up to the end, paid by one employer: one of these credit codes."""

    kinds: KindSet
    months: int
    usccs: tuple[str, ...]
    end: End
    counting: Counting


@dataclass(frozen=True, slots=True)
class Status:
    """The payment status: 1 paying, 2 paused, 3 ended."""

    kinds: KindSet
    value: int


@dataclass(frozen=True, slots=True)
class BaseAverage:
    """The mean wage base of the last twelve months is at least so many fen."""

    kinds: KindSet
    at_least: int


@dataclass(frozen=True, slots=True)
class Combined:
    """At least `at_least` of the parts hold: all of them is `and`, one is `or`."""

    at_least: int
    parts: tuple[Rule, ...]


Leaf = Run | Count | Total | Employer | Status | BaseAverage
Rule = Leaf | Combined


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy file, read and checked.

    Attributes:
        digest: SHA-256 of the file; a request names id and digest.
        here: the question is about the records of the authority that certifies, and of no other.
        regions: prefixes of region codes that count; () for all.
        max_age: months between the cut-off and the month of the request, at most.
        show: claims shown beside the answer.
        retention: days the organisation may keep what it was shown.
        at_counter: whether a printed counter request may ask it.
        source: the file itself.
    """

    id: str
    version: int
    digest: bytes
    title_zh: str
    title_en: str
    purpose: str
    legal_basis: str
    valid_from: date
    valid_to: date
    here: bool
    rule: Rule
    regions: tuple[str, ...] = ()
    max_age: int = 2
    show: tuple[str, ...] = ()
    retention: int = 30
    at_counter: bool = True
    source: bytes = field(default=b"", repr=False, compare=False)

    def title(self, language: str) -> str:
        return self.title_zh if language == "zh" else self.title_en


def leaves(rule: Rule) -> tuple[Leaf, ...]:
    """The primitives of a rule, left to right."""
    if isinstance(rule, Combined):
        return tuple(leaf for part in rule.parts for leaf in leaves(part))
    return (rule,)


def month_index(month: int) -> int:
    """The index of a month YYYYMM."""
    return month // 100 * 12 + month % 100 - 1


def month_text(index: int) -> str:
    """A month for people: 2026-10."""
    return f"{index // 12:04d}-{index % 12 + 1:02d}"
