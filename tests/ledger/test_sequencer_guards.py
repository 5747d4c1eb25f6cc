"""Which database a sequencer refuses: older, forked, cloned, or with a bit flipped (ATTACKS D09-D12, L15)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ledger.anchor import Anchor, load_anchor, save_anchor
from ledger.checkpoint import Checkpoint, encode_checkpoint
from ledger.errors import (
    IntegrityError,
)
from ledger.merkle import EMPTY_ROOT
from ledger.note import NoteSignature, VerifierKey
from ledger.reasons import Reason
from ledger.sequencer import Sequencer
from ledger.store.sqlite import SqliteStore
from ledger.store.tree import append_entries
from ledger.witness_protocol import WitnessConflictError
from tests.ledger.tampering import check, copy_database, reason_of, tamper

if TYPE_CHECKING:
    from tests.ledger.conftest import World
else:
    World = Any


# --- another database -------------------------------------------------------------------------------------------


def test_yesterdays_database(world: World, tmp_path: Path) -> None:  # D09
    ledger = world.open()
    ledger.append(world.entries(1, 2))
    ledger.checkpoint(world.now)
    copy_database(world.path, tmp_path / "yesterday")
    ledger.append(world.entries(3))
    ledger.checkpoint(world.now + 1)
    world.close()
    copy_database(tmp_path / "yesterday", world.path)
    assert reason_of(world.open) == Reason.STORE_ROLLBACK_DETECTED
    assert reason_of(lambda: check(world)) == Reason.STORE_ROLLBACK_DETECTED
    with pytest.raises(IntegrityError) as caught:
        world.open()
    assert caught.value.hint


def test_a_backup_newer_than_the_last_checkpoint_is_fine(world: World, tmp_path: Path) -> None:
    ledger = world.open()
    ledger.append(world.entries(1, 2))
    ledger.checkpoint(world.now)
    ledger.append(world.entries(3))
    copy_database(world.path, tmp_path / "backup")
    world.close()
    copy_database(tmp_path / "backup", world.path)
    ledger = world.open()
    assert ledger.append(world.entries(3, 4)) == [2, 3]
    ledger.checkpoint(world.now)


def test_two_copies_with_one_anchor(world: World, tmp_path: Path) -> None:  # D10
    clone = tmp_path / "clone.db"
    ledger = world.open()
    ledger.append(world.entries(1, 2))
    ledger.checkpoint(world.now)
    copy_database(world.path, clone)
    ledger.append(world.entries(3, 4))
    ledger.checkpoint(world.now + 1)
    for numbers, reason in (((5,), Reason.STORE_ROLLBACK_DETECTED), ((6,), Reason.STORE_FORK_DETECTED)):
        with closing(SqliteStore(clone)) as store:
            append_entries(store, world.entries(*numbers))
        assert reason_of(lambda: world.open(path=clone)) == reason
    assert reason_of(lambda: check(world, clone)) == Reason.STORE_FORK_DETECTED


def test_two_copies_with_two_anchors(world: World, tmp_path: Path) -> None:  # D10, L15
    clone, anchor = tmp_path / "clone.db", tmp_path / "clone-anchor"
    ledger = world.open()
    ledger.append(world.entries(1, 2))
    ledger.checkpoint(world.now)
    copy_database(world.path, clone)
    shutil.copy(world.anchor, anchor)
    twin = world.open(path=clone, anchor=anchor)
    ledger.append(world.entries(3))
    ledger.checkpoint(world.now + 1)
    twin.append(world.entries(4))
    with pytest.raises(IntegrityError) as caught:
        twin.checkpoint(world.now + 1)
    assert caught.value.reason == Reason.STORE_FORK_DETECTED
    assert isinstance(caught.value.__cause__, WitnessConflictError)
    assert reason_of(lambda: twin.append(world.entries(5))) == Reason.STORE_FORK_DETECTED
    assert ledger.checkpoint(world.now + 2)


def test_a_longer_copy_is_found_out_too(world: World, tmp_path: Path) -> None:  # D10
    clone, anchor = tmp_path / "clone.db", tmp_path / "clone-anchor"
    ledger = world.open()
    ledger.append(world.entries(1, 2))
    ledger.checkpoint(world.now)
    copy_database(world.path, clone)
    shutil.copy(world.anchor, anchor)
    twin = world.open(path=clone, anchor=anchor)
    ledger.append(world.entries(3))
    ledger.checkpoint(world.now + 1)
    twin.append(world.entries(4, 5, 6))  # not smaller: only the consistency proof gives it away
    assert reason_of(lambda: twin.checkpoint(world.now + 1)) == Reason.STORE_FORK_DETECTED


def test_another_history_of_the_same_size(world: World, tmp_path: Path) -> None:  # L15
    ledger = world.open()
    ledger.append(world.entries(1, 2))
    ledger.checkpoint(world.now)
    world.close()
    rebuilt = tmp_path / "rebuilt.db"
    Sequencer.create(rebuilt, origin=world.origin)
    with closing(SqliteStore(rebuilt)) as store:
        append_entries(store, world.entries(1, 3))
    assert reason_of(lambda: world.open(path=rebuilt)) == Reason.STORE_FORK_DETECTED


def test_a_missing_or_older_anchor(world: World, tmp_path: Path) -> None:
    ledger = world.open()
    ledger.append(world.entries(1))
    ledger.checkpoint(world.now)
    old = world.anchor.read_bytes()
    ledger.append(world.entries(2))
    ledger.checkpoint(world.now)
    world.close()
    world.anchor.write_bytes(old)
    assert reason_of(world.open) == Reason.STORE_ROLLBACK_DETECTED
    world.anchor.unlink()
    assert reason_of(world.open) == Reason.STORE_ROLLBACK_DETECTED
    assert reason_of(lambda: check(world)) == Reason.STORE_ROLLBACK_DETECTED


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: data.replace(b"\n1\n", b"\n2\n"),
        lambda data: data.replace(b"tallystick-anchor/1", b"tallystick-anchor/2"),
        lambda data: data.replace(b"log1", b"log2"),
        lambda data: data.split(b"\n\n")[0] + b"\n",
        lambda data: b"\xff" + data,
    ],
)
def test_a_damaged_anchor(world: World, change: Callable[[bytes], bytes]) -> None:
    ledger = world.open()
    ledger.append(world.entries(1))
    ledger.checkpoint(world.now)
    world.close()
    data = world.anchor.read_bytes()
    world.anchor.write_bytes(change(data))
    assert reason_of(world.open) == Reason.STORE_CORRUPT
    world.anchor.write_bytes(data)
    world.open()


def test_an_anchor_of_another_log(world: World) -> None:
    world.open()
    stranger = VerifierKey(world.origin, world.key.algorithm, world.signer_of("stranger").public_key)
    assert load_anchor(world.anchor, key=stranger) is None
    other = world.signer_of("stranger")
    ledger = world.open()
    ledger.append(world.entries(1))
    ledger.checkpoint(world.now)
    key = VerifierKey(world.origin, world.key.algorithm, other.public_key)
    assert reason_of(lambda: load_anchor(world.anchor, key=key)) == Reason.STORE_CORRUPT
    # Signed by our key under our name, but about another log.
    foreign = Checkpoint("other.example", 1, EMPTY_ROOT)
    line = NoteSignature(
        world.origin, world.key.key_id, world.signer.sign(encode_checkpoint(foreign).encode())
    )
    save_anchor(world.anchor, Anchor(foreign, line, world.now))
    assert reason_of(lambda: load_anchor(world.anchor, key=world.key)) == Reason.STORE_CORRUPT


def test_a_second_ledger_on_the_same_host(
    world: World, tmp_path: Path, make_world: Callable[[Path], World]
) -> None:
    first = world.open()  # D11
    first.append(world.entries(1))
    first.checkpoint(world.now)
    folder = tmp_path / "second"
    folder.mkdir()
    second_world = make_world(folder)
    second = second_world.open()
    assert second.append(second_world.entries(1)) == [0]
    second.checkpoint(world.now)
    second_world.close()


# --- bits that flipped ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("UPDATE entries SET leaf_hash = zeroblob(32) WHERE idx = 299", Reason.STORE_HASH_MISMATCH),
        (
            "UPDATE entries SET entry = CAST(x'85' || substr(entry, 2) AS BLOB) WHERE idx = 270",
            Reason.STORE_HASH_MISMATCH,
        ),
        ("UPDATE tiles SET hashes = zeroblob(8192)", Reason.STORE_HASH_MISMATCH),
        ("UPDATE tiles SET root = zeroblob(32)", Reason.STORE_HASH_MISMATCH),
        ("DELETE FROM tiles", Reason.STORE_CORRUPT),
    ],
)
def test_touched_tiles_before_the_next_signature(world: World, sql: str, reason: Reason) -> None:  # D12
    ledger = world.open()
    ledger.append([world.entry(number) for number in range(300)])
    anchored = world.anchor.exists()
    tamper(world.path, sql)
    assert reason_of(lambda: ledger.checkpoint(world.now)) == reason
    assert world.anchor.exists() is anchored is False
    assert reason_of(lambda: ledger.append(world.entries(1000))) == reason
    world.close()
    assert reason_of(world.open) == reason


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("UPDATE entries SET leaf_hash = zeroblob(32) WHERE idx = 299", Reason.STORE_HASH_MISMATCH),
        ("UPDATE tiles SET hashes = zeroblob(8192)", Reason.STORE_HASH_MISMATCH),
        ("UPDATE tiles SET root = zeroblob(32)", Reason.STORE_HASH_MISMATCH),
    ],
)
def test_the_right_edge_of_what_was_signed(world: World, sql: str, reason: Reason) -> None:  # D12
    ledger = world.open()
    ledger.append([world.entry(number) for number in range(300)])
    ledger.checkpoint(world.now)
    world.close()
    tamper(world.path, sql)
    assert reason_of(world.open) == reason


def test_an_old_leaf_is_found_by_check_and_by_its_proof(world: World) -> None:  # D12
    ledger = world.open()
    ledger.append([world.entry(number) for number in range(300)])
    ledger.checkpoint(world.now)
    tamper(world.path, "UPDATE entries SET entry = CAST(x'85' || substr(entry, 2) AS BLOB) WHERE idx = 7")
    assert reason_of(lambda: ledger.prove(7)) == Reason.STORE_HASH_MISMATCH
    assert ledger.prove(8)
    world.close()
    world.open()
    assert reason_of(lambda: check(world)) == Reason.STORE_CORRUPT


def test_a_tile_under_a_running_ledger(world: World) -> None:  # D12
    ledger = world.open()
    ledger.append([world.entry(number) for number in range(300)])
    ledger.checkpoint(world.now)
    tamper(world.path, "UPDATE tiles SET hashes = zeroblob(8192)")
    assert reason_of(lambda: ledger.prove(7)) == Reason.STORE_HASH_MISMATCH


def test_what_was_signed_under_a_running_ledger(world: World) -> None:  # D12
    """The tile was complete and signed long ago, but every root to come is made of its root."""
    ledger = world.open()
    ledger.append([world.entry(number) for number in range(300)])
    ledger.checkpoint(world.now)
    tamper(world.path, "UPDATE tiles SET root = zeroblob(32)")
    assert reason_of(lambda: ledger.append(world.entries(1000))) == Reason.STORE_HASH_MISMATCH
    assert reason_of(lambda: ledger.checkpoint(world.now + 1)) == Reason.STORE_HASH_MISMATCH
