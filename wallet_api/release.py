"""Release to the organisation: fetch, the same bytes again until acknowledged, and its word that it deleted."""

from __future__ import annotations

from dataclasses import dataclass

from certificate.numbers import Presenter
from certificate.presentation import parse_answer, parse_presentation
from certificate.request import parse_request
from ledger.errors import ConsentError
from ledger.reasons import Reason
from verifier.steps import CLOCK_SKEW
from wallet_api.access_log import append_access
from wallet_api.access_rows import Action
from wallet_api.acting import append_for_principal
from wallet_api.consents import answer_bound, shown_slots
from wallet_api.organisations import require_active
from wallet_api.requests import RequestState, access_of
from wallet_api.sealing import open_sealed
from wallet_api.service import Organisation, Service, of_org
from wallet_api.store.rows import AnswerRow, RequestRow
from wallet_api.store.sql import Transaction

__all__ = ["FETCH_WINDOW", "Released", "acknowledge", "confirm_deletion", "fetch_answer"]

FETCH_WINDOW = 86400  # seconds from the first fetch in which the same bytes are given again


@dataclass(frozen=True, slots=True)
class Released:
    """The tagged bytes of the presentations, the request they answer, and who answered."""

    presentations: tuple[bytes, ...]
    request: bytes
    expires: int
    presenter: Presenter


def fetch_answer(service: Service, organisation: Organisation, id_: bytes) -> Released:
    """The one answer, a presentation per certificate. Its row in the access log is durable before it is returned.

    Raises:
        ConsentError: `authz.not_found`, `consent.not_yet_valid` (not answered), `consent.revoked` (withdrawn),
            `consent.exhausted` (refused, acknowledged, or a day after the first fetch), `consent.expired`.
        VerificationError: `org.suspended`.
    """
    now = service.clock()
    with service.store.write() as tx:
        row = of_org(tx.request(id_), organisation)
        require_active(tx, row.org)
        answer = _releasable(tx, row, now)
        owner = tx.safe(answer.safe)
        assert owner is not None
        assert answer.sealed is not None
        data_key = service.data_key(owner)
        data = open_sealed(data_key, answer.sealed, bound=answer_bound(id_, answer.safe))
        parts = tuple(parse_answer(data))
        parsed = [parse_presentation(part).certificate for part in parts]
        certificate, shown = parsed[0], shown_slots(parsed)
        access = access_of(Action.FETCHED, parse_request(row.request), shown)
        append_access(tx, answer.safe, access, data_key=data_key, time=now, random=service.random)
        proxy_key = certificate.body.cnf or owner.holder_key
        append_for_principal(service, tx, answer.principal, access, proxy_key=proxy_key, time=now)
        tx.mark_fetched(id_, now)
    return Released(parts, row.request, answer.expires, certificate.body.presenter)


def acknowledge(service: Service, organisation: Organisation, id_: bytes) -> None:
    """The organisation has the bytes safe: they are deleted here. Twice is the same.

    Raises:
        ConsentError: `authz.not_found`, `consent.revoked`, `consent.not_yet_valid` (nothing was fetched).
    """
    with service.store.write() as tx:
        row = of_org(tx.request(id_), organisation)
        answer = tx.answer(id_)
        if row.state is RequestState.WITHDRAWN:
            raise ConsentError(Reason.CONSENT_REVOKED)
        if answer is None or answer.fetched is None:
            raise ConsentError(Reason.CONSENT_NOT_YET_VALID, hint="fetch first")
        if answer.acknowledged is None:
            tx.mark_acknowledged(id_, service.clock())


def confirm_deletion(service: Service, organisation: Organisation, id_: bytes) -> None:
    """The organisation says that it deleted what it fetched; the citizen sees it. Twice is the same.

    Raises:
        ConsentError: `authz.not_found`, `consent.not_yet_valid` (it was neither withdrawn nor fetched).
    """
    now = service.clock()
    with service.store.write() as tx:
        row = of_org(tx.request(id_), organisation)
        answer = tx.answer(id_)
        if answer is None or (answer.fetched is None and answer.withdrawn is None):
            raise ConsentError(Reason.CONSENT_NOT_YET_VALID)
        if answer.deletion_confirmed is not None:
            return
        tx.mark_deletion_confirmed(id_, now)
        owner = tx.safe(answer.safe)
        assert owner is not None
        access = access_of(Action.DELETION_CONFIRMED, parse_request(row.request), ())
        data_key = service.data_key(owner)
        append_access(tx, owner.id, access, data_key=data_key, time=now, random=service.random)
        append_for_principal(service, tx, answer.principal, access, proxy_key=owner.holder_key, time=now)


def _releasable(tx: Transaction, row: RequestRow, now: int) -> AnswerRow:
    if row.state is RequestState.WITHDRAWN:
        raise ConsentError(Reason.CONSENT_REVOKED)
    if row.state is RequestState.REFUSED:
        raise ConsentError(Reason.CONSENT_EXHAUSTED)
    answer = tx.answer(row.id)
    if answer is None:
        expired = row.state_at(now) is RequestState.EXPIRED
        raise ConsentError(Reason.CONSENT_EXPIRED if expired else Reason.CONSENT_NOT_YET_VALID)
    if answer.acknowledged is not None:
        raise ConsentError(Reason.CONSENT_EXHAUSTED)
    if now < answer.issued - CLOCK_SKEW:
        raise ConsentError(Reason.CONSENT_NOT_YET_VALID, f"begins in {answer.issued - now} s")
    if now >= answer.expires:
        raise ConsentError(Reason.CONSENT_EXPIRED)
    if answer.fetched is not None and now >= answer.fetched + FETCH_WINDOW:
        raise ConsentError(Reason.CONSENT_EXHAUSTED)
    return answer
