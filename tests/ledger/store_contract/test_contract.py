"""The contract of a store, the same tests for each (DESIGN section 7, ATTACKS D12, D14)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.entry import EntryType, encode_entry
from ledger.errors import ConfigError, ConflictError, FormatError, IntegrityError, ProjectError
from ledger.merkle import Frontier, leaf_hash, prove_inclusion, root_from_leaf_hashes, verify_inclusion
from ledger.reasons import Reason
from ledger.store.base import Store, StoredCheckpoint, StoredEntry, StoredTile
from ledger.store.opening import create_store, open_store
from ledger.store.tree import StoredTree, append_entries, recompute, verify_edge
from tests.attacks.marking import attack
from tests.ledger.stores import BOTH_STORES

pytestmark = BOTH_STORES
ORIGIN = "test.example/log"


def entries(start: int, end: int) -> list[bytes]:
    return [encode_entry(EntryType.CERTIFICATE, 1, sha256(b"%d" % n).digest()) for n in range(start, end)]


@pytest.fixture
def store(place: str | Path) -> Iterator[Store]:
    create_store(place, origin=ORIGIN)
    store = open_store(place, lock_timeout=0.05)
    yield store
    store.close()


def reason_of(call: Callable[[], object], kind: type[ProjectError] = IntegrityError) -> Reason:
    with pytest.raises(kind) as caught:
        call()
    return caught.value.reason


def test_appended_entries_are_read_back(store: Store) -> None:
    batch = entries(0, 600)
    assert store.size() == 0
    assert append_entries(store, batch) == list(range(600))
    assert store.size() == 600
    assert [row.entry for row in store.entries(0, 600)] == batch
    assert [row.index for row in store.entries(250, 260)] == list(range(250, 260))
    assert store.leaf_hashes(598, 700) == [leaf_hash(entry) for entry in batch[598:]]
    assert store.origin == ORIGIN
    assert append_entries(store, []) == []


def test_an_entry_is_logged_once(store: Store) -> None:
    a, b, c, d = entries(0, 4)
    assert append_entries(store, [a, b]) == [0, 1]
    assert append_entries(store, [b, c, c, a, d, d]) == [1, 2, 2, 0, 3, 3]
    assert append_entries(store, [d, a]) == [3, 0]
    assert store.size() == 4
    assert store.find([leaf_hash(c), leaf_hash(b"absent")]) == {leaf_hash(c): 2}


def test_many_known_entries_are_found(store: Store) -> None:
    batch = entries(0, 1300)
    append_entries(store, batch)
    assert append_entries(store, batch[::-1]) == list(range(1299, -1, -1))


def test_what_is_read_together_is_of_one_instant(store: Store, place: str | Path) -> None:
    append_entries(store, entries(0, 300))
    other = open_store(place)
    with store.reading():
        append_entries(other, entries(300, 600))
        other.add_checkpoint(StoredCheckpoint(600, 1, False, b"note"))
        assert store.size() == 300
        assert len(list(store.entries(0, 600))) == 300
        assert (store.tile(0, 1), list(store.checkpoints())) == (None, [])
    other.close()
    assert store.size() == 600
    assert store.newest_checkpoint(cosigned=False) is not None
    assert append_entries(store, entries(600, 601)) == [600]


@pytest.mark.parametrize("sizes", [[255, 1, 1, 255, 1], [256, 512], [1] * 5 + [300], [65_535, 1, 1]])
def test_the_stored_tree_is_that_of_the_entries(store: Store, sizes: list[int]) -> None:
    total = 0
    frontier = Frontier()
    for count in sizes:
        append_entries(store, entries(total, total + count))
        total += count
        grown = recompute(store, frontier, total)
        edge = verify_edge(store, total)
        assert edge.nodes == grown.nodes
        assert StoredTree(store, total).root_hash() == grown.root_hash()
        frontier = grown
    leaves = [leaf_hash(entry) for entry in entries(0, total)]
    root = root_from_leaf_hashes(leaves)
    assert frontier.root_hash() == root
    tree = StoredTree(store, total)
    for index in {0, 1, total // 2, total - 2, total - 1}:
        path = prove_inclusion(index, total, tree.read_node)
        verify_inclusion(leaf_hash=leaves[index], index=index, size=total, path=path, root_hash=root)


def test_an_old_size_is_still_readable(store: Store) -> None:
    append_entries(store, entries(0, 300))
    old = StoredTree(store, 300)
    before = old.root_hash()
    append_entries(store, entries(300, 700))
    assert old.root_hash() == before == StoredTree(store, 300).root_hash()
    assert before == verify_edge(store, 300).root_hash()


def test_checkpoints_are_kept_in_order(store: Store) -> None:
    assert store.newest_checkpoint(cosigned=True) is None
    rows = [
        StoredCheckpoint(5, 10, False, b"a"),
        StoredCheckpoint(9, 11, True, b"b"),
        StoredCheckpoint(7, 12, True, b"c"),
        StoredCheckpoint(9, 13, True, b"d"),
        StoredCheckpoint(8, 14, True, b"e"),
        StoredCheckpoint(12, 15, False, b"f"),
    ]
    for row in rows:
        store.add_checkpoint(row)
    assert list(store.checkpoints()) == rows
    assert store.newest_checkpoint(cosigned=True) == rows[3]
    assert store.newest_checkpoint(cosigned=False) == rows[5]


def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    append_entries(store, entries(0, 3))

    def fail_midway() -> None:
        with store.writing():
            append_entries(store, entries(3, 300))
            store.add_checkpoint(StoredCheckpoint(300, 1, False, b"x"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_midway()
    assert store.size() == 3
    assert store.tile(0, 0) is None
    assert list(store.checkpoints()) == []
    assert append_entries(store, entries(3, 5)) == [3, 4]


def test_holes_and_repeats_are_refused(store: Store) -> None:
    append_entries(store, entries(0, 2))
    a, b = entries(2, 4)
    for rows in (
        [StoredEntry(3, a, leaf_hash(a))],
        [StoredEntry(1, a, leaf_hash(a))],
        [StoredEntry(2, a, leaf_hash(a)), StoredEntry(4, b, leaf_hash(b))],
        [StoredEntry(2, a, leaf_hash(entries(0, 1)[0]))],
    ):
        assert reason_of(lambda rows=rows: store.add_entries(rows)) == Reason.STORE_CORRUPT  # type: ignore[misc]
        assert store.size() == 2
    for tile in (StoredTile(0, 1, bytes(8192), bytes(32)), StoredTile(0, 0, bytes(8191), bytes(32))):
        assert reason_of(lambda tile=tile: store.add_tiles([tile])) == Reason.STORE_CORRUPT  # type: ignore[misc]


@attack("D14", Reason.STORE_LOCKED)
def test_a_second_writer_waits_or_is_told(store: Store, place: str | Path) -> None:
    other = open_store(place, lock_timeout=0.05)
    with store.writing():
        assert reason_of(lambda: append_entries(other, entries(0, 1)), ConflictError) == Reason.STORE_LOCKED
        append_entries(store, entries(0, 2))
        assert other.size() == 0
    assert append_entries(other, entries(1, 4)) == [1, 2, 3]
    other.close()
    other.close()


def test_a_part_that_failed_fails_the_whole(store: Store) -> None:
    """Also where the caller went on, as if the part had not been."""
    a, b = entries(0, 2)
    append_entries(store, [a])
    try:
        with store.writing():
            with pytest.raises(IntegrityError):
                store.add_entries([StoredEntry(7, b, leaf_hash(b))])
            store.add_checkpoint(StoredCheckpoint(1, 1, False, b"x"))
    except IntegrityError:
        assert list(store.checkpoints()) == []
    assert store.size() == 1
    assert append_entries(store, [b]) == [1]


def test_nothing_is_made_twice_and_nothing_by_opening(store: Store, place: str | Path) -> None:
    append_entries(store, entries(0, 1))
    assert reason_of(lambda: create_store(place, origin="other.example"), ConfigError) == Reason.CLI_EXISTS
    assert (store.size(), store.origin) == (1, ORIGIN)
    for origin in ("", "a\nb"):
        assert reason_of(lambda o=origin: create_store(place, origin=o), FormatError) == Reason.CKPT_MALFORMED  # type: ignore[misc]


def test_what_was_committed_is_there_for_the_next(store: Store, place: str | Path) -> None:
    append_entries(store, entries(0, 300))
    store.close()
    store.close()
    again = open_store(place)
    assert again.size() == 300
    assert [row.entry for row in again.entries(0, 300)] == entries(0, 300)
    recompute(again, Frontier(), 300)
    again.close()


@attack("D18", Reason.STORE_RETIRED)
def test_a_retired_ledger_is_not_opened_nor_written(store: Store, place: str | Path) -> None:
    other = open_store(place)
    append_entries(store, entries(0, 1))
    store.retire()
    for late in (lambda: open_store(place), lambda: append_entries(other, entries(1, 2))):
        assert reason_of(late, ConfigError) == Reason.STORE_RETIRED
    assert other.size() == 1
    other.close()
