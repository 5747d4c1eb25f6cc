"""The tree over a store: reading nodes, growing it by a batch, and recomputing it from the entries."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence

from ledger.errors import IntegrityError
from ledger.merkle import Frontier, RootHash, leaf_hash, node_hash, root_at
from ledger.reasons import Reason
from ledger.store.base import Store, StoredEntry, StoredTile
from ledger.tiles import TILE_HEIGHT, TILE_WIDTH, fold_nodes, join_hashes, levels_at, split_hashes

__all__ = ["StoredTree", "append_entries", "recompute", "verify_edge"]

_CACHED_TILES = 128


class StoredTree:
    """The nodes of the first `size` leaves, which never change whatever is appended.

    Nodes are read as stored. What is made of them is compared with a signed root, or recomputed, by the
    callers.
    """

    def __init__(self, store: Store, size: int) -> None:
        self.size = size
        self._store = store
        self._tiles: OrderedDict[tuple[int, int], list[list[bytes]]] = OrderedDict()

    def read_node(self, level: int, index: int) -> bytes:
        """The hash of the complete subtree of 2**level leaves number `index`.

        Raises:
            IntegrityError: `store.corrupt` if the store does not have it.
        """
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index, first = divmod(index << height, TILE_WIDTH)
        rows = self._rows(tile_level, tile_index)
        try:
            return rows[height][first >> height]
        except IndexError as exc:
            raise _corrupt(f"node {index} of level {level} is missing") from exc

    def root_hash(self) -> RootHash:
        """The root at `size`, from the right edge."""
        return root_at(self.size, self.read_node)

    def _rows(self, level: int, index: int) -> list[list[bytes]]:
        """The complete nodes within a tile: its hashes, and pair by pair the seven levels above them."""
        key = (level, index)
        if key not in self._tiles:
            rows = [self._hashes(level, index)]
            while len(rows) < TILE_HEIGHT:
                below = rows[-1]
                rows.append([node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)])
            self._tiles[key] = rows
            if len(self._tiles) > _CACHED_TILES:
                self._tiles.popitem(last=False)
        self._tiles.move_to_end(key)
        return self._tiles[key]

    def _hashes(self, level: int, index: int) -> list[bytes]:
        count = self.size >> TILE_HEIGHT * level
        start, end = index * TILE_WIDTH, min((index + 1) * TILE_WIDTH, count)
        if end - start == TILE_WIDTH:
            tile = self._store.tile(level, index)
            if tile is None:
                raise _corrupt(f"tile {index} of level {level} is missing")
            return split_hashes(tile.hashes)
        return _row(self._store, level, start, end)


def append_entries(store: Store, entries: Sequence[bytes]) -> list[int]:
    """Store what is not stored yet, with the tiles that become complete; durable on return.

    Returns:
        the index of each entry, in the order given. An entry stored before keeps the index it has.
    Raises:
        IntegrityError: `store.hash_mismatch` or `store.corrupt` if the right edge is not what its entries
            say; and what the store raises.
    """
    with store.writing():
        size = store.size()
        hashes = [leaf_hash(entry) for entry in entries]
        indices = dict(store.find(hashes))
        rows: list[StoredEntry] = []
        for entry, leaf in zip(entries, hashes, strict=True):
            if leaf not in indices:
                indices[leaf] = size + len(rows)
                rows.append(StoredEntry(size + len(rows), entry, leaf))
        if rows:
            tiles = list(_new_tiles(store, size, [row.leaf_hash for row in rows]))
            store.add_entries(rows)
            store.add_tiles(tiles)
    return [indices[leaf] for leaf in hashes]


def verify_edge(store: Store, size: int) -> Frontier:
    """Recompute the right edge at `size`: the entries of the partial tile and the tiles whose roots it is
    made of.

    Returns:
        the frontier, which the caller compares with a signed root.
    Raises:
        IntegrityError: `store.hash_mismatch` or `store.corrupt`.
    """
    count = size
    _rehash(store, size - size % TILE_WIDTH, size)
    for level in range(levels_at(size) - 1):
        count >>= TILE_HEIGHT
        for index in range(count - count % TILE_WIDTH, count):
            tile = _required_tile(store, level, index)
            _require_same(fold_nodes(_split_tile(tile)), tile.root, "the root of", tile)
    return Frontier.read(size, StoredTree(store, size).read_node)


def recompute(store: Store, frontier: Frontier, size: int) -> Frontier:
    """Hash the entries from `frontier.size` to `size` again and compare all that is stored of them.

    Every entry's leaf hash, every tile completed on the way and the right edge at `size` are checked. With an
    empty frontier that is the whole tree. What lies below `frontier` is taken from it.

    Returns:
        the frontier at `size`; the one given is left alone.
    Raises:
        IntegrityError: `store.hash_mismatch` or `store.corrupt`.
    """
    grown = frontier.copy()
    start = frontier.size
    for at in range(start - start % TILE_WIDTH, size, TILE_WIDTH):
        hashes = _rehash(store, at, min(at + TILE_WIDTH, size))
        if len(hashes) == TILE_WIDTH:
            root = _require_tile(store, 0, at // TILE_WIDTH, hashes)
            if at >= start:
                grown.append_subtree(TILE_HEIGHT, root)
                continue
        for leaf in hashes[max(0, start - at) :]:
            grown.append_subtree(0, leaf)
    for level in range(1, levels_at(size)):
        shift = TILE_HEIGHT * (level + 1)
        for index in range(start >> shift, size >> shift):
            row = _row(store, level, index * TILE_WIDTH, (index + 1) * TILE_WIDTH)
            _require_tile(store, level, index, row)
    if StoredTree(store, size).root_hash() != grown.root_hash():
        raise IntegrityError(Reason.STORE_HASH_MISMATCH, f"the tree at {size} is not that of its entries")
    return grown


def _new_tiles(store: Store, size: int, hashes: Sequence[bytes]) -> Iterator[StoredTile]:
    """The tiles that `hashes`, appended at `size`, complete; lowest level first."""
    row = [*_rehash(store, size - size % TILE_WIDTH, size), *hashes]
    level, count = 0, size
    while True:
        first = count // TILE_WIDTH
        roots = []
        for number in range(len(row) // TILE_WIDTH):
            nodes = row[number * TILE_WIDTH : (number + 1) * TILE_WIDTH]
            roots.append(fold_nodes(nodes))
            yield StoredTile(level, first + number, join_hashes(nodes), roots[-1])
        if not roots:
            return
        count >>= TILE_HEIGHT
        level += 1
        row = [*_row(store, level, count - count % TILE_WIDTH, count), *roots]


def _row(store: Store, level: int, start: int, end: int) -> list[bytes]:
    """The hashes start ... end - 1 of a tile level: leaf hashes, or roots of the complete tiles below."""
    row = store.leaf_hashes(start, end) if level == 0 else store.tile_roots(level - 1, start, end)
    if len(row) != end - start:
        raise _corrupt(f"{len(row)} of {end - start} hashes of level {level}")
    return row


def _rehash(store: Store, start: int, end: int) -> list[bytes]:
    """The leaf hashes of entries start ... end - 1, computed from the entries."""
    hashes: list[bytes] = []
    for row in store.entries(start, end):
        leaf = leaf_hash(row.entry)
        if leaf != row.leaf_hash:
            raise IntegrityError(Reason.STORE_HASH_MISMATCH, f"entry {row.index}", hint=_RESTORE)
        hashes.append(leaf)
    if len(hashes) != end - start:
        raise _corrupt(f"{len(hashes)} of the entries {start} to {end - 1}")
    return hashes


def _require_tile(store: Store, level: int, index: int, hashes: Sequence[bytes]) -> bytes:
    """Compare a stored tile with the hashes it has to hold; returns its root, computed."""
    tile = _required_tile(store, level, index)
    _require_same(join_hashes(hashes), tile.hashes, "the hashes of", tile)
    root = fold_nodes(hashes)
    _require_same(root, tile.root, "the root of", tile)
    return root


def _required_tile(store: Store, level: int, index: int) -> StoredTile:
    tile = store.tile(level, index)
    if tile is None:
        raise _corrupt(f"tile {index} of level {level} is missing")
    return tile


def _split_tile(tile: StoredTile) -> list[bytes]:
    if len(tile.hashes) != TILE_WIDTH * 32:
        raise _corrupt(f"tile {tile.index} of level {tile.level} has another length")
    return split_hashes(tile.hashes)


def _require_same(computed: bytes, stored: bytes, what: str, tile: StoredTile) -> None:
    if computed != stored:
        raise IntegrityError(
            Reason.STORE_HASH_MISMATCH, f"{what} tile {tile.index} of level {tile.level}", hint=_RESTORE
        )


def _corrupt(detail: str) -> IntegrityError:
    return IntegrityError(Reason.STORE_CORRUPT, detail, hint=_RESTORE)


_RESTORE = "Stop writing; run ledger check, then restore the newest backup."
