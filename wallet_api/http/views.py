"""From the services' values to the bodies of `models`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from certificate.keys import key_id
from certificate.policy.language import Policy
from certificate.policy.wording import finding_sentences
from certificate.request import RegistrationBody
from certificate.slot_tree import Disclosure
from certificate.slots import Claim, Registry, registry_of
from certificate.texts import Language, claim_name, format_value, type_name
from verifier.standing import standing_of
from verifier.trust import TrustBundle
from wallet_api.access_rows import AccessPage, AccessRow
from wallet_api.consents import Statement
from wallet_api.http import models
from wallet_api.http.models import b64
from wallet_api.requests import AskedItem, Offer, RequestState, RequestStatus, RequestView
from wallet_api.safe import StoredCertificate
from wallet_api.store.rows import AnswerRow

__all__ = [
    "access_log",
    "answer_to_sign",
    "certificate_model",
    "certificate_summary",
    "for_citizen",
    "for_organisation",
    "request_summary",
]

_DAY = 86400

_ANSWERS = {True: "true", False: "false", None: "undetermined"}


def certificate_summary(
    stored: StoredCertificate, trust: TrustBundle, language: Language
) -> models.CertificateSummary:
    body = stored.certificate.body
    office = trust.directory.office(body.authority, body.office)
    name = "" if office is None else office.name_zh if language == "zh" else office.name_en
    standing = standing_of(body, trust)
    return models.CertificateSummary(
        number=body.number,
        type=type_name(body.type, language),
        office=name,
        cut_off=body.cut_off,
        issued=_date(body.issued),
        expires=_date(body.expires),
        state=stored.state.value,
        status="unknown" if standing is None else standing.name.lower(),
        device=key_id(stored.holder_key).hex(),
        presenter=body.presenter.name.lower(),
        etag=stored.etag,
    )


def certificate_model(
    stored: StoredCertificate, trust: TrustBundle, language: Language
) -> models.CertificateModel:
    summary = certificate_summary(stored, trust, language)
    return models.CertificateModel(
        **summary.model_dump(),
        claims=_shown(stored, stored.certificate.disclosures, language),
        certificate=b64(stored.data),
    )


def for_organisation(status: RequestStatus, public_url: str) -> models.RequestForOrganisation:
    id_ = status.id.hex()
    return models.RequestForOrganisation(
        id=id_,
        link=f"{public_url}/requests/{id_}",
        state=status.state.value,
        expires=status.expires,
        answer=_times(status.answer),
        delete=status.state is RequestState.WITHDRAWN,
    )


def request_summary(status: RequestStatus) -> models.RequestSummary:
    return models.RequestSummary(
        id=status.id.hex(), state=status.state.value, expires=status.expires, answer=_times(status.answer)
    )


def for_citizen(view: RequestView, language: Language) -> models.RequestForCitizen:
    asked = view.asked
    return models.RequestForCitizen(
        id=view.status.id.hex(),
        request=b64(view.data),
        state=view.status.state.value,
        expires=view.status.expires,
        organisation=None if view.registration is None else _organisation(view.registration),
        warning=None if view.warning is None else view.warning.value,
        name_warning=None if view.name_warning is None else view.name_warning.value,
        look_alikes=[
            models.OrganisationName(number=other.org, name_zh=other.name_zh, name_en=other.name_en)
            for other in view.look_alikes
        ],
        reminded=view.reminded,
        desk=asked.desk,
        purpose=asked.purpose,
        legal_basis=asked.legal_basis,
        method=asked.method,
        retention_days=asked.retention,
        digits=view.digits,
        items=[_item(item, language) for item in view.items],
        answer=_times(view.status.answer),
    )


def answer_to_sign(statement: Statement, language: Language) -> models.AnswerToSign:
    asked, (first, *also) = statement.request.body, statement.parts
    return models.AnswerToSign(
        to_be_signed=b64(first.to_be_signed),
        also=[
            models.PartToSign(
                to_be_signed=b64(part.to_be_signed),
                certificate=part.certificate.number,
                claims=_shown(part.certificate, part.shown, language),
            )
            for part in also
        ],
        organisation=_organisation(statement.registration),
        purpose=asked.purpose,
        legal_basis=asked.legal_basis,
        method=asked.method,
        retention_days=asked.retention,
        digits=statement.digits,
        certificate=first.certificate.number,
        presenter=first.certificate.certificate.body.presenter.name.lower(),
        claims=_shown(first.certificate, first.shown, language),
        issued=statement.issued,
        expires=statement.expires,
        sign_until=statement.sign_until,
    )


def access_log(page: AccessPage, *, limit: int) -> models.AccessLog:
    more = len(page.rows) == limit
    return models.AccessLog(
        rows=[_access_row(row) for row in page.rows],
        size=page.size,
        root=page.root_hash.hex(),
        next=str(page.rows[-1].counter) if more else None,
    )


def _access_row(row: AccessRow) -> models.AccessRowModel:
    access = row.access
    names = [registry_of(access.type).claim_at(slot).name for slot in access.slots]
    return models.AccessRowModel(
        counter=row.counter,
        time=row.time,
        action=access.action.name.lower(),
        org=access.org,
        request=access.request_digest.hex(),
        type=access.type,
        slots=list(access.slots),
        claims=names,
        details=list(access.details),
        previous=row.previous.hex(),
        salt=row.salt.hex(),
        entry=row.entry.hex(),
        position=row.position,
        path=[node.hex() for node in row.path],
    )


def _item(item: AskedItem, language: Language) -> models.AskedItemModel:
    claims = [
        models.ClaimModel(claim=claim.name, slot=claim.slot, label=claim_name(claim, language))
        for claim in item.claims
    ]
    offers = [_offer(offer, language) for offer in item.offers]
    policy = item.policy if isinstance(item.policy, Policy) else None
    return models.AskedItemModel(
        item=item.position,
        policy=item.policy.id if isinstance(item.policy, Policy) else item.policy,
        title=None if policy is None else policy.title(language),
        legal_basis=None if policy is None else policy.legal_basis,
        claims=claims,
        offers=offers,
        retired_since=None if item.retired is None else str(item.retired.retired_since),
        retired_basis=None if item.retired is None else item.retired.retired_basis,
    )


def _offer(offer: Offer, language: Language) -> models.OfferModel:
    body = offer.certificate.certificate.body
    return models.OfferModel(
        certificate=body.number,
        cut_off=body.cut_off,
        complete=not offer.missing and (offer.answer is None or offer.answer.value is not None),
        claims=_shown(offer.certificate, offer.disclosures, language),
        missing=[body.registry.claim_at(slot).name for slot in offer.missing],
        answer=None if offer.answer is None else _ANSWERS[offer.answer.value],
        because=[] if offer.answer is None else finding_sentences(offer.answer, language),
    )


def _shown(
    stored: StoredCertificate, disclosures: Iterable[Disclosure], language: Language
) -> list[models.ShownClaim]:
    body = stored.certificate.body
    return [_claim(body.registry, shown, body.cut_off, language) for shown in disclosures]


def _claim(registry: Registry, shown: Disclosure, cut_off: int, language: Language) -> models.ShownClaim:
    claim: Claim = registry.claim_at(shown.slot)
    return models.ShownClaim(
        claim=claim.name,
        slot=claim.slot,
        label=claim_name(claim, language, cut_off),
        value=format_value(claim, shown.value, language),
    )


def _organisation(registration: RegistrationBody) -> models.OrganisationModel:
    return models.OrganisationModel(
        number=registration.org,
        name_zh=registration.name_zh,
        name_en=registration.name_en,
        contact=registration.contact,
    )


def _times(answer: AnswerRow | None) -> models.AnswerTimes | None:
    if answer is None:
        return None
    return models.AnswerTimes(
        answered=answer.answered,
        expires=answer.expires,
        fetched=answer.fetched,
        acknowledged=answer.acknowledged,
        withdrawn=answer.withdrawn,
        deletion_confirmed=answer.deletion_confirmed,
    )


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * _DAY, UTC).date().isoformat()
