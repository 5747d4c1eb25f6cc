"""The threads that own a log's sequencers while it is served: one appends, one signs.

Requests that wait together are written in one durable transaction, and asked for one checkpoint. A checkpoint may wait
for far witnesses; appending goes on meanwhile, for each thread has a sequencer of its own and the store's lock decides.

- A caller is answered after the transaction is durable, or with the reason why it is not.
- What waits is bounded: an authority that asks faster than the disk writes is told to come later, and does not push
  others out of the queue.
- After a failed write the ledger is opened, that is recomputed, again before anything else is written (DESIGN 8.1).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Protocol, TypeVar

from ledger.checkpoint import parse_checkpoint_note
from ledger.errors import ConflictError, IntegrityError, ProjectError
from ledger.reasons import Reason
from ledger.sequencer import Sequencer

__all__ = ["GroupCommit", "OpenLedger"]

_MAX_TOGETHER = 8192  # entries a transaction
_MAX_WAITING = 256  # requests
_MAX_OF_ONE = 64  # of one authority
_FRESH = 30  # seconds for which the newest checkpoint is answered again when nothing was appended since


@dataclass(frozen=True, slots=True)
class _Append:
    authority: int
    entries: Sequence[bytes]
    done: Future[list[int]]


@dataclass(frozen=True, slots=True)
class _Ask:
    done: Future[bytes]


_Job = TypeVar("_Job", _Append, _Ask)


class OpenLedger(Protocol):
    """Opens the ledger for writing, for the thread that calls it; with its witnesses if `cosigning`."""

    def __call__(self, *, cosigning: bool) -> Sequencer: ...


class GroupCommit:
    """Appends and signs for a service; its callers wait on futures, from any thread."""

    def __init__(self, open_ledger: OpenLedger, *, clock: Callable[[], int]) -> None:
        """Nothing is opened yet.

        Args:
            open_ledger: opens the ledger for writing; called by each of the two threads.
            clock: POSIX seconds.
        """
        self._open = open_ledger
        self._clock = clock
        self._changed = Condition()
        self._appends: list[_Append] = []
        self._checkpoints: list[_Ask] = []
        self._waiting: Counter[int] = Counter()
        self._stopping = False
        self._signed: tuple[int, bytes] | None = None  # the newest note of ours, and when it was made
        self._threads = (
            Thread(
                target=lambda: self._run(self._next_appends, self._append, False), name="append", daemon=True
            ),
            Thread(
                target=lambda: self._run(self._next_checkpoints, self._sign, True), name="sign", daemon=True
            ),
        )

    def start(self) -> None:
        """Begin. Raises what opening the ledger raises."""
        self._open(cosigning=False).close()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what waits, then close the ledger."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def append(self, authority: int, entries: Sequence[bytes]) -> Future[list[int]]:
        """Log well-formed entries; the indices, once they are durable.

        Raises:
            ConflictError: `api.rate_limited` when too much of this authority waits, `store.locked` when the queue is
                full or the service is stopping.
        The future fails with ConflictError `store.locked` (nothing was logged) or IntegrityError `store.…` (whether it
        was logged shows when the same is appended again).
        """
        done: Future[list[int]] = Future()
        with self._changed:
            if self._waiting[authority] >= _MAX_OF_ONE:
                raise ConflictError(Reason.API_RATE_LIMITED, f"{_MAX_OF_ONE} requests of it wait")
            if self._stopping or len(self._appends) >= _MAX_WAITING:
                raise ConflictError(Reason.STORE_LOCKED, "the queue is full, or the service is stopping")
            self._waiting[authority] += 1
            self._appends.append(_Append(authority, entries, done))
            self._changed.notify_all()
        return done

    def checkpoint(self) -> Future[bytes]:
        """A cosigned note that covers all that was acknowledged before. Fails as `Sequencer.checkpoint`."""
        done: Future[bytes] = Future()
        with self._changed:
            if self._stopping or len(self._checkpoints) >= _MAX_WAITING:
                raise ConflictError(Reason.STORE_LOCKED, "the queue is full, or the service is stopping")
            self._checkpoints.append(_Ask(done))
            self._changed.notify_all()
        return done

    # --- the threads -------------------------------------------------------------------------------------------

    def _run(
        self,
        waiting: Callable[[], list[_Job]],
        work: Callable[[Sequencer, list[_Job]], None],
        cosigning: bool,
    ) -> None:
        ledger: Sequencer | None = None
        while found := waiting():
            # From here on a caller that went away does not matter; one that went before is left out.
            jobs = [job for job in found if job.done.set_running_or_notify_cancel()]
            try:
                ledger = ledger or self._open(cosigning=cosigning)
                work(ledger, jobs)
            except Exception as exc:  # whatever it is, the callers hear of it, and the next ones are served
                if ledger is not None and not isinstance(exc, ConflictError):
                    ledger.close()
                    ledger = None
                for job in jobs:
                    job.done.set_exception(_told(exc))
        if ledger is not None:
            ledger.close()

    def _next_appends(self) -> list[_Append]:
        """What waits, oldest first, as much as goes into one transaction; nothing when it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._appends or self._stopping)
            entries = taken = 0
            for job in self._appends:
                entries += len(job.entries)
                if taken and entries > _MAX_TOGETHER:
                    break
                taken += 1
                self._waiting[job.authority] -= 1
            jobs, self._appends = self._appends[:taken], self._appends[taken:]
            return jobs

    def _next_checkpoints(self) -> list[_Ask]:
        with self._changed:
            self._changed.wait_for(lambda: self._checkpoints or self._stopping)
            jobs, self._checkpoints = self._checkpoints, []
            return jobs

    def _append(self, ledger: Sequencer, jobs: list[_Append]) -> None:
        indices = iter(ledger.append([entry for job in jobs for entry in job.entries]))
        for job in jobs:
            job.done.set_result([next(indices) for _ in job.entries])

    def _sign(self, ledger: Sequencer, jobs: list[_Ask]) -> None:
        now = self._clock()
        if self._signed is None or not _covers(self._signed, ledger.size, now):
            self._signed = (now, ledger.checkpoint(now))
        for job in jobs:
            job.done.set_result(self._signed[1])


def _covers(signed: tuple[int, bytes], size: int, now: int) -> bool:
    """Whether a note is of this size, and young enough to be answered again."""
    time, note = signed
    return now - time < _FRESH and parse_checkpoint_note(note)[0].size == size


def _told(exc: Exception) -> ProjectError:
    if isinstance(exc, ProjectError):
        return exc
    return IntegrityError(Reason.STORE_IO_ERROR, type(exc).__name__)
