"""What a sequencer refuses, on both stores alike: older copies, twins, flipped bits, clocks (ATTACKS D09-D12, D17)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ledger.anchor import load_anchor
from ledger.check import check_ledger
from ledger.errors import ConfigError, IntegrityError
from ledger.reasons import Reason
from ledger.store.opening import open_store
from ledger.witness_protocol import WitnessConflictError
from tests.attacks.marking import attack
from tests.ledger.store_contract.copies import Copies, overwrite, value
from tests.ledger.store_contract.test_contract import reason_of
from tests.ledger.stores import BOTH_STORES

if TYPE_CHECKING:
    from tests.ledger.conftest import World
else:
    World = Any

pytestmark = BOTH_STORES


@pytest.fixture
def copies(tmp_path: Path, world: World) -> Iterator[Copies]:
    copies = Copies(tmp_path)
    yield copies
    world.close()
    copies.close()


def check(world: World) -> int:
    with closing(open_store(world.place)) as store:
        return check_ledger(store, key=world.key, anchor=load_anchor(world.anchor, key=world.key)).size


@attack("D09", Reason.STORE_ROLLBACK_DETECTED)
def test_the_database_of_yesterday(world: World, copies: Copies) -> None:
    ledger = world.open()
    ledger.append(world.entries(1))
    ledger.checkpoint(world.now)
    yesterday = copies.copy(world.place, origin=world.origin)
    ledger.append(world.entries(2))
    ledger.checkpoint(world.now + 1)
    today = copies.copy(world.place, origin=world.origin)
    world.close()
    copies.restore(world.place, yesterday)
    assert reason_of(world.open) == Reason.STORE_ROLLBACK_DETECTED
    assert reason_of(lambda: check(world)) == Reason.STORE_ROLLBACK_DETECTED
    copies.restore(world.place, today)
    assert world.open().append(world.entries(2, 3)) == [1, 2]
    assert check(world) == 3


@attack("D10", Reason.STORE_FORK_DETECTED)
def test_two_copies_that_both_sign(world: World, copies: Copies, tmp_path: Path) -> None:
    ledger = world.open()
    ledger.append(world.entries(1, 2))
    ledger.checkpoint(world.now)
    anchor = tmp_path / "anchor-of-the-twin"
    shutil.copy(world.anchor, anchor)
    twin = world.open(path=copies.copy(world.place, origin=world.origin), anchor=anchor)
    ledger.append(world.entries(3))
    ledger.checkpoint(world.now + 1)
    twin.append(world.entries(4, 5))
    with pytest.raises(IntegrityError) as caught:
        twin.checkpoint(world.now + 1)
    assert caught.value.reason == Reason.STORE_FORK_DETECTED
    assert isinstance(caught.value.__cause__, WitnessConflictError)
    assert reason_of(lambda: twin.append(world.entries(6))) == Reason.STORE_FORK_DETECTED
    assert ledger.checkpoint(world.now + 2)


@attack("D11")
def test_a_second_ledger_beside_the_first(world: World, copies: Copies, tmp_path: Path) -> None:
    empty = (
        copies.copy(world.place, origin=world.origin) if isinstance(world.place, str) else tmp_path / "2.db"
    )
    ledger = world.open()
    ledger.append(world.entries(1))
    ledger.checkpoint(world.now)
    second = world.open(path=empty, anchor=tmp_path / "second", witnesses=[])
    assert second.append(world.entries(7)) == [0]
    assert ledger.append(world.entries(2)) == [1]


FLIPS = [
    ("entries", "entry", "idx = 270", Reason.STORE_HASH_MISMATCH),
    ("entries", "leaf_hash", "idx = 299", Reason.STORE_HASH_MISMATCH),
    ("tiles", "hashes", "idx = 0", Reason.STORE_HASH_MISMATCH),
    ("tiles", "root", "idx = 0", Reason.STORE_HASH_MISMATCH),
]


@attack("D12", Reason.STORE_HASH_MISMATCH)
@pytest.mark.parametrize(("table", "column", "where", "reason"), FLIPS)
def test_a_flipped_bit_before_the_next_signature(
    world: World, table: str, column: str, where: str, reason: Reason
) -> None:
    ledger = world.open()
    ledger.append(world.entries(*range(300)))
    flip(world, table, column, where)
    assert reason_of(lambda: ledger.checkpoint(world.now)) == reason
    assert not world.anchor.exists()
    assert reason_of(lambda: ledger.append(world.entries(1000))) == reason
    world.close()
    assert reason_of(world.open) == reason


@attack("D12", Reason.STORE_HASH_MISMATCH, Reason.STORE_CORRUPT)
@pytest.mark.parametrize(
    ("table", "column", "where", "reason"),
    [
        *FLIPS,
        ("entries", "entry", "idx = 3", Reason.STORE_HASH_MISMATCH),
        ("checkpoints", "note", "number = 0", Reason.STORE_CORRUPT),
        ("checkpoints", "note", "number = 1", Reason.STORE_CORRUPT),
    ],
)
def test_a_flipped_bit_is_found_by_check(
    world: World, table: str, column: str, where: str, reason: Reason
) -> None:
    ledger = world.open()
    ledger.append(world.entries(*range(300)))
    ledger.checkpoint(world.now)
    world.close()
    flip(world, table, column, where)
    assert reason_of(lambda: check(world)) == reason


def flip(world: World, table: str, column: str, where: str) -> None:
    """The last bit: an entry still parses."""
    old = value(world.place, table, column, where)
    overwrite(world.place, table, column, where, old[:-1] + bytes([old[-1] ^ 1]))


@attack("D17", Reason.CLI_CLOCK_SUSPECT)
def test_nothing_is_signed_before_the_time_of_the_last_checkpoint(world: World) -> None:
    ledger = world.open()
    ledger.append(world.entries(1))
    ledger.checkpoint(world.now)
    ledger.append(world.entries(2))
    for _ in range(2):
        assert (
            reason_of(lambda: world.open().checkpoint(world.now - 1), ConfigError) == Reason.CLI_CLOCK_SUSPECT
        )
        world.close()
    again = world.open()
    assert again.size == 2
    assert again.checkpoint(world.now)
