"""The wallet's tables, version by version. A new database runs every step, an older one those that it lacks.

A step that was released is never edited: what changes is a new step, at the end of `STEPS`, whose place is its version.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache
from typing import Final

from ledger.errors import ConfigError
from ledger.reasons import Reason
from wallet_api.store.ddl import ONLY_GROWS, Statement, Step, Table, column, grows_only, index, plain
from wallet_api.store.follow_ups import FOLLOW_UPS
from wallet_api.store.org_tables import ORGANISATIONS

__all__ = ["STEPS", "TABLES", "VERSION", "require_known", "sqlite_schema", "statements_since"]

_FIRST: Final = Step(
    tables=(
        Table(
            "safes",
            "id BLOB PRIMARY KEY, holder_key BLOB NOT NULL UNIQUE, wrapped_key BLOB NOT NULL,"
            " log_counter INTEGER NOT NULL, log_last BLOB NOT NULL, created INTEGER NOT NULL",
        ),
        Table(
            "certificates",
            "safe BLOB NOT NULL REFERENCES safes (id), number TEXT NOT NULL, digest BLOB NOT NULL,"
            " sealed BLOB NOT NULL, added INTEGER NOT NULL, PRIMARY KEY (safe, number)",
            of_safe=True,
        ),
        Table(
            "challenges",
            "id BLOB PRIMARY KEY, holder_key BLOB NOT NULL, nonce BLOB NOT NULL, issued INTEGER NOT NULL,"
            " expires INTEGER NOT NULL",
            expires=True,
        ),
        Table(
            "sessions",
            "token_hash BLOB PRIMARY KEY, safe BLOB NOT NULL REFERENCES safes (id), expires INTEGER NOT NULL",
            of_safe=True,
            expires=True,
        ),
        Table("org_tokens", "token_hash BLOB PRIMARY KEY, org INTEGER NOT NULL, created INTEGER NOT NULL"),
        Table(
            "requests",
            "id BLOB PRIMARY KEY, org INTEGER NOT NULL, digest BLOB NOT NULL UNIQUE, request BLOB NOT NULL,"
            " state TEXT NOT NULL CHECK (state IN ('waiting', 'answered', 'refused', 'expired', 'withdrawn')),"
            " safe BLOB REFERENCES safes (id), expires INTEGER NOT NULL, created INTEGER NOT NULL",
        ),
        Table(
            "idempotency",
            "org INTEGER NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, request BLOB NOT NULL,"
            " created INTEGER NOT NULL, PRIMARY KEY (org, key)",
        ),
        Table(
            "seen",
            "request BLOB NOT NULL, safe BLOB NOT NULL, PRIMARY KEY (request, safe)",
            of_safe=True,
        ),
        Table(
            "drafts",
            "request BLOB NOT NULL, safe BLOB NOT NULL, sealed BLOB NOT NULL, expires INTEGER NOT NULL,"
            " PRIMARY KEY (request, safe)",
            of_safe=True,
            expires=True,
        ),
        Table(
            "answers",
            "request BLOB PRIMARY KEY REFERENCES requests (id), safe BLOB NOT NULL REFERENCES safes (id),"
            " sealed BLOB, answered INTEGER NOT NULL, issued INTEGER NOT NULL, expires INTEGER NOT NULL,"
            " fetched INTEGER, acknowledged INTEGER, withdrawn INTEGER, deletion_confirmed INTEGER",
            of_safe=True,
        ),
        Table(
            "access_log",
            "position INTEGER PRIMARY KEY, safe BLOB, counter INTEGER NOT NULL, entry BLOB NOT NULL, sealed BLOB",
        ),
        Table(
            "log_nodes",
            "level INTEGER NOT NULL, place INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, place)",
        ),
    ),
    then=(
        index("access_log_of_safe", "access_log (safe, counter)", unique=True),
        index("requests_of_safe", "requests (safe, id)"),
        ONLY_GROWS,
        *grows_only("access_log", fixed=("position", "counter", "entry")),
        *grows_only("log_nodes", plural=True),
    ),
)

_KEYS: Final = Step(
    tables=(
        Table(
            "safe_keys",
            "holder_key BLOB PRIMARY KEY, safe BLOB NOT NULL REFERENCES safes (id), added INTEGER NOT NULL,"
            " ended INTEGER",
            of_safe=True,
        ),
        Table(
            "device_offers",
            "second_key BLOB PRIMARY KEY, safe BLOB NOT NULL REFERENCES safes (id), first_key BLOB NOT NULL,"
            " issued INTEGER NOT NULL, expires INTEGER NOT NULL, signature BLOB NOT NULL",
            of_safe=True,
            expires=True,
        ),
        Table(
            "successions",
            "digest BLOB PRIMARY KEY, safe BLOB NOT NULL REFERENCES safes (id), old_key BLOB NOT NULL,"
            " new_key BLOB NOT NULL, time INTEGER NOT NULL",
            of_safe=True,
        ),
    ),
    then=(
        plain("INSERT INTO safe_keys (holder_key, safe, added) SELECT holder_key, id, created FROM safes"),
        plain("DELETE FROM sessions"),  # of a quarter of an hour at most; they have no key yet
        column("sessions", "holder_key BLOB"),
        column("certificates", "state TEXT NOT NULL DEFAULT 'current'"),
        index("keys_of_safe", "safe_keys (safe)"),
        index("answers_of_safe", "answers (safe)"),
    ),
)

_BUREAU: Final = Step(
    tables=(
        Table("bureau_tokens", "token_hash BLOB PRIMARY KEY, created INTEGER NOT NULL"),
        Table(
            "lookups",
            "digest BLOB PRIMARY KEY, safe BLOB NOT NULL REFERENCES safes (id), time INTEGER NOT NULL",
            of_safe=True,
        ),
        Table(
            "journals",
            "holder_key BLOB NOT NULL, counter INTEGER NOT NULL, safe BLOB NOT NULL REFERENCES safes (id),"
            " digest BLOB NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (holder_key, counter)",
            of_safe=True,
        ),
        Table("service_keys", "name TEXT PRIMARY KEY, wrapped BLOB NOT NULL"),
        Table(
            "log_heads",
            "size INTEGER PRIMARY KEY, made INTEGER NOT NULL, note BLOB NOT NULL, proof BLOB",
        ),
        Table(
            "delegations",
            "digest BLOB PRIMARY KEY, safe BLOB NOT NULL REFERENCES safes (id), proxy_key BLOB NOT NULL,"
            " statement BLOB NOT NULL, added INTEGER NOT NULL, ended INTEGER, end_statement BLOB",
            of_safe=True,
        ),
    ),
    then=(
        index("delegations_of_proxy", "delegations (proxy_key)"),
        index("delegations_of_safe", "delegations (safe)"),
        column("answers", "principal BLOB"),  # the safe of the person for whom a proxy answered
        index("answers_for_principal", "answers (principal)"),
    ),
)

STEPS: Final[tuple[Step, ...]] = (_FIRST, _KEYS, _BUREAU, ORGANISATIONS, FOLLOW_UPS)
VERSION: Final = len(STEPS)
TABLES: Final = tuple(table for step in STEPS for table in step.tables)


def statements_since(version: int, steps: Sequence[Step] = STEPS) -> list[Statement]:
    """What turns a schema of `version` (0: an empty database) into the newest one."""
    return [statement for step in steps[version:] for statement in step.statements()]


def require_known(version: int, steps: Sequence[Step] = STEPS) -> None:
    """Raise ConfigError `home.version` unless this program made a database of this version, or can migrate it."""
    if not 1 <= version <= len(steps):
        detail = f"schema {version}, this program reads up to {len(steps)}"
        raise ConfigError(Reason.HOME_VERSION, detail, hint="Update the program.")


@cache
def sqlite_schema(steps: tuple[Step, ...] = STEPS) -> dict[str, str]:
    """The CREATE statements that a SQLite file after these steps holds, by name, as SQLite itself writes them down."""
    # A column that was added later changes the stored text of its table: SQLite says how, not we.
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for statement in statements_since(0, steps):
            connection.execute(statement.sqlite)
        return dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))
    finally:
        connection.close()
