"""How many rows an import holds at once, and in how many processes, so that it stays under a stated memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ledger.errors import ConfigError
from ledger.reasons import Reason
from ledger.workers import available_cores

__all__ = ["DEFAULT_PLAN", "MemoryPlan", "plan_for", "processes_for"]

# Measured peaks (docs/MEASURED.md), rounded up; the program itself, with what it reads by.
_PROGRAM: Final = 190 * 2**20
_PER_PERSON: Final = 600
_PER_BATCH_ROW: Final = 1300
_PER_PART_ROW: Final = 400
_MIN_ROWS: Final = 10_000
_PER_PROCESS: Final = 1536 * 2**20
_WORTH_PROCESSES: Final = 2_000_000  # fewer rows are read before processes of their own have started


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


def processes_for(limit: int | None, *, rows: int) -> int:
    """How many processes read and derive `rows` rows: one for each core, if there is memory and work for them."""
    cores = available_cores()
    if rows < _WORTH_PROCESSES or (limit is not None and limit < cores * _PER_PROCESS):
        return 1
    return cores
