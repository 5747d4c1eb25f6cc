"""The one thread that owns the ledger. Claims that wait together are minted as one batch under one checkpoint.

After a failure of the ledger, such as a lost connection to its database, it is opened again before anything else is
done with it: recomputed, and compared with what was signed last (DESIGN 8.1).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from issuer.bureau_ledger import BureauLedger
from issuer.claiming.identity import Proven
from issuer.claiming.proxies import proxy_of
from issuer.claiming.recovery import end_earlier_keys, statements_for
from issuer.delegations import begin_proxy, end_proxy
from issuer.export import find_row, full_certificate
from issuer.home import Home
from issuer.register import RegisterRow
from issuer.service import mint_persons, opened_register
from ledger.checkpoint import parse_checkpoint_note
from ledger.entry import EntryType, encode_entry
from ledger.errors import ConflictError, IntegrityError, VerificationError
from ledger.proof import FullProof
from ledger.reasons import Reason

__all__ = ["Claimed", "Condition", "MintWorker", "Renewal"]

_T = TypeVar("_T")
_BATCH = 64
_DAY = 86400


@dataclass(frozen=True, slots=True)
class Renewal:
    """The newest certificate minted to a key: its cut-off (YYYYMM) and the whole file.

    `replaces`: it stands in the place of one that fell with a stolen office key.
    """

    cut_off: int
    certificate: bytes
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Claimed:
    """A minted certificate: the whole file; and the statements about the keys that ended for it."""

    certificate: bytes
    recoveries: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """How the ledger and the records are: entries, entries under the newest cosigned checkpoint, cut-off (YYYYMM)."""

    entries: int
    published: int
    cut_off: int


@dataclass(frozen=True, slots=True)
class _Claim:
    proven: Proven
    holder: bytes
    done: Future[Claimed]

    @property
    def pair(self) -> tuple[str, bytes]:
        """Whose certificate, and whose key."""
        return self.proven.terms.proxy_for or self.proven.identity.person_no, self.holder


@dataclass(frozen=True, slots=True)
class _Call:
    """Anything else that needs the ledger: runs on its thread and resolves a future."""

    run: Callable[[BureauLedger], Any]
    done: Future[Any]


class MintWorker:
    """Mints and looks up on a thread of its own; callers wait on futures. `clock` gives POSIX seconds."""

    def __init__(self, home: Home, *, clock: Callable[[], int]) -> None:
        self._home = home
        self._clock = clock
        self._jobs: SimpleQueue[_Claim | _Call | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="ledger", daemon=True)
        self._ready: Future[None] = Future()
        self._stopping = False
        self._failed = False  # the ledger has to be opened again

    def start(self) -> None:
        """Open the ledger; raises what opening it raises."""
        self._thread.start()
        self._ready.result()

    def stop(self) -> None:
        """Finish what waits, then close the ledger."""
        self._stopping = True
        self._jobs.put(None)
        self._thread.join()

    def claim(self, proven: Proven, holder: bytes) -> Future[Claimed]:
        """Mint what an identity may claim to one key: the whole certificate, logged and cosigned."""
        done: Future[Claimed] = Future()
        self._put(_Claim(proven, holder, done))
        return done

    def newest(self, holder: bytes) -> Future[Renewal | None]:
        """The newest certificate of a key for its owner, or None. Fails with `key.revoked` when the key ended."""
        return self.call(lambda ledger: self._newest(ledger, holder))

    def acting(self, holder: bytes) -> Future[list[Renewal]]:
        """The newest certificates that a key holds for others."""
        return self.call(lambda ledger: self._acting(ledger, holder))

    def begin_proxy(self, delegation: bytes) -> Future[None]:
        """Mint from a delegation. Fails as `issuer.delegations.begin_proxy`."""
        return self.call(lambda ledger: begin_proxy(self._home, ledger, delegation, now=self._clock()))

    def end_proxy(self, delegation: bytes, end: bytes) -> Future[None]:
        """End a delegation. Fails as `issuer.delegations.end_proxy`."""
        return self.call(lambda ledger: end_proxy(self._home, ledger, delegation, end, now=self._clock()))

    def recoveries(self, holder: bytes) -> Future[list[bytes]]:
        """The statements about the keys whose place a key took."""
        return self.call(lambda ledger: statements_for(self._home, ledger, holder, now=self._clock()))

    def condition(self) -> Future[Condition]:
        """How ledger and records are; fails when one of them cannot be read."""
        return self.call(self._condition)

    def log_head(self, digest: bytes) -> Future[FullProof]:
        """Log the digest of an access log's head; its proof. The same head again has the index it already has."""
        entry = encode_entry(EntryType.ACCESS_LOG_HEAD, self._home.settings.authority, digest)

        def append(ledger: BureauLedger) -> FullProof:
            (index,) = ledger.append([entry])
            ledger.checkpoint(self._clock())
            return ledger.prove(index)

        return self.call(append)

    def call(self, run: Callable[[BureauLedger], _T]) -> Future[_T]:
        """Anything else that needs the ledger: `run` with it, on its thread."""
        done: Future[_T] = Future()
        self._put(_Call(run, done))
        return done

    def _put(self, job: _Claim | _Call) -> None:
        if self._stopping:
            raise ConflictError(Reason.STORE_LOCKED, "the service is stopping", hint="try again in a minute")
        self._jobs.put(job)

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
                if self._failed:
                    ledger.close()
                    try:
                        ledger = self._home.ledger()
                    except Exception as exc:  # the callers hear of it; it is tried again for the next ones
                        for future in (*(claim.done for claim in claims), *(call.done for call in calls)):
                            future.set_exception(exc)
                        claims, calls = [], []
                    else:
                        self._failed = False
                self._mint(ledger, claims)
                for call in calls:
                    self._resolve(call.done, partial(call.run, ledger))
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

    def _mint(self, ledger: BureauLedger, claims: list[_Claim]) -> None:
        if not claims:
            return
        try:
            self._note_proxies(claims)
            run = mint_persons(self._home, ledger, [claim.pair for claim in claims], now=self._clock())
        except Exception as exc:
            if len(claims) == 1:
                self._fail(claims[0].done, exc)
                return
            for claim in claims:  # one bad claim must not fail its neighbours
                self._mint(ledger, [claim])
            return
        for claim, minted in zip(claims, run.certificates, strict=True):
            self._resolve(claim.done, partial(self._claimed, ledger, claim, minted.number))

    def _note_proxies(self, claims: list[_Claim]) -> None:
        snapshot = None
        for claim in claims:
            terms = claim.proven.terms
            if terms.proxy_for is None:
                continue
            snapshot = snapshot or self._home.snapshot()
            agent = snapshot.claims(claim.proven.identity.person_no)
            proxy = proxy_of(agent, person_no=terms.proxy_for, holder=claim.holder, until=terms.until)
            with opened_register(self._home) as register:
                if claim.holder in register.own_keys(terms.proxy_for):
                    raise VerificationError(Reason.AUTHZ_DENIED, "the principal's own key")
                register.add_proxy(proxy)

    def _claimed(self, ledger: BureauLedger, claim: _Claim, number: str) -> Claimed:
        now = self._clock()
        statements: tuple[bytes, ...] = ()
        if claim.proven.terms.lost_key:
            end_earlier_keys(self._home, ledger, claim.proven.identity, claim.holder, now=now)
            statements = tuple(statements_for(self._home, ledger, claim.holder, now=now))
        row = find_row(self._home, number)
        return Claimed(full_certificate(self._home, ledger, row), statements)

    def _condition(self, ledger: BureauLedger) -> Condition:
        note = ledger.newest_checkpoint()
        published = 0 if note is None else parse_checkpoint_note(note)[0].size
        return Condition(ledger.size, published, self._home.snapshot().cut_off)

    def _acting(self, ledger: BureauLedger, holder: bytes) -> list[Renewal]:
        today = self._clock() // _DAY
        with opened_register(self._home) as register:
            proxies = [p for p in register.proxies_of_key(holder) if p.ended_at is None and today <= p.until]
            rows = [register.newest_for(proxy.person_no, holder) for proxy in proxies]
        return [
            Renewal(row.identity.cut_off, full_certificate(self._home, ledger, row))
            for row in rows
            if row is not None
        ]

    def _newest(self, ledger: BureauLedger, holder: bytes) -> Renewal | None:
        with opened_register(self._home) as register:
            if register.ended_key(holder) is not None:
                hint = "prove the identity again and claim with another key"
                raise VerificationError(Reason.KEY_REVOKED, "this holder key ended", hint=hint)
            row: RegisterRow | None = register.newest_of_holder(holder)
            if row is None:
                return None
            replaces = register.has_aside(holder, row.identity.cut_off)
        return Renewal(row.identity.cut_off, full_certificate(self._home, ledger, row), replaces)

    def _resolve(self, future: Future[_T], make: Callable[[], _T]) -> None:
        try:
            future.set_result(make())
        except Exception as exc:  # whatever it is, it is the caller's to hear; the thread goes on
            self._fail(future, exc)

    def _fail(self, future: Future[_T], exc: Exception) -> None:
        self._failed = self._failed or isinstance(exc, IntegrityError)
        future.set_exception(exc)
