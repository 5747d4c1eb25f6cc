"""How many rows an import holds at once, so that it stays under a stated amount of memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = ["DEFAULT_PLAN", "MemoryPlan", "plan_for"]

# Measured peaks (docs/MEASURED.md), rounded up; the program itself, with what it reads by.
_PROGRAM: Final = 190 * 2**20
_PER_PERSON: Final = 600
_PER_BATCH_ROW: Final = 1300
_PER_PART_ROW: Final = 400
_MIN_ROWS: Final = 10_000


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Rows read at once, and rows derived at once."""

    batch_rows: int
    part_rows: int


DEFAULT_PLAN: Final = MemoryPlan(batch_rows=500_000, part_rows=2_000_000)


def plan_for(limit: int | None, *, persons: int) -> MemoryPlan:
    """The plan that stays under `limit` bytes for an export of so many persons; None is the quickest one.

    Raises:
        ConfigError: `cli.usage` when so many persons cannot be imported under the limit.
    """
    if limit is None:
        return DEFAULT_PLAN
    left = limit - _PROGRAM - persons * _PER_PERSON
    if left < _MIN_ROWS * _PER_BATCH_ROW:
        least = -(-(_PROGRAM + persons * _PER_PERSON + _MIN_ROWS * _PER_BATCH_ROW) // 2**20)
        hint = f"allow at least {least} MiB for an export of so many persons"
        raise ConfigError(Reason.CLI_USAGE, f"a memory limit of {limit // 2**20} MiB", hint=hint)
    return MemoryPlan(
        batch_rows=min(DEFAULT_PLAN.batch_rows, left // _PER_BATCH_ROW),
        part_rows=min(DEFAULT_PLAN.part_rows, left // _PER_PART_ROW),
    )
