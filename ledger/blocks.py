"""What a verifier keeps of a log: the hashes of its blocks of 256 leaves, and of 65,536 leaves for the old part.

They are the entries of the C2SP level-1 and level-2 tiles (DESIGN 3.6): one hash of 32 bytes where 256 certificates
stand. From them the root is recomputed and compared with a cosigned checkpoint, so they need no trust of their own.

     0                       start                    whole  size
     |  65,536-leaf blocks   |   256-leaf blocks        | edge |
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ledger.errors import FormatError, UndeterminedError
from ledger.merkle import HASH_SIZE, MAX_SIZE, NodeReader, RootHash, complete_subtrees, node_hash, root_at
from ledger.reasons import Reason
from ledger.tiles import TILE_HEIGHT, join_hashes, split_hashes

__all__ = ["BLOCK_LEAVES", "BLOCK_LEVEL", "LARGE_BLOCK_LEAVES", "LARGE_BLOCK_LEVEL", "Blocks"]

BLOCK_LEVEL = TILE_HEIGHT
LARGE_BLOCK_LEVEL = 2 * TILE_HEIGHT
BLOCK_LEAVES = 1 << BLOCK_LEVEL
LARGE_BLOCK_LEAVES = 1 << LARGE_BLOCK_LEVEL
_HASH_SIZES = frozenset({HASH_SIZE})


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks of the first `size` leaves of a log.

    Args:
        size: leaves of the tree whose root this leads to. The last ones, beyond a multiple of 256, are in no block.
        start: first leaf of the part with 256-leaf blocks, a multiple of 65,536 and at most `size`.
        large: hash of each 65,536-leaf block below `start`.
        small: hash of each 256-leaf block from `start` on.
        edge: hashes of the complete subtrees beyond the last block, largest first; none if `size` ends in a block.
    Raises:
        FormatError: `log.proof_malformed` for numbers that do not fit together, or hashes of another length.
    """

    size: int
    start: int
    large: tuple[bytes, ...]
    small: tuple[bytes, ...]
    edge: tuple[bytes, ...] = ()
    _rows: dict[int, tuple[int, list[bytes]]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.size <= MAX_SIZE:
            raise _malformed("start and size")
        if self.start % LARGE_BLOCK_LEAVES:
            raise _malformed("a large block that is not whole")
        if len(self.large) != self.start >> LARGE_BLOCK_LEVEL:
            raise _malformed(f"{len(self.large)} large blocks")
        if len(self.small) != (self.whole - self.start) >> BLOCK_LEVEL:
            raise _malformed(f"{len(self.small)} blocks")
        if len(self.edge) != (self.size % BLOCK_LEAVES).bit_count():
            raise _malformed(f"{len(self.edge)} subtrees beyond the blocks")
        if not _HASH_SIZES.issuperset(map(len, (*self.large, *self.small, *self.edge))):
            raise _malformed("a hash of another length")
        object.__setattr__(self, "_rows", self._climb())

    @classmethod
    def read(cls, size: int, start: int, read_node: NodeReader) -> Blocks:
        """The blocks of the tree of `size` leaves that `read_node` knows; `start` is rounded down to a large block."""
        whole = size - size % BLOCK_LEAVES
        large = start >> LARGE_BLOCK_LEVEL
        start = large << LARGE_BLOCK_LEVEL
        return cls(
            size,
            start,
            tuple(read_node(LARGE_BLOCK_LEVEL, number) for number in range(large)),
            tuple(read_node(BLOCK_LEVEL, n) for n in range(start >> BLOCK_LEVEL, whole >> BLOCK_LEVEL)),
            tuple(read_node(level, number) for level, number in complete_subtrees(whole, size)),
        )

    @classmethod
    def of_bytes(cls, size: int, start: int, *rows: bytes) -> Blocks:
        """From `large`, `small` and `edge` as byte strings, hashes one after the other. Errors as above."""
        if any(len(row) % HASH_SIZE for row in rows):
            raise _malformed("a part of a hash is left over")
        large, small, edge = (tuple(split_hashes(row)) for row in rows)
        return cls(size, start, large, small, edge)

    def to_bytes(self) -> tuple[bytes, bytes, bytes]:
        """`large`, `small` and `edge` as byte strings."""
        return join_hashes(self.large), join_hashes(self.small), join_hashes(self.edge)

    @property
    def whole(self) -> int:
        """How many leaves stand in blocks."""
        return self.size - self.size % BLOCK_LEAVES

    def block_of(self, index: int) -> tuple[int, bytes] | None:
        """Level and hash of the block in which leaf `index` stands, or None if it stands in none that is kept."""
        if 0 <= index < self.start:
            return LARGE_BLOCK_LEVEL, self.large[index >> LARGE_BLOCK_LEVEL]
        if self.start <= index < self.whole:
            return BLOCK_LEVEL, self.small[(index - self.start) >> BLOCK_LEVEL]
        return None

    def read_node(self, level: int, index: int) -> bytes:
        """The hash of a complete subtree of 2**level leaves; what `ledger.merkle` calls a NodeReader.

        Raises:
            UndeterminedError: `log.subtree_unknown` if it is smaller than the blocks kept there, or beyond them.
        """
        first, row = self._rows.get(level, (0, []))
        if first <= index < first + len(row):
            return row[index - first]
        if level > LARGE_BLOCK_LEVEL and (index + 1) << level <= self.size:
            return node_hash(self.read_node(level - 1, 2 * index), self.read_node(level - 1, 2 * index + 1))
        raise UndeterminedError(
            Reason.LOG_SUBTREE_UNKNOWN,
            f"subtree {index} of level {level}",
            hint="Update the trust bundle, then ask again.",
        )

    def root_hash(self) -> RootHash:
        """The root of the first `size` leaves."""
        return root_at(self.size, self.read_node)

    def _climb(self) -> dict[int, tuple[int, list[bytes]]]:
        """Per level the number of the first complete subtree that is kept, and the hashes from there on."""
        rows: dict[int, tuple[int, list[bytes]]] = {
            BLOCK_LEVEL: (self.start >> BLOCK_LEVEL, list(self.small))
        }
        level, (first, row) = BLOCK_LEVEL, rows[BLOCK_LEVEL]
        while len(row) > 1 or level < LARGE_BLOCK_LEVEL:
            above = [node_hash(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)]
            level, first, row = level + 1, first >> 1, above
            if level == LARGE_BLOCK_LEVEL:
                first, row = 0, [*self.large, *above]
            rows[level] = first, row
        for (low, number), node in zip(complete_subtrees(self.whole, self.size), self.edge, strict=True):
            rows[low] = number, [node]
        return rows


def _malformed(detail: str) -> FormatError:
    return FormatError(Reason.LOG_PROOF_MALFORMED, detail, hint="Fetch the trust bundle again.")
