"""Dirt on request: a few persons get exactly one error each, of the kinds that real exports have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import polars as pl

__all__ = ["soil"]

Tables = tuple[pl.DataFrame, pl.DataFrame]


def soil(
    people: pl.DataFrame, rows: pl.DataFrame, share: float, rng: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, str]]:
    """Give `share` of the people in these tables one error each.

    Returns the changed tables and, for each soiled person_no, what is wrong.
    """
    taken_back = rows.filter(pl.col("base_fen") < 0)["person_no"].unique()
    paid = rows.filter(pl.col("full_paid") & (pl.col("due_person_fen") > 0))["person_no"].unique()
    with_rows = paid.filter(~paid.is_in(taken_back.implode())).sort()  # a reversal could undo the error
    count = min(round(share * people.height), with_rows.len())
    chosen = sorted(rng.choice(with_rows.len(), count, replace=False).tolist())
    soiled: dict[str, str] = {}
    for at, place in enumerate(chosen):
        person_no = str(with_rows[place])
        name, change = _KINDS[at % len(_KINDS)]
        people, rows = change(person_no, people, rows)
        soiled[person_no] = name
    return people, rows, soiled


def _set_person(column: str, value: object) -> Callable[[str, pl.DataFrame, pl.DataFrame], Tables]:
    def change(person_no: str, people: pl.DataFrame, rows: pl.DataFrame) -> Tables:
        return people.with_columns(
            pl.when(pl.col("person_no") == person_no)
            .then(pl.lit(value))
            .otherwise(pl.col(column))
            .alias(column)
        ), rows

    return change


def _set_row(column: str, value: object) -> Callable[[str, pl.DataFrame, pl.DataFrame], Tables]:
    def change(person_no: str, people: pl.DataFrame, rows: pl.DataFrame) -> Tables:
        at = _a_row(person_no, rows)
        chosen = pl.int_range(pl.len()) == at
        dtype = rows.schema[column]
        return people, rows.with_columns(
            pl.when(chosen).then(pl.lit(value, dtype)).otherwise(pl.col(column)).alias(column)
        )

    return change


def _twice(person_no: str, people: pl.DataFrame, rows: pl.DataFrame) -> Tables:
    at = _a_row(person_no, rows)
    return people, pl.concat([rows, rows.slice(at, 1)])


def _a_row(person_no: str, rows: pl.DataFrame) -> int:
    """Where one paid row of the person stands."""
    mine = (rows["person_no"] == person_no) & rows["full_paid"] & (rows["due_person_fen"] > 0)
    return int(mine.arg_max() or 0)


_KINDS: Final = (
    ("check digit of the ID number", _set_person("id_no", "990000199001010018")),
    ("30 February", _set_person("id_no", "990000199002300016")),
    ("private-use character in the name", _set_person("name", "测试\ue000")),
    ("text direction turned in the name", _set_person("name", "测试\u202e甲")),
    ("birth date that is no day", _set_person("birth_date", 19901301)),
    ("status 1 without a base", _set_row("base_fen", None)),
    ("paid more than due", _set_row("paid_person_fen", 999_999_999)),
    ("period after the cut-off", _set_row("period", 209912)),
    ("unknown office", _set_row("agency_code", "99999999")),
    ("the same row twice", _twice),
)
