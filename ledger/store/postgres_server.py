"""What any store of ours asks of a PostgreSQL server: commits that last, and tables that are as we made them.

How PostgreSQL spells a structure differs between versions. So what is there is compared with the same statements run
anew in a schema that is rolled back, and the server says both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import psycopg

from ledger.errors import IntegrityError
from ledger.reasons import Reason

__all__ = ["Connection", "require_catalog", "require_durable"]

Connection = psycopg.Connection[tuple[Any, ...]]

_SCRATCH: Final = "tallystick_expected"
_TAMPERED: Final = "Somebody changed the database's structure; restore the newest backup."
_SETTINGS: Final = (
    "SELECT current_setting('synchronous_commit'), current_setting('fsync'), current_setting('full_page_writes'), "
    "current_setting('session_replication_role')"
)
_CATALOG: Final = """
    SELECT 'column', table_name || '.' || column_name, data_type || ' ' || is_nullable || coalesce(column_default, '')
        FROM information_schema.columns WHERE table_schema = current_schema()
    UNION ALL SELECT 'table', relname, relkind::text || relpersistence::text || relrowsecurity::text
        FROM pg_class WHERE relkind <> 'i' AND relnamespace = current_schema()::regnamespace
    UNION ALL SELECT 'rule', rulename, definition FROM pg_rules WHERE schemaname = current_schema()
    UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
    UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()
    UNION ALL SELECT 'trigger', tgname, tgenabled::text || pg_get_triggerdef(pg_trigger.oid)
        FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace
    UNION ALL SELECT 'function', proname, prosrc || coalesce(proconfig::text, '')
        FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
"""

# What each version of the server says of each structure, found once.
_expected: dict[tuple[int, Callable[[Connection], None]], set[tuple[str, str, str]]] = {}


def require_durable(connection: Connection) -> None:
    """Check that a commit on this connection is on the disk when it returns, whole after a crash, and that no trigger
    is passed over.

    What the session itself decides is kept so for its lifetime; `fsync` and `full_page_writes` are the server's.

    Raises:
        IntegrityError: `store.not_durable_mode`, or `store.schema_tampered` for triggers that are switched off.
    """
    row = connection.execute(_SETTINGS).fetchone()
    assert row is not None
    synchronous, fsync, full_pages, role = row
    if synchronous == "off" or fsync != "on" or full_pages != "on":
        raise IntegrityError(
            Reason.STORE_NOT_DURABLE_MODE,
            f"synchronous_commit {synchronous}, fsync {fsync}, full_page_writes {full_pages}",
            hint="Turn them on for this database, then start again.",
        )
    if role != "origin":
        raise IntegrityError(
            Reason.STORE_SCHEMA_TAMPERED, f"session_replication_role {role}", hint="Reset it for this role."
        )
    # A later ALTER SYSTEM and reload would change an open session; what the session set itself stays.
    connection.execute("SELECT set_config('synchronous_commit', %s, false)", (synchronous,))


def require_catalog(connection: Connection, build: Callable[[Connection], None]) -> None:
    """Check that the schema holds what `build` makes, to the last column and trigger, and nothing else.

    Raises:
        IntegrityError: `store.schema_tampered`, naming what differs.
    """
    key = (connection.info.server_version, build)
    if key not in _expected:
        _expected[key] = _made_anew(connection, build)
    there = _catalog(connection)
    if there != _expected[key]:
        names = sorted({name for _, name, _ in there ^ _expected[key]})
        raise IntegrityError(Reason.STORE_SCHEMA_TAMPERED, ", ".join(names)[:200], hint=_TAMPERED)


def _made_anew(connection: Connection, build: Callable[[Connection], None]) -> set[tuple[str, str, str]]:
    with connection.transaction(force_rollback=True):
        connection.execute(f"CREATE SCHEMA {_SCRATCH}")
        connection.execute(f"SET LOCAL search_path = {_SCRATCH}")
        build(connection)
        return _catalog(connection)


def _catalog(connection: Connection) -> set[tuple[str, str, str]]:
    row = connection.execute("SELECT current_schema()").fetchone()
    assert row is not None
    return {(kind, name, text.replace(f"{row[0]}.", "")) for kind, name, text in connection.execute(_CATALOG)}
