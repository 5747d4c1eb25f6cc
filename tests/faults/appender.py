"""What a child on a lossy disk does: appends batch by batch, signs now and then, and says what it was told.

A line is `FOLDER SYNCHRONOUS PAGES`: the ledger there, the setting of SQLite, after how many pages SQLite moves its
log into the file.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from ledger.errors import ProjectError
from ledger.store import sqlite_file
from ledger.store.sqlite import SqliteStore
from tests.faults.worker import say, serve
from tests.ledger_http.conftest import Published

__all__: list[str] = []

_BATCHES, _WIDTH = 12, 45  # over the edges of two tiles


def _work(line: str) -> None:
    folder, synchronous, pages = line.split()
    world = Published(Path(folder))
    try:
        ledger = world.open()
        store = ledger._store
        assert isinstance(store, SqliteStore)
        if synchronous == "NORMAL":
            sqlite_file._SYNCHRONOUS_FULL = 1  # what no product code does: to see that the disk does forget
        store._db.execute(f"PRAGMA synchronous = {synchronous}")
        store._db.execute(f"PRAGMA wal_autocheckpoint = {pages}")
        for batch in range(_BATCHES):
            numbers = range(1000 + batch * _WIDTH, 1000 + (batch + 1) * _WIDTH)
            indices = ledger.append([world.entry(number) for number in numbers])
            say("logged " + " ".join(f"{n}:{index}" for n, index in zip(numbers, indices, strict=True)))
            if batch % 4 == 1:
                say(f"signed {ledger.checkpoint(world.now + 1 + batch).hex()}")
        say("done")
    except (ProjectError, OSError) as exc:
        say(f"stopped {type(exc).__name__}")


def _import_everything() -> None:
    with tempfile.TemporaryDirectory() as name:
        world = Published(Path(name))
        world.grow(3)
        world.close()


if __name__ == "__main__":
    _import_everything()
    serve(_work)
