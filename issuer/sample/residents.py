"""Rows of residents, who pay by the year: pension in the year itself, medical in advance in the autumn before."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from issuer.sample.city import Bools, City, Ints, below, share, yyyymm
from issuer.sample.offices import REGIONS
from issuer.sample.payments import finished
from issuer.sample.people import RESIDENT, People, person_numbers

__all__ = ["yearly_rows"]

_PENSION_SINCE, _PENSION_UNTIL_AGE, _ADULT = 2009, 60, 18
_PENSION_AMOUNTS: Final = np.array([20_000, 20_000, 50_000, 100_000, 200_000])
_RURAL: Final = 2  # place in REGIONS where the resident pension has its older code
_MISSED, _PAID_BACK = 70, 40  # per mille


def yearly_rows(city: City, people: People) -> list[pl.DataFrame]:
    """The rows of all residents among `people` up to the cut-off."""
    person, year = _years(city, people)
    return [_pension(city, people, person, year), _medical(city, people, person, year)]


def _years(city: City, people: People) -> tuple[Ints, Ints]:
    who = np.flatnonzero(people.group == RESIDENT)
    newest = city.cut_off // 100
    since = city.reference // 12 - below(city.draw("resident", people.place[who]), 13)
    since = np.maximum(since, people.birth[who] // 10000 + _ADULT)
    size = np.clip(newest - since + 1, 0, None)
    year = np.arange(int(size.sum())) + np.repeat(since - (np.cumsum(size) - size), size)
    return np.repeat(who, size), year


def _pension(city: City, people: People, person: Ints, year: Ints) -> pl.DataFrame:
    place = people.place[person]
    born = people.birth[person] // 10000
    due = (year >= _PENSION_SINCE) & (year < born + _PENSION_UNTIL_AGE)
    draw = city.draw("pension.res", place, year)
    late = share(draw << np.uint64(20), _PAID_BACK)
    month = year * 12 + 1 + below(draw << np.uint64(32), 10) + np.where(late, 12 + 2, 0)
    amount = _PENSION_AMOUNTS[below(city.draw("resident amount", place), len(_PENSION_AMOUNTS))]
    code = pl.Series(["150", "170"]).gather((people.region[person] == _RURAL).astype(np.int64))
    chosen = due & ~share(draw, _MISSED) & (month <= city.last)
    return _rows(people, person, year, month, amount, code, late, chosen)


def _medical(city: City, people: People, person: Ints, year: Ints) -> pl.DataFrame:
    draw = city.draw("medical.res", people.place[person], year)
    month = (year - 1) * 12 + 9 + below(draw << np.uint64(32), 3)
    amount = np.maximum(40_000 - 2_000 * (2026 - year), 10_000)
    code = pl.repeat("390", len(year), eager=True)
    chosen = ~share(draw, _MISSED) & (month <= city.last)
    return _rows(people, person, year, month, amount, code, np.zeros(len(year), np.bool_), chosen)


def _rows(
    people: People,
    person: Ints,
    year: Ints,
    month: Ints,
    amount: Ints,
    code: pl.Series,
    late: Bools,
    chosen: Bools,
) -> pl.DataFrame:
    codes, agencies = (pl.Series(names) for names in zip(*REGIONS, strict=True))
    former = year * 12 < people.moved_in[person]
    region = np.where(former, people.former_region[person], people.region[person])
    settle = yyyymm(month)
    money = pl.Series(amount)
    frame = pl.DataFrame(
        {
            "agency_code": agencies.gather(region),
            "region_code": codes.gather(region),
            "person_no": person_numbers(people.place).gather(person),
            "kind_code": code,
            "period": (year * 100).astype(np.int32),
            "settle_period": settle.astype(np.int32),
            "posted_on": (settle * 100 + 15).astype(np.int32),
            "charge_code": pl.Series(["10", "20"]).gather(late.astype(np.int64)),
            "base_fen": money,
            "due_person_fen": money,
            "paid_person_fen": money,
            "updated_on": (settle * 100 + 28).astype(np.int32),
        }
    ).with_columns(
        pl.lit(False).alias("flexible"),
        pl.lit(None, pl.String).alias("employer_no"),
        pl.lit(True).alias("full_paid"),
        pl.lit(1, pl.Int32).alias("status"),
        pl.lit(10_000, pl.Int32).alias("rate_person_bp"),
        pl.lit(0, pl.Int32).alias("rate_employer_bp"),
        *(pl.lit(0, pl.Int64).alias(name) for name in ("due_employer_fen", "paid_employer_fen")),
    )
    return finished(frame.filter(pl.Series(chosen)))
