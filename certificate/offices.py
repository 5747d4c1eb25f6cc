"""Offices of an authority and how they stand under each other.

    city 9901 > county 990102 > town 990102001 > village 990102001001

An office certifies at most what the office above it certifies: its region prefix begins with the other's, its types are
among the other's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from certificate.numbers import CertificateType
from ledger.errors import FormatError, VerificationError
from ledger.reasons import Reason

__all__ = ["LEVELS", "Office", "check_offices", "offices_above"]

LEVELS = 4  # city, county, town, village


@dataclass(frozen=True, slots=True)
class Office:
    """An office of an authority. `code` is the bureau's own, `region_prefix` limits the regions it certifies."""

    authority: int
    number: int
    code: str
    name_zh: str
    name_en: str
    parent: int | None
    region_prefix: str
    types: tuple[CertificateType, ...]

    def may_certify(self, type_: CertificateType, region: int) -> bool:
        """Whether it may sign certificates of this type for people of this region."""
        return type_ in self.types and str(region).startswith(self.region_prefix)


def check_offices(offices: Mapping[tuple[int, int], Office]) -> None:
    """Check that each office stands under another, within its region and types, and at most LEVELS deep.

    Args:
        offices: by authority and number.
    Raises:
        VerificationError: `trust.issuer_not_authorised`.
        FormatError: `schema.field_unknown`: it names an office above that is not there.
    """
    for office in offices.values():
        if office.parent is None:
            continue
        parent = offices.get((office.authority, office.parent))
        if parent is None:
            raise FormatError(Reason.SCHEMA_FIELD_UNKNOWN, f"office {office.number} under an unknown one")
        inside = office.region_prefix.startswith(parent.region_prefix)
        if not inside or not set(office.types) <= set(parent.types):
            raise VerificationError(
                Reason.TRUST_ISSUER_NOT_AUTHORISED, f"office {office.number} exceeds office {parent.number}"
            )
        if len(list(offices_above(offices, office))) >= LEVELS:
            raise VerificationError(
                Reason.TRUST_ISSUER_NOT_AUTHORISED, f"office {office.number} is below a village"
            )


def offices_above(offices: Mapping[tuple[int, int], Office], office: Office) -> Iterator[Office]:
    """The offices above one, the nearest first; of a circle, LEVELS of them."""
    for _ in range(LEVELS):
        if office.parent is None or (office.authority, office.parent) not in offices:
            return
        office = offices[office.authority, office.parent]
        yield office
