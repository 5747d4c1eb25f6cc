"""What is minted beside the records: answers of policies and threshold commitments (DESIGN 5).

An answer is computed by the function that verifiers use, over everything the records say, as of the cut-off. It stands
with the policy's digest, so a changed text is another question. Records that leave it open give no claim.
A commitment is made of the certificate's own seed; the top of its chain goes to the holder with the whole certificate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from certificate.kinds import KINDS
from certificate.numbers import CertificateType
from certificate.policy.evaluate import answer_to_mint
from certificate.policy.facts import Facts
from certificate.policy.language import Policy
from certificate.slot_tree import SALT_SIZE, salts_from_seed
from certificate.slots import ClaimValue, registry_of
from certificate.threshold import THRESHOLDS, Opening, commit_months, open_months
from issuer.snapshot import PersonClaims

__all__ = ["COMMITMENTS", "commitments", "minted_answers", "openings"]

_REGISTRY: Final = registry_of(CertificateType.CONTRIBUTION)
COMMITMENTS: Final[Mapping[str, tuple[int, int]]] = {
    f"{name}.{kind.id}": (_REGISTRY.slot_of(f"{name}.{kind.id}"), _REGISTRY.slot_of(f"{about}.{kind.id}"))
    for name, about in THRESHOLDS.items()
    for kind in KINDS
}
"""Name of each threshold commitment to its slot and the slot of the months that it is about."""


def minted_answers(
    policies: Sequence[Policy], person: PersonClaims, authority: int, cut_off: int
) -> dict[int, ClaimValue]:
    """Slot to [digest, answer] of each of `policies` that the records of `person` decide."""
    if not policies:
        return {}
    claims = {_REGISTRY.by_slot[slot].name: value for slot, value in person.claims.items()}
    facts = Facts(authority, person.region, cut_off, claims)
    answers = [(at, policy.digest, answer_to_mint(policy, facts)) for at, policy in enumerate(policies)]
    return {
        _REGISTRY.slot_of(f"pol.{at}"): [digest, answer]
        for at, digest, answer in answers
        if answer is not None
    }


def commitments(names: Sequence[str], claims: Mapping[int, ClaimValue], seed: bytes) -> dict[int, ClaimValue]:
    """Slot to commitment of each of `names` (of COMMITMENTS) of which there is at least one month."""
    made: dict[int, ClaimValue] = {}
    for slot, months in _months(names, claims):
        salts = salts_from_seed(seed, slot + 1)
        made[slot] = commit_months(seed, salts[SALT_SIZE * slot :], slot, months)
    return made


def openings(claims: Mapping[int, ClaimValue], seed: bytes) -> list[Opening]:
    """The tops of the chains behind all commitments in `claims`, by slot: for the holder only."""
    present = [name for name, (slot, _) in COMMITMENTS.items() if slot in claims]
    return [open_months(seed, slot, months) for slot, months in sorted(_months(present, claims))]


def _months(names: Sequence[str], claims: Mapping[int, ClaimValue]) -> list[tuple[int, int]]:
    places = [COMMITMENTS[name] for name in names]
    return [(slot, months) for slot, about in places if (months := cast(int, claims.get(about, 0)))]
