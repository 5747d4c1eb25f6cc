"""What one certificate shows, as policies read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from certificate.slot_tree import Disclosure
from certificate.slots import ClaimValue, ValueType, registry_of
from certificate.threshold import Opening

__all__ = ["Facts", "facts_of"]


@dataclass(frozen=True, slots=True)
class Facts:
    """Shown claims by their registered names, with the visible fields that a rule looks at.

    Attributes:
        region: the region code as a number of six digits.
        cut_off: YYYYMM.
        claims: that of a commitment holds how many months are shown to be behind it, and is absent if none are.
    """

    authority: int
    region: int
    cut_off: int
    claims: Mapping[str, ClaimValue]


def facts_of(
    type_: int,
    *,
    authority: int,
    region: int,
    cut_off: int,
    disclosed: Iterable[Disclosure],
    openings: Iterable[Opening] = (),
) -> Facts:
    """The facts of a certificate of `type_` that shows `disclosed` and these threshold proofs."""
    registry = registry_of(type_)
    claims: dict[str, ClaimValue] = {
        claim.name: shown.value
        for shown in disclosed
        if (claim := registry.claim_at(shown.slot)).value_type is not ValueType.COMMITMENT
    }
    claims |= {registry.claim_at(opening.slot).name: opening.at_least for opening in openings}
    return Facts(authority, region, cut_off, claims)
