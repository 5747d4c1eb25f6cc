"""A backup of a home while it is at work: every file as it was at one instant, with a manifest of digests.

The instant: all databases are locked for writing at once, for as long as it takes to begin a read of each and to copy
the small files (settings, keys, last signed checkpoint, witness markers, trust bundle). Then everybody goes on, and
the databases are copied from those reads by SQLite's own backup. So register, ledger, anchor and witnesses agree with
one another to the last row, which no order of copying one after the other could give.

manifest.json is written last and the folder gets its name after that: a backup is whole, or it is not there. Seeds,
keys and snapshots are sealed in a backup as they are in the home.

A ledger that is in PostgreSQL stands in a backup as the home's own file would, and the settings there name none else:
so a backup is whole by itself, and holds no password of a database.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from issuer.home import CONFIG_NAME, Home
from issuer.lock import locked
from issuer.upkeep.ledger_move import write_ledger_database
from ledger.durable import map_os_error
from ledger.errors import ConfigError
from ledger.reasons import Reason
from ledger.store.base import Store
from ledger.store.moving import copy_ledger
from ledger.store.opening import create_store, open_store
from ledger.store.sqlite_file import mapped_errors

__all__ = ["MANIFEST_NAME", "MANIFEST_VERSION", "Backup", "copy_file", "make_backup", "sync_path"]

MANIFEST_NAME: Final = "manifest.json"
MANIFEST_VERSION: Final = 1
_SQLITE_MAGIC: Final = b"SQLite format 3\0"
_SNAPSHOTS: Final = "snapshots"
_PATIENCE: Final = 60.0
_CHUNK: Final = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds: number of files and bytes, certificates in its register, entries in its ledger."""

    files: int
    size: int
    certificates: int
    entries: int


def make_backup(home: Home, out: Path, *, now: int) -> Backup:
    """Back `home` up into the new folder `out`, while it is at work. Needs no passphrase.

    Raises:
        ConfigError: `cli.exists`, `cli.path_unsafe` (inside of the home).
        ConflictError: `store.locked` when a writer does not pause in time.
        IntegrityError: `store.full`, `store.io_error`; then there is no backup.
    """
    if os.path.lexists(out):
        raise ConfigError(Reason.CLI_EXISTS, out.name, hint="name a folder that does not exist yet")
    if home.path.resolve() in out.resolve().parents:
        raise ConfigError(Reason.CLI_PATH_UNSAFE, out.name, hint="keep backups outside of the home")
    staging = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        staging.mkdir(mode=0o700)
        try:
            made = _fill(home, staging, now)
            staging.rename(out)
            for left in out.parent.glob(f".{out.name}.*.part"):  # by a backup of this name that was killed
                shutil.rmtree(left)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        sync_path(out.parent)
    except OSError as exc:
        raise map_os_error(exc) from exc
    return made


def _fill(home: Home, staging: Path, now: int) -> Backup:
    with ExitStack() as stack:
        # Nobody imports, forgets a snapshot or cuts a bundle meanwhile.
        stack.enter_context(
            locked(home.path / "import.lock", what="changing the snapshots", timeout=_PATIENCE)
        )
        databases, rest = _sorted_out(home.path)
        elsewhere = home.settings.ledger_database is not None
        if elsewhere and home.ledger_path in databases:
            databases.remove(home.ledger_path)  # of before the move: a record, which goes no further
        with (
            locked(home.path / "trust.lock", what="cutting a trust bundle", timeout=_PATIENCE),
            _paused(databases),
            _paused_elsewhere(home) if elsewhere else nullcontext(),
        ):
            if elsewhere:
                ledger = stack.enter_context(closing(home.open_store()))
                stack.enter_context(ledger.reading())
            readers = {path: stack.enter_context(_reading(path)) for path in databases}
            for path in rest:
                copy_file(path, staging / path.relative_to(home.path))
        if elsewhere:
            _copy_ledger(ledger, staging / home.ledger_path.relative_to(home.path))
            write_ledger_database(staging / CONFIG_NAME, None)
        for path, reader in readers.items():
            _copy_database(reader, staging / path.relative_to(home.path))
        for file in _snapshot_files(staging / "register.db"):
            if (home.path / _SNAPSHOTS / file).exists():  # one that was destroyed since is missing in both
                copy_file(home.path / _SNAPSHOTS / file, staging / _SNAPSHOTS / file)
    return _write_manifest(home, staging, now)


