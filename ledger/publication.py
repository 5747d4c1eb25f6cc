"""What a ledger shows to strangers: its newest cosigned checkpoint, and tiles and entries below it.

Nothing is shown that the checkpoint does not cover, and nothing that disagrees with itself: the hashes of a tile are
recomputed, from the entries or from the tiles below, before they leave. That they lead to the signed root is what
`ledger.check` and the sequencer compare; a client compares it again.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.checkpoint import Checkpoint
from ledger.errors import IntegrityError, VerificationError
from ledger.merkle import RootHash, leaf_hash
from ledger.reasons import Reason
from ledger.store.base import Store
from ledger.store.notes import parse_stored
from ledger.store.tree import StoredTree
from ledger.tile_paths import ENTRIES, TilePath
from ledger.tiles import TILE_WIDTH, fold_nodes, join_hashes

__all__ = ["Publication", "Published", "encode_bundle"]

_HINT = "Publish nothing more; run ledger check, then restore the newest backup."


@dataclass(frozen=True, slots=True)
class Published:
    """The newest cosigned checkpoint, and the note that says so. Its signatures were verified when it was stored."""

    checkpoint: Checkpoint
    note: bytes


class Publication:
    """Reads from an opened store; for the thread that opened it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def origin(self) -> str:
        """The log's name."""
        return self._store.origin

    def logged(self) -> int:
        """How many entries are durable, published or not."""
        return self._store.size()

    def signed(self) -> int:
        """The size that the log signed last; above the published size while witnesses are awaited."""
        newest = self._store.newest_checkpoint(cosigned=False)
        return 0 if newest is None else newest.size

    def newest(self) -> Published | None:
        """What may be shown at this moment; None before the first cosigned checkpoint.

        Raises IntegrityError `store.corrupt`.
        """
        stored = self._store.newest_checkpoint(cosigned=True)
        if stored is None:
            return None
        return Published(parse_stored(stored)[0], stored.note)

    def root_at(self, size: int) -> RootHash:
        """The root of the first `size` entries, `size` not above the number of entries."""
        return StoredTree(self._store, size).root_hash()

    def read(self, piece: TilePath, *, published_size: int) -> bytes:
        """The bytes of a tile or of a bundle of entries.

        Args:
            published_size: of the checkpoint it has to be covered by.
        Raises:
            VerificationError: `log.index_range` if that checkpoint does not cover it.
            IntegrityError: `store.hash_mismatch` or `store.corrupt` if what is stored disagrees with itself.
        """
        if piece.end > published_size:
            raise VerificationError(Reason.LOG_INDEX_RANGE, f"{piece} of {published_size} entries")
        start = piece.index * TILE_WIDTH
        if piece.level <= 0:
            entries = [row.entry for row in self._store.entries(start, start + piece.width)]
            hashes: list[bytes] = [leaf_hash(entry) for entry in entries]
            stored = self._store.leaf_hashes(start, start + piece.width)
            self._require(hashes == stored and len(hashes) == piece.width, piece)
            self._compare_root(piece, hashes)
            return encode_bundle(entries) if piece.level == ENTRIES else join_hashes(hashes)
        hashes = self._store.tile_roots(piece.level - 1, start, start + piece.width)
        self._require(len(hashes) == piece.width, piece)
        for at, root in enumerate(hashes):
            below = self._store.tile(piece.level - 1, start + at)
            self._require(below is not None and below.root == root, piece)
        self._compare_root(piece, hashes)
        return join_hashes(hashes)

    def _compare_root(self, piece: TilePath, hashes: list[bytes]) -> None:
        """A full tile is stored with its hashes and its root; both have to be these."""
        if piece.width == TILE_WIDTH:
            tile = self._store.tile(max(piece.level, 0), piece.index)
            good = tile is not None and tile.hashes == join_hashes(hashes) and tile.root == fold_nodes(hashes)
            self._require(good, piece)

    def _require(self, condition: bool, piece: TilePath) -> None:
        if not condition:
            raise IntegrityError(
                Reason.STORE_HASH_MISMATCH, f"{piece} is not what its entries say", hint=_HINT
            )


def encode_bundle(entries: list[bytes]) -> bytes:
    """Entries with their lengths (two bytes, big-endian) before them."""
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)
