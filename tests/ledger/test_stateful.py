"""A ledger on disk against a plain list: whatever is done in whatever order, the two agree."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger.anchor import load_anchor
from ledger.check import check_ledger
from ledger.checkpoint import Checkpoint, parse_checkpoint_note
from ledger.errors import ConflictError
from ledger.merkle import leaf_hash, root_from_leaf_hashes, verify_consistency
from ledger.proof import verify_full_proof
from ledger.reasons import Reason

if TYPE_CHECKING:
    from tests.ledger.conftest import World
else:
    World = Any


class LedgerMachine(RuleBasedStateMachine):
    """`model` is the list of logged numbers; `signed` the cosigned checkpoints."""

    make_world: Callable[[Path], World]

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = type(self).make_world(Path(self.folder.name))
        self.world.open().close()
        self.model: list[int] = []
        self.signed: list[Checkpoint] = []
        self.time = self.world.now
        self.ledger = self.world.open()

    def teardown(self) -> None:
        self.world.close()
        self.folder.cleanup()

    @rule(numbers=st.lists(st.integers(0, 60), max_size=8))
    def append(self, numbers: list[int]) -> None:
        indices = self.ledger.append([self.world.entry(number) for number in numbers])
        for number, index in zip(numbers, indices, strict=True):
            if number not in self.model:
                self.model.append(number)
            assert self.model[index] == number

    @rule(start=st.integers(100, 2000), count=st.integers(200, 300))
    def append_many(self, start: int, count: int) -> None:
        self.append(list(range(start, start + count)))

    @rule(passed=st.integers(0, 3))
    def checkpoint(self, passed: int) -> None:
        self.time += passed
        checkpoint, _ = parse_checkpoint_note(self.ledger.checkpoint(self.time))
        leaves = [leaf_hash(self.world.entry(number)) for number in self.model]
        assert checkpoint == Checkpoint(self.world.origin, len(leaves), root_from_leaf_hashes(leaves))
        self.signed.append(checkpoint)

    @rule()
    def reopen(self) -> None:
        self.world.close()
        self.ledger = self.world.open()

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def prove(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.model) - 1))
        if not self.signed or index >= self.signed[-1].size:
            with pytest.raises(ConflictError) as caught:
                self.ledger.prove(index)
            assert caught.value.reason == Reason.LOG_INCLUSION_MISSING
            return
        proof = self.ledger.prove(index)
        assert proof.size == self.signed[-1].size
        verify_full_proof(
            proof,
            entry=self.world.entry(self.model[index]),
            origin=self.world.origin,
            policy=self.world.policy,
            now=self.time,
        )

    @precondition(lambda self: any(checkpoint.size for checkpoint in self.signed))
    @rule(data=st.data())
    def prove_consistency(self, data: st.DataObject) -> None:
        filled = [checkpoint for checkpoint in self.signed if checkpoint.size]
        old = data.draw(st.sampled_from(filled))
        new = filled[-1]
        verify_consistency(
            old_size=old.size,
            new_size=new.size,
            old_root_hash=old.root_hash,
            new_root_hash=new.root_hash,
            path=self.ledger.prove_consistency(old.size, new.size),
        )

    @rule()
    def check(self) -> None:
        anchor = load_anchor(self.world.anchor, key=self.world.key)
        checked = check_ledger(self.ledger._store, key=self.world.key, anchor=anchor)
        assert (checked.size, checked.cosigned) == (len(self.model), len(self.signed))

    @invariant()
    def sizes_agree(self) -> None:
        assert self.ledger.size == len(self.model)


def test_ledger_against_a_list(make_world: Callable[[Path], World]) -> None:
    LedgerMachine.make_world = staticmethod(make_world)
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=12,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
