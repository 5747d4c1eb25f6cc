"""The ledger's schema in a PostgreSQL database of its own: made, retired, and looked over at open and before a write.

Triggers refuse every change of what is there, and let in only the next rows. They run once for a statement, so that
they cost a bulk insert nothing.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg

from ledger.errors import ConfigError, FormatError, IntegrityError
from ledger.reasons import Reason
from ledger.store.postgres_errors import mapped_errors
from ledger.store.postgres_server import Connection, require_catalog, require_durable
from ledger.store.retired import RETIRED, refuse_retired

__all__ = [
    "SCHEMA_VERSION",
    "WRITER_LOCK",
    "Fingerprint",
    "create_ledger_schema",
    "require_untouched",
    "retire",
]

SCHEMA_VERSION: Final = 1
# One number for all that write to a ledger's database.
WRITER_LOCK: Final = 0x6C65_6467_6572

Fingerprint = tuple[Any, ...]

_TABLES: Final = ("meta", "entries", "tiles", "checkpoints")
_NEXT: Final = {
    "entries": (
        "SELECT FROM (SELECT min(idx) AS first, max(idx) AS last, count(*) AS number FROM added) AS batch "
        "WHERE last - first + 1 <> number "
        "OR first <> (SELECT coalesce(max(idx) + 1, 0) FROM entries WHERE idx < first)"
    ),
    "tiles": (
        "SELECT FROM (SELECT level, min(idx) AS first, max(idx) AS last, count(*) AS number FROM added GROUP BY level) "
        "AS batch WHERE last - first + 1 <> number "
        "OR first <> (SELECT coalesce(max(idx) + 1, 0) FROM tiles WHERE tiles.level = batch.level AND idx < first)"
    ),
    "checkpoints": (
        "SELECT FROM (SELECT min(number) AS first, max(number) AS last, count(*) AS rows FROM added) AS batch "
        "WHERE last - first + 1 <> rows "
        "OR first <> (SELECT coalesce(max(number) + 1, 0) FROM checkpoints WHERE number < first)"
    ),
    "meta": "SELECT FROM meta OFFSET 1",
}


def _next_row_only(table: str) -> tuple[str, str]:
    return (
        f"CREATE FUNCTION {table}_next() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF EXISTS ({_NEXT[table]}) THEN "
        f"RAISE integrity_constraint_violation USING MESSAGE = '{table} takes the next row only'; END IF; "
        "RETURN NULL; END$$",
        f"CREATE TRIGGER {table}_next AFTER INSERT ON {table} "
        f"REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION {table}_next()",
    )


_STATEMENTS: Final = (
    "CREATE TABLE ledger_version (version bigint NOT NULL)",
    "CREATE TABLE meta (name text PRIMARY KEY, value text NOT NULL)",
    "CREATE TABLE entries (idx bigint PRIMARY KEY, entry bytea NOT NULL, "
    "leaf_hash bytea NOT NULL UNIQUE CHECK (octet_length(leaf_hash) = 32))",
    "CREATE TABLE tiles (level bigint NOT NULL, idx bigint NOT NULL, "
    "hashes bytea NOT NULL CHECK (octet_length(hashes) = 8192), "
    "root bytea NOT NULL CHECK (octet_length(root) = 32), PRIMARY KEY (level, idx))",
    "CREATE TABLE checkpoints (number bigint PRIMARY KEY, size bigint NOT NULL, time bigint NOT NULL, "
    "cosigned boolean NOT NULL, note bytea NOT NULL)",
    "CREATE INDEX checkpoints_by_size ON checkpoints (cosigned, size, number)",
    "CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$BEGIN RAISE integrity_constraint_violation USING MESSAGE = 'append-only'; END$$",
    *(
        f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        for table in _TABLES
    ),
    *(statement for table in _TABLES for statement in _next_row_only(table)),
)

# What changes whenever somebody changes a table, column, trigger, rule or function: which version of which row of the
# server's own tables is in force. Cheap enough for every write; when it differs, `require_catalog` decides.
_FINGERPRINT: Final = """
    SELECT (SELECT version FROM ledger_version),
        (SELECT sum(hashtextextended(concat_ws(' ', oid, xmin, relpersistence, relrowsecurity), 0))
            FROM pg_class WHERE relnamespace = current_schema()::regnamespace),
        (SELECT sum(hashtextextended(concat_ws(' ', pg_trigger.oid, pg_trigger.xmin, tgenabled), 0))
            FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
            WHERE relnamespace = current_schema()::regnamespace),
        (SELECT sum(hashtextextended(concat_ws(' ', attname, attrelid, pg_attribute.xmin), 0))
            FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
            WHERE relnamespace = current_schema()::regnamespace),
        (SELECT sum(hashtextextended(concat_ws(' ', oid, xmin), 0))
            FROM pg_proc WHERE pronamespace = current_schema()::regnamespace),
        (SELECT sum(hashtextextended(concat_ws(' ', oid, xmin), 0))
            FROM pg_constraint WHERE connamespace = current_schema()::regnamespace),
        (SELECT sum(hashtextextended(concat_ws(' ', pg_rewrite.oid, pg_rewrite.xmin), 0))
            FROM pg_rewrite JOIN pg_class ON pg_class.oid = ev_class
            WHERE relnamespace = current_schema()::regnamespace)
