"""The insurance branches (DOMAIN section 2): ids as the formats and policies spell them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["KINDS", "KIND_BY_ID", "Kind"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One branch. `number` is its byte in formats; `yearly` ones are paid by the year (period YYYY00)."""

    id: str
    number: int
    yearly: bool = False
    person_pays: bool = True


KINDS: Final = (
    Kind("pension.emp", 1),
    Kind("pension.civ", 2),
    Kind("pension.res", 3, yearly=True),
    Kind("annuity.occ", 4),
    Kind("unemp", 5),
    Kind("medical.emp", 6),
    Kind("medical.res", 7, yearly=True),
    Kind("injury", 8, person_pays=False),
    Kind("maternity", 9, person_pays=False),
)
KIND_BY_ID: Final = {kind.id: kind for kind in KINDS}
