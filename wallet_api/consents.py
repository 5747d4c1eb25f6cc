"""Consent: the exact bytes to sign, the signature back, one presentation; and taking it back.

One consent, one request, one presentation. The service composes what is shown but cannot make or widen a consent: it
has no holder key, and the signature covers the certificate with its disclosures, the request and the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from certificate.cose import encode_sign1
from certificate.holding import disclose
from certificate.keys import verify_signature
from certificate.numbers import Presenter
from certificate.policy.asking import day_of_question, months_to_show, slots_for_items
from certificate.presentation import (
    MAX_LIFETIME,
    PresentationBody,
    parse_presentation,
    presentation_to_be_signed,
)
from certificate.request import (
    RegistrationBody,
    UnverifiedRequest,
    matching_digits,
    parse_request,
    verify_request,
)
from certificate.slot_tree import Disclosure
from certificate.to_be_signed import parse_to_be_signed
from ledger.errors import ConsentError, FormatError, ProjectError, UndeterminedError, VerificationError
from ledger.reasons import Reason
from wallet_api.access_log import append_access
from wallet_api.access_rows import Action
from wallet_api.acting import append_for_principal, principal_of
from wallet_api.organisations import require_active
from wallet_api.requests import RequestState, access_of, asked_slots, visible_to
from wallet_api.safe import StoredCertificate, open_certificate, require_usable, usable_certificates
from wallet_api.sealing import bound_to, open_sealed, seal
from wallet_api.service import Citizen, Service
from wallet_api.store.rows import AnswerRow, DraftRow, RequestRow
from wallet_api.store.sql import Transaction

__all__ = [
    "DEFAULT_MINUTES",
    "DRAFT_LIFETIME",
    "Statement",
    "answer_bound",
    "begin_answer",
    "complete_answer",
    "refuse_request",
    "require_waiting",
    "withdraw_answer",
]

DRAFT_LIFETIME = 600  # seconds
DEFAULT_MINUTES = 24 * 60
_DAY = 86400


@dataclass(frozen=True, slots=True)
class Statement:
    """What the bytes to be signed say, for the screen beside them. `expires` is the end of the consent."""

    to_be_signed: bytes
    registration: RegistrationBody
    request: UnverifiedRequest
    certificate: StoredCertificate
    shown: tuple[Disclosure, ...]
    issued: int
    expires: int
    sign_until: int

    @property
    def digits(self) -> str:
        return matching_digits(self.request.digest())


def begin_answer(
    service: Service,
    citizen: Citizen,
    id_: bytes,
    *,
    number: str | None,
    items: Sequence[int],
    minutes: int,
) -> Statement:
    """Compose an answer: the least set of claims of certificate `number` for these items of the request.

    Args:
        number: None takes the newest own certificate that holds all that is asked; a proxy's is always named.
        items: places in the request, each at most once; what is left out is refused.
        minutes: how long the organisation may use the answer.
    Raises:
        ConsentError: `authz.not_found` (request or certificate), `consent.expired`, `consent.exhausted`,
            `consent.revoked`, `consent.field_denied` (no such item), `consent.window_too_long`,
            `template.retired`.
        VerificationError: `org.unregistered`, `org.purpose_not_allowed`, `org.suspended`, `time.expired`, and as
            `require_usable`.
        FormatError: `disc.required_missing`: the certificate does not hold what is asked.
        UndeterminedError: `policy.unknown`, `policy.undetermined`, `trust.bundle_stale`.
    """
    now = service.clock()
    with service.store.read() as tx:
        row = visible_to(tx.request(id_), citizen)
        require_active(tx, row.org)
        held = _own(tx, citizen) if number is None else [open_certificate(tx, citizen, number)]
    require_waiting(row, now)
    if not 1 <= minutes <= MAX_LIFETIME:
        raise ConsentError(Reason.CONSENT_WINDOW_TOO_LONG, f"at most {MAX_LIFETIME} minutes")
    request = parse_request(row.request)
    trust = service.fresh_trust(now)
    registration = verify_request(request, directory=trust.directory, today=now // _DAY)

    def slots_of(one: StoredCertificate) -> list[int]:
        require_usable(one, citizen)
        if one.certificate.body.expires < now // _DAY:
            raise VerificationError(Reason.TIME_EXPIRED, f"certificate {one.number}")
        return slots_for_items(
            request.body,
            items,
            one.certificate,
            policies=trust.policies,
            templates=trust.templates,
            today=day_of_question(now),
        )

    stored, slots = _choose(held, slots_of)
    with service.store.read() as tx:
        principal_of(service, tx, citizen, stored)
    months = months_to_show(
        request.body, items, stored.certificate, slots, policies=trust.policies, today=day_of_question(now)
    )
    shown = disclose(stored.data, slots, holds=request.body.holds, at_least=months)
    body = PresentationBody(request.body.org, request.digest(), now, minutes)
    to_sign = presentation_to_be_signed(body, shown, holder_key=citizen.holder_key)
    sealed = seal(citizen.data_key, to_sign, bound=_draft_bound(id_, citizen.safe), random=service.random)
    until = min(now + DRAFT_LIFETIME, row.expires)
    with service.store.write() as tx:
        require_waiting(visible_to(tx.request(id_), citizen), now)
        tx.put_draft(DraftRow(id_, citizen.safe, sealed, until))
    disclosed = tuple(item for item in stored.certificate.disclosures if item.slot in slots)
    return Statement(to_sign, registration, request, stored, disclosed, now, body.expires, until)


def complete_answer(service: Service, citizen: Citizen, id_: bytes, *, signature: bytes) -> None:
    """Take the holder's signature over the bytes that `begin_answer` gave; the request is answered then.

    Raises:
        ConsentError: `authz.not_found`, `consent.exhausted` (answered or refused before), `consent.expired`,
            `consent.revoked` (the delegation too, for a proxy), `consent.not_yet_valid` (nothing was begun).
        VerificationError: `pres.binding_invalid`: not this holder's signature over these bytes; `org.suspended`; as
            `require_usable` when the certificate was replaced or suspended since.
    """
    now = service.clock()
    with service.store.write() as tx:
        row = visible_to(tx.request(id_), citizen)
        require_waiting(row, now)
        require_active(tx, row.org)
        draft = tx.draft(id_, citizen.safe)
        if draft is None:
            raise ConsentError(Reason.CONSENT_NOT_YET_VALID, hint="begin an answer first")
        if now >= draft.expires:
            raise ConsentError(Reason.CONSENT_EXPIRED, hint="begin the answer again")
        data = _signed(citizen, draft, signature)
        presentation = parse_presentation(data)
        stored = open_certificate(tx, citizen, presentation.certificate.body.number)
        require_usable(stored, citizen)
        principal = principal_of(service, tx, citizen, stored)
        sealed = seal(citizen.data_key, data, bound=answer_bound(id_, citizen.safe), random=service.random)
        body = presentation.body
        answer = AnswerRow(id_, citizen.safe, sealed, now, body.issued, body.expires, principal=principal)
        tx.add_answer(answer)
        tx.move_request(id_, to=RequestState.ANSWERED, safe=citizen.safe)
        tx.delete_drafts(id_)
        shown = tuple(item.slot for item in presentation.certificate.disclosures)
        _log(service, tx, citizen, row, Action.ANSWERED, shown, now, principal=principal)


def refuse_request(service: Service, citizen: Citizen, id_: bytes) -> None:
    """Say no. Refusing twice is the same. Raises ConsentError as `complete_answer`."""
    now = service.clock()
    with service.store.write() as tx:
        row = visible_to(tx.request(id_), citizen)
        if row.state is RequestState.REFUSED:
            return
        require_waiting(row, now)
        tx.move_request(id_, to=RequestState.REFUSED, safe=citizen.safe)
        tx.delete_drafts(id_)
        _log(service, tx, citizen, row, Action.REFUSED, asked_slots(parse_request(row.request).body), now)


def withdraw_answer(service: Service, citizen: Citizen, id_: bytes) -> None:
    """Take a consent back: when this returns, no release begins any more, and the presentation is gone from here.

    Raises:
        ConsentError: `authz.not_found`, `consent.not_yet_valid` (nothing was answered), `consent.exhausted` (refused).
    """
    now = service.clock()
    with service.store.write() as tx:
        row = visible_to(tx.request(id_), citizen)
        if row.state is RequestState.WITHDRAWN:
            return
        if row.state is not RequestState.ANSWERED:
            waiting = row.state is RequestState.WAITING
            raise ConsentError(Reason.CONSENT_NOT_YET_VALID if waiting else Reason.CONSENT_EXHAUSTED)
        tx.move_request(id_, to=RequestState.WITHDRAWN, safe=citizen.safe)
        tx.mark_withdrawn(id_, now)
        answer = tx.answer(id_)
        principal = None if answer is None else answer.principal
        _log(service, tx, citizen, row, Action.WITHDRAWN, (), now, principal=principal)


def require_waiting(row: RequestRow, now: int) -> None:
    """Raise ConsentError unless the request can still be answered."""
    reasons = {
        RequestState.ANSWERED: Reason.CONSENT_EXHAUSTED,
        RequestState.REFUSED: Reason.CONSENT_EXHAUSTED,
        RequestState.EXPIRED: Reason.CONSENT_EXPIRED,
        RequestState.WITHDRAWN: Reason.CONSENT_REVOKED,
    }
    state = row.state_at(now)
    if state is not RequestState.WAITING:
        raise ConsentError(reasons[state])


def answer_bound(request: bytes, safe: bytes) -> bytes:
    """What a sealed presentation is bound to."""
    return bound_to("answer", request, safe)


def _choose(
    held: Sequence[StoredCertificate], slots_of: Callable[[StoredCertificate], list[int]]
) -> tuple[StoredCertificate, list[int]]:
    """The first of `held` that answers, with the slots that do; the only one, or why it does not."""
    if len(held) == 1:
        return held[0], slots_of(held[0])
    undecided: ProjectError | None = None
    for stored in held:
        try:
            return stored, slots_of(stored)
        except (FormatError, UndeterminedError) as exc:
            if exc.reason not in (Reason.DISC_REQUIRED_MISSING, Reason.POLICY_UNDETERMINED):
                raise
            undecided = exc if exc.reason is Reason.POLICY_UNDETERMINED else undecided
    raise undecided or FormatError(Reason.DISC_REQUIRED_MISSING, "no certificate holds all that is asked")


def _own(tx: Transaction, citizen: Citizen) -> list[StoredCertificate]:
    """What is offered without being named: a proxy names whom they answer for."""
    usable = usable_certificates(tx, citizen)
    return [stored for stored in usable if stored.certificate.body.presenter is Presenter.SELF]


def _signed(citizen: Citizen, draft: DraftRow, signature: bytes) -> bytes:
    bound = _draft_bound(draft.request, citizen.safe)
    to_sign = parse_to_be_signed(open_sealed(citizen.data_key, draft.sealed, bound=bound))
    try:
        verify_signature(public_key=citizen.holder_key, message=to_sign.encode(), signature=signature)
    except ProjectError as exc:
        raise VerificationError(Reason.PRES_BINDING_INVALID, "not the holder's signature over this") from exc
    return encode_sign1(to_sign.protected_bytes, to_sign.payload_bytes, signature)


def _draft_bound(request: bytes, safe: bytes) -> bytes:
    return bound_to("draft", request, safe)


def _log(
    service: Service,
    tx: Transaction,
    citizen: Citizen,
    row: RequestRow,
    action: Action,
    slots: tuple[int, ...],
    now: int,
    *,
    principal: bytes | None = None,
) -> None:
    access = access_of(action, parse_request(row.request), slots)
    append_access(tx, citizen.safe, access, data_key=citizen.data_key, time=now, random=service.random)
    append_for_principal(service, tx, principal, access, proxy_key=citizen.holder_key, time=now)
