"""The one thread that owns the ledger. Claims that wait together are minted as one batch under one checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

from issuer.export import find_row, full_certificate
from issuer.home import Home
from issuer.register import RegisterRow
from issuer.service import mint_persons, opened_register
from ledger.entry import EntryType, encode_entry
from ledger.errors import ProjectError
from ledger.proof import FullProof
from ledger.sequencer import Sequencer

__all__ = ["MintWorker", "Renewal"]

_T = TypeVar("_T")
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Renewal:
    """The newest certificate minted to a key: its cut-off (YYYYMM) and the whole file."""

    cut_off: int
    certificate: bytes


@dataclass(frozen=True, slots=True)
class _Claim:
    person_no: str
    holder: bytes
    done: Future[bytes]


@dataclass(frozen=True, slots=True)
class _Call:
    """Anything else that needs the ledger: runs on its thread and resolves a future of its own."""

    run: Callable[[Sequencer], None]


class MintWorker:
    """Mints and looks up on a thread of its own; callers wait on futures. `clock` gives POSIX seconds."""

    def __init__(self, home: Home, *, clock: Callable[[], int]) -> None:
        self._home = home
        self._clock = clock
        self._jobs: SimpleQueue[_Claim | _Call | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="ledger", daemon=True)
        self._ready: Future[None] = Future()

    def start(self) -> None:
        """Open the ledger; raises what opening it raises."""
        self._thread.start()
        self._ready.result()

    def stop(self) -> None:
        """Finish what waits, then close the ledger."""
        self._jobs.put(None)
        self._thread.join()

    def claim(self, person_no: str, holder: bytes) -> Future[bytes]:
        """Mint for one person to one key: the whole certificate, logged and cosigned."""
        done: Future[bytes] = Future()
        self._jobs.put(_Claim(person_no, holder, done))
        return done

    def newest(self, holder: bytes) -> Future[Renewal | None]:
        """The newest certificate of a key, or None."""
        return self._call(lambda ledger: self._newest(ledger, holder))

    def log_head(self, digest: bytes) -> Future[FullProof]:
        """Log the digest of an access log's head; its proof. The same head again has the index it already has."""
        entry = encode_entry(EntryType.ACCESS_LOG_HEAD, self._home.settings.authority, digest)

        def append(ledger: Sequencer) -> FullProof:
            (index,) = ledger.append([entry])
            ledger.checkpoint(self._clock())
            return ledger.prove(index)

        return self._call(append)

    def _call(self, run: Callable[[Sequencer], _T]) -> Future[_T]:
        done: Future[_T] = Future()
        self._jobs.put(_Call(lambda ledger: _resolve(done, partial(run, ledger))))
        return done

    def _run(self) -> None:
        try:
            ledger = self._home.ledger()
        except BaseException as exc:
            self._ready.set_exception(exc)
            return
        self._ready.set_result(None)
        try:
            while (job := self._jobs.get()) is not None:
                claims, calls, more = self._waiting(job)
                self._mint(ledger, claims)
                for call in calls:
                    call.run(ledger)
                if not more:
                    return
        finally:
            ledger.close()

    def _waiting(self, first: _Claim | _Call) -> tuple[list[_Claim], list[_Call], bool]:
        """`first` and what waits behind it; False when the worker was told to stop."""
        jobs: list[_Claim | _Call] = [first]
        more = True
        while len(jobs) < _BATCH:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                break
            if job is None:
                more = False
                break
            jobs.append(job)
        claims = [job for job in jobs if isinstance(job, _Claim)]
        return claims, [job for job in jobs if isinstance(job, _Call)], more

    def _mint(self, ledger: Sequencer, claims: list[_Claim]) -> None:
        if not claims:
            return
        try:
            pairs = [(claim.person_no, claim.holder) for claim in claims]
            run = mint_persons(self._home, ledger, pairs, now=self._clock())
        except ProjectError as exc:
            if len(claims) == 1:
                claims[0].done.set_exception(exc)
                return
            for claim in claims:  # one bad claim must not fail its neighbours
                self._mint(ledger, [claim])
            return
        for claim, minted in zip(claims, run.certificates, strict=True):
            _resolve(claim.done, partial(self._file, ledger, minted.number))

    def _file(self, ledger: Sequencer, number: str) -> bytes:
        return full_certificate(self._home, ledger, find_row(self._home, number))

    def _newest(self, ledger: Sequencer, holder: bytes) -> Renewal | None:
        with opened_register(self._home) as register:
            row: RegisterRow | None = register.newest_of_holder(holder)
        if row is None:
            return None
        return Renewal(row.identity.cut_off, full_certificate(self._home, ledger, row))


def _resolve(future: Future[_T], make: Callable[[], _T]) -> None:
    try:
        future.set_result(make())
    except ProjectError as exc:
        future.set_exception(exc)
