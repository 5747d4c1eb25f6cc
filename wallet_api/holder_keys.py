"""Holder keys of a safe over the years: one ends, and with it all that it could do; two safes become one."""

from __future__ import annotations

from certificate.keys import key_id
from certificate.presentation import parse_answer, parse_presentation
from certificate.request import parse_request
from wallet_api.access_log import append_access, read_page
from wallet_api.access_rows import NO_REQUEST, Access, Action
from wallet_api.acting import append_for_principal, open_delegation
from wallet_api.consents import answer_bound
from wallet_api.requests import access_of
from wallet_api.safe import all_certificates, move_certificate
from wallet_api.sealing import open_sealed, seal
from wallet_api.service import Service
from wallet_api.store.rows import AnswerRow, CertificateState, DelegationRow, RequestState, SafeRow
from wallet_api.store.sql import Transaction

__all__ = ["Ended", "absorb_safe", "end_delegation", "end_holder_key", "key_access"]

_PAGE = 1000
Ended = tuple[int, int]  # certificates suspended, consents ended


def end_holder_key(service: Service, tx: Transaction, safe: SafeRow, holder_key: bytes, *, now: int) -> Ended:
    """End a key of `safe` in the caller's transaction: its sessions, drafts, open consents, certificates, delegations.

    A consent is open until the organisation acknowledged what it fetched. Whatever of these the key made can no longer
    be completed, fetched or shown once the transaction is durable.
    """
    data_key = service.data_key(safe)
    tx.end_key(holder_key, time=now)
    tx.delete_drafts_of_safe(safe.id)
    bound = [
        stored
        for stored in all_certificates(tx, safe.id, data_key=data_key)
        if stored.holder_key == holder_key
    ]
    for stored in bound:
        tx.set_certificate_state(safe.id, stored.number, CertificateState.SUSPENDED)
    open_answers = [
        answer
        for answer in tx.answers_of_safe(safe.id)
        if _presenting_key(service, safe, answer) == holder_key
    ]
    for answer in open_answers:
        _withdraw(service, tx, safe, answer, now=now)
    for row in tx.delegations_of_safe(safe.id):
        if row.ended is None and open_delegation(row).statement.body.principal_key == holder_key:
            end_delegation(service, tx, row, now=now, statement=None)
    return len(bound), len(open_answers)


def end_delegation(
    service: Service, tx: Transaction, row: DelegationRow, *, now: int, statement: bytes | None
) -> None:
    """End a delegation: the proxy's open consents for this principal are withdrawn, and the principal's log says so.

    Args:
        statement: the principal's signed end; None when their key ended.
    """
    tx.end_delegation(row.digest, time=now, statement=statement)
    principal = tx.safe(row.safe)
    assert principal is not None
    for answer in tx.answers_for_principal(row.safe):
        owner = tx.safe(answer.safe)
        if owner is not None and _presenting_key(service, owner, answer) == row.proxy_key:
            _withdraw(service, tx, owner, answer, now=now)
    access, data_key = key_access(Action.PROXY_ENDED, row.proxy_key), service.data_key(principal)
    append_access(tx, principal.id, access, data_key=data_key, time=now, random=service.random)


def absorb_safe(service: Service, tx: Transaction, source: SafeRow, into: SafeRow) -> None:
    """Move all that `source` holds into `into` and erase it; both belong to one citizen.

    Its rows of the access log are written again at the end of the other chain, with their own times.
    """
    old_key, new_key = service.data_key(source), service.data_key(into)
    for stored in all_certificates(tx, source.id, data_key=old_key):
        move_certificate(service, tx, stored, to=into.id, data_key=new_key)
    for answer in tx.answers_of_safe(source.id):
        sealed = answer.sealed
        if sealed is not None:
            plain = open_sealed(old_key, sealed, bound=answer_bound(answer.request, source.id))
            bound = answer_bound(answer.request, into.id)
            sealed = seal(new_key, plain, bound=bound, random=service.random)
        tx.move_answer(answer.request, to=into.id, sealed=sealed)
    counter = 0
    while rows := read_page(tx, source.id, data_key=old_key, after=counter, limit=_PAGE).rows:
        for row in rows:
            append_access(tx, into.id, row.access, data_key=new_key, time=row.time, random=service.random)
        counter = rows[-1].counter
    tx.move_safe(source.id, to=into.id)
    tx.erase_safe(source.id)


def key_access(action: Action, *keys: bytes) -> Access:
    """The access-log row's content for something that happened to keys."""
    return Access(action, 0, NO_REQUEST, 0, (), tuple(key_id(key).hex() for key in keys))


def _presenting_key(service: Service, safe: SafeRow, answer: AnswerRow) -> bytes | None:
    """The key that made an answer; None once the answer is acknowledged, withdrawn or erased."""
    if answer.sealed is None:
        return None
    bound = answer_bound(answer.request, safe.id)
    plain = open_sealed(service.data_key(safe), answer.sealed, bound=bound)
    return parse_presentation(parse_answer(plain)[0]).certificate.body.cnf


def _withdraw(service: Service, tx: Transaction, safe: SafeRow, answer: AnswerRow, *, now: int) -> None:
    proxy_key = _presenting_key(service, safe, answer)
    tx.move_request(answer.request, to=RequestState.WITHDRAWN, safe=safe.id)
    tx.mark_withdrawn(answer.request, now)
    request = tx.request(answer.request)
    assert request is not None
    access, data_key = access_of(Action.WITHDRAWN, parse_request(request.request), ()), service.data_key(safe)
    append_access(tx, safe.id, access, data_key=data_key, time=now, random=service.random)
    assert proxy_key is not None
    append_for_principal(service, tx, answer.principal, access, proxy_key=proxy_key, time=now)
