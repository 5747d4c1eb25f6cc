"""The power goes at a random operation, and the disk forgets what was not synced (ATTACKS D04).

On every setting of the store that is allowed, every acknowledged entry is there afterwards, and one history goes on.
With a setting that is refused, the same disk does lose entries: the test can fail.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.anchor import load_anchor
from ledger.store.sqlite import SqliteStore
from tests.attacks.marking import attack
from tests.faults.history import History
from tests.faults.mounting import mounted
from tests.faults.traced import Worker, require_program
from tests.ledger_http.conftest import Published

_SHORT, _FULL = 10, 200
ALLOWED = ("FULL", "EXTRA")
PAGES = (20, 1000)  # SQLite's own default is 1000


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    require_program("fusermount3", "fuse3")
    with Worker.started("tests.faults.appender") as worker:
        yield worker


@dataclass
class Cuts:
    """Cuts of one kind of run: how many operations it has, and what a cut at one of them leaves."""

    worker: Worker
    grown: Path
    folder: Path
    setting: str

    def cut(self, at: int, seed: int) -> tuple[History, Published, int]:
        """What was acknowledged before, the disk after, and the number of operations."""
        image = self.folder / "image"
        with mounted(self.grown, self.folder / "mount", image, at=at, seed=seed):
            outcome = self.worker.plainly(f"{self.folder / 'mount'} {self.setting}")
        history, world = History(), Published(image)
        for line in outcome.said:
            word, _, rest = line.partition(" ")
            if word == "logged":
                pairs = (pair.split(":") for pair in rest.split())
                history.was_told({world.entry(int(number)): int(index) for number, index in pairs})
            elif word == "signed":
                history.saw(bytes.fromhex(rest))
            else:
                assert word == "done" or (at and word == "stopped"), line
        return history, world, int((self.folder / "image.operations").read_text())


def go_on(history: History, world: Published) -> None:
    """Open what is left, sign, append: one history, with all that was acknowledged."""
    history.look(world)
    history.require_one(world)
    ledger = world.open()
    ledger.append([world.entry(number) for number in range(5000, 5300)])
    history.saw(ledger.checkpoint(world.now + 100))
    world.close()
    history.require_one(world)


@attack("D04")
@pytest.mark.parametrize("synchronous", ALLOWED)
def test_the_power_goes(worker: Worker, grown: Path, in_memory: Path, full: bool, synchronous: str) -> None:
    """Unsynced writes lost at a random operation of a real process: every acknowledged entry is there"""
    chance, cuts_of = random.Random(synchronous), {}
    for pages in PAGES:
        cuts = Cuts(worker, grown, in_memory, f"{synchronous} {pages}")
        cuts_of[pages] = cuts, cuts.cut(0, 0)[2]
    told = 0
    for number in range((_FULL if full else _SHORT) // len(ALLOWED)):
        cuts, operations = cuts_of[PAGES[number % len(PAGES)]]
        history, world, _ = cuts.cut(chance.randint(1, operations), number)
        told += len(history.acknowledged)
        go_on(history, world)
    assert told > 100


def test_the_disk_does_forget(worker: Worker, grown: Path, in_memory: Path) -> None:
    """With `synchronous = NORMAL`, which the store refuses (D05), acknowledged entries are lost."""
    cuts, lost = Cuts(worker, grown, in_memory, "NORMAL 1000"), 0
    for seed, at in enumerate((300, 400, 500)):
        history, world, _ = cuts.cut(at, seed)
        anchor = load_anchor(world.anchor, key=world.key)
        assert anchor is not None
        store = SqliteStore(world.path)
        lost += any(index >= store.size() for index in history.acknowledged.values())
        store.close()
        shutil.rmtree(world.folder)
    assert lost