"""


def create_ledger_schema(url: str, *, origin: str) -> None:
    """Make the tables of an empty ledger in a database, or schema, of its own; all of them or none.

    Raises:
        FormatError: `ckpt.malformed` for an origin that no log can have.
        ConfigError: `cli.exists`.
        IntegrityError: `store.…`.
    """
    if not origin.isprintable() or not origin:
        raise FormatError(Reason.CKPT_MALFORMED, "an origin that is empty or not one plain line")
    with mapped_errors(), psycopg.connect(url) as connection:
        require_durable(connection)
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (WRITER_LOCK,))
        if _is_made(connection):
            hint = "Choose another database; nothing is overwritten."
            raise ConfigError(Reason.CLI_EXISTS, "the tables", hint=hint)
        _build(connection)
        connection.execute("INSERT INTO ledger_version VALUES (%s)", (SCHEMA_VERSION,))
        connection.execute("INSERT INTO meta VALUES ('origin', %s)", (origin,))


def require_untouched(connection: Connection, known: Fingerprint | None = None) -> Fingerprint:
    """Check settings, version, columns and triggers; in full unless the fingerprint is the one `known`.

    Returns:
        the fingerprint to give next time.
    Raises:
        ConfigError: `cli.not_found` (no ledger is here), `home.version`, `store.retired`.
        IntegrityError: `store.not_durable_mode`, `store.schema_tampered`.
    """
    require_durable(connection)
    if known is None and not _is_made(connection):
        hint = "Check the database's name; nothing is made by opening it."
        raise ConfigError(Reason.CLI_NOT_FOUND, "no ledger is in this database", hint=hint)
    found = connection.execute(_FINGERPRINT).fetchone()
    assert found is not None
    if found != known:
        _require_version(found[0])
        require_catalog(connection, _build)
    return found


def retire(connection: Connection) -> None:
    """Mark the ledger as moved away, within the transaction that is open: nobody opens it again."""
    connection.execute("UPDATE ledger_version SET version = %s", (RETIRED,))


def _build(connection: Connection) -> None:
    for statement in _STATEMENTS:
        connection.execute(statement)


def _is_made(connection: Connection) -> bool:
    row = connection.execute("SELECT to_regclass('ledger_version') IS NOT NULL").fetchone()
    return row is not None and bool(row[0])


def _require_version(found: int | None) -> None:
    if found is None:
        raise IntegrityError(
            Reason.STORE_SCHEMA_TAMPERED, "no version", hint="Restore the newest backup of the database."
        )
    refuse_retired(found)
    if found != SCHEMA_VERSION:
        hint = "Update the program." if found > SCHEMA_VERSION else "Migrate the database."
        raise ConfigError(
            Reason.HOME_VERSION, f"schema {found}, this program reads {SCHEMA_VERSION}", hint=hint
        )
