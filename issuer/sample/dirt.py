"""Dirt on request: a few persons get exactly one error each, of the kinds that real exports have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from issuer.sample.city import City, Ints, below

__all__ = ["dirty_places", "soil"]


@dataclass(frozen=True, slots=True)
class _Fault:
    """One error: which column of which table is wrong, how, and what stands there instead of the right value.

    `changes` maps columns of the table to what they become; the row that is changed is the person's own, or one of
    its contributions. `copies` appends the row a second time instead, `drops` leaves it out.
    """

    where: str
    what: str
    changes: dict[str, pl.Expr]
    copies: bool = False
    drops: bool = False

    @property
    def name(self) -> str:
        return f"{self.where}: {self.what}"


def _last_letter_wrong(number: pl.Expr) -> pl.Expr:
    letter = number.str.slice(-1)
    return number.str.head(-1) + pl.when(letter == "0").then(pl.lit("1")).otherwise(pl.lit("0"))


def _text(value: str) -> pl.Expr:
    return pl.lit(value, pl.String)


def _number(value: int) -> pl.Expr:
    return pl.lit(value, pl.Int32)


_CITIZEN: Final = (
    _Fault("person.id_no", "check digit", {"id_no": _last_letter_wrong(pl.col("id_no"))}),
    _Fault("person.id_no", "30 February, check digit right", {"id_no": _text("990000199002300016")}),
)
_PERSON: Final = (
    _Fault("person.name", "private-use character", {"name": pl.col("name") + _text("\ue000")}),
    _Fault("person.name", "text direction turned", {"name": pl.col("name") + _text("\u202e甲")}),
    _Fault("person.birth_date", "no such day", {"birth_date": _number(19901301)}),
    _Fault("person.person_no", "stands twice", {}, copies=True),
)
_ROW: Final = (
    _Fault("contribution.person_no", "not in the table person", {}, drops=True),
    _Fault("contribution.agency_code", "unknown office", {"agency_code": _text("99999999")}),
    _Fault("contribution.employer_no", "unknown employer", {"employer_no": _text("9900000")}),
    _Fault("contribution.period", "after the cut-off", {"period": _number(209912)}),
    _Fault("contribution.period", "row stands twice", {}, copies=True),
    _Fault("contribution.settle_period", "before the period", {"settle_period": _number(195001)}),
    _Fault(
        "contribution.posted_on",
        "no such day",
        {"posted_on": (pl.col("period") // 100 * 10000 + 230).cast(pl.Int32)},
    ),
    _Fault("contribution.base_fen", "empty with status 1", {"base_fen": pl.lit(None, pl.Int64)}),
    _Fault("contribution.base_fen", "given with status 2", {"status": _number(2)}),
    _Fault("contribution.due_person_fen", "negative", {"due_person_fen": -pl.col("due_person_fen")}),
    _Fault(
        "contribution.paid_person_fen", "more than due", {"paid_person_fen": pl.col("due_person_fen") + 1}
    ),
)
_FAULTS: Final = (*_ROW, *_PERSON, *_CITIZEN)
_BY_NAME: Final = {fault.name: fault for fault in _FAULTS}


def dirty_places(city: City, share: float) -> Ints:
    """The places, rising, of the people who get an error: `share` of them, at least one; one in each equal stretch."""
    if share == 0:
        return np.zeros(0, np.int64)
    count = min(max(round(share * city.people), 1), city.people)
    bounds = np.arange(count + 1) * city.people // count
    widths: list[int] = np.diff(bounds).tolist()
    chance = city.draw("dirt", np.arange(count))
    within = np.array([int(below(chance[at : at + 1], width)[0]) for at, width in enumerate(widths)])
    places: Ints = bounds[:-1] + within
    return places


def soil(
    people: pl.DataFrame, rows: pl.DataFrame, chosen: Sequence[str], *, soiled: Mapping[str, str]
) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, str]]:
    """Give the persons `chosen` one error each in these tables of a stretch.

    Args:
        soiled: who has which error in the stretches before; the rarest error comes next.
    Returns:
        the changed tables and, for each of these person_nos, `table.column: what is wrong`.
    """
    suitable = _suitable_rows(rows, chosen)
    citizens = set(people.filter(pl.col("id_type") == "01")["person_no"].to_list())
    used = Counter(soiled.values())
    wrong: dict[str, str] = {}
    for person in chosen:
        possible = (
            *(_ROW if person in suitable else ()),
            *_PERSON,
            *(_CITIZEN if person in citizens else ()),
        )
        wrong[person] = min((fault.name for fault in possible), key=lambda name: used[name])
        used[wrong[person]] += 1
    for name in dict.fromkeys(wrong.values()):
        concerned = [person for person in chosen if wrong[person] == name]
        people, rows = _apply(_BY_NAME[name], people, rows, concerned, suitable)
    return people, rows, wrong


def _suitable_rows(rows: pl.DataFrame, chosen: Sequence[str]) -> dict[str, int]:
    """For each person one ordinary paid row, by place; none that was taken back, which could undo the error."""
    own = rows.with_row_index("place").filter(pl.col("person_no").is_in(list(chosen)))
    key = ("person_no", "kind_code", "period", "employer_no")
    ordinary = own.filter(
        pl.col("employer_no").is_not_null(),
        pl.col("full_paid"),
        pl.col("paid_person_fen") > 0,
        pl.col("paid_employer_fen") > 0,
    ).join(own.filter(pl.col("base_fen") < 0), on=key, how="anti", maintain_order="left")
    found = ordinary.group_by("person_no", maintain_order=True).agg(pl.col("place").get(pl.len() // 2))
    return dict(found.iter_rows())


def _apply(
    fault: _Fault, people: pl.DataFrame, rows: pl.DataFrame, concerned: list[str], suitable: dict[str, int]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    whose = pl.col("person_no").is_in(concerned)
    if fault.drops:
        return people.filter(~whose), rows
    if not fault.where.startswith("contribution."):
        return _changed(fault, people, whose), rows
    places = pl.Series([suitable[person] for person in concerned], dtype=pl.UInt32)
    return people, _changed(fault, rows, pl.int_range(pl.len(), dtype=pl.UInt32).is_in(places.implode()))


def _changed(fault: _Fault, table: pl.DataFrame, where: pl.Expr) -> pl.DataFrame:
    if fault.copies:
        return pl.concat([table, table.filter(where)])
    return table.with_columns(
        pl.when(where).then(value).otherwise(pl.col(column)).alias(column)
        for column, value in fault.changes.items()
    )
