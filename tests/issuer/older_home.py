"""A home as the first version of its schema wrote it, made from one of today."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from issuer.home import Home
from issuer.snapshot import Snapshot
from ledger.cbor import encode_cbor

__all__ = ["VERSION_1", "make_older"]

VERSION_1 = 1
_TABLE_1 = (
    "CREATE TABLE snapshots (digest BLOB PRIMARY KEY, file TEXT NOT NULL, cut_off INTEGER NOT NULL, "
    "imported_at INTEGER NOT NULL) STRICT"
)


def make_older(home: Home) -> list[Path]:
    """Take `home` back to schema 1: no summaries, no ended keys, snapshots in the clear. Returns their files."""
    files = []
    with closing(sqlite3.connect(home.path / "register.db", isolation_level=None)) as register:
        for digest, name in register.execute("SELECT digest, file FROM snapshots").fetchall():
            path = home.path / "snapshots" / name
            plain = _plain(Snapshot.open(path, key=home.snapshot_key(), expected_digest=digest))
            path.write_bytes(plain)
            files.append(path)
        register.execute("BEGIN")
        register.execute("ALTER TABLE snapshots RENAME TO newer")
        register.execute(_TABLE_1)
        register.execute("INSERT INTO snapshots SELECT digest, file, cut_off, imported_at FROM newer")
        register.execute("DROP TABLE newer")
        for table in ("states", "ended_keys", "proxies", "operators", "cases", "case_certificates"):
            register.execute(f"DROP TABLE {table}")
        register.execute(f"PRAGMA user_version = {VERSION_1}")
        register.execute("COMMIT")
    return files


def _plain(snapshot: Snapshot) -> bytes:
    """The bytes of a snapshot of version 1, written from its description: blobs, employers, index, tail."""
    out, index = bytearray(b"TSSNAP1\n"), bytearray()
    for number, blob in _people(snapshot):
        index += struct.pack("<20sQ16s", number.encode(), len(out), sha256(blob).digest()[:16])
        out += blob
    employers = _table([snapshot._employer(at) for at in range(snapshot._employer_count)])
    kept = b"".join(bytes(index[at : at + 20] + index[at + 28 : at + 44]) for at in range(0, len(index), 44))
    settled = [[kind, month] for kind, month in sorted(snapshot.settled.items())]
    tail = encode_cbor(
        [
            *(1, snapshot.profile_id, snapshot.agency, snapshot.cut_off, settled, len(snapshot)),
            *(snapshot._employer_count, len(employers), sha256(employers).digest(), sha256(kept).digest()),
        ]
    )
    out += employers + bytes(index) + tail
    return bytes(out) + sha256(tail).digest() + struct.pack("<I", len(tail)) + b"TSSNAP1\n"


def _people(snapshot: Snapshot) -> Iterator[tuple[str, bytes]]:
    return (snapshot._blob(at) for at in range(len(snapshot)))


def _table(employers: Sequence[tuple[str | None, str]]) -> bytes:
    texts = [f"{code or ''}\0{name}".encode() for code, name in employers]
    offsets = [sum(map(len, texts[:at])) for at in range(len(texts) + 1)]
    return struct.pack(f"<{len(offsets)}I", *offsets) + b"".join(texts)
