"""Progress of long work, on a terminal only: how much, how fast, how long still."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

__all__ = ["pace", "progress"]


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A callback `(done, total)` that draws a bar on stderr; silent when stderr is no terminal."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    bar = click.progressbar(
        length=1,
        label=label,
        file=sys.stderr,
        show_pos=True,
        show_eta=False,
        item_show_func=lambda text: text,
    )
    begun: list[tuple[int, float]] = []

    def advance(done: int, total: int) -> None:
        # Work that an earlier run did is there at the first call: it says nothing about the pace of this one.
        if not begun:
            begun.append((done, time.monotonic()))
        first, since = begun[0]
        bar.length = max(total, 1)
        bar.update(done - bar.pos, pace(done - first, total - done, time.monotonic() - since))

    with bar:
        yield advance


def pace(done: int, left: int, seconds: float) -> str:
    """The rate of `done` in `seconds`, and how long `left` will take; nothing before there is a rate."""
    if done <= 0 or seconds <= 0:
        return ""
    minutes, rest = divmod(round(left * seconds / done), 60)
    return f"{done / seconds:,.0f}/s, {minutes}:{rest:02} left"
