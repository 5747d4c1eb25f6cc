"""Sorted columns of contribution rows, and what numpy does with the groups in them.

A group is a stretch of equal values in sorted columns; groups are known by the places where they start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from certificate.kinds import KINDS

__all__ = [
    "NEVER",
    "YEARLY",
    "Bools",
    "Ints",
    "Rows",
    "distinct",
    "ends_of",
    "periods",
    "reduce_groups",
    "starts_of",
]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

YEARLY: Final = np.array([False, *(kind.yearly for kind in KINDS)])  # by kind number
NEVER: Final = 1 << 30  # a month count later than all


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns of rows, one place per row, sorted by (person, kind, month, employer)."""

    person: Ints
    kind: Ints
    month: Ints
    employer: Ints
    status: Ints
    state: Ints
    agency: Ints
    base: Ints
    paid: Ints


def periods(months: Ints, yearly: Bools | None = None) -> Ints:
    """Months since 1900 as YYYYMM, of yearly kinds as YYYY00; 0 for no month."""
    of_year = months % 12 + 1
    period = (months // 12 + 1900) * 100 + (of_year if yearly is None else np.where(yearly, 0, of_year))
    return np.where((months < 0) | (months == NEVER), 0, period)


def starts_of(*columns: Ints) -> Ints:
    """Where a new group begins in sorted columns."""
    if len(columns[0]) == 0:
        return np.zeros(0, np.int64)
    changes = np.zeros(len(columns[0]), np.bool_)
    changes[0] = True
    for column in columns:
        changes[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changes)


def ends_of(starts: Ints, size: int) -> Ints:
    """Last places of the groups that begin at `starts` in a column of `size`."""
    return np.append(starts[1:], size)[: len(starts)] - 1


def distinct(values: Ints) -> Ints:
    """Sorted, each once. Quicker than np.unique, which hashes."""
    ordered = np.sort(values)
    return ordered[starts_of(ordered)]


def reduce_groups(ufunc: Any, values: Ints, starts: Ints) -> Ints:
    result: Ints = ufunc.reduceat(values, starts) if len(starts) else np.zeros(0, np.int64)
    return result
