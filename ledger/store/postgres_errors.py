"""What an error of PostgreSQL means for a store; no exception of the driver leaves one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

from ledger.errors import ConflictError, IntegrityError, ProjectError
from ledger.reasons import Reason

__all__ = ["mapped_errors"]

# By SQLSTATE, else by its class (two characters).
_REASONS: Final = {
    "40001": Reason.STORE_LOCKED,
    "40P01": Reason.STORE_LOCKED,
    "55P03": Reason.STORE_LOCKED,  # lock_timeout
    "53300": Reason.STORE_LOCKED,  # no connection is free
    "53100": Reason.STORE_FULL,
    "25006": Reason.STORE_READONLY,  # a standby
    "42501": Reason.STORE_READONLY,
    "42": Reason.STORE_SCHEMA_TAMPERED,  # a table or column that we need is not there
    "23": Reason.STORE_CORRUPT,  # a constraint or trigger of ours: somebody wrote what we never write
    "XX": Reason.STORE_CORRUPT,
}
_HINTS: Final = {
    Reason.STORE_FULL: "Free some space on the database server; nothing of this write was acknowledged.",
    Reason.STORE_READONLY: "Connect to the primary server, as the role that owns the tables.",
    Reason.STORE_SCHEMA_TAMPERED: "Somebody changed the database's structure; restore the newest backup.",
    Reason.STORE_CORRUPT: "Stop writing; run the check, then restore the newest backup.",
    Reason.STORE_IO_ERROR: "Check that the database server runs, and that it lets this user in.",
}


@contextmanager
def mapped_errors() -> Iterator[None]:
    """Let no exception of the driver out."""
    try:
        yield
    except psycopg.Error as exc:
        raise _map_error(exc) from exc


def _map_error(exc: psycopg.Error) -> ProjectError:
    # The driver's own text may hold values of the row: it stays in the chained exception, for no reader of ours.
    state = exc.sqlstate
    reason = Reason.STORE_IO_ERROR
    if state is not None:
        reason = _REASONS.get(state, _REASONS.get(state[:2], reason))
    if reason is Reason.STORE_LOCKED:
        hint = "Try again when the other run is over."
        return ConflictError(reason, "another writer holds the database", hint=hint)
    return IntegrityError(reason, f"PostgreSQL error {state or 'without a code'}", hint=_HINTS[reason])
