"""What a test does to a ledger's files, as somebody would who knows about the triggers."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ledger.anchor import load_anchor
from ledger.check import check_ledger
from ledger.errors import (
    IntegrityError,
    ProjectError,
)
from ledger.reasons import Reason
from ledger.store.sqlite import SCHEMA, SqliteStore

if TYPE_CHECKING:
    from tests.ledger.conftest import World
else:
    World = Any

__all__ = ["CREATE_ALL", "DROP_ALL", "check", "copy_database", "reason_of", "tamper"]

DROP_ALL = "".join(
    f"DROP TRIGGER {name};" for name, sql in SCHEMA.items() if sql.startswith("CREATE TRIGGER")
)
CREATE_ALL = ";".join(sql for sql in SCHEMA.values() if sql.startswith("CREATE TRIGGER"))


def reason_of(call: Callable[[], object], kind: type[ProjectError] = IntegrityError) -> Reason:
    with pytest.raises(kind) as caught:
        call()
    return caught.value.reason


def tamper(path: Path, sql: str) -> None:
    """Change a database the way somebody would who knows about the triggers."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(f"{DROP_ALL}{sql};{CREATE_ALL};")


def copy_database(source: Path, target: Path) -> None:
    """As the online backup call does it."""
    target.unlink(missing_ok=True)
    for suffix in ("-wal", "-shm"):
        Path(f"{target}{suffix}").unlink(missing_ok=True)
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def check(world: World, path: Path | None = None) -> int:
    with closing(SqliteStore(path or world.path)) as store:
        return check_ledger(store, key=world.key, anchor=load_anchor(world.anchor, key=world.key)).size
