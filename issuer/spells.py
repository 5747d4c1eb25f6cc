"""Who paid for a person, and from when to when: spells and the current employer (DOMAIN section 5, 18 and 19)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from certificate.slots import SPELL_SLOTS
from issuer.columns import YEARLY, Bools, Ints, Rows, distinct, ends_of, periods, starts_of
from issuer.person_blob import NO_EMPLOYER, SPELL_DTYPE

__all__ = ["SPELL_GAP", "newest_spells", "set_employer"]

SPELL_GAP: Final = 3
_PENSION_EMP: Final = 1


@dataclass(frozen=True, slots=True)
class _Spells:
    """Stretches with one employer, sorted by (person, employer, from)."""

    person: Ints
    employer: Ints
    first: Ints
    last: Ints
    months: Ints


def _spells(rows: Rows, chosen: Bools) -> _Spells:
    """The spells in the chosen rows; a month with one employer counts once, whatever it was paid for."""
    key = distinct(rows.person[chosen] << 43 | rows.employer[chosen] << 12 | rows.month[chosen])
    month, pair = key & 0xFFF, key >> 12
    goes_on = (pair[1:] == pair[:-1]) & (month[1:] - month[:-1] <= SPELL_GAP + 1)
    at = np.flatnonzero(np.append(True, ~goes_on)[: len(key)])
    ends = ends_of(at, len(key))
    return _Spells(
        person=pair[at] >> 31,
        employer=pair[at] & NO_EMPLOYER,
        first=month[at],
        last=month[ends],
        months=ends - at + 1,
    )


def newest_spells(rows: Rows, people: int) -> tuple[bytes, Ints]:
    """Packed spells, newest first, at most SPELL_SLOTS a person, and how many each person has."""
    spells = _spells(rows, _paid_by_employer(rows))
    order = np.lexsort((spells.employer, -spells.first, -spells.last, spells.person))
    person = spells.person[order]
    at = starts_of(person)
    rank = np.arange(len(person)) - np.repeat(at, np.diff(np.append(at, len(person))))
    order = order[rank < SPELL_SLOTS]
    packed = np.zeros(len(order), SPELL_DTYPE)
    packed["employer"] = spells.employer[order]
    packed["from"] = periods(spells.first[order])
    packed["to"] = periods(spells.last[order])
    packed["months"] = spells.months[order]
    return packed.tobytes(), np.bincount(spells.person[order], minlength=people)


def _paid_by_employer(rows: Rows) -> Bools:
    paid: Bools = (rows.state == 1) | (rows.state == 2)
    paid &= (rows.employer != NO_EMPLOYER) & ~YEARLY[rows.kind]
    return paid


def set_employer(heads: npt.NDArray[np.void], rows: Rows, complete: Ints) -> None:
    """Write the current payer into `heads`: see the module's head."""
    heads["employer"] = NO_EMPLOYER
    paid = ((rows.state == 1) | (rows.state == 2)) & ~YEARLY[rows.kind]
    has_pension = np.zeros(len(heads), np.bool_)
    has_pension[rows.person[paid & (rows.kind == _PENSION_EMP)]] = True
    basis = (rows.kind == _PENSION_EMP) | ~(has_pension[rows.person] | YEARLY[rows.kind])
    newest = np.full(len(heads), -1, np.int64)
    np.maximum.at(newest, rows.person[paid & basis], rows.month[paid & basis])

    named = rows.employer != NO_EMPLOYER
    pair = rows.person << 31 | rows.employer
    fresh = distinct(pair[basis & named & (rows.status == 1) & (rows.month >= complete[rows.kind])])
    candidates = np.flatnonzero(paid & basis & named & (rows.month == newest[rows.person]))
    candidates = candidates[np.isin(pair[candidates], fresh, kind="sort")]
    order = np.lexsort((rows.employer[candidates], -rows.base[candidates], rows.person[candidates]))
    candidates = candidates[order]
    chosen = candidates[starts_of(rows.person[candidates])]

    spells = _spells(rows, paid & basis & named)
    # The last spell of a pair holds its newest month.
    place = np.searchsorted(spells.person << 31 | spells.employer, pair[chosen], side="right") - 1
    person = rows.person[chosen]
    heads["employer"][person] = rows.employer[chosen]
    heads["employer_since"][person] = periods(spells.first[place])
    heads["employer_months"][person] = spells.months[place]
