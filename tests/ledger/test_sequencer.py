"""The sequencer: what it acknowledges, signs and proves, and which database it refuses (ATTACKS D, K05, K13, W14)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ledger.anchor import save_anchor
from ledger.checkpoint import parse_checkpoint_note
from ledger.cosigning import collect_cosignatures
from ledger.errors import (
    ConfigError,
    ConflictError,
    FormatError,
    IntegrityError,
    ProjectError,
    VerificationError,
)
from ledger.merkle import leaf_hash, root_from_leaf_hashes, verify_consistency
from ledger.note import VerifierKey
from ledger.proof import verify_full_proof
from ledger.reasons import Reason
from ledger.sequencer import Sequencer
from ledger.store.sqlite import SqliteStore
from ledger.trust_policy import verify_checkpoint
from ledger.witness_protocol import WitnessConflictError
from tests.attacks.marking import attack
from tests.ledger.tampering import check, reason_of

if TYPE_CHECKING:
    from tests.ledger.conftest import World
else:
    World = Any


# --- what it is for ---------------------------------------------------------------------------------------------


def test_append_checkpoint_prove_verify(world: World) -> None:
    ledger = world.open()
    assert ledger.append(world.entries(1, 2, 3, 2)) == [0, 1, 2, 1]
    note = ledger.checkpoint(world.now)
    checkpoint, signatures = parse_checkpoint_note(note)
    assert (checkpoint.origin, checkpoint.size) == (world.origin, 3)
    assert checkpoint.root_hash == root_from_leaf_hashes(leaf_hash(entry) for entry in world.entries(1, 2, 3))
    assert len(signatures) == 4
    verify_checkpoint(note, policy=world.policy, now=world.now)
    assert ledger.newest_checkpoint() == note
    for index, entry in enumerate(world.entries(1, 2, 3)):
        proof = ledger.prove(index)
        assert (proof.log, proof.index, proof.size) == (world.log, index, 3)
        logged = verify_full_proof(
            proof, entry=entry, origin=world.origin, policy=world.policy, now=world.now
        )
        assert logged.index == ledger.find(entry) == index
        assert ledger.entry(index) == entry
    assert ledger.find(world.entry(9)) is None
    assert check(world) == 3


def test_checkpoints_extend_each_other(world: World) -> None:
    ledger = world.open()
    checkpoints = []
    for step, count in enumerate((0, 1, 0, 5, 300, 2)):
        ledger.append([world.entry(1000 * step + number) for number in range(count)])
        checkpoints.append(parse_checkpoint_note(ledger.checkpoint(world.now + step))[0])
    assert [checkpoint.size for checkpoint in checkpoints] == [0, 1, 1, 6, 306, 308]
    for old in checkpoints[1:]:
        verify_consistency(
            old_size=old.size,
            new_size=308,
            old_root_hash=old.root_hash,
            new_root_hash=checkpoints[-1].root_hash,
            path=ledger.prove_consistency(old.size, 308),
        )
    assert check(world) == 308
    assert reason_of(lambda: ledger.prove_consistency(1, 309), VerificationError) == Reason.LOG_INDEX_RANGE


def test_reopening_goes_on(world: World) -> None:
    for step in range(4):
        ledger = world.open()
        assert ledger.append(world.entries(step, 100 + step)) == [2 * step, 2 * step + 1]
        if step != 2:
            ledger.checkpoint(world.now + step)
        world.close()
    assert check(world) == 8


def test_malformed_entries_log_nothing(world: World) -> None:
    ledger = world.open()
    for bad in (b"", b"hello", world.entry(1) + b"\0", world.entry(1)[:-1]):
        with pytest.raises(FormatError):
            ledger.append([world.entry(0), bad])
    assert ledger.size == 0
    assert ledger.append([world.entry(0)]) == [0]


def test_what_cannot_be_proved(world: World) -> None:
    ledger = world.open()
    ledger.append(world.entries(1))
    assert reason_of(lambda: ledger.prove(0), ConflictError) == Reason.LOG_INCLUSION_MISSING
    assert ledger.newest_checkpoint() is None
    ledger.checkpoint(world.now)
    ledger.append(world.entries(2))
    assert ledger.prove(0).size == 1
    assert reason_of(lambda: ledger.prove(1), ConflictError) == Reason.LOG_INCLUSION_MISSING
    for index in (-1, 2, 2**70):
        assert reason_of(lambda i=index: ledger.prove(i), VerificationError) == Reason.LOG_INDEX_RANGE  # type: ignore[misc]


def test_the_quorum_is_enough(world: World) -> None:
    """Three of four suffice, so that a proof stays small; the fourth is asked when another one fails."""
    ledger = world.open()
    ledger.append(world.entries(1))
    _, signatures = parse_checkpoint_note(ledger.checkpoint(world.now))
    assert [signature.name.rsplit("/")[-1] for signature in signatures] == ["log1", "w0", "w1", "w2"]


def test_create_and_open_guards(world: World, tmp_path: Path) -> None:
    world.open().close()
    assert (
        reason_of(lambda: Sequencer.create(world.path, origin=world.origin), ConfigError) == Reason.CLI_EXISTS
    )
    absent = tmp_path / "absent.db"
    world.anchor.write_bytes(b"")
    assert reason_of(lambda: world.open(path=absent), ConfigError) == Reason.CLI_NOT_FOUND
    world.anchor.unlink()
    other = tmp_path / "other.db"
    Sequencer.create(other, origin="other.example/log")
    assert reason_of(lambda: world.open(path=other), ConfigError) == Reason.CLI_KEY_MISMATCH
    world.signer = world.signer_of("another key")
    assert reason_of(world.open, ConfigError) == Reason.CLI_KEY_MISMATCH


# --- the clock --------------------------------------------------------------------------------------------------


@attack("K05", Reason.CLI_CLOCK_SUSPECT)
@pytest.mark.parametrize("now", [0, -1, 10**9, 4_133_980_800, 2**40])
def test_absurd_clocks(world: World, now: int) -> None:  # K05
    ledger = world.open()
    ledger.append(world.entries(1))
    assert reason_of(lambda: ledger.checkpoint(now), ConfigError) == Reason.CLI_CLOCK_SUSPECT
    assert not world.anchor.exists()
    assert ledger.checkpoint(world.now)


def test_time_never_steps_back(world: World) -> None:  # D17
    ledger = world.open()
    ledger.append(world.entries(1))
    ledger.checkpoint(world.now)
    assert reason_of(lambda: ledger.checkpoint(world.now - 1), ConfigError) == Reason.CLI_CLOCK_SUSPECT
    world.close()
    ledger = world.open()
    assert reason_of(lambda: ledger.checkpoint(world.now - 1), ConfigError) == Reason.CLI_CLOCK_SUSPECT
    assert ledger.checkpoint(world.now)


# --- writes that fail -------------------------------------------------------------------------------------------


def test_after_a_failed_write_nothing_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:  # D01
    ledger = world.open()
    ledger.append(world.entries(1))
    error = IntegrityError(Reason.STORE_IO_ERROR, "disk")

    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(SqliteStore, "add_entries", fail)
        assert reason_of(lambda: ledger.append(world.entries(2))) == Reason.STORE_IO_ERROR
    for call in (lambda: ledger.append(world.entries(2)), lambda: ledger.checkpoint(world.now)):
        with pytest.raises(IntegrityError) as caught:
            call()
        assert caught.value.__cause__ is error
    world.close()
    ledger = world.open()
    assert ledger.append(world.entries(2)) == [1]
    ledger.checkpoint(world.now)


@attack("K11", Reason.STORE_FULL)
def test_a_full_disk(world: World) -> None:  # D02
    ledger = world.open()
    ledger.append(world.entries(1))
    database = ledger._store._db  # type: ignore[attr-defined]
    [pages] = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages}")
    assert reason_of(lambda: ledger.append([world.entry(n) for n in range(3000)])) == Reason.STORE_FULL
    world.close()
    ledger = world.open()
    assert ledger.append(world.entries(1, 2)) == [0, 1]


@pytest.mark.parametrize("after", [False, True], ids=["lost", "kept"])
@pytest.mark.parametrize(
    ("target", "real", "which"),
    [
        ("ledger.sequencer.save_anchor", save_anchor, 1),
        ("ledger.store.sqlite.SqliteStore.add_checkpoint", SqliteStore.add_checkpoint, 1),
        ("ledger.sequencer.collect_cosignatures", collect_cosignatures, 1),
        ("ledger.store.sqlite.SqliteStore.add_checkpoint", SqliteStore.add_checkpoint, 2),
    ],
    ids=["anchor", "signed row", "witnesses", "cosigned row"],
)
def test_a_crash_at_each_step_of_a_checkpoint(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    target: str,
    real: Callable[..., Any],
    which: int,
    after: bool,
) -> None:  # D06, D07
    """Each write of a checkpoint is lost, or kept although it was reported lost; then one history goes on."""
    ledger = world.open()
    ledger.append(world.entries(1))
    ledger.checkpoint(world.now)
    ledger.append(world.entries(2, 3))
    calls: list[object] = []

    def crash(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        if len(calls) < which or after:
            result = real(*args, **kwargs)
        if len(calls) == which:
            raise KeyboardInterrupt
        return result

    with monkeypatch.context() as patch:
        patch.setattr(target, crash)
        with pytest.raises(KeyboardInterrupt):
            ledger.checkpoint(world.now + 1)
    world.close()
    ledger = world.open()
    assert ledger.append(world.entries(3, 4)) == [2, 3]
    checkpoint, _ = parse_checkpoint_note(ledger.checkpoint(world.now + 2))
    assert checkpoint.size == 4
    assert ledger.prove(3).size == 4
    assert check(world) == 4


def test_a_crash_in_an_append(world: World, monkeypatch: pytest.MonkeyPatch) -> None:  # D06
    ledger = world.open()
    ledger.append(world.entries(1))
    with monkeypatch.context() as patch:
        patch.setattr(SqliteStore, "add_tiles", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            ledger.append([world.entry(number) for number in range(400)])
    world.close()
    ledger = world.open()
    assert ledger.size == 1
    assert ledger.append([world.entry(number) for number in range(400)])[:3] == [1, 0, 2]
    ledger.checkpoint(world.now)
    assert check(world) == 400


# --- witnesses --------------------------------------------------------------------------------------------------


class Unwilling:
    """A witness that fails in one way."""

    is_far = False

    def __init__(self, key: VerifierKey, answer: bytes | ProjectError) -> None:
        self.key = key
        self._answer = answer
        self.asked = 0

    def add_checkpoint(self, body: bytes, *, now: int) -> bytes:
        self.asked += 1
        if isinstance(self._answer, ProjectError):
            raise self._answer
        return self._answer


DOWN = ConflictError(Reason.STORE_IO_ERROR, "no answer")


def test_awaiting_witnesses(world: World) -> None:  # W14
    keys = [witness.key for witness in world.policy.witnesses]
    unwilling = [Unwilling(keys[0], DOWN), Unwilling(keys[1], DOWN)]
    ledger = world.open(witnesses=[*unwilling, world.witness(2), world.witness(3)])
    assert ledger.append(world.entries(1)) == [0]
    assert reason_of(lambda: ledger.checkpoint(world.now), ConflictError) == Reason.CKPT_QUORUM_UNMET
    assert reason_of(lambda: ledger.prove(0), ConflictError) == Reason.LOG_INCLUSION_MISSING
    assert ledger.append(world.entries(2)) == [1]
    assert [witness.asked for witness in unwilling] == [1, 1]
    world.close()
    ledger = world.open()
    ledger.checkpoint(world.now)
    assert ledger.prove(1).size == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\n",
        b"\xff\n",
        "— test.example/w0 AAAAAAE=\n".encode(),
        DOWN,
        VerificationError(Reason.WIT_PROOF_INVALID, "a lie"),
        WitnessConflictError(10**9),
        WitnessConflictError(0),
    ],
)
def test_one_lying_witness_stops_nobody(world: World, answer: bytes | ProjectError) -> None:  # W14
    liar = Unwilling(world.policy.witnesses[0].key, answer)
    ledger = world.open(witnesses=[liar, *(world.witness(number) for number in (1, 2, 3))])
    for step in range(2):
        ledger.append(world.entries(step))
        _, signatures = parse_checkpoint_note(ledger.checkpoint(world.now + step))
        assert [signature.name.rsplit("/")[-1] for signature in signatures] == ["log1", "w1", "w2", "w3"]


def test_a_witness_that_looks_into_the_future(world: World) -> None:
    class Fast:
        is_far = False

        def __init__(self, real: Any) -> None:
            self.key, self._real = real.key, real

        def add_checkpoint(self, body: bytes, *, now: int) -> bytes:
            answer: bytes = self._real.add_checkpoint(body, now=now + 7200)
            return answer

    ledger = world.open(witnesses=[Fast(world.witness(0)), *(world.witness(number) for number in (1, 2, 3))])
    ledger.append(world.entries(1))
    _, signatures = parse_checkpoint_note(ledger.checkpoint(world.now))
    assert "test.example/w0" not in [signature.name for signature in signatures]


def test_a_witness_that_was_behind_catches_up(world: World) -> None:
    ledger = world.open()
    for step in range(3):
        ledger.append(world.entries(step))
        ledger.checkpoint(world.now)  # the fourth witness is never asked
    down = Unwilling(world.policy.witnesses[1].key, DOWN)
    ledger = world.open(witnesses=[world.witness(0), down, world.witness(2), world.witness(3)])
    ledger.append(world.entries(9))
    ledger.checkpoint(world.now)
    assert world.witness(3).witnessed_size(world.origin) == 4


def test_a_witness_that_forgot_is_not_asked_to_sign_again(world: World) -> None:  # W10
    ledger = world.open()
    ledger.append(world.entries(1, 2))
    ledger.checkpoint(world.now)
    world.close()
    for number in (0, 1):
        shutil.rmtree(world.folder / f"witness-{number}")
    ledger = world.open()  # makes two new witnesses with the old keys
    ledger.append(world.entries(3))
    with pytest.raises(ConflictError) as caught:
        ledger.checkpoint(world.now + 1)
    assert caught.value.reason == Reason.CKPT_QUORUM_UNMET
    assert Reason.WIT_STATE_LOST.value in caught.value.detail
    assert world.witness(0).witnessed_size(world.origin) == 0


# --- several at once --------------------------------------------------------------------------------------------


def test_two_open_ledgers_take_turns(world: World) -> None:
    one, two = world.open(), world.open()
    assert one.append(world.entries(1)) == [0]
    assert two.append(world.entries(2, 1)) == [1, 0]
    assert one.append([world.entry(number) for number in range(300)])[-1] == 299
    one.checkpoint(world.now)
    assert two.append(world.entries(500)) == [300]
    assert parse_checkpoint_note(two.checkpoint(world.now + 5))[0].size == 301
    assert reason_of(lambda: one.checkpoint(world.now + 4), ConfigError) == Reason.CLI_CLOCK_SUSPECT
    assert parse_checkpoint_note(one.checkpoint(world.now + 5))[0].size == 301
    assert one.prove(300).size == two.prove(300).size == 301
    assert check(world) == 301


def test_a_held_lock_is_no_failure(world: World) -> None:  # D14, K13
    holder = world.open()
    ledger = world.open(lock_timeout=0.05)
    with holder._store.writing():
        assert reason_of(lambda: ledger.append(world.entries(1)), ConflictError) == Reason.STORE_LOCKED
        assert reason_of(lambda: ledger.checkpoint(world.now), ConflictError) == Reason.STORE_LOCKED
        assert reason_of(lambda: world.open(lock_timeout=0.05), ConflictError) == Reason.STORE_LOCKED
    assert ledger.append(world.entries(1)) == [0]
    ledger.checkpoint(world.now)


def test_another_process_was_faster(world: World) -> None:
    """Between our signature and our cosignatures another process has a larger tree cosigned: sign that one instead."""
    other = world.open()

    class Slow:
        is_far = False

        def __init__(self, real: Any) -> None:
            self.key, self._real, self.done = real.key, real, False

        def add_checkpoint(self, body: bytes, *, now: int) -> bytes:
            if not self.done:
                self.done = True
                other.append(world.entries(2))
                other.checkpoint(now)
            answer: bytes = self._real.add_checkpoint(body, now=now)
            return answer

    ledger = world.open(witnesses=[Slow(world.witness(0)), *(world.witness(number) for number in (1, 2, 3))])
    ledger.append(world.entries(1))
    assert parse_checkpoint_note(ledger.checkpoint(world.now))[0].size == 2
    assert check(world) == 2
