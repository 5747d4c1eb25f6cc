"""The pages that can be asked for: which claims each shows, beside name and last four digits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from certificate.numbers import CertificateType
from certificate.slot_tree import ClaimsTree
from certificate.slots import REGISTRIES
from issuer.export import paper_slots

__all__ = ["PAGES", "slots_of_page"]

_REGISTRY = REGISTRIES[CertificateType.CONTRIBUTION]

# name -> what claims begin with; none: the months of three years, as on paper from the bureau itself
PAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "contribution.years": (),
    "contribution.months": ("settled.", "status.", "months."),
    "contribution.employer": ("employer",),
}


def slots_of_page(page: str, tree: ClaimsTree) -> list[int]:
    """The slots of a certificate that a page shows; for whom and what for always among them."""
    prefixes = PAGES[page]
    if not prefixes:
        return paper_slots(tree)
    wanted = ("name", "id_tail", *prefixes)
    return paper_slots(
        tree, [slot for slot in tree.slots if _REGISTRY.claim_at(slot).name.startswith(wanted)]
    )
