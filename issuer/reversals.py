"""Rows that take other rows back, and rows that stand twice (DOMAIN section 3).

A key is (person, kind, month, employer). A reversal is a negative row of the same key. It cancels the row with the
same amounts, of several the one settled first; what it takes back in part lessens that row. After that one row may be
left of a key: more are a double, a reversal without a row is a mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from ledger.reasons import Reason

__all__ = ["Problem", "settle_reversals"]

_Columns = dict[str, npt.NDArray[Any]]
_AMOUNTS: Final = ("due", "paid_person", "paid_employer")


@dataclass(frozen=True, slots=True)
class Problem:
    """What several rows together have wrong: `person` is a place in the stretch, `row` one of the rows."""

    person: int
    row: int
    column: str
    rule: str
    reason: Reason


def settle_reversals(
    key: npt.NDArray[np.uint64], columns: Mapping[str, npt.NDArray[Any]], *, first: int
) -> tuple[_Columns, list[Problem]]:
    """Take reversed rows out of `columns`, which are sorted by `key`; also lists keys that cannot be settled."""
    several = np.zeros(len(key), np.bool_)
    if len(key):
        same = key[1:] == key[:-1]
        several[1:] |= same
        several[:-1] |= same
        several |= columns["reversal"]
    if not several.any():
        return dict(columns), []
    places = np.flatnonzero(several)
    rows = pl.DataFrame({name: column[places] for name, column in columns.items()}).with_columns(
        pl.Series("key", key[places]),
        pl.Series("place", places),
        *(pl.col(a).cast(pl.Int64) for a in _AMOUNTS),
    )
    left = _without_pairs(rows)
    keys = _by_key(left)
    kept = left.filter(~pl.col("reversal")).join(keys.filter(pl.col("verdict") == "kept"), on="key")

    keep = ~several
    keep[kept["place"].to_numpy()] = True
    settled = {name: column.copy() for name, column in columns.items()}
    at = kept["place"].to_numpy()
    settled["paid_person"][at] = kept["net_paid_person"].to_numpy()
    # Money given back in full leaves a due, that is arrears.
    settled["state"][at] = kept.select(pl.when(_GIVEN_BACK).then(0).otherwise("state")).to_series().to_numpy()
    return {name: column[keep] for name, column in settled.items()}, _problems(keys, first)


def _without_pairs(rows: pl.DataFrame) -> pl.DataFrame:
    """Drop each reversal together with the row of the same amounts."""
    same = ["key", *(f"abs_{a}" for a in _AMOUNTS)]
    # The order makes the outcome independent of the order of rows in the export.
    ordered = rows.with_columns(pl.col(a).abs().alias(f"abs_{a}") for a in _AMOUNTS).sort(
        "key", "settled_in", "state", "base", "status", "agency", "row"
    )
    negatives = pl.col("reversal").sum().over(same)
    positives = (~pl.col("reversal")).sum().over(same)
    number = pl.int_range(pl.len()).over([*same, "reversal"])
    paired = number < pl.when(pl.col("reversal")).then(positives).otherwise(negatives)
    return ordered.filter(~paired)


def _by_key(left: pl.DataFrame) -> pl.DataFrame:
    """One line per key of which rows are left, with its sums and a verdict."""
    c = pl.col
    nets = {f"net_{a}": c(a).sum() for a in _AMOUNTS}
    keys = left.group_by("key").agg(
        person=c("person").first(),
        row=c("row").max(),
        positives=(~c("reversal")).sum(),
        negatives=c("reversal").sum(),
        **nets,
    )
    overdone = pl.any_horizontal(c(name) < 0 for name in nets)
    nothing = pl.all_horizontal(c(name) == 0 for name in nets) & (c("negatives") > 0)
    verdict = (
        pl.when(c("positives") > 1)
        .then(pl.lit("double"))
        .when(c("positives") == 0)
        .then(pl.lit("nothing to reverse"))
        .when(overdone)
        .then(pl.lit("reversed too much"))
        .when(nothing)
        .then(pl.lit("gone"))
        .otherwise(pl.lit("kept"))
    )
    return keys.with_columns(verdict=verdict)


_GIVEN_BACK: Final = (pl.col("negatives") > 0) & (
    pl.col("net_paid_person") + pl.col("net_paid_employer") == 0
)
_PROBLEMS: Final = {
    "double": ("stands twice", Reason.RECORDS_DUPLICATE),
    "nothing to reverse": ("reversal of a row that is not there", Reason.RECORDS_RULE),
    "reversed too much": ("reversal of more than the row has", Reason.RECORDS_RULE),
}


def _problems(keys: pl.DataFrame, first: int) -> list[Problem]:
    wrong = keys.filter(pl.col("verdict").is_in(list(_PROBLEMS))).sort("row")
    return [
        Problem(person - first, row, "period", *_PROBLEMS[verdict])
        for person, row, verdict in wrong.select("person", "row", "verdict").iter_rows()
    ]
