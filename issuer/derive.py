"""From contribution rows to facts of a person (DOMAIN sections 4 and 5): month states, strips, runs, totals, spells.

Everything is done for a stretch of persons at once with numpy, on rows sorted by (person, kind, month, employer); the
order in which the rows came does not matter. How DOMAIN is read where it leaves room:

- `run` ends at the cut-off; months after the settled month without payment are not posted yet and do not end it.
- `status` 1 needs a row of status 1 in or after the settled month; whose rows just stop is paused (2).
- `months` and `back` count months, not rows; a paid year of a yearly kind counts 12. Exempt months (state 3) are
  within `first`, `last` and the strips but were not paid, so they are not in `months`.
- `base` is that of the newest month that counts, the larger one of two employers; `base_avg12` the mean of the newest
  twelve such months (of the newest year for a yearly kind), rounded down.
- A spell is a stretch with one employer over all monthly kinds; a gap of more than `SPELL_GAP` (3) months ends it.
- `employer` paid the newest month of pension.emp (who has none: of any monthly kind) and still has a row of status 1
  in or after the settled month.
- Deemed and moved months stand with the first of pension.emp, .civ, .res that the person has: never counted twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from certificate.kinds import KINDS
from certificate.slots import STRIP_YEARS
from issuer.columns import NEVER, YEARLY, Ints, Rows, ends_of, periods, reduce_groups, starts_of
from issuer.person_blob import HEAD_DTYPE, KIND_DTYPE, SPELL_DTYPE, STRIP_SIZE
from issuer.reversals import Problem, settle_reversals
from issuer.spells import newest_spells, set_employer

__all__ = ["MAX_STRETCH", "Derived", "Settled", "derive"]

MAX_STRETCH: Final = 1 << 17

_PERSON_PAYS: Final = np.array([False, *(kind.person_pays for kind in KINDS)])
_LAST_PENSION: Final = 3  # kinds 1 to 3 are pensions
_RANK_OF_STATE: Final = np.array([0, 3, 1, 2])  # 1 > 3 > 2 > 0
_STATE_OF_RANK: Final = np.array([0, 2, 3, 1])


@dataclass(frozen=True, slots=True)
class Settled:
    """Up to where months are complete: `cut_off` YYYYMM; per kind number the settled month as in the manifest."""

    cut_off: int
    months: Mapping[int, int]

    def month_counts(self) -> Ints:
        """Per kind number the newest complete month since 1900; for a yearly kind the January of its complete year."""
        counts = np.full(len(KINDS) + 1, NEVER, np.int64)
        for number, month in self.months.items():
            year, month_of_year = divmod(month, 100)
            if YEARLY[number]:
                counts[number] = (year - 1900 - (month_of_year not in (0, 12))) * 12
            else:
                counts[number] = (year - 1900) * 12 + month_of_year - 1
        return counts


@dataclass(frozen=True, slots=True)
class Derived:
    """The facts of a stretch of persons, packed as `issuer.person_blob` wants them, and what was found wrong.

    `agencies` are indices.
    `kinds` of person i are `kinds[kind_bounds[i]:kind_bounds[i + 1]]`, likewise `spells`. `problems` name persons by
    their place in the stretch; a person with a problem must not be used.
    """

    heads: npt.NDArray[np.void]
    agencies: Ints
    kinds: bytes
    kind_bounds: Ints
    spells: bytes
    spell_bounds: Ints
    problems: list[Problem]


@dataclass(frozen=True, slots=True)
class _Months:
    """One place per (person, kind, month), sorted; `group` is the place of its (person, kind) among the kinds."""

    kind: Ints
    month: Ints
    state: Ints
    base: Ints
    status: Ints
    group: Ints
    starts: Ints


def derive(rows: pl.DataFrame, people: pl.DataFrame, *, first: int, settled: Settled, agency: int) -> Derived:
    """Derive the facts of the persons `first`, `first + 1`, ... of whom `people` holds the records.

    Args:
        rows: compact rows (`issuer.records.rows.COMPACT_SCHEMA`) of exactly these persons, in any order.
        people: their rows of the table person, in order; at most MAX_STRETCH.
        agency: index of the agency for persons without any row.
    """
    if people.height > MAX_STRETCH:
        raise ValueError(f"{people.height} persons in one stretch")
    table, problems = _sorted_rows(rows, first)
    months = _months(table)
    complete = settled.month_counts()
    kinds, kind_sizes, owner = _kinds(table, months, complete, settled.cut_off, people)
    spells, spell_counts = newest_spells(table, people.height)
    heads = _heads(people)
    heads["kinds"] = np.bincount(owner, minlength=people.height)
    heads["spells"] = spell_counts
    set_employer(heads, table, complete)
    return Derived(
        heads=heads,
        agencies=_agencies(table, people.height, agency),
        kinds=kinds,
        kind_bounds=_bounds(np.bincount(owner, weights=kind_sizes, minlength=people.height).astype(np.int64)),
        spells=spells,
        spell_bounds=_bounds(spell_counts * SPELL_DTYPE.itemsize),
        problems=problems,
    )


def _sorted_rows(rows: pl.DataFrame, first: int) -> tuple[Rows, list[Problem]]:
    """Rows in order, without those that reversals took back."""
    columns = {name: rows[name].to_numpy() for name in rows.columns}
    person = columns["person"].astype(np.int64) - first
    key = (
        person.astype(np.uint64) << np.uint64(47)
        | columns["kind"].astype(np.uint64) << np.uint64(43)
        | columns["month"].astype(np.uint64) << np.uint64(31)
        | columns["employer"].astype(np.uint64)
    )
    if not bool((key[1:] >= key[:-1]).all()):
        order = np.argsort(key, kind="stable")
        key = key[order]
        columns = {name: column[order] for name, column in columns.items()}
    columns, problems = settle_reversals(key, columns, first=first)
    wide = {
        name: columns[name].astype(np.int64)
        for name in ("kind", "month", "employer", "status", "state", "agency")
    }
    paid = np.where(columns["posted"], columns["paid_person"], 0).astype(np.int64)
    person = columns["person"].astype(np.int64) - first
    return Rows(person=person, base=columns["base"].astype(np.int64), paid=paid, **wide), problems


def _months(rows: Rows) -> _Months:
    """Unite the employers of a month: the best state, the largest base, the most active status."""
    at = starts_of(rows.person, rows.kind, rows.month)
    counted = rows.state > 0
    kind_starts = starts_of(rows.person[at], rows.kind[at])
    sizes = np.diff(np.append(kind_starts, len(at)))
    return _Months(
        kind=rows.kind[at],
        month=rows.month[at],
        state=_STATE_OF_RANK[reduce_groups(np.maximum, _RANK_OF_STATE[rows.state], at)],
        base=reduce_groups(np.maximum, np.where(counted, rows.base, 0), at),
        status=reduce_groups(np.minimum, rows.status, at),
        group=np.repeat(np.arange(len(kind_starts)), sizes),
        starts=kind_starts,
    )


def _kinds(
    rows: Rows, months: _Months, complete: Ints, cut_off: int, people: pl.DataFrame
) -> tuple[bytes, Ints, Ints]:
    """Packed figures and strips of all kinds of all persons, the size of each, and whose each is."""
    at = months.starts
    row_starts = starts_of(rows.person, rows.kind)
    owner, kind = rows.person[row_starts], rows.kind[row_starts]
    yearly = YEARLY[kind]
    weight = np.where(yearly, 12, 1)
    ends = ends_of(at, len(months.month))

    table = np.zeros(len(at), KIND_DTYPE)
    table["kind"] = kind
    newest = months.status[ends]
    stopped = (newest == 1) & (months.month[ends] < complete[kind])
    table["status"] = np.where(stopped, 2, newest)
    counts = months.state > 0
    table["first"] = periods(reduce_groups(np.minimum, np.where(counts, months.month, NEVER), at), yearly)
    table["last"] = periods(reduce_groups(np.maximum, np.where(counts, months.month, -1), at), yearly)
    table["months"] = weight * reduce_groups(
        np.add, ((months.state == 1) | (months.state == 2)).astype(np.int64), at
    )
    table["back"] = weight * reduce_groups(np.add, (months.state == 2).astype(np.int64), at)
    table["run"] = _runs(months, complete)
    table["base"], table["base_avg12"] = _bases(months, ends)
    table["paid_total"] = np.where(_PERSON_PAYS[kind], reduce_groups(np.add, rows.paid, row_starts), -1)
    # Kinds are sorted, so a pension is its person's first one exactly where the person begins.
    leading = (kind <= _LAST_PENSION) & np.append(True, owner[1:] != owner[:-1])[: len(owner)]
    for name, column in (("deemed", "deemed_months"), ("moved", "transferred_months")):
        table[name] = np.where(leading, people[column].to_numpy()[owner], -1)
    strips = np.minimum(cut_off // 100 - 1900 - months.month[at] // 12 + 1, STRIP_YEARS)
    table["strips"] = strips

    figures = table.view(np.uint8).reshape(len(at), KIND_DTYPE.itemsize)
    packed = np.hstack([figures, _strip_bytes(months, cut_off)])
    sizes = KIND_DTYPE.itemsize + STRIP_SIZE * strips
    return packed[np.arange(packed.shape[1]) < sizes[:, None]].tobytes(), sizes, owner


def _strip_bytes(months: _Months, cut_off: int) -> npt.NDArray[np.uint8]:
    """Per (person, kind) STRIP_YEARS strips of three big-endian bytes, the cut-off year first (DOMAIN section 4)."""
    years = months.month // 12
    at = starts_of(months.group, years)
    bits = reduce_groups(np.bitwise_or, months.state << 2 * (months.month % 12), at)
    back = cut_off // 100 - 1900 - years[at]
    kept = back < STRIP_YEARS
    strips = np.zeros((len(months.starts), STRIP_YEARS), ">u4")
    strips[months.group[at][kept], back[kept]] = bits[kept]
    return strips.view(np.uint8).reshape(-1, STRIP_YEARS, 4)[:, :, 1:].reshape(-1, STRIP_YEARS * STRIP_SIZE)


def _runs(months: _Months, complete: Ints) -> Ints:
    """Consecutive on-time months that reach the complete months' end, with those that follow it without a gap."""
    runs = np.zeros(len(months.starts), np.int64)
    on_time = months.state == 1
    group, month, kind = months.group[on_time], months.month[on_time], months.kind[on_time]
    step = np.where(YEARLY[kind], 12, 1)
    follows = (group[1:] == group[:-1]) & (month[1:] == month[:-1] + step[1:])
    at = np.flatnonzero(np.append(True, ~follows)[: len(group)])
    start, end = month[at], month[ends_of(at, len(group))]
    step, until = step[at], complete[kind[at]]
    reached = (start <= until + step) & (end >= until)
    runs[group[at][reached]] = (end - start + step)[reached]
    return runs


