"""One invented city: its size, its months, and its chance.

Chance has no state: every draw is a hash of the city's seed, a purpose and what the draw is about (a person, a month).
So no person depends on another, and the export of a later month tells the same story one month further.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

__all__ = ["REFERENCE", "Bits", "Bools", "City", "Ints", "below", "month_count", "share", "yyyymm"]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Bits = npt.NDArray[np.uint64]

# A city is invented as of this month, or of its cut-off if that is earlier. Later months continue it.
REFERENCE: Final = 202610

_PEOPLE_PER_EMPLOYER: Final = 14
_LEAST_EMPLOYERS: Final = 5
_MASK: Final = (1 << 64) - 1


@dataclass(frozen=True)
class City:
    """What a sample is made from. `cut_off` is YYYYMM; `years` is the usual greatest length of a record."""

    seed: int
    people: int
    cut_off: int
    years: int

    @property
    def last(self) -> int:
        """The cut-off as a month count."""
        return month_count(self.cut_off)

    @property
    def reference(self) -> int:
        """The month count as of which careers are invented."""
        return month_count(min(self.cut_off, REFERENCE))

    @property
    def employers(self) -> int:
        return max(_LEAST_EMPLOYERS, self.people // _PEOPLE_PER_EMPLOYER)

    @cached_property
    def _origin(self) -> int:
        return (self.seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) & _MASK

    def draw(self, purpose: str, *about: npt.NDArray[np.integer]) -> Bits:
        """64 random bits for each place of the equally long columns `about`."""
        origin = self._origin ^ (crc32(purpose.encode()) * 0xD6E8FEB86659FD93 & _MASK)
        state = np.full(len(about[0]), origin, np.uint64)
        for column in about:
            state += column.astype(np.uint64)
            state = _mixed(state)
        return state


def _mixed(bits: Bits) -> Bits:
    """A bijection of 64-bit numbers in which each bit in touches each bit out (the finalizer of SplitMix64)."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits ^= bits >> np.uint64(30)
    bits *= np.uint64(0xBF58476D1CE4E5B9)
    bits ^= bits >> np.uint64(27)
    bits *= np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return bits


def below(bits: Bits, limit: int) -> Ints:
    """Numbers 0 to `limit` - 1 from the upper half of `bits`; `limit` < 2^31."""
    return ((bits >> np.uint64(32)) * np.uint64(limit) >> np.uint64(32)).astype(np.int64)


def share(bits: Bits, per_mille: int) -> Bools:
    """True for that share of `bits`."""
    return below(bits, 1000) < per_mille


def month_count(period: int) -> int:
    """A month YYYYMM as months since January of year 0."""
    return period // 100 * 12 + period % 100 - 1


def yyyymm(month: Ints) -> Ints:
    """Month counts as YYYYMM."""
    return month // 12 * 100 + month % 12 + 1
