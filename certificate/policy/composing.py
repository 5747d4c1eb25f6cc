"""One answer from several certificates: what each of them shows, so that together they answer a request.

Each certificate answers the items that it is laid down for. A policy that several are laid down for is decided by what
they say together: months are united, and counted once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from certificate.certificate import UnverifiedCertificate
from certificate.policy.asking import (
    facts_of_certificate,
    months_to_show,
    policy_asked,
    slots_for_items,
    slots_for_policy,
)
from certificate.policy.facts import Facts
from certificate.policy.language import Policy
from certificate.request import PolicyItem, RequestBody
from certificate.template.language import Template
from certificate.template.retirement import retired_template
from ledger.errors import ConsentError, FormatError, ProjectError, UndeterminedError
from ledger.reasons import Reason

__all__ = ["Laid", "Shown", "compose", "lay_down"]

_ANOTHER_MAY: Final = (Reason.DISC_REQUIRED_MISSING, Reason.POLICY_UNDETERMINED)


@dataclass(frozen=True, slots=True)
class Laid:
    """A whole certificate, and the places in the request that it is laid down for."""

    certificate: UnverifiedCertificate
    items: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What one certificate shows: ascending slots, and per commitment among them how many months."""

    slots: tuple[int, ...]
    months: Mapping[int, int]


def compose(
    request: RequestBody,
    laid: Sequence[Laid],
    *,
    policies: Mapping[str, Policy],
    templates: Mapping[str, Template],
    today: date,
) -> list[Shown]:
    """The least that each of `laid` shows.

    Raises:
        ConsentError, FormatError, UndeterminedError, VerificationError: as `slots_for_items`; also FormatError
            `api.validation`: claims are asked of two certificates, or one of them is not needed.
    """
    places = [place for one in laid for place in one.items]
    shared = {place for place in places if places.count(place) > 1}
    slots: list[set[int]] = []
    for one in laid:
        own = [place for place in one.items if place not in shared]
        if len(set(one.items)) != len(one.items) or not one.items:
            raise FormatError(Reason.API_VALIDATION, "items are named once each")
        shown = (
            slots_for_items(
                request, own, one.certificate, policies=policies, templates=templates, today=today
            )
            if own
            else []
        )
        slots.append(set(shown))
    for place in sorted(shared):
        policy = _shared_policy(request, place, policies, templates, today)
        together = [at for at, one in enumerate(laid) if place in one.items]
        answer, chosen = slots_for_policy(policy, [laid[at].certificate for at in together], today=today)
        if answer.value is None:
            raise _undetermined(place)
        for at, found in zip(together, chosen, strict=True):
            if not found:
                raise FormatError(Reason.API_VALIDATION, f"item {place} does not need certificate {at}")
            slots[at] |= set(found)
    return _with_months(request, laid, slots, policies, today)


def lay_down(
    request: RequestBody,
    items: Sequence[int],
    held: Sequence[UnverifiedCertificate],
    *,
    policies: Mapping[str, Policy],
    templates: Mapping[str, Template],
    today: date,
) -> list[tuple[int, tuple[int, ...]]]:
    """Which of the holder's own certificates answer these items, for `compose`: places in `held` and their items.

    One that answers all, the first of them; else for each item the first that answers it alone; of a policy that none
    decides, those that decide it together.

    Args:
        held: the ones to be taken rather than others first.
    Raises:
        As `slots_for_items`, when nothing answers an item.
    """

    def first_for(places: Sequence[int]) -> int:
        refusal: ProjectError = FormatError(
            Reason.DISC_REQUIRED_MISSING, "no certificate holds all that is asked"
        )
        for at, one in enumerate(held):
            try:
                slots_for_items(request, places, one, policies=policies, templates=templates, today=today)
                return at
            except (FormatError, UndeterminedError) as exc:
                if exc.reason not in _ANOTHER_MAY:
                    raise
                refusal = exc
        raise refusal

    def some_for(place: int) -> list[int]:
        try:
            return [first_for([place])]
        except UndeterminedError as exc:
            if exc.reason is not Reason.POLICY_UNDETERMINED or len(held) < 2:
                raise
        policy = _shared_policy(request, place, policies, templates, today)
        together = list(range(len(held)))
        while True:
            answer, slots = slots_for_policy(policy, [held[at] for at in together], today=today)
            if answer.value is None:
                raise _undetermined(place)
            needed = [at for at, shown in zip(together, slots, strict=True) if shown]
            if needed == together:
                return needed
            together = needed

    try:
        return [(first_for(items), tuple(items))]
    except (FormatError, UndeterminedError) as exc:
        if exc.reason not in _ANOTHER_MAY or len(held) < 2:
            raise
    laid: dict[int, list[int]] = {}
    for place in items:
        for at in some_for(place):
            laid.setdefault(at, []).append(place)
    return [(at, tuple(places)) for at, places in sorted(laid.items())]


def _undetermined(place: int) -> UndeterminedError:
    hint = "fetch newer certificates, or refuse this item"
    return UndeterminedError(Reason.POLICY_UNDETERMINED, f"item {place}", hint=hint)


def _shared_policy(
    request: RequestBody,
    place: int,
    policies: Mapping[str, Policy],
    templates: Mapping[str, Template],
    today: date,
) -> Policy:
    if not 0 <= place < len(request.items):
        raise ConsentError(Reason.CONSENT_FIELD_DENIED, f"the request has no item {place}")
    item = request.items[place]
    if not isinstance(item, PolicyItem):
        raise FormatError(Reason.API_VALIDATION, f"item {place} is answered by one certificate")
    if (gone := retired_template(item, templates, today=today)) is not None:
        raise gone.retirement()
    return policy_asked(item, policies, printed=request.nonce is None)


def _with_months(
    request: RequestBody,
    laid: Sequence[Laid],
    slots: Sequence[set[int]],
    policies: Mapping[str, Policy],
    today: date,
) -> list[Shown]:
    """As few months of each threshold proof as answer, one certificate after the other."""
    facts = [_facts_shown(one.certificate, chosen, {}) for one, chosen in zip(laid, slots, strict=True)]
    made: list[Shown] = []
    for at, (one, chosen) in enumerate(zip(laid, slots, strict=True)):
        beside = {
            place: [facts[other] for other, its in enumerate(laid) if other != at and place in its.items]
            for place in one.items
        }
        months = months_to_show(
            request, one.items, one.certificate, sorted(chosen), policies=policies, today=today, beside=beside
        )
        facts[at] = _facts_shown(one.certificate, chosen, months)
        made.append(Shown(tuple(sorted(chosen)), months))
    return made


def _facts_shown(certificate: UnverifiedCertificate, slots: set[int], months: Mapping[int, int]) -> Facts:
    """What these slots say; of a commitment as many months as there are, or as `months` has it."""
    openings = tuple(
        replace(opening, at_least=months.get(opening.slot, opening.at_least))
        for opening in certificate.openings
        if opening.slot in slots
    )
    shown = tuple(item for item in certificate.disclosures if item.slot in slots)
    return facts_of_certificate(replace(certificate, disclosures=shown, openings=openings))
