"""A small log with witnesses on disk, and its publication."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.publication import Publication
from ledger.store.sqlite import SqliteStore
from tests.ledger.conftest import World

__all__ = ["Published", "World"]


class Published(World):
    """A world whose ledger is appended to, cosigned and read; everybody signs with both kinds of keys."""

    post_quantum = True

    def grow(self, size: int) -> None:
        """Append entries up to `size` and have a checkpoint of it cosigned."""
        ledger = self.open()
        ledger.append([self.entry(number) for number in range(ledger.size, size)])
        ledger.checkpoint(self.now)

    def store(self) -> SqliteStore:
        return SqliteStore(self.path)

    def publication(self) -> Publication:
        store = self.store()
        self._stores.append(store)
        return Publication(store)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._stores: list[SqliteStore] = []

    def close(self) -> None:
        for store in self._stores:
            store.close()
        super().close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Published]:
    world = Published(tmp_path)
    yield world
    world.close()


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[[str], Published]]:
    made: list[Published] = []

    def make(name: str) -> Published:
        folder = tmp_path / name
        folder.mkdir()
        made.append(Published(folder))
        return made[-1]

    yield make
    for world in made:
        world.close()
