"""Tiles: the tree cut into pieces of eight levels (C2SP tlog-tiles). Only the arithmetic; publishing is not
done here.

Tile (level L, index N) holds 256 hashes: the complete subtrees of 2**(8 L) leaves with the numbers 256 N ...
256 N + 255.
Its root is the complete subtree of 2**(8 L + 8) leaves with the number N, which is a hash of the tile above.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger.errors import VerificationError
from ledger.merkle import HASH_SIZE, node_hash
from ledger.reasons import Reason

__all__ = [
    "TILE_BYTES",
    "TILE_HEIGHT",
    "TILE_WIDTH",
    "complete_tiles",
    "fold_nodes",
    "join_hashes",
    "levels_at",
    "split_hashes",
]

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
TILE_BYTES = TILE_WIDTH * HASH_SIZE


def fold_nodes(nodes: Sequence[bytes]) -> bytes:
    """The root over 2**k neighbouring nodes of one level.

    Raises:
        VerificationError: `log.proof_malformed` if their number is not a power of two.
    """
    if len(nodes).bit_count() != 1:
        raise VerificationError(Reason.LOG_PROOF_MALFORMED, f"{len(nodes)} nodes are no complete subtree")
    while len(nodes) > 1:
        nodes = [node_hash(nodes[at], nodes[at + 1]) for at in range(0, len(nodes), 2)]
    return nodes[0]


def split_hashes(data: bytes) -> list[bytes]:
    """The 32-byte hashes standing one after the other in `data`.

    Raises:
        VerificationError: `log.proof_malformed` if a part of a hash is left over.
    """
    if len(data) % HASH_SIZE:
        raise VerificationError(Reason.LOG_PROOF_MALFORMED, f"{len(data)} bytes are no row of hashes")
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def join_hashes(hashes: Sequence[bytes]) -> bytes:
    """The inverse of `split_hashes`."""
    return b"".join(hashes)


def levels_at(size: int) -> int:
    """How many levels of tiles, complete or partial, a tree of `size` leaves has: 2 from 256 leaves on."""
    levels = 0
    while size:
        levels += 1
        size >>= TILE_HEIGHT
    return levels


def complete_tiles(old_size: int, new_size: int) -> Iterator[tuple[int, int]]:
    """The (level, index) of each tile that becomes complete between two sizes, lower levels first."""
    level = 0
    while new_size >> TILE_HEIGHT * (level + 1):
        shift = TILE_HEIGHT * (level + 1)
        for index in range(old_size >> shift, new_size >> shift):
            yield level, index
        level += 1
