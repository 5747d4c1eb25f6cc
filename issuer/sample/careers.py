"""Careers: what was paid for whom, month by month, as columns of the table `contribution`.

First the months of each person (joined when, which employer, gaps), then how each month went (on time, late, back-paid,
deferred, in arrears), then one row per branch, then the odd ones: a second job, rows taken back, years of residents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from issuer.sample.people import CIVIL, EMPLOYED, FLEXIBLE, RESIDENT, People

__all__ = ["SETTLED_LAG", "make_contributions"]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# Months by which the settled month of a branch lies before the cut-off: medical posts on the 20th, annuity later still.
SETTLED_LAG: Final = {
    "110": 0, "120": 0, "150": 0, "180": 1, "210": 0, "310": 1, "390": 0, "410": 0, "510": 0,
}  # fmt: skip
_POSTING_DAY: Final = {
    "110": 10,
    "120": 10,
    "150": 15,
    "180": 25,
    "210": 11,
    "310": 20,
    "390": 15,
    "410": 12,
    "510": 12,
}
# Rates of person and employer in 1/10000 of the base, for the employed, for the flexible, and for civil servants.
_EMPLOYED_RATES: Final = {
    "110": (800, 1600),
    "210": (50, 50),
    "310": (200, 800),
    "410": (0, 40),
    "510": (0, 80),
}
_FLEXIBLE_RATES: Final = {"110": (2000, 0), "310": (800, 0)}
_CIVIL_RATES: Final = {"120": (800, 1600), "180": (400, 800), "310": (200, 800), "410": (0, 20)}
_MEAN_MONTHS = 38
_ON_TIME, _LATE, _BACK, _DEFERRED, _ARREARS = range(5)


@dataclass(frozen=True, slots=True)
class _Months:
    """One row per person and month: place of the person, month since year 0, employer (-1 for none), fate, base."""

    person: Ints
    month: Ints
    employer: Ints
    fate: Ints
    settle: Ints
    base: Ints

    def __getitem__(self, chosen: Bools | Ints) -> _Months:
        return _Months(*(getattr(self, name)[chosen] for name in self.__slots__))


def make_contributions(
    people: People, *, employers: int, cut_off: int, years: int, rng: np.random.Generator
) -> pl.DataFrame:
    """All rows of `people`, sorted by nothing in particular.

    Args:
        employers: how many there are.
        cut_off: YYYYMM, the newest month.
        years: the usual length of a record; a few have up to thirty.
    """
    last = _count(cut_off)
    months = _months_of(people, employers, last, years, rng)
    group = people.group[months.person]
    frames = []
    for of_group, rates in ((EMPLOYED, _EMPLOYED_RATES), (FLEXIBLE, _FLEXIBLE_RATES), (CIVIL, _CIVIL_RATES)):
        own = months[group == of_group]
        frames += [_branch(people, own, code, rate, last, rng) for code, rate in rates.items()]
    frames.append(_second_jobs(people, months[group == EMPLOYED], employers, last, rng))
    rows = _with_reversals(pl.concat(frames), rng)
    return pl.concat([rows, *_resident_years(people, cut_off, rng)])


def _months_of(people: People, employers: int, last: int, years: int, rng: np.random.Generator) -> _Months:
    size = len(people)
    length = 1 + rng.exponential(_MEAN_MONTHS, size).astype(np.int64)
    length = np.minimum(length, 12 * years)
    draw = rng.random(size)
    length[draw < 0.03] = 1  # just joined
    length = np.where(draw > 0.955, rng.integers(240, 361, size), length)  # thirty years
    end = last - np.where(rng.random(size) < 0.08, rng.integers(1, 19, size), 0)  # some left
    length = np.clip(np.minimum(length, end - people.adult_month + 1), 1, None)
    length[(people.group == RESIDENT) | (people.group > CIVIL)] = 0
    person = np.repeat(np.arange(size), length)
    back = np.arange(len(person)) - np.repeat(np.cumsum(length) - length, length)
    month = end[person] - back
    keep = ~_in_gap(person, back, length, rng)
    person, month, back = person[keep], month[keep], back[keep]
    employer = _employers_of(people, person, back, length, employers, rng)
    fate, settle = _fates(month, last, rng)
    return _Months(person, month, employer, fate, settle, _bases(person, month, size, rng))


def _in_gap(person: Ints, back: Ints, length: Ints, rng: np.random.Generator) -> Bools:
    """A fifth of the people have one gap of one to eight months."""
    size = len(length)
    start = rng.integers(1, 40, size)
    width = np.where((rng.random(size) < 0.2) & (length > 12), rng.integers(1, 9, size), 0)
    inside: Bools = (back >= start[person]) & (back < (start + width)[person])
    return inside


def _employers_of(
    people: People, person: Ints, back: Ints, length: Ints, employers: int, rng: np.random.Generator
) -> Ints:
    """Up to four employers one after another; none for the flexible."""
    size = len(length)
    changes = np.sort(rng.integers(6, 120, (size, 3)), axis=1)
    chosen = rng.integers(0, employers, (size, 4))
    turn = (back[:, None] >= changes[person]).sum(axis=1)
    return np.where(people.group[person] == FLEXIBLE, -1, chosen[person, turn])


def _fates(month: Ints, last: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """How each month went, and in which month it was settled."""
    draw = rng.random(len(month))
    fate = np.full(len(month), _ON_TIME)
    fate[draw < 0.020] = _LATE
    covid = (month >= _count(202002)) & (month <= _count(202006)) & (draw > 0.95)
    fate[covid] = _DEFERRED
    delay = rng.integers(2, 10, len(month))
    fate[(draw >= 0.020) & (draw < 0.035) & (month + delay <= last)] = _BACK
    fate[(draw >= 0.035) & (draw < 0.055) & (month >= last - 1)] = _ARREARS
    fate[(fate == _LATE) & (month + 1 > last)] = _ON_TIME
    settle = month + np.select([fate == _LATE, fate == _BACK, fate == _DEFERRED], [1, delay, delay], 0)
    return fate, np.minimum(settle, last)


def _bases(person: Ints, month: Ints, size: int, rng: np.random.Generator) -> Ints:
    """The wage base in fen: between a floor and a ceiling that rise every year, in whole yuan, grown by July."""
    level = rng.lognormal(0.35, 0.45, size)
    year = (month - 6) // 12
    floor = 150_000 + 15_000 * np.maximum(year - 1996, 0)
    base = np.clip(floor * level[person], floor, 5 * floor)
    return base.astype(np.int64) // 100 * 100


def _branch(
    people: People, months: _Months, code: str, rates: tuple[int, int], last: int, rng: np.random.Generator
) -> pl.DataFrame:
    """One row per month for the branch with local code `code`; what is not posted yet is mostly not there yet."""
    early = rng.random(len(months.month)) < 0.05
    posted = months[(months.month <= last - SETTLED_LAG[code]) | early]
    return _rows(people, posted, code, rates)


def _rows(people: People, months: _Months, code: str, rates: tuple[int, int]) -> pl.DataFrame:
    person_rate, employer_rate = rates
    paid = months.fate != _ARREARS
    due_person, due_employer = months.base * person_rate // 10_000, months.base * employer_rate // 10_000
    settle = _yyyymm(months.settle)
    size = len(months.month)
    region = people.region[months.person]
    return pl.DataFrame(
        {
            "agency": region,
            "region": region,
            "person": months.person + people.first,
            "kind_code": np.full(size, code),
            "employer": months.employer,
            "period": _yyyymm(months.month),
            "settle_period": settle,
            "posted_on": np.where(paid, settle * 100 + _POSTING_DAY[code], 0),
            "charge_code": np.array(["10", "10", "20", "30", "10"])[months.fate],
            "full_paid": paid,
            "status": np.ones(size, np.int64),
            "base_fen": months.base,
            "rate_person_bp": np.full(size, person_rate),
            "rate_employer_bp": np.full(size, employer_rate),
            "due_person_fen": due_person,
            "due_employer_fen": due_employer,
            "paid_person_fen": np.where(paid, due_person, 0),
            "paid_employer_fen": np.where(paid, due_employer, 0),
            "updated_on": settle * 100 + 28,
        }
    )


def _second_jobs(
    people: People, months: _Months, employers: int, last: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Two employers in one month: legal, and counted once."""
    chosen = months[(rng.random(len(months.month)) < 0.004) & (months.fate == _ON_TIME)]
    other = (chosen.employer + 1 + rng.integers(0, employers - 1, len(chosen.month))) % employers
    job = _Months(
        chosen.person, chosen.month, other, chosen.fate, chosen.settle, chosen.base // 2 // 100 * 100 + 100
    )
    return pl.concat([_rows(people, job, code, _EMPLOYED_RATES[code]) for code in ("110", "410")])


