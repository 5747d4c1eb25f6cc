"""Requests: an organisation leaves one, a citizen reads who asks what for, and what the answer would show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256

from certificate.display_text import confusable_warning
from certificate.numbers import CertificateType
from certificate.policy.asking import day_of_question, policy_asked, slots_for_policy
from certificate.policy.evaluate import Answer
from certificate.policy.language import Policy
from certificate.qr_text import decode_any_request
from certificate.request import (
    PolicyItem,
    RegistrationBody,
    RequestBody,
    SlotsItem,
    UnverifiedRequest,
    matching_digits,
    parse_request,
    verify_request,
)
from certificate.slot_tree import Disclosure
from certificate.slots import Claim, registry_of
from certificate.template.language import Template
from certificate.template.retirement import retired_template
from ledger.errors import ConflictError, ConsentError, UndeterminedError, VerificationError
from ledger.reasons import Reason
from verifier.standing import is_ended
from verifier.trust import TrustBundle
from wallet_api.access_log import append_access
from wallet_api.access_rows import Access, Action
from wallet_api.organisations import is_suspended, learn_registration, look_alikes
from wallet_api.safe import StoredCertificate, usable_certificates
from wallet_api.service import ID_SIZE, Citizen, Organisation, Service, not_found, of_org
from wallet_api.store.organisations import OrganisationRow
from wallet_api.store.rows import AnswerRow, RequestRow, RequestState
from wallet_api.store.sql import Transaction

__all__ = [
    "AskedItem",
    "Offer",
    "RequestState",
    "RequestStatus",
    "RequestView",
    "access_of",
    "asked_slots",
    "leave_request",
    "list_requests",
    "request_status",
    "status_of",
    "view_request",
    "visible_to",
]

_DAY = 86400
_MAX_WINDOW = 90 * _DAY  # a request lives no longer than a certificate
_MAX_OFFERS = 24


@dataclass(frozen=True, slots=True)
class Offer:
    """What one certificate could answer an item with: the claims it would show, the asked slots it lacks.

    `answer` is what a policy would answer; None for an item that asks for claims.
    """

    certificate: StoredCertificate
    disclosures: tuple[Disclosure, ...]
    missing: tuple[int, ...]
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class AskedItem:
    """One item of a request: its place, its claims (none for a policy), and what could answer it.

    `policy` is None for claims, the bare id when the bundle does not hold that policy. Nothing is offered for an item
    whose template is `retired`: nobody has to show it any more.
    """

    position: int
    policy: Policy | str | None
    claims: tuple[Claim, ...]
    offers: tuple[Offer, ...]
    retired: Template | None = None


@dataclass(frozen=True, slots=True)
class RequestStatus:
    """What an organisation learns of its own request before it fetches: where it stands, and since when."""

    id: bytes
    state: RequestState
    expires: int
    answer: AnswerRow | None


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request as its citizen reads it.

    Attributes:
        data: the signed request itself.
        registration: None, and `warning` says why, unless it holds and the organisation was not stopped.
        name_warning: `org.look_alike` when `look_alikes` have nearly its name, or `schema.text_confusable`.
        reminded: when the organisation reminded of it, POSIX seconds.
    """

    status: RequestStatus
    data: bytes
    asked: RequestBody
    registration: RegistrationBody | None
    warning: Reason | None
    name_warning: Reason | None
    look_alikes: tuple[OrganisationRow, ...]
    reminded: int | None
    digits: str
    items: tuple[AskedItem, ...]


