"""What there is in a home, read without any key: versions, sizes, counts, how far the ledger is signed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from issuer.home import SCHEMA_VERSION, Home
from issuer.import_summary import parse_import_summary
from issuer.register import SnapshotRow
from issuer.trust_terms import Term, trust_terms
from ledger.anchor import load_anchor
from ledger.checkpoint import parse_checkpoint_note
from ledger.monitor import last_seen
from ledger.store.sqlite import SCHEMA_VERSION as LEDGER_VERSION
from ledger.store.sqlite_file import mapped_errors
from ledger.store.tree import recompute, verify_edge
from ledger.trust_policy import parse_trust_policy

__all__ = ["HomeStatus", "LedgerStatus", "SnapshotStatus", "home_status"]


@dataclass(frozen=True, slots=True)
class LedgerStatus:
    """The ledger: entries, root over them (hex), and the last signed and cosigned sizes with their POSIX seconds.

    Of a log that others run: what was seen last.
    """

    entries: int
    root: str
    signed_size: int
    signed_at: int | None
    cosigned_size: int
    cosigned_at: int | None


@dataclass(frozen=True, slots=True)
class SnapshotStatus:
    """One import. `persons` and `quarantined` are None where no summary was signed yet; `size` None: file is gone."""

    cut_off: int
    digest: str
    imported_at: int
    persons: int | None
    quarantined: int | None
    size: int | None


@dataclass(frozen=True, slots=True)
class HomeStatus:
    """A home at a glance. `schemas` by name, `sizes` in bytes by folder or file, `snapshots` newest first."""

    program: str
    environment: str
    authority: int
    origin: str
    schemas: dict[str, int]
    sizes: dict[str, int]
    certificates: int
    unlogged: int
    enrolled: int
    organisations: int
    ledger: LedgerStatus
    trust: tuple[Term, ...]
    snapshots: tuple[SnapshotStatus, ...]


def home_status(home: Home) -> HomeStatus:
    """Look at everything but change nothing.

    Raises:
        ConfigError: `home.version` for databases of another version.
        IntegrityError: `store.hash_mismatch` or `store.corrupt` when the ledger's right edge does not recompute.
    """
    register = home.register()
    try:
        certificates, unlogged = register.count(), len(register.unlogged())
        enrolled, organisations = len(register.enrolled()), len(register.organisations())
        snapshots = tuple(_snapshot(home, row) for row in register.snapshots())
    finally:
        register.close()
    return HomeStatus(
        program=version("tallystick"),
        environment=home.settings.environment.name.lower(),
        authority=home.settings.authority,
        origin=home.settings.origin,
        schemas={
            "home": SCHEMA_VERSION,
            "register": _schema(home.path / "register.db"),
            # opening it, below, accepts no other
            **({} if home.settings.is_far else {"ledger": LEDGER_VERSION}),
        },
        sizes={
            "register": _size(home.path, "register.db*"),
            "ledger": _size(home.ledger_path.parent, "*.db*"),
            "snapshots": _size(home.path / "snapshots", "*.snapshot"),
        },
        certificates=certificates,
        unlogged=unlogged,
        enrolled=enrolled,
        organisations=organisations,
        ledger=_ledger(home),
        trust=trust_terms(home),
        snapshots=snapshots,
    )


def _ledger(home: Home) -> LedgerStatus:
    if home.settings.is_far:
        return _seen(home)
    key = parse_trust_policy(home.policy_path.read_text("utf-8")).log_keys(home.settings.origin)[0]
    anchor = load_anchor(home.anchor_path, key=key)
    store = home.open_store()
    try:
        size = store.size()
        signed = 0 if anchor is None else min(anchor.checkpoint.size, size)
        root = recompute(store, verify_edge(store, signed), size).root_hash()
        cosigned = store.newest_checkpoint(cosigned=True)
    finally:
        store.close()
    return LedgerStatus(
        entries=size,
        root=root.hex(),
        signed_size=0 if anchor is None else anchor.checkpoint.size,
        signed_at=None if anchor is None else anchor.time,
        cosigned_size=0 if cosigned is None else cosigned.size,
        cosigned_at=None if cosigned is None else cosigned.time,
    )


def _seen(home: Home) -> LedgerStatus:
    """A far log as this home saw it last; nothing is asked."""
    note = last_seen(home.ledger_path.parent / "seen")
    checkpoint = None if note is None else parse_checkpoint_note(note)[0]
    size, root = (0, "") if checkpoint is None else (checkpoint.size, checkpoint.root_hash.hex())
    return LedgerStatus(size, root, size, None, size, None)


def _snapshot(home: Home, row: SnapshotRow) -> SnapshotStatus:
    body = None if row.summary is None else parse_import_summary(row.summary).body
    path = home.path / "snapshots" / row.file
    return SnapshotStatus(
        cut_off=row.cut_off,
        digest=row.digest.hex(),
        imported_at=row.imported_at,
        persons=None if body is None else body.persons,
        quarantined=None if body is None else body.quarantined,
        size=path.stat().st_size if path.exists() else None,
    )


def _schema(path: Path) -> int:
    with (
        mapped_errors(),
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection,
    ):
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _size(folder: Path, pattern: str) -> int:
    return sum(path.stat().st_size for path in folder.glob(pattern) if path.is_file())