def _with_reversals(rows: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """A few rows are taken back by a negative row of the same key, half of them with a corrected row after it."""
    draw = pl.Series(rng.random(rows.height))
    wrong = rows.filter((draw < 0.002) & (rows["full_paid"]))
    amounts = ("base_fen", "due_person_fen", "due_employer_fen", "paid_person_fen", "paid_employer_fen")
    back = wrong.with_columns(-pl.col(name) for name in amounts)
    right = wrong.filter(pl.Series(rng.random(wrong.height)) < 0.5).with_columns(
        pl.col(name) * 2 for name in amounts
    )
    return pl.concat([rows, back, right])


def _resident_years(people: People, cut_off: int, rng: np.random.Generator) -> list[pl.DataFrame]:
    """Residents pay by the year: pension in spring, medical in advance in the autumn before."""
    who = np.flatnonzero(people.group == RESIDENT)
    years = rng.integers(1, 13, len(who))
    person = np.repeat(who, years)
    back = np.arange(len(person)) - np.repeat(np.cumsum(years) - years, years)
    year = cut_off // 100 - back
    missed = rng.random(len(person)) < 0.07
    frames = []
    for code, settle, amount in (("150", year * 100 + 3, 20_000), ("390", (year - 1) * 100 + 11, 38_000)):
        months = _Months(
            person, year * 12, np.full(len(person), -1), np.zeros(len(person), np.int64), year, year
        )
        rows = _rows(people, months, code, (10_000, 0)).with_columns(
            pl.Series("period", year * 100),
            pl.Series("settle_period", settle),
            pl.Series("posted_on", settle * 100 + _POSTING_DAY[code]),
            pl.Series("updated_on", settle * 100 + 28),
            pl.lit(amount, pl.Int64).alias("base_fen"),
            pl.lit(amount, pl.Int64).alias("due_person_fen"),
            pl.lit(amount, pl.Int64).alias("paid_person_fen"),
        )
        frames.append(rows.filter(~pl.Series(missed)))
    return frames


def _count(period: int) -> int:
    """A month YYYYMM as months since January of year 0."""
    return period // 100 * 12 + period % 100 - 1


def _yyyymm(month: Ints) -> Ints:
    return month // 12 * 100 + month % 12 + 1
