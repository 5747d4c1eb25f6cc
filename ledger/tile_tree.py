"""A tree read from the tiles of a log that nobody has to believe. Pure.

The partial tiles of a size are exactly the tree's right edge: their hashes give the root, which has to be the signed
one. Every full tile is compared with its hash in the tile above. So each node handed out hangs below the signed root.
"""

from __future__ import annotations

from collections.abc import Callable

from ledger.errors import UndeterminedError, VerificationError
from ledger.merkle import HASH_SIZE, RootHash, leaf_hash, root_at
from ledger.reasons import Reason
from ledger.tile_paths import ENTRIES, TilePath, partial_pieces
from ledger.tiles import TILE_HEIGHT, TILE_WIDTH, fold_nodes, split_hashes

__all__ = ["TileTree", "parse_bundle_of_entries"]

_MAX_CACHED = 4096


class TileTree:
    """The tree of `size` leaves under `root_hash`, over tiles that `fetch` gets."""

    def __init__(self, size: int, root_hash: RootHash, fetch: Callable[[TilePath], bytes]) -> None:
        """Read the right edge.

        Args:
            fetch: the bytes of a piece; raises UndeterminedError `log.unreachable` for one that it cannot get.
        Raises:
            VerificationError: `log.consistency_invalid` if the tiles have another root.
            UndeterminedError: `log.unreachable`.
        """
        self.size = size
        self._fetch = fetch
        self._tiles: dict[tuple[int, int], list[bytes]] = {}
        self._edge = {
            (piece.level, piece.index): self._read(piece)
            for piece in partial_pieces(size)
            if piece.level != ENTRIES
        }
        if root_at(size, self._edge_node) != root_hash:
            raise _disagrees(f"the tiles of {size} entries have another root than the checkpoint")

    def read_node(self, level: int, index: int) -> bytes:
        """The hash of the complete subtree of 2**level leaves number `index`; errors as the constructor."""
        tile_level, height = divmod(level, TILE_HEIGHT)
        number, first = divmod(index << height, TILE_WIDTH)
        return fold_nodes(self._tile(tile_level, number)[first : first + (1 << height)])

    def entries(self, number: int) -> list[bytes]:
        """The entries of bundle `number`, each compared with its leaf.

        Raises:
            VerificationError: `log.consistency_invalid`.
            UndeterminedError: `log.unreachable`.
        """
        width = min(TILE_WIDTH, self.size - number * TILE_WIDTH)
        entries = parse_bundle_of_entries(self._get(TilePath(ENTRIES, number, width)))[:width]
        if [leaf_hash(entry) for entry in entries] != self._tile(0, number):
            raise _disagrees(f"bundle {number} holds other entries than its tile")
        return entries

    def _edge_node(self, level: int, index: int) -> bytes:
        """A node of the root's computation: all of them are made of hashes of partial tiles."""
        tile_level, height = divmod(level, TILE_HEIGHT)
        number, first = divmod(index << height, TILE_WIDTH)
        return fold_nodes(self._edge[tile_level, number][first : first + (1 << height)])

    def _tile(self, level: int, index: int) -> list[bytes]:
        """The hashes of a tile that hangs below the root."""
        if (level, index) in self._edge:
            return self._edge[level, index]
        if (level, index) not in self._tiles:
            row = self._read(TilePath(level, index))
            above = self._tile(level + 1, index // TILE_WIDTH)
            if fold_nodes(row) != above[index % TILE_WIDTH]:
                raise _disagrees(f"tile {index} of level {level} is not that of the checkpoint")
            if len(self._tiles) >= _MAX_CACHED:
                self._tiles.clear()
            self._tiles[level, index] = row
        return self._tiles[level, index]

    def _read(self, piece: TilePath) -> list[bytes]:
        data = self._get(piece)
        if len(data) < piece.width * HASH_SIZE or len(data) % HASH_SIZE:
            raise _disagrees(f"{piece} has {len(data)} bytes")
        return split_hashes(data[: piece.width * HASH_SIZE])

    def _get(self, piece: TilePath) -> bytes:
        """A log may drop partial pieces once the full one is there: then the full one begins with it."""
        try:
            return self._fetch(piece)
        except UndeterminedError:
            if piece.width == TILE_WIDTH:
                raise
            return self._fetch(TilePath(piece.level, piece.index))


def parse_bundle_of_entries(data: bytes) -> list[bytes]:
    """The entries of a bundle.

    Raises:
        VerificationError: `log.consistency_invalid` if it is cut short.
    """
    entries, at = [], 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2])
        if end > len(data) or at + 2 > len(data):
            raise _disagrees("a bundle of entries that is cut short")
        entries.append(data[at + 2 : end])
        at = end
    return entries


def _disagrees(detail: str) -> VerificationError:
    return VerificationError(
        Reason.LOG_CONSISTENCY_INVALID, detail, hint="Keep what the log gave you, and ask its operator."
    )
