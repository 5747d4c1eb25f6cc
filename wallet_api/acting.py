"""Who answers for whom: a proxy's certificate counts here while its delegation does, and the principal sees it used."""

from __future__ import annotations

from dataclasses import dataclass, replace

from certificate.certificate import UnverifiedCertificate
from certificate.delegation import UnverifiedDelegation, parse_delegation
from certificate.keys import key_id
from certificate.numbers import Presenter
from ledger.errors import ConsentError
from ledger.reasons import Reason
from verifier.own import require_not_ended
from wallet_api.access_log import append_access
from wallet_api.access_rows import Access
from wallet_api.safe import IDENTITY, StoredCertificate, all_certificates
from wallet_api.service import Citizen, Service
from wallet_api.store.rows import DelegationRow
from wallet_api.store.sql import Transaction

__all__ = ["Delegation", "append_for_principal", "open_delegation", "principal_of"]

_DAY = 86400


@dataclass(frozen=True, slots=True)
class Delegation:
    """A delegation as it stands: the signed statement, and when it was ended, if it was."""

    row: DelegationRow
    statement: UnverifiedDelegation

    def counts(self, today: int) -> bool:
        """Whether the proxy may act on this UTC day."""
        body = self.statement.body
        return self.row.ended is None and body.first <= today <= body.last


def open_delegation(row: DelegationRow) -> Delegation:
    return Delegation(row, parse_delegation(row.statement))


def principal_of(
    service: Service, tx: Transaction, citizen: Citizen, stored: StoredCertificate
) -> bytes | None:
    """The safe of the person for whom the caller answers with a certificate; None for an own one, or an unknown one.

    Raises:
        ConsentError: `consent.revoked` (the delegation was ended), `consent.expired` (it is over).
        VerificationError: `status.…`: a proxy of the counter, whom the bureau ended.
    """
    certificate, body = stored.certificate, stored.certificate.body
    if body.presenter is Presenter.SELF:
        return None
    today = service.clock() // _DAY
    about = [
        delegation
        for delegation in (open_delegation(row) for row in tx.delegations_to(citizen.holder_key))
        if body.type in delegation.statement.body.types
        and _is_about(service, tx, delegation.row.safe, certificate)
    ]
    counting = [delegation for delegation in about if delegation.counts(today)]
    if about and not counting:
        ended = any(delegation.row.ended is not None for delegation in about)
        raise ConsentError(Reason.CONSENT_REVOKED if ended else Reason.CONSENT_EXPIRED, "the delegation")
    if not about:
        require_not_ended(stored.data, trust=service.trust(), now=service.clock())
    return counting[0].row.safe if counting else None


def append_for_principal(
    service: Service, tx: Transaction, principal: bytes | None, access: Access, *, proxy_key: bytes, time: int
) -> None:
    """The same row in the log of the person for whom a proxy acted; nothing without one, or when it is erased."""
    owner = None if principal is None else tx.safe(principal)
    if owner is not None:
        told = replace(access, details=(key_id(proxy_key).hex(),))
        data_key = service.data_key(owner)
        append_access(tx, owner.id, told, data_key=data_key, time=time, random=service.random)


def _is_about(service: Service, tx: Transaction, safe: bytes, certificate: UnverifiedCertificate) -> bool:
    """Whether the proxy's certificate and one of the safe's owner name the same person."""
    owner = tx.safe(safe)
    if owner is None:
        return False
    named = _identity(certificate)
    return any(
        stored.certificate.body.presenter is Presenter.SELF and _identity(stored.certificate) == named
        for stored in all_certificates(tx, safe, data_key=service.data_key(owner))
    )


def _identity(certificate: UnverifiedCertificate) -> dict[int, object]:
    return {shown.slot: shown.value for shown in certificate.disclosures if shown.slot in IDENTITY}
