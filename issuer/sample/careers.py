"""Careers: who worked where in which month, on what base, and how the payment of that month went.

A career is fixed as of the city's reference month and goes on after it; a cut-off shows what had happened by then.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from issuer.sample.city import Bits, Bools, City, Ints, below, month_count, share
from issuer.sample.employers import PUBLIC_EMPLOYERS
from issuer.sample.people import CIVIL, FLEXIBLE, NOBODY, RESIDENT, People

__all__ = [
    "ARREARS", "BACK", "DEFERRED", "LATE", "NO_EMPLOYER", "ON_TIME", "OVERDUE", "PARTLY", "PAUSED", "RETIRED",
    "Careers", "Months", "base_floor", "make_careers", "months_of", "second_jobs", "stops",
]  # fmt: skip

# How the payment of a month went: within the grace, later than it, paid back under a charge of its own, put off by
# order, never, only the person's part. A stop is a row that says that nothing is paid any more.
ON_TIME, LATE, OVERDUE, BACK, DEFERRED, ARREARS, PARTLY, PAUSED, RETIRED = range(9)
NO_EMPLOYER: Final = -1

_FATES_STEADY: Final = np.repeat((ON_TIME, LATE), (1012, 12))
_FATES_UNSTEADY: Final = np.repeat((ON_TIME, LATE, OVERDUE, BACK, ARREARS, PARTLY), (913, 50, 18, 28, 10, 5))
_DEFERRABLE: Final = (month_count(202002), month_count(202006))
# Months on record, shortest first: most people have few, some very many.
_LENGTHS: Final = np.array([1 + round(-38 * math.log(1 - (i + 0.5) / 256)) for i in range(256)])
# Base as percent of the floor of its year, from 100 to 500, as wages are spread.
_LEVELS: Final = np.clip([round(100 * math.exp(0.4 + 0.55 * z / 32)) for z in range(-64, 65)], 100, 500)
_EARLIEST: Final = month_count(199201)
_AGE_WOMEN, _AGE_MEN = 55, 60
_PAYERS: Final = 4


@dataclass(frozen=True, slots=True)
class Months:
    """One place per person and month: place of the person in its stretch, month, employer, fate, and so on.

    `settle` is the month in which the payment is or will be settled, whether or not the cut-off has reached it;
    `base` and `floor` are fen; `bits` is chance left over for whoever makes rows of a month.
    """

    person: Ints
    month: Ints
    employer: Ints
    fate: Ints
    settle: Ints
    base: Ints
    floor: Ints
    bits: Bits

    def __len__(self) -> int:
        return len(self.month)

    def __getitem__(self, chosen: Bools) -> Months:
        return Months(*(getattr(self, name)[chosen] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Careers:
    """Per person: first and last month of work (`end` before `start` for nobody's), one gap, employers in turn."""

    start: Ints
    end: Ints
    gap_from: Ints
    gap_until: Ints  # first month after the gap; equals `gap_from` for none
    retires: Ints
    payers: Ints  # one line per person, newest first
    changes: Ints  # month counts before which the next older payer paid, newest first
    unsteady: Bools
    level: Ints


def make_careers(city: City, people: People) -> Careers:
    """The careers of `people`, the same at every cut-off from the reference month on."""
    place, reference = people.place, city.reference
    retires = people.birth_month + 12 * np.where(people.men, _AGE_MEN, _AGE_WOMEN)
    left = share(city.draw("left", place), 80)
    end = np.where(left, reference - 1 - below(city.draw("left in", place), 18), month_count(209912))
    end = np.minimum(end, retires - 1)
    length = np.minimum(_LENGTHS[below(city.draw("length", place), len(_LENGTHS))], 12 * city.years)
    draw = below(city.draw("joined", place), 1000)
    long = draw < np.where(retires <= reference, 120, 40)
    length = np.where(long, 240 + below(city.draw("long", place), 121), length)
    start = np.minimum(end, reference) - length + 1
    start = np.where((draw >= 950) & (draw < 980), reference, start)  # joined last month
    start = np.where(draw >= 980, reference + 1 + below(city.draw("joins", place), 24), start)
    start = np.maximum(start, np.maximum(people.birth_month + 12 * 18, _EARLIEST))
    never = (people.group == RESIDENT) | (people.group >= NOBODY)
    gap_from, gap_until = _gaps(city, people, np.minimum(end, reference), length)
    payers, changes = _payers(city, people)
    return Careers(
        start=start,
        end=np.where(never, start - 1, end),
        gap_from=gap_from,
        gap_until=gap_until,
        retires=retires,
        payers=payers,
        changes=changes,
        unsteady=share(city.draw("unsteady", place), 400),
        level=_LEVELS[below(city.draw("level", place), len(_LEVELS))],
    )


def _gaps(city: City, people: People, end: Ints, length: Ints) -> tuple[Ints, Ints]:
    """A fifth of those with more than a year have a gap of one to eight months within the last forty."""
    draw = city.draw("gap", people.place)
    has = share(draw, 200) & (length > 12)
    until = end - below(city.draw("gap at", people.place), 40)
    return until - np.where(has, 1 + below(city.draw("gap of", people.place), 8), 0), until


def _payers(city: City, people: People) -> tuple[Ints, Ints]:
    """Up to four employers in turn. A few employers have many people, most have few."""
    columns, changes = [], []
    for turn in range(_PAYERS):
        about = (people.place, np.full(len(people), turn))
        draw = city.draw("payer", *about) >> np.uint64(32)
        squared = draw * draw >> np.uint64(32)
        columns.append((squared * np.uint64(city.employers) >> np.uint64(32)).astype(np.int64))
        changes.append(city.reference - 6 - below(city.draw("change", *about), 114))
    payers = np.stack(columns, axis=1)
    civil = people.group == CIVIL
    payers[civil] = np.array(PUBLIC_EMPLOYERS)[payers[civil] % 2]
    payers[people.group == FLEXIBLE] = NO_EMPLOYER
    return payers, -np.sort(-np.stack(changes[1:], axis=1), axis=1)


def months_of(city: City, people: People, careers: Careers) -> Months:
    """All months with a payment, or a due, up to the cut-off, by person and then month."""
    size = np.clip(np.minimum(careers.end, city.last) - careers.start + 1, 0, None)
    person = np.repeat(np.arange(len(people)), size)
    month = np.arange(len(person)) + np.repeat(careers.start - (np.cumsum(size) - size), size)
    gap = (month >= careers.gap_from[person]) & (month < careers.gap_until[person])
    person, month = person[~gap], month[~gap]
    bits = city.draw("month", people.place[person], month)
    fate, settle = _fates(month, careers.unsteady[person], bits)
    told = (fate != BACK) | (settle <= city.last)  # what will be paid back is a gap until then
    person, month = person[told], month[told]
    turn = (month[:, None] < careers.changes[person]).sum(axis=1)
    return _assembled(
        person,
        month,
        careers.payers[person, turn],
        fate[told],
        settle[told],
        careers.level[person],
        bits[told],
    )


def _fates(month: Ints, unsteady: Bools, bits: Bits) -> tuple[Ints, Ints]:
    chance = (bits & np.uint64(1023)).astype(np.intp)
    fate = np.where(unsteady, _FATES_UNSTEADY[chance], _FATES_STEADY[chance])
    from_month, to_month = _DEFERRABLE
    put_off = (month >= from_month) & (month <= to_month) & (bits >> np.uint64(10) & np.uint64(15) == 0)
    fate[put_off] = DEFERRED
    delay = 2 + (bits >> np.uint64(14) & np.uint64(7)).astype(np.int64)
    waits = np.array([0, 1, 0, 0, 0, 0, 0])[fate]
    return fate, month + np.where((fate >= OVERDUE) & (fate <= DEFERRED), delay, waits)


def _assembled(
    person: Ints,
    month: Ints,
    employer: Ints,
    fate: Ints,
    settle: Ints,
    level: Ints,
    bits: Bits,
) -> Months:
    floor = base_floor(month)
    base = floor // 100 * level // 100 * 100  # whole yuan
    return Months(person, month, employer, fate, settle, base, floor, bits)


def base_floor(month: Ints) -> Ints:
    """The least base of a month in fen; the greatest is five times as much. Both rise every July."""
    return 150_000 + 15_000 * np.maximum((month - 6) // 12 - 1996, 0)


def stops(city: City, people: People, careers: Careers) -> Months:
    """The month after the last one, or the first of a gap, where the bureau wrote that payment paused or ended."""
    written = share(city.draw("stop written", people.place), 600)
    worked = careers.end >= careers.start
    person, month, fate = [], [], []
    for at, applies, what in (
        (careers.gap_from, careers.gap_from < careers.gap_until, PAUSED),
        (careers.end + 1, careers.end + 1 < careers.retires, PAUSED),
        (careers.end + 1, careers.end + 1 == careers.retires, RETIRED),
    ):
        who = np.flatnonzero(written & worked & applies & (at > careers.start) & (at <= city.last))
        person.append(who)
        month.append(at[who])
        fate.append(np.full(len(who), what))
    persons, at = np.concatenate(person), np.concatenate(month)
    payer = careers.payers[persons, (at[:, None] - 1 < careers.changes[persons]).sum(axis=1)]
    bits = np.zeros(len(persons), np.uint64)
    return _assembled(persons, at, payer, np.concatenate(fate), at, careers.level[persons], bits)


def second_jobs(city: City, people: People, months: Months) -> Months:
    """Months in which another employer pays too: legal, and counted once."""
    has = share(city.draw("second job", people.place), 50)
    start = city.reference - 3 - below(city.draw("second from", people.place), 60)
    end = start + 2 + below(city.draw("second for", people.place), 12)
    who = months.person
    chosen = months[
        has[who] & (months.month >= start[who]) & (months.month <= end[who]) & (months.fate == ON_TIME)
    ]
    other = 1 + below(city.draw("second payer", people.place), city.employers - 1)[chosen.person]
    employer = (chosen.employer + other) % city.employers
    return Months(
        chosen.person,
        chosen.month,
        employer,
        chosen.fate,
        chosen.settle,
        chosen.floor,
        chosen.floor,
        chosen.bits,
    )
