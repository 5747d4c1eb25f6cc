"""A transaction of the wallet's database, and what every database gives.

A `Transaction` lives between the begin and the commit of its store; whatever it wrote becomes durable together.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from wallet_api.store.answers import AnswerStatements
from wallet_api.store.bureau import BureauStatements
from wallet_api.store.delegations import DelegationStatements
from wallet_api.store.follow_ups import FollowUpStatements
from wallet_api.store.keys import KeyStatements
from wallet_api.store.log_rows import LogStatements
from wallet_api.store.requests import RequestStatements
from wallet_api.store.rows import RequestState
from wallet_api.store.safes import SafeStatements
from wallet_api.store.schema import TABLES
from wallet_api.store.sessions import SessionStatements

__all__ = ["Store", "Transaction"]

_DAY = 86400


class Transaction(
    SafeStatements,
    KeyStatements,
    SessionStatements,
    RequestStatements,
    AnswerStatements,
    LogStatements,
    BureauStatements,
    DelegationStatements,
    FollowUpStatements,
):
    """Reads and writes of one transaction, topic by topic. Absent rows read as None."""

    __slots__ = ()

    def erase_safe(self, safe: bytes) -> None:
        """Destroy the data key and every sealed row; commitments in the access log stay, without an owner."""
        for table in reversed(TABLES):
            if table.of_safe:
                self._execute(f"DELETE FROM {table.name} WHERE safe = ?", (safe,))  # noqa: S608 - our own names
        self._execute("UPDATE access_log SET safe = NULL, sealed = NULL WHERE safe = ?", (safe,))
        answered = "SELECT id FROM requests WHERE safe = ? AND state = 'answered'"
        for (request,) in self._execute(answered, (safe,)):
            self.move_request(request, to=RequestState.WITHDRAWN, safe=safe)
        self._execute("UPDATE requests SET safe = NULL WHERE safe = ?", (safe,))
        self._execute("DELETE FROM safes WHERE id = ?", (safe,))

    def purge(self, *, now: int) -> None:
        """Forget what has run out: challenges, sessions, drafts, follow-ups, and idempotency keys after a day."""
        for table in TABLES:
            if table.expires:
                self._execute(f"DELETE FROM {table.name} WHERE expires <= ?", (now,))  # noqa: S608 - our own names
        self._execute("DELETE FROM idempotency WHERE created <= ?", (now - _DAY,))


class Store(Protocol):
    """A database of the wallet. Safe under concurrent calls from threads and processes."""

    def read(self) -> AbstractContextManager[Transaction]:
        """A consistent view. Raises ConflictError `store.locked`, IntegrityError `store.…`."""
        ...

    def write(self) -> AbstractContextManager[Transaction]:
        """The only writer until it ends; durable when it has ended, undone when an exception leaves it."""
        ...

    def wipe(self) -> None:
        """Leave nothing of deleted rows in files, journals included."""
        ...

    def close(self) -> None: ...