def _bases(months: _Months, ends: Ints) -> tuple[Ints, Ints]:
    """Base of the newest month that counts, and the mean of the newest twelve; -1 for a person without any."""
    based = (months.state > 0) & (months.base > 0)
    place = reduce_groups(np.maximum, np.where(based, np.arange(len(based)), -1), months.starts)
    newest = np.where(place >= 0, months.base[place], -1)
    seen = np.cumsum(based)
    younger: Ints = seen[ends][months.group] - seen
    window = based & (younger < np.where(YEARLY[months.kind], 1, 12))
    total = reduce_groups(np.add, np.where(window, months.base, 0), months.starts)
    count = reduce_groups(np.add, window.astype(np.int64), months.starts)
    return newest, np.where(count > 0, total // np.maximum(count, 1), -1)


def _agencies(rows: Rows, people: int, agency: int) -> Ints:
    """The agency of each person's newest row; of several the first by code."""
    agencies = np.full(people, agency, np.int64)
    at = starts_of(rows.person)
    newest = reduce_groups(np.maximum, rows.month << 16 | 0xFFFF - rows.agency, at)
    agencies[rows.person[at]] = 0xFFFF - (newest & 0xFFFF)
    return agencies


def _heads(people: pl.DataFrame) -> npt.NDArray[np.void]:
    heads = np.zeros(people.height, HEAD_DTYPE)
    heads["region"] = people["region_code"].cast(pl.UInt32).to_numpy()
    heads["birth_date"] = people["birth_date"].to_numpy()
    heads["balance"] = people["account_balance_fen"].fill_null(-1).to_numpy()
    heads["balance_as_of"] = people["account_as_of"].fill_null(0).to_numpy()
    return heads


def _bounds(sizes: Ints) -> Ints:
    return np.append(0, np.cumsum(sizes))
