"""A home of an older version becomes one of this version, in one step that either happened or did not.

What is new is made beside what is old; then one transaction of the register changes its tables, names the new files
and sets the version. Killed before it, the home is the old one and the older program goes on with it; killed after it,
the home is the new one, and running this again removes what the old one left.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from issuer.home import Home
from issuer.lock import locked
from issuer.register_schema import SCHEMA_VERSION, UPGRADES
from issuer.snapshot_plain import is_plain, seal_snapshot
from ledger.durable import map_os_error
from ledger.errors import ConfigError
from ledger.reasons import Reason
from ledger.store.sqlite_file import mapped_errors

__all__ = ["Upgraded", "destroy_snapshot", "upgrade_home"]

_PATIENCE: Final = 10.0


@dataclass(frozen=True, slots=True)
class Upgraded:
    """From which version to which, and how many snapshots were sealed on the way. Equal versions: nothing was to do."""

    old: int
    new: int
    sealed: int


def upgrade_home(home: Home, *, random: Callable[[int], bytes] = os.urandom) -> Upgraded:
    """Upgrade the databases and snapshots of `home`. Stop its services first.

    Raises:
        ConfigError: `home.version` for a home of a newer program, `home.not_found`, `key.passphrase`.
        ConflictError: `store.locked` while somebody works on it.
        IntegrityError: `store.…`; then the home is what it was.
    """
    with (
        locked(home.path / "import.lock", what="changing the snapshots", timeout=_PATIENCE),
        _opened(home.path / "register.db") as register,
    ):
        old = int(register.execute("PRAGMA user_version").fetchone()[0])
        if old > SCHEMA_VERSION or old < min(UPGRADES, default=SCHEMA_VERSION):
            hint = (
                "update the program"
                if old > SCHEMA_VERSION
                else "upgrade with the version before this one first"
            )
            raise ConfigError(Reason.HOME_VERSION, f"register schema {old}", hint=hint)
        renamed = _seal_snapshots(home, register, random) if old < SCHEMA_VERSION else {}
        if old < SCHEMA_VERSION:
            _change_tables(register, old, renamed)
        _remove_strays(home.path / "snapshots", register)
    return Upgraded(old, SCHEMA_VERSION, len(renamed))


def destroy_snapshot(path: Path) -> None:
    """Remove a snapshot for good: overwritten first, so that neither records nor the key of a sealed file remain.

    Raises:
        IntegrityError: `store.…`.
    """
    try:
        with path.open("r+b") as stream:
            left = path.stat().st_size
            while left:
                left -= stream.write(bytes(min(left, 1 << 20)))
            stream.flush()
            os.fsync(stream.fileno())
        path.unlink()
    except OSError as exc:
        raise map_os_error(exc) from exc


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.exists():
        raise ConfigError(Reason.HOME_NOT_FOUND, path.name, hint="name the home with --home")
    with (
        mapped_errors(),
        closing(sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)) as connection,
    ):
        connection.execute("PRAGMA synchronous = FULL")
        yield connection


def _seal_snapshots(
    home: Home, register: sqlite3.Connection, random: Callable[[int], bytes]
) -> dict[bytes, str]:
    """Write each unsealed snapshot sealed under another name; returns digest to new name."""
    renamed: dict[bytes, str] = {}
    for digest, file in register.execute("SELECT digest, file FROM snapshots").fetchall():
        path = home.path / "snapshots" / file
        if is_plain(path):
            name = f"{path.stem}.sealed.snapshot"
            seal_snapshot(
                path, path.with_name(name), key=home.snapshot_key(), expected_digest=digest, random=random
            )
            renamed[digest] = name
    return renamed


def _change_tables(register: sqlite3.Connection, old: int, renamed: dict[bytes, str]) -> None:
    """The one step: all of it or nothing."""
    register.execute("BEGIN IMMEDIATE")
    try:
        for version in range(old, SCHEMA_VERSION):
            for statement in UPGRADES[version]:
                register.execute(statement)
        register.executemany(
            "UPDATE snapshots SET file = ? WHERE digest = ?",
            ((name, digest) for digest, name in renamed.items()),
        )
        register.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        register.execute("COMMIT")
    except BaseException:
        register.execute("ROLLBACK")
        raise


def _remove_strays(snapshots: Path, register: sqlite3.Connection) -> None:
    """Destroy the snapshots that the register does not name: the unsealed ones, and what a kill left."""
    named = {row[0] for row in register.execute("SELECT file FROM snapshots")}
    for path in snapshots.iterdir():
        if path.is_file() and path.name not in named:
            destroy_snapshot(path)
