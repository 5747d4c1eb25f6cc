"""What a verifier keeps of a log: the hashes of its blocks of 256 leaves, and of 65,536 leaves for the old part.

They are the entries of the C2SP level-1 and level-2 tiles (DESIGN 3.6): one hash of 32 bytes where 256 certificates
stand. From them the root is recomputed and compared with a cosigned checkpoint, so they need no trust of their own.

     0                     start                       size
     |  65,536-leaf blocks   |   256-leaf blocks          |
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ledger.errors import FormatError, UndeterminedError
from ledger.merkle import MAX_SIZE, RootHash, node_hash, root_at
from ledger.reasons import Reason
from ledger.tiles import TILE_HEIGHT, join_hashes, split_hashes

__all__ = ["BLOCK_LEAVES", "LARGE_BLOCK_LEAVES", "Blocks"]

BLOCK_LEVEL = TILE_HEIGHT
LARGE_BLOCK_LEVEL = 2 * TILE_HEIGHT
BLOCK_LEAVES = 1 << BLOCK_LEVEL
LARGE_BLOCK_LEAVES = 1 << LARGE_BLOCK_LEVEL


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks of the first `size` leaves of a log.

    Args:
        size: leaves covered, a multiple of 256.
        start: first leaf of the part with 256-leaf blocks, a multiple of 65,536 and at most `size`.
        large: hash of each 65,536-leaf block below `start`.
        small: hash of each 256-leaf block from `start` on.
    Raises:
        FormatError: `log.proof_malformed` for numbers that do not fit together, or hashes of another length.
    """

    size: int
    start: int
    large: tuple[bytes, ...]
    small: tuple[bytes, ...]
    _rows: dict[int, tuple[int, list[bytes]]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.size <= MAX_SIZE:
            raise _malformed("start and size")
        if self.size % BLOCK_LEAVES or self.start % LARGE_BLOCK_LEAVES:
            raise _malformed("a block that is not whole")
        if len(self.large) != self.start >> LARGE_BLOCK_LEVEL:
            raise _malformed(f"{len(self.large)} large blocks")
        if len(self.small) != (self.size - self.start) >> BLOCK_LEVEL:
            raise _malformed(f"{len(self.small)} blocks")
        if not all(len(node) == 32 for node in (*self.large, *self.small)):
            raise _malformed("a hash of another length")
        object.__setattr__(self, "_rows", self._climb())

    @classmethod
    def of_bytes(cls, size: int, start: int, large: bytes, small: bytes) -> Blocks:
        """From hashes standing one after the other. Errors as above."""
        if len(large) % 32 or len(small) % 32:
            raise _malformed("a part of a hash is left over")
        return cls(size, start, tuple(split_hashes(large)), tuple(split_hashes(small)))

    def to_bytes(self) -> tuple[bytes, bytes]:
        """`large` and `small` as byte strings."""
        return join_hashes(self.large), join_hashes(self.small)

    def block_hash(self, index: int) -> bytes | None:
        """The hash of the 256-leaf block in which leaf `index` stands, or None if it is not kept."""
        if not self.start <= index < self.size:
            return None
        return self.small[(index - self.start) >> BLOCK_LEVEL]

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
        return rows


def _malformed(detail: str) -> FormatError:
    return FormatError(Reason.LOG_PROOF_MALFORMED, detail, hint="Fetch the trust bundle again.")
