"""One reminder a request: the organisation may nudge once, and the citizen sees that it did."""

from __future__ import annotations

from ledger.errors import ConsentError
from ledger.reasons import Reason
from wallet_api.consents import require_waiting
from wallet_api.organisations import require_active
from wallet_api.requests import RequestStatus, status_of
from wallet_api.service import Citizen, Organisation, Service, of_org

__all__ = ["list_reminded", "remind"]


def remind(service: Service, organisation: Organisation, id_: bytes) -> int:
    """Remind of a waiting request; returns the time that is kept.

    Raises:
        ConsentError: `authz.not_found`; `org.reminded` (it was before); `consent.exhausted`, `consent.expired`,
            `consent.revoked` (it waits no more).
        VerificationError: `org.suspended`.
    """
    now = service.clock()
    with service.store.write() as tx:
        row = of_org(tx.request(id_), organisation)
        require_active(tx, row.org)
        require_waiting(row, now)
        if tx.reminder(id_) is not None:
            raise ConsentError(Reason.ORG_REMINDED, hint="there is one reminder a request")
        tx.add_reminder(id_, now)
    return now


def list_reminded(service: Service, citizen: Citizen, *, limit: int) -> list[RequestStatus]:
    """Requests that wait for this citizen, who looked at them once, and that the organisation reminded of."""
    now = service.clock()
    with service.store.read() as tx:
        rows = [tx.request(id_) for id_ in tx.reminded_requests(citizen.safe, now=now, limit=limit)]
        return [status_of(tx, row, now) for row in rows if row is not None]
