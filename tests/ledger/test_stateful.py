"""A ledger and its witnesses against a plain list, on both stores: whatever is done in whatever order, they agree.

What must hold: an acknowledged entry keeps its index, until an older database is accepted, which is never one that
lacks a signed entry; every root is that of a naive tree; no two roots are published for one size; no witness goes
back; a restored or copied database is refused with its code, or goes on consistently.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copy
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
from ledger.errors import ConfigError, ConflictError, IntegrityError, ProjectError
from ledger.merkle import leaf_hash, root_from_leaf_hashes, verify_consistency
from ledger.proof import verify_full_proof
from ledger.reasons import Reason
from ledger.sequencer import Sequencer
from ledger.store.opening import create_store
from ledger.store.tree import append_entries
from tests.attacks.marking import attack
from tests.ledger.store_contract.copies import Copies
from tests.ledger.stores import BOTH_STORES, LedgerDatabases

if TYPE_CHECKING:
    from tests.ledger.conftest import World
else:
    World = Any

WITNESSES = 4


class CrashError(Exception):
    """The process ended here."""


@dataclass(frozen=True)
class Backup:
    """A copy of the database, with the list and the published checkpoints as of then."""

    place: str | Path
    model: tuple[int, ...]
    published: tuple[Checkpoint, ...]


class LedgerMachine(RuleBasedStateMachine):
    """`model` is the list of logged numbers, `published` the cosigned checkpoints that the database holds.

    `signed` is what the log itself signed last, as the file kept apart knows it.
    """

    make_world: Callable[..., World]
    make_place: Callable[[Path], Any]

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        place = self.stack.enter_context(type(self).make_place(folder))
        self.copies = Copies(folder)
        self.stack.callback(self.copies.close)
        self.world = type(self).make_world(folder, place)
        self.stack.callback(self.world.close)
        create_store(place, origin=self.world.origin)
        self.model: list[int] = []
        self.published: list[Checkpoint] = []
        self.signed: tuple[int, ...] = ()
        self.roots: dict[int, bytes] = {}
        self.backups: list[Backup] = []
        self.witnessed = [0] * WITNESSES
        self.old_witness: tuple[bytes, bytes] | None = None
        self.time = self.world.now
        self.ledger: Sequencer = self.world.open()

    def teardown(self) -> None:
        self.stack.close()

    # --- what an operator does --------------------------------------------------------------------------------------

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
        assert self.roots.setdefault(checkpoint.size, checkpoint.root_hash) == checkpoint.root_hash
        self.signed = tuple(self.model)
        self.published.append(checkpoint)

    @rule()
    def reopen(self) -> None:
        self.world.close()
        self.ledger = self.world.open()

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def prove(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.model) - 1))
        covered = max((checkpoint.size for checkpoint in self.published), default=0)
        if index >= covered:
            assert refusal(lambda: self.ledger.prove(index), ConflictError) == Reason.LOG_INCLUSION_MISSING
            return
        proof = self.ledger.prove(index)
        assert proof.size == covered
        verify_full_proof(
            proof,
            entry=self.world.entry(self.model[index]),
            origin=self.world.origin,
            policy=self.world.policy,
            now=self.time,
        )

    @precondition(lambda self: any(checkpoint.size for checkpoint in self.published))
    @rule(data=st.data())
    def prove_consistency(self, data: st.DataObject) -> None:
        filled = [checkpoint for checkpoint in self.published if checkpoint.size]
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
        assert (checked.size, checked.cosigned) == (len(self.model), len(self.published))
        assert checked.signed_size == len(self.signed)

    # --- what happens to it -----------------------------------------------------------------------------------------

    @rule(numbers=st.lists(st.integers(61, 99), min_size=1, max_size=4))
    def crash_before_the_commit(self, numbers: list[int]) -> None:
        with pytest.raises(CrashError):
            self._append_halfway(numbers)
        self.reopen()

    def _append_halfway(self, numbers: list[int]) -> None:
        store = self.ledger._store
        with store.writing():
            append_entries(store, [self.world.entry(number) for number in numbers])
            raise CrashError

    @rule()
    def crash_between_signing_and_storing(self) -> None:
        """The anchor knows of the checkpoint, the database does not."""
        store = self.ledger._store
        store.add_checkpoint = crash  # type: ignore[method-assign]
        with pytest.raises(CrashError):
            self.ledger.checkpoint(self.time)
        self.signed = tuple(self.model)
        self.reopen()

    @rule()
    def too_few_witnesses(self) -> None:
        self.world.close()
        self.ledger = self.world.open(witnesses=[self.world.witness(0), self.world.witness(1)])
        reason = refusal(lambda: self.ledger.checkpoint(self.time), ConflictError)
        assert reason == Reason.CKPT_QUORUM_UNMET
        self.signed = tuple(self.model)
        self.reopen()

    @rule(back=st.integers(1, 1000))
    def the_clock_steps_back(self, back: int) -> None:
        if not self.world.anchor.exists():
            return
        anchor = load_anchor(self.world.anchor, key=self.world.key)
        assert anchor is not None
        late = refusal(lambda: self.ledger.checkpoint(anchor.time - back), ConfigError)
        assert late == Reason.CLI_CLOCK_SUSPECT

    @precondition(lambda self: len(self.backups) < 4)
    @rule()
    def back_up(self) -> None:
        place = self.copies.copy(self.world.place, origin=self.world.origin)
        self.backups.append(Backup(place, tuple(self.model), tuple(self.published)))

    @precondition(lambda self: self.backups)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        self._restore(data.draw(st.sampled_from(self.backups)))

    @rule(numbers=st.lists(st.integers(61, 99), min_size=1, max_size=4), signs=st.booleans())
    def restore_what_was_just_before(self, numbers: list[int], signs: bool) -> None:
        self.backups = self.backups[-3:]
        self.back_up()
        self.append(numbers)
        if signs:
            self.checkpoint(1)
        self._restore(self.backups[-1])

    def _restore(self, backup: Backup) -> None:
        newest = self.copies.copy(self.world.place, origin=self.world.origin)
        self.world.close()
        self.copies.restore(self.world.place, backup.place)
        if len(backup.model) < len(self.signed):
            assert refusal(self.world.open) == Reason.STORE_ROLLBACK_DETECTED
        elif backup.model[: len(self.signed)] != self.signed:
            assert refusal(self.world.open) == Reason.STORE_FORK_DETECTED
        else:
            self.backups.append(Backup(newest, tuple(self.model), tuple(self.published)))
            self.model, self.published = list(backup.model), list(backup.published)
            self.ledger = self.world.open()
            return
        self.copies.restore(self.world.place, newest)
        self.ledger = self.world.open()

    @rule(ours=st.integers(3000, 3999), theirs=st.integers(4000, 4999), more=st.integers(0, 3))
    def clone(self, ours: int, theirs: int, more: int) -> None:
        """Somebody starts a copy with all that belongs to it, and both go on: only one is cosigned."""
        twin_place = self.copies.copy(self.world.place, origin=self.world.origin)
        anchor = self.world.folder / "anchor of the twin"
        anchor.unlink(missing_ok=True)
        if self.world.anchor.exists():
            copy(self.world.anchor, anchor)
        went_on = ours not in self.model
        self.append([ours])
        self.checkpoint(0)
        if not went_on:
            return  # the twin alone would go on, and no history would be cut
        twin = self.world.open(path=twin_place, anchor=anchor)
        twin.append([self.world.entry(number) for number in range(theirs, theirs + 1 + more)])
        assert refusal(lambda: twin.checkpoint(self.time)) == Reason.STORE_FORK_DETECTED
        assert refusal(lambda: twin.append([])) == Reason.STORE_FORK_DETECTED
        twin.close()

    @rule()
    def keep_a_witness(self) -> None:
        self.world.close()
        self.old_witness = (self.witness_state.read_bytes(), self.witness_marker.read_bytes())
        self.ledger = self.world.open()

    @precondition(lambda self: self.old_witness is not None)
    @rule()
    def restore_a_witness(self) -> None:
        self.world.close()
        assert self.old_witness is not None
        state, marker = self.old_witness
        newest = self.witness_state.read_bytes()
        self.witness_state.write_bytes(state)
        if self.witness_marker.read_bytes() != marker:
            assert refusal(lambda: self.world.witness(0)) == Reason.WIT_STATE_LOST
            self.witness_state.write_bytes(newest)
        self.ledger = self.world.open()

    @property
    def witness_state(self) -> Path:
        return self.world.folder / "witness-0" / "state.db"

    @property
    def witness_marker(self) -> Path:
        return self.world.folder / "witness-0" / "signed-through"

    # --- what holds -------------------------------------------------------------------------------------------------

    @invariant()
    def sizes_agree(self) -> None:
        assert self.ledger.size == len(self.model)

    @invariant()
    def nothing_signed_is_lost(self) -> None:
        assert tuple(self.model[: len(self.signed)]) == self.signed

    @invariant()
    def no_witness_goes_back(self) -> None:
        for number in range(WITNESSES):
            with closing(sqlite3.connect(self.world.folder / f"witness-{number}" / "state.db")) as state:
                [size] = state.execute("SELECT coalesce(max(size), 0) FROM witnessed").fetchone()
            assert self.witnessed[number] <= size
            # The last one is asked when another is silent: it may fall for a twin, and is one vote of three.
            assert number == WITNESSES - 1 or size <= len(self.signed)
            self.witnessed[number] = size


def crash(checkpoint: object) -> None:
    raise CrashError


def refusal(call: Callable[[], object], kind: type[ProjectError] = IntegrityError) -> Reason:
    with pytest.raises(kind) as caught:
        call()
    return caught.value.reason


@attack("D09", Reason.STORE_ROLLBACK_DETECTED)
@attack("D10", Reason.STORE_FORK_DETECTED)
@attack("D17", Reason.CLI_CLOCK_SUSPECT)
@BOTH_STORES
def test_ledger_and_witnesses_against_a_list(
    kind: str, make_world: Callable[..., World], request: pytest.FixtureRequest, full: bool
) -> None:
    @contextmanager
    def file(folder: Path) -> Iterator[Path]:
        yield folder / "ledger.db"

    def schema(folder: Path) -> Any:
        databases: LedgerDatabases = request.getfixturevalue("ledger_databases")
        return databases.fresh()

    LedgerMachine.make_world = staticmethod(make_world)
    LedgerMachine.make_place = staticmethod(file if kind == "sqlite" else schema)
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=(400 if full else 10) if kind == "sqlite" else (100 if full else 3),
            stateful_step_count=40 if full else 20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
