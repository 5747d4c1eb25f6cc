"""Follow-ups: what no certificate answers yet is asked again, and offered once a newer one does (容缺).

A citizen keeps a request that nothing answers yet. An organisation that is content for now leaves a second one, with
more time, that follows the first: it goes, without a link, to the safe that keeps or answered the first, and asks
nothing that the first did not. Either is forgotten when it runs out.
"""

from __future__ import annotations

from dataclasses import dataclass

from certificate.policy.asking import day_of_question
from certificate.policy.composing import lay_down
from certificate.request import RequestBody, parse_request
from certificate.template.retirement import retired_template
from ledger.errors import ConsentError, FormatError, UndeterminedError
from ledger.reasons import Reason
from verifier.standing import is_ended
from wallet_api.consents import require_waiting
from wallet_api.requests import RequestState, RequestStatus, leave_request, status_of, visible_to
from wallet_api.safe import StoredCertificate, usable_certificates
from wallet_api.service import Citizen, Organisation, Service, not_found, of_org
from wallet_api.store.sql import Transaction

__all__ = ["KeptRequest", "keep_for_later", "leave_follow_up", "list_kept"]


@dataclass(frozen=True, slots=True)
class KeptRequest:
    """A request that waits, and whether the citizen's certificates answer all of it by now."""

    status: RequestStatus
    ready: bool


def leave_follow_up(
    service: Service,
    organisation: Organisation,
    request: bytes,
    *,
    follows: bytes,
    idempotency_key: str | None,
) -> tuple[RequestStatus, bool]:
    """Take in a request that follows an answered one. Returns as `leave_request`.

    Raises:
        As `leave_request`, and ConsentError: `authz.not_found` (no request of this organisation),
            `consent.not_yet_valid` (nobody answered or kept it), `consent.exhausted` (it has a follow-up),
            `consent.field_denied` (it asks more).
    """

    def keeper(tx: Transaction, asked: RequestBody) -> tuple[bytes, bytes]:
        return follows, _safe_that_answered(tx, organisation, follows, asked)

    return leave_request(service, organisation, request, idempotency_key=idempotency_key, keeper=keeper)


def keep_for_later(service: Service, citizen: Citizen, id_: bytes) -> None:
    """Keep a waiting request until it can be answered. Twice is the same.

    Raises:
        ConsentError: `authz.not_found` (absent, or somebody else's), and as `require_waiting`.
    """
    now = service.clock()
    with service.store.write() as tx:
        row = visible_to(tx.request(id_), citizen)
        require_waiting(row, now)
        keeper = tx.keeper_of(id_)
        if keeper not in (None, citizen.safe):
            raise not_found()
        if keeper is None:
            tx.add_follow_up(id_, citizen.safe, follows=None, expires=row.expires)


def list_kept(service: Service, citizen: Citizen, *, limit: int) -> list[KeptRequest]:
    """What is kept for this citizen, the one that runs out first at the head."""
    now = service.clock()
    with service.store.read() as tx:
        rows = [tx.request(id_) for id_ in tx.kept_requests(citizen.safe, now=now, limit=limit)]
        held = usable_certificates(tx, citizen) if rows else []
        kept = [(row, status_of(tx, row, now)) for row in rows if row is not None]
    standing = [one for one in held if not is_ended(one.certificate.body, service.trust())]
    return [
        KeptRequest(status, _is_ready(service, parse_request(row.request).body, standing, now))
        for row, status in kept
    ]


def _safe_that_answered(
    tx: Transaction, organisation: Organisation, follows: bytes, asked: RequestBody
) -> bytes:
    before = of_org(tx.request(follows), organisation)
    answered = before.safe if before.state is RequestState.ANSWERED else None
    safe = answered or tx.keeper_of(follows)
    if safe is None:
        raise ConsentError(Reason.CONSENT_NOT_YET_VALID, "what it follows was neither answered nor kept")
    if tx.is_followed(follows):
        raise ConsentError(Reason.CONSENT_EXHAUSTED, hint="there is one follow-up a request")
    if not set(asked.items) <= set(parse_request(before.request).body.items):
        raise ConsentError(Reason.CONSENT_FIELD_DENIED, "a follow-up asks nothing new")
    tx.delete_follow_up(follows)
    return safe


def _is_ready(service: Service, asked: RequestBody, held: list[StoredCertificate], now: int) -> bool:
    """Whether all that is still required is answered by these certificates, alone or together."""
    trust, today = service.trust(), day_of_question(now)
    required = [
        at
        for at, item in enumerate(asked.items)
        if retired_template(item, trust.templates, today=today) is None
    ]
    whole, policies = [one.certificate for one in held], trust.policies
    try:
        lay_down(asked, required, whole, policies=policies, templates=trust.templates, today=today)
    except (FormatError, UndeterminedError):
        return False
    return True
