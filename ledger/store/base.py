"""What a store of a ledger can do. Every implementation passes the same contract tests.

Invariants each one keeps by itself, whoever else writes to its files:

- Entries have the indices 0, 1, 2, ... without a hole; each leaf hash occurs once.
- Entries, tiles and checkpoints are only ever added.
- What was committed survives a power cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from ledger.merkle import LeafHash

__all__ = ["Store", "StoredCheckpoint", "StoredEntry", "StoredTile"]


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as it is stored; whether `leaf_hash` is the hash of `entry` is for the reader to check."""

    index: int
    entry: bytes
    leaf_hash: LeafHash


@dataclass(frozen=True, slots=True)
class StoredTile:
    """A complete tile: 256 hashes in one byte string, and their root, as stored."""

    level: int
    index: int
    hashes: bytes
    root: bytes


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A signed note, made at `time` (POSIX seconds); `cosigned` if it carries a quorum of cosignatures."""

    size: int
    time: int
    cosigned: bool
    note: bytes


class Store(Protocol):
    """Entries, complete tiles and checkpoints of one log.

    Every method may raise IntegrityError `store.io_error`, `store.full`, `store.readonly`, `store.corrupt` or
    `store.schema_tampered`, and ConflictError `store.locked`. The writing ones also IntegrityError
    `store.not_durable_mode`; outside of `writing` they make a transaction of their own.
    """

    @property
    def origin(self) -> str:
        """The log whose entries these are."""
        ...

    def writing(self) -> AbstractContextManager[None]:
        """One write transaction, alone on the ledger: all of it is durable on leaving, or none of it
        happened.

        Raises:
            ConflictError: `store.locked` when another writer does not finish in time.
        """
        ...

    def reading(self) -> AbstractContextManager[None]:
        """What is read inside is the ledger as it was on entering, whatever others append meanwhile. Nothing is written
        inside.
        """
        ...

    def size(self) -> int:
        """How many entries there are."""
        ...

    def find(self, leaf_hashes: Sequence[LeafHash]) -> Mapping[LeafHash, int]:
        """The index of each of these entries that is stored."""
        ...

    def entries(self, start: int, end: int) -> Iterator[StoredEntry]:
        """The entries with start <= index < end, in order."""
        ...

    def leaf_hashes(self, start: int, end: int) -> list[bytes]:
        """Their leaf hashes alone."""
        ...

    def tile(self, level: int, index: int) -> StoredTile | None:
        """A complete tile, or None if it is not complete yet."""
        ...

    def tile_roots(self, level: int, start: int, end: int) -> list[bytes]:
        """The roots of the complete tiles of `level` with start <= index < end, in order."""
        ...

    def add_entries(self, rows: Sequence[StoredEntry]) -> None:
        """Add entries; the first index is `size`, the rest follow without a hole."""
        ...

    def add_tiles(self, tiles: Sequence[StoredTile]) -> None:
        """Add complete tiles, each the next of its level."""
        ...

    def add_checkpoint(self, checkpoint: StoredCheckpoint) -> None:
        """Add a signed or cosigned checkpoint."""
        ...

    def newest_checkpoint(self, *, cosigned: bool) -> StoredCheckpoint | None:
        """The largest one that is cosigned, or merely signed; of equal sizes the one added last."""
        ...

    def checkpoints(self) -> Iterator[StoredCheckpoint]:
        """All of them, in the order in which they were added."""
        ...

    def retire(self) -> None:
        """Mark this ledger as moved to another store; whoever opens it is told so (`store.retired`).

        A store that is open already finds out, or not, at its next write: move a ledger while nothing else uses it.
        """
        ...

    def close(self) -> None:
        """Give up the files; calling it twice is fine."""
        ...