def _sorted_out(home: Path) -> tuple[list[Path], list[Path]]:
    """The databases of a home, and its other files without snapshots, locks and temporary ones."""
    databases: list[Path] = []
    rest: list[Path] = []
    for path in sorted(home.rglob("*")):
        inside = path.relative_to(home)
        if path.is_symlink() or not path.is_file() or inside.parts[0] == _SNAPSHOTS:
            continue
        if any(part.startswith(".") for part in inside.parts) or path.name.endswith(_PASSING):
            continue
        with path.open("rb") as stream:
            (databases if stream.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC else rest).append(path)
    return databases, rest


_PASSING: Final = (".lock", "-wal", "-shm", "-journal")


@contextmanager
def _paused(databases: list[Path]) -> Iterator[None]:
    """All databases locked for writing. Their order is always the same, and no writer holds two of them."""
    with ExitStack() as stack, mapped_errors():
        for path in databases:
            connection = stack.enter_context(closing(_connect(path)))
            connection.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def _paused_elsewhere(home: Home) -> Iterator[None]:
    """A ledger in another database, locked for writing."""
    with closing(open_store(home.ledger_location, lock_timeout=_PATIENCE)) as store, store.writing():
        yield


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that goes on seeing the database as it is now."""
    with mapped_errors(), closing(_connect(path)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        yield connection


def _connect(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None)


def _copy_database(reader: sqlite3.Connection, to: Path) -> None:
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    to.touch(mode=0o600)
    with mapped_errors(), closing(sqlite3.connect(to)) as copy:
        reader.backup(copy)
    reader.execute("ROLLBACK")  # let the writer's log be folded in while the others are copied
    sync_path(to)


def _copy_ledger(store: Store, to: Path) -> None:
    create_store(to, origin=store.origin)
    with closing(open_store(to)) as copy:
        copy_ledger(store, copy)
    sync_path(to)


def _snapshot_files(register: Path) -> list[str]:
    with mapped_errors(), closing(_connect(register)) as connection:
        return [row[0] for row in connection.execute("SELECT file FROM snapshots")]


def copy_file(path: Path, to: Path) -> str:
    """Copy a file to a new place, durably and readable by its owner only; returns SHA-256 in hex."""
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = sha256()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with path.open("rb") as source, os.fdopen(os.open(to, flags, 0o600), "wb") as copy:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    return digest.hexdigest()


def _digest_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write_manifest(home: Home, staging: Path, now: int) -> Backup:
    certificates = _count(staging / "register.db", "SELECT count(*) FROM certificates")
    kept = staging / "ledger" / "ledger.db"
    entries = 0 if home.settings.is_far else _count(kept, "SELECT count(*) FROM entries")
    paths = sorted(path for path in staging.rglob("*") if path.is_file() and not path.name.endswith(_PASSING))
    files = {
        path.relative_to(staging).as_posix(): {"bytes": path.stat().st_size, "sha256": _digest_file(path)}
        for path in paths
    }
    document = {
        "tallystick_backup": MANIFEST_VERSION,
        "made": now,
        "environment": home.settings.environment.name.lower(),
        "origin": home.settings.origin,
        "certificates": certificates,
        "entries": entries,
        "files": files,
    }
    manifest = staging / MANIFEST_NAME
    manifest.write_text(json.dumps(document, indent=1) + "\n", "ascii")
    for path in (manifest, *(folder for folder in staging.rglob("*") if folder.is_dir()), staging):
        sync_path(path)
    return Backup(len(files), sum(path.stat().st_size for path in paths), certificates, entries)


def _count(database: Path, query: str) -> int:
    with mapped_errors(), closing(_connect(database)) as connection:
        return int(connection.execute(query).fetchone()[0])


def sync_path(path: Path) -> None:
    """Make a file, or the names in a folder, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
