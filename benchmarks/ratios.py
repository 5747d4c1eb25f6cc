"""Timing as a ratio: what is measured and the bound of its primitives take turns, so that both see the same machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

__all__ = ["Measured", "measure"]

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Measured:
    """Processor seconds of one call, the median of the rounds, and the share of the bound that is reached."""

    each: float
    bound: float
    share: float

    def __str__(self) -> str:
        return (
            f"{1 / self.each:,.0f} a second; {self.share:.0%} of the bound of its primitives "
            f"({1 / self.bound:,.0f} a second)"
        )


def measure(work: Work, bound: Work, *, calls: int, rounds: int = 15) -> Measured:
    """Time `work` and `bound` in turns, `calls` times each a round. Processor time: others use this machine too."""
    work()
    bound()
    pairs = [(_seconds(work, calls), _seconds(bound, calls)) for _ in range(rounds)]
    return Measured(
        each=median(one for one, _ in pairs),
        bound=median(other for _, other in pairs),
        share=median(other / one for one, other in pairs),
    )


def _seconds(work: Work, calls: int) -> float:
    started = time.process_time()
    for _ in range(calls):
        work()
    return (time.process_time() - started) / calls
