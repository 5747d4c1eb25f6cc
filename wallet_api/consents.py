"""Consent: the exact bytes to sign, the signature back, one presentation; and taking it back.

One consent, one request, one presentation. The service composes what is shown but cannot make or widen a consent: it
has no holder key, and the signature covers the certificate with its disclosures, the request and the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from certificate.certificate import UnverifiedCertificate
from certificate.cose import encode_sign1
from certificate.holding import disclose
from certificate.keys import verify_signature
from certificate.numbers import Presenter
from certificate.policy.asking import day_of_question
from certificate.policy.composing import Laid, Shown, compose
from certificate.presentation import (
    MAX_LIFETIME,
    MAX_PARTS,
    PresentationBody,
    encode_answer,
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
from certificate.schema import take_array, take_bytes
from certificate.slot_tree import Disclosure
from certificate.to_be_signed import parse_to_be_signed
from ledger.cbor import decode_cbor, encode_cbor
from ledger.errors import ConsentError, FormatError, ProjectError, UndeterminedError, VerificationError
from ledger.reasons import Reason
from verifier.standing import is_ended
from verifier.trust import TrustBundle
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
    "Part",
    "Statement",
    "answer_bound",
    "begin_answer",
    "complete_answer",
    "refuse_request",
    "require_waiting",
    "shown_slots",
    "withdraw_answer",
]

DRAFT_LIFETIME = 600  # seconds
DEFAULT_MINUTES = 24 * 60
_DAY = 86400


@dataclass(frozen=True, slots=True)
class Part:
    """What one certificate shows, and the exact bytes to sign for it."""

    to_be_signed: bytes
    certificate: StoredCertificate
    shown: tuple[Disclosure, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """What the bytes to be signed say, for the screen beside them. `expires` is the end of the consent."""

    parts: tuple[Part, ...]
    registration: RegistrationBody
    request: UnverifiedRequest
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
    also: Sequence[tuple[str, Sequence[int]]] = (),
) -> Statement:
    """Compose an answer: the least set of claims of certificate `number` for these items of the request.

    One consent may lay down several certificates of one's own: `also` names further ones, each with its items. A policy
    that is an item of two is answered by both together.

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
        held = (
            _own(tx, citizen, service.trust()) if number is None else [open_certificate(tx, citizen, number)]
        )
        others = [(open_certificate(tx, citizen, other), places) for other, places in also]
    require_waiting(row, now)
    if not 1 <= minutes <= MAX_LIFETIME:
        raise ConsentError(Reason.CONSENT_WINDOW_TOO_LONG, f"at most {MAX_LIFETIME} minutes")
    request = parse_request(row.request)
    trust = service.fresh_trust(now)
    registration = verify_request(request, directory=trust.directory, today=now // _DAY)

    def composed(first: StoredCertificate) -> list[Shown]:
        laid = [(first, items), *others]
        for one, _ in laid:
            require_usable(one, citizen, trust)
            if one.certificate.body.expires < now // _DAY:
                raise VerificationError(Reason.TIME_EXPIRED, f"certificate {one.number}")
        _require_distinct([one for one, _ in laid])
        return compose(
            request.body,
            [Laid(one.certificate, tuple(places)) for one, places in laid],
            policies=trust.policies,
            templates=trust.templates,
            today=day_of_question(now),
        )

    stored, shown = _choose(held, composed)
    with service.store.read() as tx:
        principal_of(service, tx, citizen, stored)

    def part_of(one: StoredCertificate, least: Shown) -> Part:
        opened = disclose(one.data, least.slots, holds=request.body.holds, at_least=least.months)
        to_sign = presentation_to_be_signed(body, opened, holder_key=citizen.holder_key)
        claims = tuple(item for item in one.certificate.disclosures if item.slot in least.slots)
        return Part(to_sign, one, claims)

    body = PresentationBody(request.body.org, request.digest(), now, minutes)
    used = [stored, *(one for one, _ in others)]
    parts = tuple(part_of(one, least) for one, least in zip(used, shown, strict=True))
    to_sign = encode_cbor([part.to_be_signed for part in parts])
    sealed = seal(citizen.data_key, to_sign, bound=_draft_bound(id_, citizen.safe), random=service.random)
    until = min(now + DRAFT_LIFETIME, row.expires)
    with service.store.write() as tx:
        require_waiting(visible_to(tx.request(id_), citizen), now)
        tx.put_draft(DraftRow(id_, citizen.safe, sealed, until))
    return Statement(parts, registration, request, now, body.expires, until)


def complete_answer(service: Service, citizen: Citizen, id_: bytes, *signatures: bytes) -> None:
    """Take the holder's signatures over the bytes that `begin_answer` gave, in their order; it is answered then.

    Raises:
        ConsentError: `authz.not_found`, `consent.exhausted` (answered or refused before), `consent.expired`,
            `consent.revoked` (the delegation too, for a proxy), `consent.not_yet_valid` (nothing was begun).
        VerificationError: `pres.binding_invalid`: not this holder's signature over these bytes; `org.suspended`; as
            `require_usable` when the certificate was revoked, replaced or suspended since.
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
        parts = _signed(citizen, draft, signatures)
        parsed = [parse_presentation(part) for part in parts]
        used = [open_certificate(tx, citizen, one.certificate.body.number) for one in parsed]
        for stored in used:
            require_usable(stored, citizen, service.trust())
        principal = principal_of(service, tx, citizen, used[0])
        data = encode_answer(parts)
        sealed = seal(citizen.data_key, data, bound=answer_bound(id_, citizen.safe), random=service.random)
        body = parsed[0].body
        answer = AnswerRow(id_, citizen.safe, sealed, now, body.issued, body.expires, principal=principal)
        tx.add_answer(answer)
        tx.move_request(id_, to=RequestState.ANSWERED, safe=citizen.safe)
        tx.delete_drafts(id_)
        shown = shown_slots([one.certificate for one in parsed])
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
    held: Sequence[StoredCertificate], composed: Callable[[StoredCertificate], list[Shown]]
) -> tuple[StoredCertificate, list[Shown]]:
    """The first of `held` that answers, with what is shown then; the only one, or why it does not."""
    if len(held) == 1:
        return held[0], composed(held[0])
    undecided: ProjectError | None = None
    for stored in held:
        try:
            return stored, composed(stored)
        except (FormatError, UndeterminedError) as exc:
            if exc.reason not in (Reason.DISC_REQUIRED_MISSING, Reason.POLICY_UNDETERMINED):
                raise
            undecided = exc if exc.reason is Reason.POLICY_UNDETERMINED else undecided
    raise undecided or FormatError(Reason.DISC_REQUIRED_MISSING, "no certificate holds all that is asked")


def _own(tx: Transaction, citizen: Citizen, trust: TrustBundle) -> list[StoredCertificate]:
    """What is offered without being named: a proxy names whom they answer for. What ended, if there is nothing else."""
    usable = usable_certificates(tx, citizen)
    own = [stored for stored in usable if stored.certificate.body.presenter is Presenter.SELF]
    return [stored for stored in own if not is_ended(stored.certificate.body, trust)] or own


def shown_slots(certificates: Sequence[UnverifiedCertificate]) -> tuple[int, ...]:
    """The slots that any of the certificates of one answer shows, ascending."""
    return tuple(sorted({item.slot for one in certificates for item in one.disclosures}))


def _require_distinct(certificates: Sequence[StoredCertificate]) -> None:
    """One presentation a certificate; somebody else's certificate answers alone."""
    if len({one.number for one in certificates}) != len(certificates):
        raise FormatError(Reason.API_VALIDATION, "certificates are named once each")
    selves = [one.certificate.body.presenter is Presenter.SELF for one in certificates]
    if len(certificates) > 1 and not all(selves):
        raise ConsentError(Reason.CONSENT_FIELD_DENIED, "a proxy answers with one certificate")


def _signed(citizen: Citizen, draft: DraftRow, signatures: Sequence[bytes]) -> list[bytes]:
    bound = _draft_bound(draft.request, citizen.safe)
    due = take_array(decode_cbor(open_sealed(citizen.data_key, draft.sealed, bound=bound)), at_most=MAX_PARTS)
    if len(due) != len(signatures):
        raise VerificationError(Reason.PRES_BINDING_INVALID, f"{len(due)} signatures are due")
    parts = []
    for to_be_signed, signature in zip(due, signatures, strict=True):
        to_sign = parse_to_be_signed(take_bytes(to_be_signed))
        try:
            verify_signature(public_key=citizen.holder_key, message=to_sign.encode(), signature=signature)
        except ProjectError as exc:
            detail = "not the holder's signature over this"
            raise VerificationError(Reason.PRES_BINDING_INVALID, detail) from exc
        parts.append(encode_sign1(to_sign.protected_bytes, to_sign.payload_bytes, signature))
    return parts


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
