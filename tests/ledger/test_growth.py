"""What a large ledger costs: nothing that happens for each mint reads more because the ledger has grown (ATTACKS D16).

Work is counted, not timed: steps of SQLite's machine, which reading a row takes several of.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ledger.checkpoint import parse_checkpoint_note
from ledger.merkle import verify_consistency
from ledger.proof import verify_full_proof
from ledger.sequencer import Sequencer
from ledger.store.sqlite import SqliteStore
from tests.attacks.marking import attack

if TYPE_CHECKING:
    from tests.ledger.conftest import World
else:
    World = Any

_SMALL, _SHORT, _FULL = 300, 70_000, 10_000_000
_BATCH = 20_000
_SLOWEST = 5.0  # seconds; a tree of ten million leaves takes more than twenty to hash
_EVERY = 50


@dataclass
class Counted:
    """Steps, and the longest time, of each kind of work."""

    store: SqliteStore
    steps: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    _now: int = 0

    def __post_init__(self) -> None:
        self.store._db.conn.set_progress_handler(self._tick, _EVERY)

    def _tick(self) -> int:
        self._now += _EVERY
        return 0

    def of(self, kind: str, work: Callable[[], Any]) -> Any:
        before, began = self._now, time.monotonic()
        result = work()
        self.steps[kind] = self._now - before
        self.seconds[kind] = time.monotonic() - began
        return result


def grow(world: World, size: int) -> None:
    ledger = world.open()
    for start in range(ledger.size, size, _BATCH):
        ledger.append([world.entry(number) for number in range(start, min(start + _BATCH, size))])
    ledger.checkpoint(world.now)
    world.close()


def one_mint(world: World) -> Counted:
    """Open, append, sign, prove, verify, prove growth."""
    counted = Counted(SqliteStore(world.path))
    ledger = counted.of(
        "open",
        lambda: Sequencer(
            counted.store,
            origin=world.origin,
            log=world.log,
            signer=world.signer,
            witnesses=[world.witness(number) for number in range(4)],
            policy=world.policy,
            anchor=world.anchor,
        ),
    )
    world._opened.append(ledger)
    before, _ = parse_checkpoint_note(ledger.newest_checkpoint() or b"")
    entry = world.entry(10**9 + ledger.size)
    [index] = counted.of("append", lambda: ledger.append([entry]))
    note = counted.of("checkpoint", lambda: ledger.checkpoint(world.now))
    proof = counted.of("prove", lambda: ledger.prove(index))
    counted.of("prove an old one", lambda: ledger.prove(7))
    path = counted.of("prove growth", lambda: ledger.prove_consistency(before.size, index + 1))
    counted.of(
        "verify",
        lambda: verify_full_proof(
            proof, entry=entry, origin=world.origin, policy=world.policy, now=world.now
        ),
    )
    after, _ = parse_checkpoint_note(note)
    verify_consistency(
        old_size=before.size,
        new_size=after.size,
        old_root_hash=before.root_hash,
        new_root_hash=after.root_hash,
        path=path,
    )
    world.close()
    return counted


@attack("D16")
def test_a_mint_reads_no_more_of_a_large_ledger(world: World, full: bool) -> None:
    """70,000 leaves (ten million in `make torture`): open, append, checkpoint, prove and verify scan nothing"""
    grow(world, _SMALL)
    small = one_mint(world)
    size = _FULL if full else _SHORT
    grow(world, size)
    large = one_mint(world)
    for kind, steps in large.steps.items():
        assert steps < max(small.steps.values()) + 20_000 < size, (
            kind
        )  # up to 256 hashes a level, some steps a row
    assert max(large.seconds.values()) < _SLOWEST
