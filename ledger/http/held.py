"""What a server shows of a log, from a store that is opened again after it failed."""

from __future__ import annotations

from collections.abc import Callable

from ledger.checkpoint import Checkpoint
from ledger.errors import IntegrityError
from ledger.publication import Publication, Published
from ledger.reasons import Reason
from ledger.store.base import Store
from ledger.store.tree import verify_edge

__all__ = ["HeldPublication"]


class HeldPublication:
    """A publication whose store may be lost, as a connection to its database is. For one thread.

    Behind the next connection there may be another database, such as a standby that lags. So one that does not hold
    what was shown last, recomputed at its right edge, is not shown at all; it is looked at again at the next question.
    """

    def __init__(self, open_store: Callable[[], Store]) -> None:
        """Open the store; raises what that raises."""
        self._open = open_store
        self._store: Store | None = open_store()
        self._shown: Checkpoint | None = None

    def publication(self) -> Publication:
        """The publication, of a store that is opened again if it has to be.

        Raises:
            IntegrityError: `store.rollback_detected` (less than was shown), `store.fork_detected` (something else), or
                what opening raises.
        """
        if self._store is None:
            store = self._open()
            try:
                self._require_shown(store)
            except BaseException:
                store.close()
                raise
            self._store = store
        return Publication(self._store)

    def newest(self) -> Published | None:
        """As `Publication.newest`; from here on no store with less is shown."""
        published = self.publication().newest()
        if published is not None:
            self._shown = published.checkpoint
        return published

    def lose(self) -> None:
        """Give the store up; calling it twice is fine."""
        if self._store is not None:
            self._store.close()
        self._store = None

    def _require_shown(self, store: Store) -> None:
        shown, newest = self._shown, store.newest_checkpoint(cosigned=True)
        if shown is None:
            return
        if newest is None or newest.size < shown.size or store.size() < shown.size:
            hint = "bring back the newest database; nothing is shown from an older one"
            raise IntegrityError(Reason.STORE_ROLLBACK_DETECTED, "older than what was shown", hint=hint)
        if verify_edge(store, shown.size).root_hash() != shown.root_hash:
            hint = "keep both databases as evidence"
            raise IntegrityError(Reason.STORE_FORK_DETECTED, "another tree than was shown", hint=hint)
