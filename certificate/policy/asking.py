"""From a request's policy to the claims that answer it, and from shown claims to its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from types import MappingProxyType

from certificate.certificate import UnverifiedCertificate
from certificate.policy.evaluate import Answer
from certificate.policy.facts import Facts, facts_of
from certificate.policy.language import Policy
from certificate.policy.least import least_claims, least_months
from certificate.request import PolicyItem, RequestBody
from certificate.template.language import Template
from certificate.template.retirement import retired_template
from ledger.errors import ConsentError, FormatError, UndeterminedError, VerificationError
from ledger.reasons import Reason

__all__ = [
    "day_of_question",
    "facts_of_certificate",
    "months_to_show",
    "policy_asked",
    "slots_for_items",
    "slots_for_policy",
]

_ZONE = timezone(timedelta(hours=8))  # of the authorities; a bundle of other zones would say so


def day_of_question(now: int) -> date:
    """The day on which a question of POSIX seconds `now` is asked, in the authorities' zone."""
    return datetime.fromtimestamp(now, UTC).astimezone(_ZONE).date()


def policy_asked(item: PolicyItem, policies: Mapping[str, Policy], *, printed: bool) -> Policy:
    """The policy that `item` names by id and digest.

    Args:
        printed: it stands in a counter request, which has no nonce.
    Raises:
        UndeterminedError: `policy.unknown`.
        VerificationError: `org.purpose_not_allowed`: no printed request may ask it.
    """
    policy = policies.get(item.policy)
    if policy is None or policy.digest != item.digest:
        hint = "sync the trust bundle, and ask with the policy as it is published"
        raise UndeterminedError(Reason.POLICY_UNKNOWN, "a policy that this bundle does not hold", hint=hint)
    if printed and not policy.at_counter:
        raise VerificationError(Reason.ORG_PURPOSE_NOT_ALLOWED, f"{policy.id} in a printed request")
    return policy


def facts_of_certificate(certificate: UnverifiedCertificate) -> Facts:
    """What a certificate shows, for a rule. Its disclosures must lead to its signed root."""
    body = certificate.body
    return facts_of(
        body.type,
        authority=body.authority,
        region=body.region,
        cut_off=body.cut_off,
        disclosed=certificate.disclosures,
        openings=certificate.openings,
    )


def slots_for_policy(
    policy: Policy, certificates: Sequence[UnverifiedCertificate], *, today: date
) -> tuple[Answer, list[list[int]]]:
    """The answer, and per certificate the ascending slots that give it, with what the policy shows besides.

    Args:
        certificates: the holder's own, which show everything.
    """
    facts = [facts_of_certificate(certificate) for certificate in certificates]
    answer, chosen = least_claims(policy, facts, today=today)
    slots = []
    for certificate, one, names in zip(certificates, facts, chosen, strict=True):
        # Undetermined needs no proof; what is shown besides is shown with every certificate that is laid down.
        shown = names | (set(policy.show) & one.claims.keys() if names or answer.value is None else set())
        slots.append(sorted(certificate.body.registry.slot_of(name) for name in shown))
    return answer, slots


def months_to_show(
    request: RequestBody,
    items: Sequence[int],
    certificate: UnverifiedCertificate,
    slots: Sequence[int],
    *,
    policies: Mapping[str, Policy],
    today: date,
    beside: Mapping[int, Sequence[Facts]] = MappingProxyType({}),
) -> dict[int, int]:
    """Per commitment among `slots` how many months to show: as few as answer these items of a request.

    Args:
        items: places in the request; what the holder refuses is not among them and must not be answered by the way.
        slots: what is shown of the holder's whole certificate.
        beside: per place what other certificates show that answer it together with this one.
    """
    openings = [opening for opening in certificate.openings if opening.slot in slots]
    if not openings:
        return {}
    shown = tuple(item for item in certificate.disclosures if item.slot in slots)
    facts = facts_of_certificate(replace(certificate, disclosures=shown, openings=tuple(openings)))
    asked = [
        (policy, beside.get(position, ()))
        for position in items
        if isinstance(item := request.items[position], PolicyItem)
        and (policy := policies.get(item.policy)) is not None
    ]
    months = least_months(asked, facts, today=today)
    return {certificate.body.registry.slot_of(name): count for name, count in months.items()}


def slots_for_items(
    request: RequestBody,
    items: Sequence[int],
    certificate: UnverifiedCertificate,
    *,
    policies: Mapping[str, Policy],
    templates: Mapping[str, Template],
    today: date,
) -> list[int]:
    """The least slots of the holder's whole certificate that answer these items of a request, ascending.

    Args:
        items: places in the request, each at most once.
    Raises:
        ConsentError: `consent.field_denied`: the request has no such item; `template.retired`: nobody is asked for it
            any more.
        FormatError: `disc.required_missing`: the certificate is of another type or lacks a claim; `api.validation`.
        UndeterminedError: `policy.unknown`; `policy.undetermined`: the certificate cannot decide it.
        VerificationError: as `policy_asked`.
    """
    if not items or len(set(items)) != len(items):
        raise FormatError(Reason.API_VALIDATION, "items are named once each")
    slots: set[int] = set()
    for position in items:
        if not 0 <= position < len(request.items):
            raise ConsentError(Reason.CONSENT_FIELD_DENIED, f"the request has no item {position}")
        item = request.items[position]
        if (gone := retired_template(item, templates, today=today)) is not None:
            raise gone.retirement()
        if isinstance(item, PolicyItem):
            policy = policy_asked(item, policies, printed=request.nonce is None)
            answer, (chosen,) = slots_for_policy(policy, [certificate], today=today)
            if answer.value is None:
                hint = "fetch a newer certificate, or refuse this item"
                raise UndeterminedError(Reason.POLICY_UNDETERMINED, f"item {position}", hint=hint)
            slots |= set(chosen)
        elif item.type is not certificate.body.type:
            raise FormatError(Reason.DISC_REQUIRED_MISSING, f"item {position} is of another type")
        else:
            slots |= set(item.slots)
    lacking = slots - {shown.slot for shown in certificate.disclosures}
    if lacking:
        raise FormatError(Reason.DISC_REQUIRED_MISSING, f"{len(lacking)} claims are not in the certificate")
    return sorted(slots)
