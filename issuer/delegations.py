"""Proxies on the principal's own signature: the bureau knows both keys, so nobody has to come to a counter.

The principal's key must be one that a person holds here for themselves, and the proxy's as well: whose name and last
digits stand in the certificate is looked up in the records, never taken from the caller.
"""

from __future__ import annotations

from certificate.delegation import (
    parse_delegation,
    parse_delegation_end,
    verify_delegation,
    verify_delegation_end,
)
from certificate.numbers import CertificateType
from issuer.bureau_ledger import BureauLedger
from issuer.claiming.proxies import proxy_of
from issuer.home import Home
from issuer.publish import cut_bundle
from issuer.register import Register
from issuer.service import mint_persons, opened_register
from ledger.errors import VerificationError
from ledger.reasons import Reason

__all__ = ["begin_proxy", "end_proxy"]

_DAY = 86400


def begin_proxy(home: Home, ledger: BureauLedger, delegation: bytes, *, now: int) -> None:
    """Mint a proxy certificate from a delegation; the proxy's wallet picks it up by its key.

    The same delegation again is no fault, unless it was ended.

    Raises:
        FormatError: as `parse_delegation`.
        VerificationError: `sig.invalid`, `time.not_yet_valid`, `time.expired`; `authz.denied`: a key that no person
            holds here for themselves, a type that is not minted, or a delegation that was ended; `key.revoked`.
    """
    statement = parse_delegation(delegation)
    body = verify_delegation(statement, today=now // _DAY)
    with opened_register(home) as register:
        principal = _owner(register, body.principal_key)
        agent = _owner(register, body.proxy_key)
        if CertificateType.CONTRIBUTION not in body.types or agent == principal:
            raise _denied("nothing to be minted from this delegation")
        known = register.proxy(principal, body.proxy_key)
        if known is not None and known.ended_at is not None and known.delegation == delegation:
            raise _denied("the delegation was ended")
        claims = home.snapshot().claims(agent)
        register.add_proxy(
            proxy_of(
                claims, person_no=principal, holder=body.proxy_key, until=body.last, delegation=delegation
            )
        )
    mint_persons(home, ledger, [(principal, body.proxy_key)], now=now)


def end_proxy(home: Home, ledger: BureauLedger, delegation: bytes, end: bytes, *, now: int) -> None:
    """End a delegation on the principal's signature: its certificates are suspended. Again is no fault.

    Raises:
        FormatError: as the parsers.
        VerificationError: `sig.invalid`, `pres.transcript_mismatch`; `authz.not_found`: no such proxy here.
    """
    statement = parse_delegation(delegation)
    verify_delegation_end(parse_delegation_end(end), delegation=statement)
    with opened_register(home) as register:
        found = [
            proxy
            for proxy in register.proxies_of_key(statement.body.proxy_key)
            if proxy.delegation == delegation
        ]
        for proxy in found:
            register.end_proxy(proxy.person_no, proxy.holder, now=now)
    if not found:
        raise VerificationError(Reason.AUTHZ_NOT_FOUND, "no such proxy")
    cut_bundle(home, ledger, now=now)


def _owner(register: Register, key: bytes) -> str:
    if register.ended_key(key) is not None:
        raise VerificationError(Reason.KEY_REVOKED, "a holder key that ended")
    person_no = register.person_of_key(key)
    if person_no is None:
        raise _denied("no person holds this key here")
    return person_no


def _denied(detail: str) -> VerificationError:
    return VerificationError(Reason.AUTHZ_DENIED, detail, hint="ask at the counter")
