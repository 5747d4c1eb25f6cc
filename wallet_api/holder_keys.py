"""Holder keys of a safe over the years: one ends, and with it all that it could do; two safes become one."""

from __future__ import annotations

from certificate.keys import key_id
from certificate.presentation import parse_presentation
from certificate.request import parse_request
from wallet_api.access_log import append_access, read_page
from wallet_api.access_rows import NO_REQUEST, Access, Action
from wallet_api.consents import answer_bound
from wallet_api.requests import access_of
from wallet_api.safe import all_certificates, move_certificate
from wallet_api.sealing import open_sealed, seal
from wallet_api.service import Service
from wallet_api.store.rows import CertificateState, RequestState, SafeRow
from wallet_api.store.sql import Transaction

__all__ = ["Ended", "absorb_safe", "end_holder_key", "key_access"]

_PAGE = 1000
Ended = tuple[int, int]  # certificates suspended, consents ended


def end_holder_key(service: Service, tx: Transaction, safe: SafeRow, holder_key: bytes, *, now: int) -> Ended:
    """End a key of `safe` in the caller's transaction: its sessions, drafts, open consents, certificates.

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
    return len(bound), _withdraw_open(service, tx, safe, holder_key, data_key=data_key, now=now)


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


def _withdraw_open(
    service: Service, tx: Transaction, safe: SafeRow, holder_key: bytes, *, data_key: bytes, now: int
) -> int:
    ended = 0
    for answer in tx.answers_of_safe(safe.id):
        if answer.sealed is None:  # acknowledged, or withdrawn before
            continue
        plain = open_sealed(data_key, answer.sealed, bound=answer_bound(answer.request, safe.id))
        if parse_presentation(plain).certificate.body.cnf != holder_key:
            continue
        tx.move_request(answer.request, to=RequestState.WITHDRAWN, safe=safe.id)
        tx.mark_withdrawn(answer.request, now)
        request = tx.request(answer.request)
        assert request is not None
        access = access_of(Action.WITHDRAWN, parse_request(request.request), ())
        append_access(tx, safe.id, access, data_key=data_key, time=now, random=service.random)
        ended += 1
    return ended
