"""The register's tables, their version, and how the tables of an older version become these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

__all__ = ["SCHEMA", "SCHEMA_VERSION", "UPGRADES"]

SCHEMA_VERSION: Final = 4

_HOLDER_KEYS: Final = """
CREATE TABLE states (
    number TEXT PRIMARY KEY, state INTEGER NOT NULL, since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE ended_keys (
    holder BLOB PRIMARY KEY, person_no TEXT NOT NULL, successor BLOB NOT NULL, statement BLOB NOT NULL,
    ended_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ended_keys_successor ON ended_keys (successor);
CREATE TABLE proxies (
    person_no TEXT NOT NULL, holder BLOB NOT NULL, name TEXT NOT NULL, id_tail TEXT NOT NULL, until INTEGER NOT NULL,
    delegation BLOB, ended_at INTEGER, PRIMARY KEY (person_no, holder)
) STRICT, WITHOUT ROWID;
"""

_CASES: Final = (
    """CREATE TABLE operators (
    name TEXT PRIMARY KEY, public_key BLOB NOT NULL UNIQUE, added_at INTEGER NOT NULL, ended_at INTEGER
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE cases (
    id INTEGER PRIMARY KEY, action INTEGER NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL,
    citizen_call INTEGER NOT NULL, opened_by TEXT NOT NULL, opened_at INTEGER NOT NULL, opening BLOB NOT NULL,
    approved_by TEXT, executed_at INTEGER, approval BLOB, changed INTEGER, CHECK (approved_by != opened_by)
) STRICT""",
    """CREATE TABLE case_certificates (
    case_id INTEGER NOT NULL, number TEXT NOT NULL, PRIMARY KEY (case_id, number)
) STRICT, WITHOUT ROWID""",
    "CREATE TRIGGER cases_stay BEFORE DELETE ON cases BEGIN SELECT RAISE(ABORT, 'cases stay'); END",
    """CREATE TRIGGER cases_are_final BEFORE UPDATE OF id, action, reason, count, citizen_call, opened_by, opened_at,
    opening ON cases BEGIN SELECT RAISE(ABORT, 'cases stay'); END""",
)

SCHEMA: Final = (
    """
CREATE TABLE certificates (
    id INTEGER PRIMARY KEY,
    number TEXT NOT NULL UNIQUE,
    person_no TEXT NOT NULL,
    type INTEGER NOT NULL,
    cut_off INTEGER NOT NULL,
    holder BLOB NOT NULL,
    snapshot BLOB NOT NULL,
    extra BLOB NOT NULL,
    status_list INTEGER NOT NULL,
    status_index INTEGER NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    signed BLOB NOT NULL,
    sealed BLOB,
    minted_at INTEGER NOT NULL,
    log INTEGER,
    log_index INTEGER,
    UNIQUE (person_no, type, cut_off, holder, snapshot, extra),
    UNIQUE (status_list, status_index)
) STRICT;
CREATE INDEX certificates_holder ON certificates (holder, cut_off) WHERE holder != x'';
CREATE INDEX certificates_unlogged ON certificates (id) WHERE log_index IS NULL;
CREATE TABLE enrolled (person_no TEXT NOT NULL, holder BLOB NOT NULL, PRIMARY KEY (person_no, holder)) STRICT;
CREATE TABLE snapshots (
    digest BLOB PRIMARY KEY, file TEXT NOT NULL, cut_off INTEGER NOT NULL, imported_at INTEGER NOT NULL, summary BLOB
) STRICT;
CREATE TABLE organisations (
    org INTEGER PRIMARY KEY, registration BLOB NOT NULL, suspended INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TRIGGER certificates_stay BEFORE DELETE ON certificates BEGIN SELECT RAISE(ABORT, 'register rows stay'); END;
"""
    + _HOLDER_KEYS
    + "".join(f"{statement};\n" for statement in _CASES)
)

# Version 1 had no signed summaries, and its snapshots lay in the clear (`issuer.upkeep.upgrade` seals them); version 2
# knew only which keys are enrolled, not which ended or act for another person; version 3 knew no cases.
UPGRADES: Final[Mapping[int, Sequence[str]]] = {
    1: ("ALTER TABLE snapshots ADD COLUMN summary BLOB",),
    2: tuple(statement for statement in _HOLDER_KEYS.split(";") if statement.strip()),
    3: _CASES,
}
