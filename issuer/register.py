"""The register: what this bureau minted, for whom, and where it stands in the ledger.

A row is written before its certificate is signed into the ledger and is never deleted. Its seed (and the few claims
that are not in the snapshot) is sealed under the home's seed key; erasing a person blanks the sealed bytes, after
which the values under the certificate can neither be shown nor guessed.

Invariant: (person, type, cut_off, holder, snapshot, extra claims) is unique: the mint identity of DESIGN 3.8, which
is what "never minted twice" means. A row whose certificate fell with a stolen key is set aside: its `extra` becomes
0x00 and its digest, 33 bytes, so that the same mint can be made once more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlite_utils

from issuer.casework.rows import CaseRows
from issuer.claiming.holder_keys import HolderKeys
from issuer.register_schema import SCHEMA, SCHEMA_VERSION
from ledger.errors import ConfigError, IntegrityError
from ledger.reasons import Reason
from ledger.store.sqlite_file import mapped_errors, transaction

__all__ = ["PAPER", "MintIdentity", "Register", "RegisterRow", "SnapshotRow"]

_READ_AT_ONCE = 4096
# Numbers, digests and places in status lists are random: a batch touches all of their indices, of which a city has 150
# MiB. Taken only as far as it is used.
_CACHE_KIB = 192 * 1024
# The same pages change in batch after batch: they are moved from the log to their places when it has 64 MiB.
_LOG_PAGES = 16_384
PAPER = b""  # stands for the holder key of a paper certificate


@dataclass(frozen=True, slots=True)
class MintIdentity:
    """What makes two mints the same mint. `extra` is the digest of claims beside the snapshot's, or empty."""

    person_no: str
    type: int
    cut_off: int
    holder: bytes
    snapshot: bytes
    extra: bytes = b""


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One minted certificate. `sealed` is None once erased; `log` and `log_index` are None until logged."""

    identity: MintIdentity
    number: str
    status_list: int
    status_index: int
    digest: bytes
    signed: bytes
    sealed: bytes | None
    minted_at: int
    log: int | None = None
    log_index: int | None = None

    @property
    def is_paper(self) -> bool:
        return self.identity.holder == PAPER

    def values(self) -> tuple[object, ...]:
        """The columns of the table, in their order."""
        i = self.identity
        return (
            *(i.person_no, i.type, i.cut_off, i.holder, i.snapshot, i.extra),
            *(self.number, self.status_list, self.status_index, self.digest, self.signed, self.sealed),
            *(self.minted_at, self.log, self.log_index),
        )


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """One import: digest, file name, YYYYMM, POSIX seconds, and its signed summary, None from before there were any."""

    digest: bytes
    file: str
    cut_off: int
    imported_at: int
    summary: bytes | None = None


_SNAPSHOT_COLUMNS = "digest, file, cut_off, imported_at, summary"
_LIVE = (
    "snapshot != ? AND minted_at >= ? AND log_index IS NOT NULL "
    "AND NOT EXISTS (SELECT 1 FROM states s WHERE s.number = certificates.number)"
)
_COLUMNS = (
    "person_no, type, cut_off, holder, snapshot, extra, number, status_list, status_index, digest, signed, sealed, "
    "minted_at, log, log_index"
)


class Register(HolderKeys, CaseRows):
    """One SQLite file through sqlite-utils; every write is one transaction.

    What a write may raise: ConflictError `store.locked`, IntegrityError `store.full`, `store.io_error` and the like;
    then nothing of it was written.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Open the register at `path`.

        Raises:
            ConfigError: `home.not_found`, `cli.exists`, `home.version`.
            IntegrityError: `store.corrupt` and the like when it is no register.
        """
        if create == path.exists():
            reason = Reason.CLI_EXISTS if create else Reason.HOME_NOT_FOUND
            raise ConfigError(reason, path.name)
        if create:
            path.touch(mode=0o600)
        self._db = sqlite_utils.Database(sqlite3.connect(path, timeout=30, isolation_level=None))
        with mapped_errors():
            self._db.conn.execute("PRAGMA journal_mode = WAL")
            self._db.conn.execute("PRAGMA synchronous = FULL")
            self._db.conn.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            self._db.conn.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
            if create:
                self._db.conn.executescript(SCHEMA)
                self._db.conn.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            found = self._db.conn.execute("PRAGMA user_version").fetchone()[0]
        if found != SCHEMA_VERSION:
            self._db.conn.close()
            raise ConfigError(
                Reason.HOME_VERSION,
                f"register schema {found}, this program writes {SCHEMA_VERSION}",
                hint="update the program" if found > SCHEMA_VERSION else "run: tally home upgrade",
            )

    def close(self) -> None:
        self._db.conn.close()

    def _reading(self) -> sqlite3.Connection:
        return self._db.conn

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with transaction(self._db):
            try:
                yield self._db.conn
            except sqlite3.IntegrityError as exc:
                raise IntegrityError(
                    Reason.CLI_DUPLICATE_ID, "the register holds such a row already"
                ) from exc

    # --- certificates ---------------------------------------------------------------------------------------

    def add_signed(self, rows: Iterable[tuple[object, ...]]) -> None:
        """Write a batch of signed, not yet logged certificates, as `RegisterRow.values`: all or none."""
        marks = ", ".join("?" * 15)
        with self._writing() as connection:
            sql = f"INSERT INTO certificates ({_COLUMNS}) VALUES ({marks})"  # noqa: S608 - constants of this module only
            connection.executemany(sql, rows)

    def mark_logged(self, log: int, places: Iterable[tuple[bytes, int]]) -> None:
        """Note the ledger index of certificates named by digest."""
        with self._writing() as connection:
            connection.executemany(
                "UPDATE certificates SET log = ?, log_index = ? WHERE digest = ? AND log_index IS NULL",
                ((log, index, digest) for digest, index in places),
            )

    def unlogged(self) -> list[RegisterRow]:
        """Certificates that a killed run signed but did not log."""
        return self._select("log_index IS NULL ORDER BY id")

    def by_identity(self, identity: MintIdentity) -> RegisterRow | None:
        rows = self._select(
            "person_no = ? AND type = ? AND cut_off = ? AND holder = ? AND snapshot = ? AND extra = ?",
            (
                identity.person_no,
                identity.type,
                identity.cut_off,
                identity.holder,
                identity.snapshot,
                identity.extra,
            ),
        )
        return rows[0] if rows else None

    def by_number(self, number: str) -> RegisterRow | None:
        rows = self._select("number = ?", (number,))
        return rows[0] if rows else None

    def of_person(self, person_no: str) -> list[RegisterRow]:
        """Newest first."""
        return self._select("person_no = ? ORDER BY id DESC", (person_no,))

    def newest_of_holder(self, holder: bytes) -> RegisterRow | None:
        """The certificate with the latest cut-off minted to a key for its owner, and of those the last, if logged."""
        rows = self._select(
            "length(extra) != 33 AND holder = ? AND log_index IS NOT NULL AND NOT EXISTS (SELECT 1 FROM proxies p "
            "WHERE p.person_no = certificates.person_no AND p.holder = certificates.holder) "
            "ORDER BY cut_off DESC, id DESC LIMIT 1",
            (holder,),
        )
        return rows[0] if rows else None

    def newest_for(self, person_no: str, holder: bytes) -> RegisterRow | None:
        """As `newest_of_holder`, of the certificates about one person: what a proxy's key holds for them."""
        rows = self._select(
            "length(extra) != 33 AND person_no = ? AND holder = ? AND log_index IS NOT NULL "
            "ORDER BY cut_off DESC, id DESC LIMIT 1",
            (person_no, holder),
        )
        return rows[0] if rows else None

    def newest_from(self, snapshot: bytes) -> RegisterRow | None:
        """The certificate minted last from a snapshot."""
        rows = self._select("snapshot = ? ORDER BY id DESC LIMIT 1", (snapshot,))
        return rows[0] if rows else None

    def count(self) -> int:
        return int(self._db.conn.execute("SELECT count(*) FROM certificates").fetchone()[0])

    def places(self, digests: Sequence[bytes]) -> dict[bytes, int | None]:
        """Which of these digests (at most 500) are of certificates of ours; their ledger index, None until logged."""
        marks = ",".join("?" * len(digests))
        sql = f"SELECT digest, log_index FROM certificates WHERE digest IN ({marks})"  # noqa: S608 (marks only)
        with mapped_errors():
            return dict(self._db.conn.execute(sql, list(digests)).fetchall())

    def logged_batches(self) -> Iterator[tuple[int, list[tuple[int, bytes]]]]:
        """Ledger index and digest of all logged certificates, in order of index; each batch after its first index."""
        rows = self._db.conn.execute(
            "SELECT log_index, digest FROM certificates WHERE log_index IS NOT NULL ORDER BY log_index"
        )
        while batch := rows.fetchmany(_READ_AT_ONCE):
            yield batch[0][0], batch

    def logged_from(self, index: int) -> Iterator[RegisterRow]:
        """All certificates that stand in the ledger at `index` or later and were not set aside."""
        sql = f"SELECT {_COLUMNS} FROM certificates WHERE log_index >= ? AND length(extra) != 33"  # noqa: S608 - as above
        with mapped_errors():
            for values in self._db.conn.execute(sql, (index,)):
                yield _row(values)

    def set_aside(self, digests: Iterable[bytes]) -> None:
        """Set rows aside whose certificates count no longer: all or none."""
        with self._writing() as connection:
            connection.executemany(
                "UPDATE certificates SET extra = ? WHERE digest = ?",
                ((b"\x00" + digest, digest) for digest in digests),
            )

    def put_aside(self) -> list[RegisterRow]:
        """The rows that were set aside, in order."""
        return self._select("length(extra) = 33 ORDER BY id")

    def has_aside(self, holder: bytes, cut_off: int) -> bool:
        """Whether a certificate of this key with this cut-off or a later one was set aside."""
        row = self._db.conn.execute(
            "SELECT 1 FROM certificates WHERE length(extra) = 33 AND holder = ? AND cut_off >= ? LIMIT 1",
            (holder, cut_off),
        )
        return row.fetchone() is not None

    def used_indices(self, status_list: int) -> list[int]:
        rows = self._db.conn.execute(
            "SELECT status_index FROM certificates WHERE status_list = ?", (status_list,)
        )
        return [row[0] for row in rows]

    def newest_status_list(self) -> int:
        return int(
            self._db.conn.execute("SELECT coalesce(max(status_list), 0) FROM certificates").fetchone()[0]
        )

    def live_rows(self, newest: bytes, *, since: int) -> Iterator[RegisterRow]:
        """Logged certificates in the state valid, minted since then from another snapshot than `newest`, in order."""
        rows = self._db.conn.execute(
            f"SELECT {_COLUMNS} FROM certificates WHERE {_LIVE} ORDER BY id",  # noqa: S608 - our own words
            (newest, since),
        )
        while batch := rows.fetchmany(_READ_AT_ONCE):
            yield from map(_row, batch)

    def minted(self) -> Iterator[tuple[int, bool, bytes]]:
        """Of every certificate: when it was minted (POSIX seconds), whether it is paper, and its signed bytes."""
        rows = self._db.conn.execute("SELECT minted_at, holder = x'', signed FROM certificates ORDER BY id")
        while batch := rows.fetchmany(_READ_AT_ONCE):
            yield from ((row[0], bool(row[1]), row[2]) for row in batch)

    def count_live(self, newest: bytes, *, since: int) -> int:
        """How many `live_rows` gives."""
        sql = f"SELECT count(*) FROM certificates WHERE {_LIVE}"  # noqa: S608 - our own words
        return int(self._db.conn.execute(sql, (newest, since)).fetchone()[0])

    def minted_for(self, snapshot: bytes, holder: bytes) -> set[str]:
        """The persons who have a certificate without extra claims from this snapshot for this holder key."""
        rows = self._db.conn.execute(
            "SELECT person_no FROM certificates WHERE snapshot = ? AND holder = ? AND extra = x''",
            (snapshot, holder),
        )
        return {row[0] for row in rows}

    def _select(self, where: str, parameters: tuple[object, ...] = ()) -> list[RegisterRow]:
        sql = f"SELECT {_COLUMNS} FROM certificates WHERE {where}"  # noqa: S608 - constants of this module only
        with mapped_errors():
            return [_row(values) for values in self._db.conn.execute(sql, parameters)]

    # --- snapshots, organisations ------------------------------------------------------------------------------

    def add_snapshot(self, row: SnapshotRow) -> None:
        """Note an import. The same records imported again are the same snapshot, under the newer summary."""
        with self._writing() as connection:
            connection.execute(
                f"INSERT INTO snapshots ({_SNAPSHOT_COLUMNS}) VALUES (?, ?, ?, ?, ?) "  # noqa: S608 - as above
                "ON CONFLICT (digest) DO UPDATE SET file = excluded.file, summary = excluded.summary",
                (row.digest, row.file, row.cut_off, row.imported_at, row.summary),
            )

    def remove_snapshot(self, digest: bytes) -> None:
        """Forget a snapshot whose file is destroyed."""
        with self._writing() as connection:
            connection.execute("DELETE FROM snapshots WHERE digest = ?", (digest,))

    def snapshots(self) -> list[SnapshotRow]:
        """All snapshots, the newest first: by cut-off, and of one cut-off the one imported last."""
        sql = f"SELECT {_SNAPSHOT_COLUMNS} FROM snapshots ORDER BY cut_off DESC, imported_at DESC, rowid DESC"  # noqa: S608 - as above
        with mapped_errors():
            return [SnapshotRow(*values) for values in self._db.conn.execute(sql)]

    def snapshot_file(self, digest: bytes) -> str | None:
        row = self._db.conn.execute("SELECT file FROM snapshots WHERE digest = ?", (digest,)).fetchone()
        return None if row is None else str(row[0])

    def save_organisation(self, org: int, registration: bytes) -> None:
        """Add an organisation, or renew its registration."""
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO organisations (org, registration) VALUES (?, ?) "
                "ON CONFLICT (org) DO UPDATE SET registration = excluded.registration",
                (org, registration),
            )

    def suspend_organisation(self, org: int) -> None:
        with self._writing() as connection:
            connection.execute("UPDATE organisations SET suspended = 1 WHERE org = ?", (org,))

    def resume_organisation(self, org: int) -> None:
        with self._writing() as connection:
            connection.execute("UPDATE organisations SET suspended = 0 WHERE org = ?", (org,))

    def organisations(self) -> list[tuple[int, bytes, bool]]:
        """Number, registration, whether suspended."""
        rows = self._db.conn.execute("SELECT org, registration, suspended FROM organisations ORDER BY org")
        return [(row[0], row[1], bool(row[2])) for row in rows]


def _row(values: Sequence[object]) -> RegisterRow:
    identity = MintIdentity(*values[:6])  # type: ignore[arg-type]  # columns are STRICT
    return RegisterRow(identity, *values[6:])  # type: ignore[arg-type]  # columns are STRICT
