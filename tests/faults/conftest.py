"""A ledger of 254 entries, cosigned and exported, copied for each fault."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.export import export_log
from tests.ledger_http.conftest import Published

__all__ = ["BEFORE", "CROSSING"]

BEFORE = 254
CROSSING = range(BEFORE, 257)  # over the edge of the first tile


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small log one append before it crosses a tile boundary."""
    folder = tmp_path_factory.mktemp("grown")
    world = Published(folder)
    world.grow(BEFORE)
    export_log(world.publication(), folder / "exported")
    world.close()
    return folder


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: many small syncs, and none of them has to reach a disk."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.fixture
def copied(grown: Path, in_memory: Path) -> Iterator[Callable[[], Published]]:
    """Gives a fresh copy of it each time; the one before is removed."""
    folder = in_memory / "copy"
    opened: list[Published] = []

    def copy() -> Published:
        for world in opened:
            world.close()
        opened.clear()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(grown, folder)
        opened.append(Published(folder))
        return opened[0]

    yield copy
    for world in opened:
        world.close()
