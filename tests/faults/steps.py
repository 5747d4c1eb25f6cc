"""Faults at the steps of a write: the step is lost, or it is kept but reported lost.

The steps are the calls at two seams: the `Store`'s methods, and the functions that make a file or a transaction
durable. Beneath them everything is real.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import pytest

from ledger.durable import place_durably, replace_durably, sync_folder
from ledger.errors import IntegrityError
from ledger.merkle import LeafHash
from ledger.reasons import Reason
from ledger.store.base import StoredCheckpoint, StoredEntry, StoredTile
from ledger.store.sqlite import SqliteStore
from ledger.store.sqlite_file import transaction

__all__ = ["Fate", "FaultyStore", "Steps"]

Fate = Literal["lost", "kept"]
_T = TypeVar("_T")


def io_error() -> IntegrityError:
    return IntegrityError(Reason.STORE_IO_ERROR, "injected")


@dataclass
class Steps:
    """Counts the steps of a run and lets those of `plan` (step number to its fate) fail.

    Args:
        names: of the steps so far.
        failed: those that failed.
    """

    plan: Mapping[int, Fate] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def next(self, name: str) -> Fate | None:
        fate = self.plan.get(len(self.names))
        self.names.append(name)
        if fate is not None:
            self.failed.append(f"{name} {fate}")
        return fate

    def take(self, name: str, do: Callable[[], _T], error: Callable[[], Exception] = io_error) -> _T:
        fate = self.next(name)
        if fate == "lost":
            raise error()
        result = do()
        if fate == "kept":
            raise error()
        return result

    @contextmanager
    def committing(self, name: str, inner: AbstractContextManager[None]) -> Iterator[None]:
        """A transaction: lost, its commit does not happen; kept, it does, and says that it did not."""
        with inner:
            yield
            fate = self.next(name)
            if fate == "lost":
                raise io_error()
        if fate == "kept":
            raise io_error()

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Put the faults under the anchor, the witnesses and the export."""

        def replacing(path: Any, data: bytes) -> None:
            self.take(f"replace {path.name}", lambda: replace_durably(path, data))

        def placing(path: Any, data: bytes, *, mode: int) -> None:
            self.take(f"place {path.name}", lambda: place_durably(path, data, mode=mode), _os_error)

        def syncing(folder: Any) -> None:
            self.take(f"sync {folder.name}", lambda: sync_folder(folder), _os_error)

        def transacting(database: Any) -> AbstractContextManager[None]:
            return self.committing("witness commit", transaction(database))

        for module in ("ledger.anchor", "ledger.witness"):
            patch.setattr(f"{module}.replace_durably", replacing)
        patch.setattr("ledger.witness.transaction", transacting)
        patch.setattr("ledger.export_target.place_durably", placing)
        patch.setattr("ledger.export_target.sync_folder", syncing)


def _os_error() -> OSError:
    return OSError(errno.EIO, "injected")


class FaultyStore:
    """The SQLite store with faults at its writes."""

    def __init__(self, store: SqliteStore, steps: Steps) -> None:
        self._store, self._steps, self._depth = store, steps, 0

    @property
    def origin(self) -> str:
        return self._store.origin

    @contextmanager
    def writing(self) -> Iterator[None]:
        if self._depth:
            yield
            return
        self._depth += 1
        try:
            with self._steps.committing("commit", self._store.writing()):
                yield
        finally:
            self._depth -= 1

    def size(self) -> int:
        return self._store.size()

    def find(self, leaf_hashes: Sequence[LeafHash]) -> Mapping[LeafHash, int]:
        return self._store.find(leaf_hashes)

    def entries(self, start: int, end: int) -> Iterator[StoredEntry]:
        return self._store.entries(start, end)

    def leaf_hashes(self, start: int, end: int) -> list[bytes]:
        return self._store.leaf_hashes(start, end)

    def tile(self, level: int, index: int) -> StoredTile | None:
        return self._store.tile(level, index)

    def tile_roots(self, level: int, start: int, end: int) -> list[bytes]:
        return self._store.tile_roots(level, start, end)

    def add_entries(self, rows: Sequence[StoredEntry]) -> None:
        self._steps.take("add entries", lambda: self._store.add_entries(rows))

    def add_tiles(self, tiles: Sequence[StoredTile]) -> None:
        self._steps.take("add tiles", lambda: self._store.add_tiles(tiles))

    def add_checkpoint(self, checkpoint: StoredCheckpoint) -> None:
        self._steps.take("add checkpoint", lambda: self._store.add_checkpoint(checkpoint))

    def newest_checkpoint(self, *, cosigned: bool) -> StoredCheckpoint | None:
        return self._store.newest_checkpoint(cosigned=cosigned)

    def checkpoints(self) -> Iterator[StoredCheckpoint]:
        return self._store.checkpoints()

    def reading(self) -> AbstractContextManager[None]:
        return self._store.reading()

    def retire(self) -> None:
        self._store.retire()

    def close(self) -> None:
        self._store.close()
