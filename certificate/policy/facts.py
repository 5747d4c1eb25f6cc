"""What one certificate shows, as policies read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from certificate.slot_tree import Disclosure
from certificate.slots import ClaimValue, registry_of

__all__ = ["Facts", "facts_of"]


@dataclass(frozen=True, slots=True)
class Facts:
    """Shown claims by their registered names, with the visible fields that a rule looks at.

    Attributes:
        region: the region code as a number of six digits.
        cut_off: YYYYMM.
    """

    authority: int
    region: int
    cut_off: int
    claims: Mapping[str, ClaimValue]


def facts_of(
    type_: int, *, authority: int, region: int, cut_off: int, disclosed: Iterable[Disclosure]
) -> Facts:
    """The facts of a certificate of `type_` that shows `disclosed`."""
    registry = registry_of(type_)
    claims = {registry.claim_at(shown.slot).name: shown.value for shown in disclosed}
    return Facts(authority, region, cut_off, claims)
