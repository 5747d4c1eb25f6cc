"""Proxies: a principal lets another key act, ends it, and reads in their own log what it did.

The principal signs a delegation (`certificate.delegation`); a bureau mints the proxy's certificate from it. Here the
delegation is looked up whenever a proxy's certificate is to answer: once it is ended or over, nothing more can be
consented with it. A proxy appointed at the bureau's counter has no delegation here; the bureau's status list ends it.
"""

from __future__ import annotations

from certificate.cose import encode_sign1
from certificate.delegation import (
    DELEGATION_NONCE_SIZE,
    DelegationBody,
    DelegationEnd,
    UnverifiedDelegation,
    delegation_end_to_be_signed,
    delegation_to_be_signed,
    parse_delegation,
    parse_delegation_end,
    verify_delegation,
    verify_delegation_end,
)
from certificate.keys import check_key
from certificate.numbers import CertificateType
from certificate.to_be_signed import parse_to_be_signed
from ledger.errors import ConsentError, FormatError, ProjectError, VerificationError
from ledger.reasons import Reason
from wallet_api.access_log import append_access
from wallet_api.access_rows import Action
from wallet_api.acting import Delegation, open_delegation
from wallet_api.holder_keys import end_delegation, key_access
from wallet_api.service import Citizen, Service, not_found
from wallet_api.store.rows import DelegationRow
from wallet_api.store.sql import Transaction

__all__ = [
    "MAX_DELEGATIONS",
    "Delegation",
    "begin_delegation",
    "begin_delegation_end",
    "complete_delegation",
    "complete_delegation_end",
    "list_delegations",
]

MAX_DELEGATIONS = 16  # that count at one time
_DAY = 86400
_SKEW = 600  # seconds from the bytes of an end to its signature


def begin_delegation(
    service: Service, citizen: Citizen, *, proxy_key: bytes, types: tuple[CertificateType, ...], days: int
) -> bytes:
    """The exact bytes that the caller signs to let `proxy_key` act from today on for so many days.

    Raises:
        FormatError: what the format refuses; `key.malformed`, `key.weak`.
    """
    today = service.clock() // _DAY
    body = DelegationBody(
        citizen.holder_key,
        check_key(proxy_key),
        types,
        today,
        today + days - 1,
        service.random(DELEGATION_NONCE_SIZE),
    )
    return delegation_to_be_signed(body)


def complete_delegation(
    service: Service, citizen: Citizen, *, to_be_signed: bytes, signature: bytes
) -> Delegation:
    """Take the signature over the bytes of `begin_delegation`; the same again changes nothing.

    Raises:
        VerificationError: `pres.binding_invalid` (not the caller's key, not over these bytes), `time.…`.
        ConsentError: `consent.exhausted`: as many count already as may.
    """
    now = service.clock()
    statement = parse_delegation(_signed(to_be_signed, signature))
    _require_principal(statement, citizen)
    verify_delegation(statement, today=now // _DAY)
    data = encode_sign1(
        statement.sign1.protected_bytes, statement.sign1.payload_bytes, statement.sign1.signature
    )
    row = DelegationRow(statement.digest(), citizen.safe, statement.body.proxy_key, data, now)
    with service.store.write() as tx:
        known = tx.delegation(row.digest)
        if known is not None:
            return Delegation(known, statement)
        counting = [made for made in _made(tx, citizen.safe) if made.counts(now // _DAY)]
        if len(counting) >= MAX_DELEGATIONS:
            raise ConsentError(Reason.CONSENT_EXHAUSTED, f"{MAX_DELEGATIONS} proxies", hint="end one first")
        tx.add_delegation(row)
        access = key_access(Action.PROXY_MADE, row.proxy_key)
        append_access(tx, citizen.safe, access, data_key=citizen.data_key, time=now, random=service.random)
    return Delegation(row, statement)


def list_delegations(service: Service, citizen: Citizen) -> tuple[list[Delegation], list[Delegation]]:
    """Those the safe's owner made, and those made to the caller's key; ended ones included."""
    with service.store.read() as tx:
        received = [open_delegation(row) for row in tx.delegations_to(citizen.holder_key)]
        return _made(tx, citizen.safe), received


def begin_delegation_end(service: Service, citizen: Citizen, digest: bytes) -> bytes:
    """The exact bytes that the principal's key signs to end a delegation. Raises ConsentError `authz.not_found`."""
    with service.store.read() as tx:
        delegation = _own(tx, citizen, digest)
    end = DelegationEnd(digest, service.clock())
    return delegation_end_to_be_signed(end, principal_key=delegation.statement.body.principal_key)


def complete_delegation_end(
    service: Service, citizen: Citizen, digest: bytes, *, to_be_signed: bytes, signature: bytes
) -> Delegation:
    """End a delegation: from now on the proxy can consent to nothing, and what was not fetched is withdrawn.

    The bureau ends the proxy's certificates when it gets the same statement. Ending twice is the same.

    Raises:
        ConsentError: `authz.not_found`.
        VerificationError: `pres.binding_invalid`, `pres.expired` (the bytes were made too long ago).
    """
    now = service.clock()
    data = _signed(to_be_signed, signature)
    end = parse_delegation_end(data)
    with service.store.write() as tx:
        delegation = _own(tx, citizen, digest)
        try:
            verify_delegation_end(end, delegation=delegation.statement)
        except ProjectError as exc:
            raise VerificationError(Reason.PRES_BINDING_INVALID, "the end of a delegation") from exc
        if abs(now - end.body.time) > _SKEW:
            raise VerificationError(Reason.PRES_EXPIRED, hint="begin again")
        if delegation.row.ended is None:
            end_delegation(service, tx, delegation.row, now=now, statement=data)
        return _own(tx, citizen, digest)


def _made(tx: Transaction, safe: bytes) -> list[Delegation]:
    return [open_delegation(row) for row in tx.delegations_of_safe(safe)]


def _own(tx: Transaction, citizen: Citizen, digest: bytes) -> Delegation:
    row = tx.delegation(digest)
    if row is None or row.safe != citizen.safe:
        raise not_found()
    return open_delegation(row)


def _require_principal(statement: UnverifiedDelegation, citizen: Citizen) -> None:
    if statement.body.principal_key != citizen.holder_key:
        raise VerificationError(Reason.PRES_BINDING_INVALID, "another principal")


def _signed(to_be_signed: bytes, signature: bytes) -> bytes:
    parsed = parse_to_be_signed(to_be_signed)
    if not signature:
        raise FormatError(Reason.SIG_MISSING, "an empty signature")
    return encode_sign1(parsed.protected_bytes, parsed.payload_bytes, signature)
