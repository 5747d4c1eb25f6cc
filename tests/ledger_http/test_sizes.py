"""Every tree size from 0 to 600 and the edges of the next level: tiles, partials and proofs agree with the entries.

Compared with a naive tree that knows nothing of tiles (issue 5, acceptance 2).
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from ledger.entry import EntryType, encode_entry
from ledger.merkle import (
    EMPTY_ROOT,
    RootHash,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    verify_consistency,
    verify_inclusion,
)
from ledger.publication import Publication
from ledger.store.sqlite import SqliteStore
from ledger.store.tree import append_entries
from ledger.tile_paths import ENTRIES, TilePath, new_pieces, partial_pieces
from ledger.tile_tree import TileTree, parse_bundle_of_entries

EDGES = (65_535, 65_536, 65_537, 70_000)


def entry(number: int) -> bytes:
    return encode_entry(EntryType.CERTIFICATE, 1, sha256(b"%d" % number).digest())


ENTRIES_ALL = [entry(number) for number in range(EDGES[-1])]
LEAVES = [leaf_hash(one) for one in ENTRIES_ALL]


class Naive:
    """MTH of RFC 9162, section 2.1.1, word for word, with a memory for complete subtrees."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], bytes] = {}

    def root(self, start: int, end: int) -> bytes:
        if end - start == 0:
            return EMPTY_ROOT
        if end - start == 1:
            return LEAVES[start]
        complete = (end - start).bit_count() == 1
        if complete and (start, end) in self._known:
            return self._known[start, end]
        split = 1 << ((end - start - 1).bit_length() - 1)
        left, right = self.root(start, start + split), self.root(start + split, end)
        found = sha256(b"\x01" + left + right).digest()
        if complete:
            self._known[start, end] = found
        return found


@pytest.fixture(scope="module")
def naive() -> Naive:
    return Naive()


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    SqliteStore.create(tmp_path / "ledger.db", origin="sizes.test")
    return SqliteStore(tmp_path / "ledger.db")


def agree(store: SqliteStore, size: int, naive: Naive, *, since: int) -> None:
    """All that is new since `since`, and the whole right edge, is what the entries say; proofs hold at `size`."""
    publication = Publication(store)
    root = RootHash(naive.root(0, size))
    for piece in new_pieces(since, size):
        data = publication.read(piece, published_size=size)
        first, step = piece.index * 256, 256 ** max(piece.level, 0)
        if piece.level == ENTRIES:
            assert parse_bundle_of_entries(data) == ENTRIES_ALL[first : first + piece.width]
        else:
            expected = [naive.root(at * step, (at + 1) * step) for at in range(first, first + piece.width)]
            assert data == b"".join(expected)
    assert publication.root_at(size) == root
    tree = TileTree(size, root, lambda piece: publication.read(piece, published_size=size))
    indices = {0, size // 3, size - 1} & set(
        range(size)
    )  # over all sizes: every index, at both edges and within
    for index in indices:
        path = prove_inclusion(index, size, tree.read_node)
        verify_inclusion(leaf_hash=LEAVES[index], index=index, size=size, path=path, root_hash=root)
    for bundle in {index // 256 for index in indices}:
        assert tree.entries(bundle) == ENTRIES_ALL[bundle * 256 : min(bundle * 256 + 256, size)]
    for old_size in {1, size // 2, size - 1, since} & set(range(1, size)):
        verify_consistency(
            old_size=old_size,
            new_size=size,
            old_root_hash=RootHash(naive.root(0, old_size)),
            new_root_hash=root,
            path=prove_consistency(old_size, size, tree.read_node),
        )


def test_every_size_up_to_600(store: SqliteStore, naive: Naive) -> None:
    agree(store, 0, naive, since=0)
    for size in range(1, 601):
        append_entries(store, ENTRIES_ALL[size - 1 : size])
        agree(store, size, naive, since=size - 1)
    store.close()


def test_the_edges_of_the_third_level(store: SqliteStore, naive: Naive) -> None:
    size = 0
    for edge in EDGES:
        append_entries(store, ENTRIES_ALL[size:edge])
        agree(store, edge, naive, since=size)
        size = edge
    assert [str(piece) for piece in partial_pieces(70_000)] == [
        "tile/entries/273.p/112", "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1",
    ]  # fmt: skip  # the example of tlog-tiles
    assert TilePath(2, 0, 1).end == 65_536
    store.close()
