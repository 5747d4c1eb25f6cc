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
from certificate.policy.least import readable_claims
from certificate.slot_tree import SALT_SIZE, salts_from_seed
from certificate.slots import ClaimValue, registry_of
from certificate.threshold import THRESHOLDS, Opening, commit_months, open_months
from issuer.snapshot import PersonClaims

__all__ = ["COMMITMENTS", "MintedAnswers", "commitments", "openings"]

_MOST_KNOWN: Final = (
    200_000  # histories that a process remembers; some 100 MB where nobody's is like another's
)

_REGISTRY: Final = registry_of(CertificateType.CONTRIBUTION)
COMMITMENTS: Final[Mapping[str, tuple[int, int]]] = {
    f"{name}.{kind.id}": (_REGISTRY.slot_of(f"{name}.{kind.id}"), _REGISTRY.slot_of(f"{about}.{kind.id}"))
    for name, about in THRESHOLDS.items()
    for kind in KINDS
}
"""Name of each threshold commitment to its slot and the slot of the months that it is about."""


class MintedAnswers:
    """The answers of some policies to everything that the records of one bureau say, as of one cut-off.

    People with the same months in what a policy looks at have the same answer: each such history is judged once.
    """

    def __init__(self, policies: Sequence[Policy], authority: int, cut_off: int) -> None:
        self._asked = [
            (policy, _REGISTRY.slot_of(f"pol.{at}"), _slots_read(policy, cut_off))
            for at, policy in enumerate(policies)
        ]
        self._authority = authority
        self._cut_off = cut_off
        self._known: dict[tuple[object, ...], bool | None] = {}

    def of(self, person: PersonClaims) -> dict[int, ClaimValue]:
        """Slot to [digest, answer] of each policy that the records of `person` decide."""
        made: dict[int, ClaimValue] = {}
        facts: Facts | None = None
        for policy, place, slots in self._asked:
            history = (place, policy.regions and person.region, *map(_plain, map(person.claims.get, slots)))
            if history not in self._known:
                facts = facts or self._facts(person)
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                self._known[history] = answer_to_mint(policy, facts)
            answer = self._known[history]
            if answer is not None:
                made[place] = [policy.digest, answer]
        return made

    def _facts(self, person: PersonClaims) -> Facts:
        claims = {_REGISTRY.by_slot[slot].name: value for slot, value in person.claims.items()}
        return Facts(self._authority, person.region, self._cut_off, claims)


def _slots_read(policy: Policy, cut_off: int) -> tuple[int, ...]:
    """The slots of all claims that an answer to `policy` can depend on, minted and threshold claims aside."""
    names = readable_claims(policy, cut_off, strips_of_totals=True)
    return tuple(claim.slot for claim in _REGISTRY.claims if claim.name in names)


def _plain(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


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
