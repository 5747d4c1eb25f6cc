"""Rows of the table `contribution` for kinds paid by the month: per branch of a month one row, some taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from issuer.sample import careers as fates
from issuer.sample.careers import Months, make_careers, months_of, second_jobs, stops
from issuer.sample.city import Bools, City, Ints, month_count, yyyymm
from issuer.sample.offices import REGIONS
from issuer.sample.people import CIVIL, EMPLOYED, FLEXIBLE, People, person_numbers

__all__ = ["COLUMNS", "LAGGING", "finished", "monthly_rows"]

COLUMNS: Final = (
    "agency_code", "region_code", "person_no", "kind_code", "flexible", "employer_no", "period", "settle_period",
    "posted_on", "charge_code", "full_paid", "status", "base_fen", "rate_person_bp", "rate_employer_bp",
    "due_person_fen", "due_employer_fen", "paid_person_fen", "paid_employer_fen", "updated_on",
)  # fmt: skip
# Branches booked in the month after the one they are for.
LAGGING: Final = frozenset({"180", "310"})

_POSTING_DAY: Final = {"110": 10, "120": 10, "180": 25, "210": 11, "310": 20, "410": 12, "510": 12}
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
_RATES: Final = {EMPLOYED: _EMPLOYED_RATES, FLEXIBLE: _FLEXIBLE_RATES, CIVIL: _CIVIL_RATES}
_SECOND_RATES: Final = {code: _EMPLOYED_RATES[code] for code in ("110", "410")}
# In these months injury was free, and employers paid no pension.
_RELIEF: Final = (month_count(202002), month_count(202005))
_RELIEVED: Final = frozenset({"110", "410"})
_CHARGES: Final = pl.Series(["10", "20", "30"])
_AMOUNTS: Final = ("base_fen", "due_person_fen", "due_employer_fen", "paid_person_fen", "paid_employer_fen")


@dataclass(frozen=True, slots=True)
class _Made:
    """Rows of one branch and the place of the person of each."""

    code: str
    rows: pl.DataFrame
    person: Ints


def monthly_rows(city: City, people: People, employer_nos: pl.Series) -> tuple[list[pl.DataFrame], Ints]:
    """The rows of all kinds paid by the month, branch by branch, and what each person paid for pension in fen."""
    careers = make_careers(city, people)
    worked, stopped = months_of(city, people, careers), stops(city, people, careers)
    made: list[_Made] = []
    for group, rates in _RATES.items():
        of_group = people.group == group
        months = worked[of_group[worked.person]]
        made += _branches(city, people, months, rates, employer_nos)
        made += _branches(city, people, stopped[of_group[stopped.person]], rates, employer_nos)
        if group == EMPLOYED:
            second = second_jobs(city, people, months)
            made += _branches(city, people, second, _SECOND_RATES, employer_nos)
    account = np.zeros(len(people), np.int64)
    for part in made:
        if part.code == "110":
            paid = part.rows["paid_person_fen"].to_numpy()
            account += np.bincount(part.person, paid, len(people)).astype(np.int64)
    return [part.rows for part in made], account


def _branches(
    city: City, people: People, months: Months, rates: dict[str, tuple[int, int]], employer_nos: pl.Series
) -> Iterator[_Made]:
    texts = _texts(people, months, employer_nos)
    for at, (code, rate) in enumerate(rates.items()):
        booked = _booked(city, months, code)
        own, own_texts = (
            (months, texts) if booked.all() else (months[booked], texts.filter(pl.Series(booked)))
        )
        rows = own_texts.with_columns(pl.lit(code).alias("kind_code"), *_figures(city, own, code, *rate))
        yield _Made(code, finished(rows), own.person)
        wrong = _wrong(city, own, rows, at, len(rates))
        if wrong.any():
            yield _taken_back(code, own[wrong], rows.filter(pl.Series(wrong)))


def _texts(people: People, months: Months, employer_nos: pl.Series) -> pl.DataFrame:
    """The columns that are the same in all branches of a month."""
    former = months.month < people.moved_in[months.person]
    region = np.where(former, people.former_region[months.person], people.region[months.person])
    codes, agencies = (pl.Series(names) for names in zip(*REGIONS, strict=True))
    employer = pl.Series(np.maximum(months.employer, 0))
    named = pl.Series(months.employer >= 0)
    nobody = pl.Series([None], dtype=pl.String)
    charge = np.select([months.fate == fates.BACK, months.fate == fates.DEFERRED], [1, 2], 0)
    return pl.DataFrame(
        {
            "agency_code": agencies.gather(region),
            "region_code": codes.gather(region),
            "person_no": person_numbers(people.place).gather(months.person),
            "flexible": ~named,
            "employer_no": employer_nos.gather(employer).zip_with(named, nobody),
            "period": _as_int(yyyymm(months.month)),
            "charge_code": _CHARGES.gather(charge),
        }
    )


def _booked(city: City, months: Months, code: str) -> Bools:
    """Which months of this branch are in the books at the cut-off: of a lagging one the newest is rarely there."""
    if code not in LAGGING:
        return np.ones(len(months), np.bool_)
    booked: Bools = _early(months) | (months.month < city.last)
    return booked


def _figures(city: City, months: Months, code: str, person_rate: int, employer_rate: int) -> list[pl.Series]:
    relieved = np.zeros(len(months), np.bool_)
    if code in _RELIEVED:
        relieved = (months.month >= _RELIEF[0]) & (months.month <= _RELIEF[1]) & (months.employer >= 0)
    stopped = (months.fate == fates.PAUSED) | (months.fate == fates.RETIRED)
    rates_person = np.where(stopped, 0, person_rate)
    rates_employer = np.where(stopped | relieved, 0, employer_rate)
    due_person, due_employer = (months.base // 100 * rate // 100 for rate in (rates_person, rates_employer))
    settle = months.settle
    if code in LAGGING:
        settle = np.where(_early(months), settle, np.maximum(settle, months.month + 1))
    unpaid = (months.fate == fates.ARREARS) | (
        np.isin(months.fate, (fates.LATE, fates.OVERDUE, fates.DEFERRED)) & (settle > city.last)
    )
    settle = yyyymm(np.where(unpaid, months.month, settle))
    partly = months.fate == fates.PARTLY
    posted = ~unpaid & ~stopped & ~(partly & (due_person == 0))
    status = np.select([months.fate == fates.PAUSED, months.fate == fates.RETIRED], [2, 3], 1)
    base = pl.Series(months.base).zip_with(pl.Series(~stopped), pl.Series([None], dtype=pl.Int64))
    day = pl.Series(_as_int(settle * 100 + _POSTING_DAY[code]))
    return [
        pl.Series("settle_period", _as_int(settle)),
        day.zip_with(pl.Series(posted), pl.Series([None], dtype=pl.Int32)).alias("posted_on"),
        pl.Series("full_paid", ~unpaid & ~partly),
        pl.Series("status", _as_int(status)),
        base.alias("base_fen"),
        pl.Series("rate_person_bp", _as_int(rates_person)),
        pl.Series("rate_employer_bp", _as_int(rates_employer)),
        pl.Series("due_person_fen", due_person),
        pl.Series("due_employer_fen", due_employer),
        pl.Series("paid_person_fen", np.where(unpaid, 0, due_person)),
        pl.Series("paid_employer_fen", np.where(unpaid | partly, 0, due_employer)),
        pl.Series("updated_on", _as_int(settle * 100 + 28)),
    ]


def _wrong(city: City, months: Months, rows: pl.DataFrame, branch: int, branches: int) -> Bools:
    """Which rows turned out wrong and were taken back the month after, if that is not after the cut-off."""
    wrong: Bools = (_lane(months, 32, 7) == 0) & (_lane(months, 39, 8) % branches == branch)
    wrong &= (months.fate == fates.ON_TIME) | (months.fate == fates.LATE)
    wrong &= _next_month(rows) <= city.last
    wrong &= (rows["due_person_fen"].to_numpy() + rows["due_employer_fen"].to_numpy()) > 0
    return wrong


def _taken_back(code: str, months: Months, rows: pl.DataFrame) -> _Made:
    """Negative rows of the same key; half of them have a correction beside them."""
    period = yyyymm(_next_month(rows))
    again = rows.with_columns(
        pl.Series("settle_period", _as_int(period)),
        pl.Series("posted_on", _as_int(period * 100 + 16)),
        pl.Series("updated_on", _as_int(period * 100 + 28)),
    )
    negative = again.with_columns(-pl.col(name) for name in _AMOUNTS)
    corrected = _lane(months, 47, 1) == 0
    base = np.maximum(months.base // 1000 * 9, months.floor // 100) * 100
    right = again.with_columns(pl.Series("base_fen", base)).with_columns(
        (pl.col("base_fen") // 100 * pl.col(f"rate_{who}_bp") // 100).alias(f"{what}_{who}_fen")
        for who in ("person", "employer")
        for what in ("due", "paid")
    )
    both = pl.concat([negative, right.filter(pl.Series(corrected))])
    return _Made(code, finished(both), np.append(months.person, months.person[corrected]))


def _next_month(rows: pl.DataFrame) -> Ints:
    """The month after each row was settled, as a count."""
    settled = rows["settle_period"].to_numpy().astype(np.int64)
    return settled // 100 * 12 + settled % 100


def _early(months: Months) -> Bools:
    """In which months a lagging branch was booked at once."""
    early: Bools = _lane(months, 20, 5) == 0
    return early


def _lane(months: Months, at: int, width: int) -> Ints:
    """`width` of the chance bits of each month."""
    lane: Ints = (months.bits >> np.uint64(at) & np.uint64((1 << width) - 1)).astype(np.int64)
    return lane


def finished(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with the columns of DOMAIN section 3 in their order."""
    return rows.select(COLUMNS)


def _as_int(values: Ints) -> npt.NDArray[np.int32]:
    return values.astype(np.int32)