def leave_request(
    service: Service,
    organisation: Organisation,
    request: bytes,
    *,
    idempotency_key: str | None,
    keeper: Callable[[Transaction, RequestBody], tuple[bytes, bytes]] | None = None,
) -> tuple[RequestStatus, bool]:
    """Take in a signed request; the same one again changes nothing. Returns where it stands and whether it is new.

    Args:
        keeper: of a follow-up: the request that it follows, and the safe that keeps it.
    Raises:
        FormatError: as `decode_any_request` and `parse_request`.
        VerificationError: `org.unregistered`, `org.purpose_not_allowed` (it asks more than its registration allows),
            `org.key_replaced`, `org.suspended`.
        ConsentError: `authz.denied` (another organisation's), `consent.expired`, `consent.window_too_long`.
        ConflictError: `api.idempotency_conflict`.
        RateLimitedError: `api.rate_limited`.
    """
    now = service.clock()
    service.limits.new_request.take(str(organisation.org), now=now)
    data = decode_any_request(request)
    parsed = parse_request(data)
    if parsed.body.org != organisation.org:
        raise ConsentError(Reason.AUTHZ_DENIED, f"a request of organisation {parsed.body.org}")
    registration = verify_request(parsed, directory=service.fresh_trust(now).directory, today=now // _DAY)
    if now >= parsed.body.expires:
        raise ConsentError(Reason.CONSENT_EXPIRED, "the request has run out")
    if parsed.body.expires - now > _MAX_WINDOW:
        raise ConsentError(Reason.CONSENT_WINDOW_TOO_LONG, f"at most {_MAX_WINDOW // _DAY} days")
    id_ = service.random(ID_SIZE)
    with service.store.write() as tx:
        if idempotency_key is not None:
            id_ = _idempotent(tx, organisation.org, idempotency_key, sha256(data).digest(), id_, now)
        known = tx.request_of_digest(parsed.digest())
        learn_registration(tx, registration)
        if known is not None:
            return status_of(tx, known, now), False
        row = RequestRow(
            id=id_,
            org=organisation.org,
            digest=parsed.digest(),
            request=data,
            state=RequestState.WAITING,
            safe=None,
            expires=parsed.body.expires,
            created=now,
        )
        kept = None if keeper is None else keeper(tx, parsed.body)
        tx.add_request(row)
        if kept is not None:
            tx.add_follow_up(id_, kept[1], follows=kept[0], expires=row.expires)
        return status_of(tx, row, now), True


def request_status(service: Service, organisation: Organisation, id_: bytes) -> RequestStatus:
    """Where an organisation's own request stands. Raises ConsentError `authz.not_found`."""
    with service.store.read() as tx:
        return status_of(tx, of_org(tx.request(id_), organisation), service.clock())


def view_request(service: Service, citizen: Citizen, id_: bytes) -> RequestView:
    """What the citizen reads before deciding. The first reading leaves a row in the access log.

    Raises:
        ConsentError: `authz.not_found`: absent, or answered by somebody else.
    """
    now = service.clock()
    with service.store.read() as tx:
        row = visible_to(tx.request(id_), citizen)
        seen = tx.is_seen(id_, citizen.safe)
    parsed = parse_request(row.request)
    if not seen:
        with service.store.write() as tx:
            row = visible_to(tx.request(id_), citizen)
            if tx.mark_seen(id_, citizen.safe):
                access = access_of(Action.SEEN, parsed, asked_slots(parsed.body))
                append_access(
                    tx, citizen.safe, access, data_key=citizen.data_key, time=now, random=service.random
                )
    registration, warning = _registration(service, parsed, now)
    with service.store.read() as tx:
        status = status_of(tx, visible_to(tx.request(id_), citizen), now)
        reminded = tx.reminder(id_)
        alike = [] if registration is None else look_alikes(tx, registration)
        if is_suspended(tx, parsed.body.org):
            registration, warning = None, Reason.ORG_SUSPENDED
    open_ = status.state is RequestState.WAITING
    certificates: list[StoredCertificate] = []
    if open_ and registration is not None:
        with service.store.read() as tx:
            usable = usable_certificates(tx, citizen)
        standing = (stored for stored in usable if not is_ended(stored.certificate.body, service.trust()))
        certificates = list(standing)[:_MAX_OFFERS]
    return RequestView(
        status=status,
        data=row.request,
        asked=parsed.body,
        registration=registration,
        warning=warning,
        name_warning=Reason.ORG_LOOK_ALIKE if alike else _name_warning(registration),
        look_alikes=tuple(alike),
        reminded=reminded,
        digits=matching_digits(parsed.digest()),
        items=tuple(
            _asked(at, item, certificates, service.trust(), day_of_question(now))
            for at, item in enumerate(parsed.body.items)
        ),
    )


def list_requests(service: Service, citizen: Citizen, *, after: bytes, limit: int) -> list[RequestStatus]:
    """Requests that this citizen answered or refused, by id."""
    now = service.clock()
    with service.store.read() as tx:
        rows = tx.requests_of_safe(citizen.safe, after=after, limit=limit)
        return [status_of(tx, row, now) for row in rows]


def visible_to(row: RequestRow | None, citizen: Citizen) -> RequestRow:
    """The request, if this citizen may see it: nobody, or they, answered it. Raises `authz.not_found`."""
    if row is None or row.safe not in (None, citizen.safe):
        raise not_found()
    return row


def asked_slots(body: RequestBody) -> tuple[int, ...]:
    """All slots that a request asks for, ascending."""
    return tuple(sorted({slot for item in body.items if isinstance(item, SlotsItem) for slot in item.slots}))


def access_of(action: Action, request: UnverifiedRequest, slots: tuple[int, ...]) -> Access:
    """The access-log row's content for something that happened to `request`."""
    types = [item.type for item in request.body.items if isinstance(item, SlotsItem)]
    type_ = types[0] if types else CertificateType.CONTRIBUTION  # policies are about contributions
    return Access(action, request.body.org, request.digest(), int(type_), slots)


def _idempotent(tx: Transaction, org: int, key: str, body: bytes, id_: bytes, now: int) -> bytes:
    known = tx.idempotent(org, key)
    if known is None:
        tx.add_idempotent(org, key, body=body, request=id_, created=now)
        return id_
    if known[0] != body:
        raise ConflictError(Reason.API_IDEMPOTENCY_CONFLICT)
    return known[1]


def status_of(tx: Transaction, row: RequestRow, now: int) -> RequestStatus:
    """Where the request of `row` stands at `now`, with what became of its answer."""
    return RequestStatus(row.id, row.state_at(now), row.expires, tx.answer(row.id))


def _registration(
    service: Service, request: UnverifiedRequest, now: int
) -> tuple[RegistrationBody | None, Reason | None]:
    try:
        directory = service.fresh_trust(now).directory
        return verify_request(request, directory=directory, today=now // _DAY), None
    except VerificationError as exc:
        return None, exc.reason


def _name_warning(registration: RegistrationBody | None) -> Reason | None:
    if registration is None:
        return None
    return confusable_warning(registration.name_zh) or confusable_warning(registration.name_en)


def _asked(
    position: int,
    item: SlotsItem | PolicyItem,
    certificates: list[StoredCertificate],
    trust: TrustBundle,
    today: date,
) -> AskedItem:
    retired = retired_template(item, trust.templates, today=today)
    if retired is not None:
        certificates = []
    if isinstance(item, PolicyItem):
        return replace(_asked_policy(position, item, certificates, trust.policies, today), retired=retired)
    registry = registry_of(item.type)
    claims = tuple(registry.claim_at(slot) for slot in item.slots)
    offers = tuple(
        _offer(stored, item) for stored in certificates if stored.certificate.body.type is item.type
    )
    return AskedItem(position, None, claims, offers, retired)


def _asked_policy(
    position: int,
    item: PolicyItem,
    certificates: list[StoredCertificate],
    policies: Mapping[str, Policy],
    today: date,
) -> AskedItem:
    try:
        policy = policy_asked(item, policies, printed=False)  # `begin` judges the request itself
    except UndeterminedError:
        return AskedItem(position, item.policy, (), ())
    offers = []
    for stored in certificates:
        answer, (slots,) = slots_for_policy(policy, [stored.certificate], today=today)
        shown = tuple(one for one in stored.certificate.disclosures if one.slot in slots)
        offers.append(Offer(stored, shown, (), answer))
    return AskedItem(position, policy, (), tuple(offers))


def _offer(stored: StoredCertificate, item: SlotsItem) -> Offer:
    held = {shown.slot: shown for shown in stored.certificate.disclosures}
    return Offer(
        stored,
        tuple(held[slot] for slot in item.slots if slot in held),
        tuple(slot for slot in item.slots if slot not in held),
    )
