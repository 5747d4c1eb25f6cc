"""Work over processes: results in order, errors in their place, nobody left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.errors import FormatError, IntegrityError
from ledger.reasons import Reason
from ledger.workers import Workers, available_cores

ROOT = Path(__file__).parents[2]


def squaring(offset: int) -> Callable[[int], tuple[int, int]]:
    """Slower for even numbers, so that results come out of order; a word for -1, death for -2."""

    def work(number: int) -> tuple[int, int]:
        if number == -1:
            raise FormatError(Reason.ENC_TOO_LARGE, "minus one", hint="take another number")
        if number == -2:
            os._exit(1)
        time.sleep(0.01 if number % 2 == 0 else 0)
        return number * number + offset, os.getpid()

    return work


def failing() -> Callable[[int], int]:
    raise IntegrityError(Reason.STORE_CORRUPT, "nothing to work on")


def test_results_come_in_the_order_of_tasks_from_several_processes() -> None:
    assert available_cores() >= 1
    with Workers(squaring, (1,), count=2) as workers:
        results = list(workers.map(range(25)))
        assert list(workers.map([])) == []
    assert [square for square, _ in results] == [number * number + 1 for number in range(25)]
    assert len({process for _, process in results} - {os.getpid()}) == 2
    with Workers(squaring, (1,), count=1) as workers:
        assert list(workers.map([3])) == [(10, os.getpid())]


def test_tasks_are_not_drawn_far_ahead() -> None:
    drawn: list[int] = []

    def tasks() -> object:
        for number in range(1, 200, 2):
            drawn.append(number)
            yield number

    with Workers(squaring, (0,), count=2) as workers:
        for count, _ in enumerate(workers.map(tasks())):  # type: ignore[arg-type]  # an iterator of int
            assert len(drawn) <= count + 1 + 2 * 3


@pytest.mark.parametrize("count", [1, 2])
def test_what_a_task_raises_is_raised_in_its_place(count: int) -> None:
    with Workers(squaring, (0,), count=count) as workers:
        results = workers.map([2, -1, 3])
        assert next(results)[0] == 4
        with pytest.raises(FormatError) as refusal:
            next(results)
    assert (refusal.value.reason, refusal.value.detail) == (Reason.ENC_TOO_LARGE, "minus one")
    assert refusal.value.hint == "take another number"


def test_a_worker_that_dies_or_cannot_start_is_noticed() -> None:
    with Workers(squaring, (0,), count=2) as workers, pytest.raises(IntegrityError) as refusal:
        list(workers.map([1, -2, 3, 5, 7]))
    assert refusal.value.reason is Reason.STORE_IO_ERROR
    with Workers(failing, (), count=2) as idle, pytest.raises(IntegrityError) as refusal:
        list(idle.map([1]))
    assert refusal.value.reason is Reason.STORE_CORRUPT


def test_a_killed_parent_leaves_no_worker_behind(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import time\n"
        "from ledger.workers import Workers\n"
        "from tests.ledger.test_workers import squaring\n"
        "if __name__ == '__main__':\n"
        "    with Workers(squaring, (0,), count=2) as workers:\n"
        "        print(sorted({process for _, process in workers.map(range(8))}), flush=True)\n"
        "        time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, script],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    workers = [int(number) for number in parent.stdout.readline().strip("[]\n").split(", ")]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{process}").exists() for process in workers):
        assert time.monotonic() < deadline, "a worker outlived its parent"
        time.sleep(0.05)
