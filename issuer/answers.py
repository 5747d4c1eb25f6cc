"""Minted answers: what a policy answers to someone's records, put into the certificate when it is made (DESIGN 5).

The answer is computed by the function that verifiers use, over everything the records say, as of the cut-off. It stands
with the policy's digest, so a changed text is another question. Records that leave it open give no claim.
"""

from __future__ import annotations

from collections.abc import Sequence

from certificate.numbers import CertificateType
from certificate.policy.evaluate import answer_to_mint
from certificate.policy.facts import Facts
from certificate.policy.language import Policy
from certificate.slots import ClaimValue, registry_of
from issuer.snapshot import PersonClaims

__all__ = ["minted_answers"]

_REGISTRY = registry_of(CertificateType.CONTRIBUTION)


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
