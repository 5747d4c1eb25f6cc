"""Several processes on one ledger, on both stores, and processes that are killed (ATTACKS D04, D06, D14, K13)."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ledger.anchor import load_anchor
from ledger.check import check_ledger
from ledger.store.opening import open_store
from tests.ledger.stores import BOTH_STORES

if TYPE_CHECKING:
    from tests.ledger.conftest import World
else:
    World = Any

pytestmark = BOTH_STORES

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

# Appends entries first, first + 1, ... in batches, and says after each batch which index each one got.
CHILD = """
import importlib.util, sys
from pathlib import Path

spec = importlib.util.spec_from_file_location("conftest", sys.argv[1])
conftest = importlib.util.module_from_spec(spec)
spec.loader.exec_module(conftest)
world = conftest.World(Path(sys.argv[2]), sys.argv[3])
first, batches, width, checkpoints = (int(argument) for argument in sys.argv[4:])
ledger = world.open(lock_timeout=30)
print("ready", flush=True)
sys.stdin.readline()
for batch in range(batches):
    numbers = range(first + batch * width, first + (batch + 1) * width)
    indices = ledger.append([world.entry(number) for number in numbers])
    print(*(f"{number}:{index}" for number, index in zip(numbers, indices)), flush=True)
    if checkpoints and batch % checkpoints == 0:
        ledger.checkpoint(world.now)
"""


class Child:
    def __init__(self, world: World, first: int, batches: int, width: int, checkpoints: int) -> None:
        arguments = (HERE / "conftest.py", world.folder, world.place, first, batches, width, checkpoints)
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD, *(str(argument) for argument in arguments)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.first_line = ""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n", self.process.communicate()[1]

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def wait_for_first_line(self) -> None:
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline()

    def acknowledged(self) -> Iterator[tuple[int, int]]:
        """(number, index) of every entry it said was logged; waits until it ended."""
        output, self.errors = self.process.communicate(timeout=120)
        for line in (self.first_line + output).splitlines(keepends=True):
            if line.endswith("\n"):  # else cut off by the kill
                for pair in line.split():
                    number, index = pair.split(":")
                    yield int(number), int(index)


def require_consistent(world: World, acknowledged: dict[int, int]) -> int:
    with closing(open_store(world.place)) as store:
        anchor = load_anchor(world.anchor, key=world.key)
        checked = check_ledger(store, key=world.key, anchor=anchor)
        logged = {row.index: row.entry for row in store.entries(0, checked.size)}
    for number, index in acknowledged.items():
        assert logged[index] == world.entry(number)
    return checked.size


def test_two_processes_append_at_once(world: World) -> None:  # K13, D14
    world.open().close()
    children = [Child(world, first, 25, 7, 5) for first in (0, 10_000)]
    for child in children:
        child.go()
    acknowledged: dict[int, int] = {}
    for child in children:
        acknowledged.update(child.acknowledged())
        assert child.process.returncode == 0, child.errors
    assert sorted(acknowledged.values()) == list(range(2 * 25 * 7))
    assert require_consistent(world, acknowledged) == 350


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_process_loses_nothing_it_acknowledged(world: World, seed: int) -> None:  # D04, D06
    world.open().close()
    child = Child(world, 0, 100_000, 40, 3)
    child.go()
    child.wait_for_first_line()
    time.sleep(random.Random(seed).random() * 0.3)
    child.process.kill()
    acknowledged = dict(child.acknowledged())
    size = require_consistent(world, acknowledged)
    assert size >= len(acknowledged) > 0
    ledger = world.open()
    numbers = range(len(acknowledged) + 40)
    indices = ledger.append([world.entry(number) for number in numbers])  # the lost answer is given again
    assert indices == list(range(len(indices)))
    ledger.checkpoint(world.now)
    assert require_consistent(world, acknowledged) == max(size, len(indices))
