"""Each write, sync, rename and open of one append, checkpoint and export fails once, or the process is killed at it.

A real process on a real file system (ATTACKS D01, D06). Each time the ledger is consistent or refuses to sign.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from ledger.export import export_log
from ledger.reasons import Reason
from tests.attacks.marking import attack
from tests.faults.conftest import CROSSING
from tests.faults.history import History
from tests.faults.traced import Call, Outcome, Worker
from tests.ledger_http.conftest import Published

_SHORT = 25
# Where a file cannot be opened for writing, SQLite opens it for reading, and its first write is refused.
_REASONS = {Reason.STORE_IO_ERROR, Reason.STORE_READONLY, Reason.CKPT_QUORUM_UNMET}


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker.started("tests.faults.worker") as worker:
        yield worker


def cases(counts: Counter[str], full: bool) -> list[Call]:
    """Every call in both ways; or one of each kind, and chance for the rest."""
    every = [
        Call(name, number, kill)
        for name, count in sorted(counts.items())
        for number in range(1, count + 1)
        for kill in (False, True)
    ]
    if full:
        return every
    chance = random.Random(5)
    kinds = sorted({(call.name, call.kill) for call in every})
    chosen = [chance.choice([call for call in every if (call.name, call.kill) == kind]) for kind in kinds]
    rest = [call for call in every if call not in chosen]
    return chosen + chance.sample(rest, max(0, _SHORT - len(chosen)))


def require_consistent(world: Published, outcome: Outcome, call: Call) -> None:
    """What the child was told holds, what it signed is the history, and the work can be completed."""
    history = History()
    entries = [world.entry(number) for number in CROSSING]
    for line in outcome.said:
        word, _, rest = line.partition(" ")
        assert word != "crashed", (call, outcome)
        if word == "refused":
            assert Reason(rest) in _REASONS, (call, outcome)
        if word == "logged":
            history.was_told({entries[int(rest) - CROSSING.start]: int(rest)})
    assert outcome.killed == call.kill, (call, outcome)
    history.look(world, world.folder / "exported")
    history.require_one(world)
    ledger = world.open()
    history.was_told(dict(zip(entries, ledger.append(entries), strict=True)))
    ledger.checkpoint(world.now + 2)
    export_log(world.publication(), world.folder / "exported")
    history.look(world, world.folder / "exported")
    assert history.require_one(world) == CROSSING.stop


@attack("D01", Reason.STORE_IO_ERROR)
@attack("D06")
def test_each_system_call_fails_once_and_is_the_last_once(
    copied: Callable[[], Published], worker: Worker, full: bool
) -> None:
    """EIO or SIGKILL at each sync, write, rename and open of a real process: consistent, or refused"""
    counts = worker.count(copied().folder)
    assert counts["fdatasync"] + counts["fsync"] > 20
    assert min(counts["pwrite64"], counts["openat"], counts["rename"] + counts["renameat2"]) > 5
    refused = 0
    for call in cases(counts, full):
        world = copied()
        outcome = worker.run(world.folder, call)
        refused += any(line.startswith("refused") for line in outcome.said)
        require_consistent(world, outcome, call)
    assert refused > _SHORT // 5  # the faults did reach the ledger
