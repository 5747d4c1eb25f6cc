"""Work spread over processes: results in the order of the tasks, few of them under way, nobody left behind.

Processes are spawned, never forked: Polars and other threads would not survive a fork. Each worker gets what it needs
once, through its pipe, and then task after task. It ends with its pipe, so a killed parent leaves no worker behind.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Generic, TypeVar

from ledger.errors import IntegrityError
from ledger.reasons import Reason

__all__ = ["Workers", "available_cores"]

_T = TypeVar("_T")
_R = TypeVar("_R")
_AHEAD = 3  # tasks per worker whose results may wait for an earlier one


def available_cores() -> int:
    """How many processes can work at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers(Generic[_T, _R]):
    """A few processes that each hold one function.

    Args:
        make: a module's function; called once in each process with `arguments`, gives the function that does the work.
            Both travel by pickle.
        count: how many processes; with 1 the work is done here, by the same function.
    """

    def __init__(
        self, make: Callable[..., Callable[[_T], _R]], arguments: tuple[Any, ...], *, count: int
    ) -> None:
        self._here = make(*arguments) if count <= 1 else None
        self._pipes: list[Connection] = []
        self._processes: list[Any] = []
        if self._here is None:
            context = get_context("spawn")
            for _ in range(count):
                ours, theirs = context.Pipe()
                process = context.Process(target=_serve, args=(theirs, make, arguments), daemon=True)
                process.start()
                theirs.close()
                self._pipes.append(ours)
                self._processes.append(process)

    def __enter__(self) -> Workers[_T, _R]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            if exc is not None:
                process.terminate()
            process.join()

    def map(self, tasks: Iterable[_T]) -> Iterator[_R]:
        """The result of each task, in order. What a task raises is raised in its place.

        Tasks are drawn when a worker is free, and no more of them than `_AHEAD` per worker before their turn.

        Raises:
            IntegrityError: `store.io_error` when a worker died.
        """
        if self._here is not None:
            yield from map(self._here, tasks)
            return
        numbered = enumerate(tasks)
        done: dict[int, tuple[bool, Any]] = {}
        busy: dict[Connection, int] = {}
        due = 0
        while True:
            self._hand_out(numbered, busy, waiting=len(done))
            finished = wait(list(busy), timeout=0 if due in done else None) if busy else []
            for pipe in finished:
                assert isinstance(pipe, Connection)
                done[busy.pop(pipe)] = self._receive(pipe)
            if finished:
                continue  # whoever is free gets a task before the caller gets a result to be busy with
            if due not in done:
                return
            worked, result = done.pop(due)
            if not worked:
                raise result
            yield result
            due += 1

    def _hand_out(
        self, tasks: Iterator[tuple[int, _T]], busy: dict[Connection, int], *, waiting: int
    ) -> None:
        """One task for each free worker: with more, each side could come to wait for the other to read."""
        free = [pipe for pipe in self._pipes if pipe not in busy]
        room = len(self._pipes) * _AHEAD - len(busy) - waiting
        for pipe, (number, task) in zip(free[: max(0, room)], tasks, strict=False):
            self._send(pipe, task)
            busy[pipe] = number

    def _send(self, pipe: Connection, task: _T) -> None:
        try:
            pipe.send(task)
        except OSError as exc:
            raise _died() from exc

    def _receive(self, pipe: Connection) -> tuple[bool, Any]:
        try:
            answer: tuple[bool, Any] = pipe.recv()
        except (EOFError, OSError) as exc:
            raise _died() from exc
        return answer


def _serve(pipe: Connection, make: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...]) -> None:
    """A worker's life."""
    with suppress(EOFError, OSError, KeyboardInterrupt):
        work, failure = None, None
        try:
            work = make(*arguments)
        except Exception as exc:
            failure = exc
        while True:
            task = pipe.recv()
            pipe.send((False, failure) if work is None else _answer(work, task))


def _answer(work: Callable[[Any], Any], task: object) -> tuple[bool, Any]:
    try:
        return True, work(task)
    except Exception as exc:  # it is the caller's to judge, in the caller's process
        return False, exc


def _died() -> IntegrityError:
    return IntegrityError(
        Reason.STORE_IO_ERROR,
        "a worker process ended unexpectedly",
        hint="Look for lack of memory, then run again.",
    )
