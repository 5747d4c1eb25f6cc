"""Threshold commitments: "at least k months", without the number (docs/adr/0017).

    top        = SHA-256(0x03 || seed || slot)                    the end that only issuer and holder know
    below(x)   = SHA-256(0x04 || salt || slot || level || x)      one level down; `level` is that of x
    commitment = `months` levels below the top, the value of the claim ge.total.K or ge.run.K

Slot and level are 2 bytes, big-endian; salt is that of the claim's leaf. Whoever shows the hash at level k, from which
k steps lead to the commitment, has a chain of at least k months. Going down is easy, going up is a preimage.
The holder's file has each chain's top; what is shown is brought down to the level that is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from certificate.schema import take_array, take_bytes, take_int
from certificate.slot_tree import HASH_SIZE, Disclosure
from certificate.slots import Registry, ValueType
from ledger.errors import FormatError, VerificationError
from ledger.reasons import Reason

__all__ = [
    "MAX_LEVEL",
    "THRESHOLDS",
    "Opening",
    "commit_months",
    "lower_openings",
    "open_months",
    "parse_openings",
    "verify_openings",
]

MAX_LEVEL: Final = 1200
THRESHOLDS: Final[Mapping[str, str]] = {"ge.total": "months", "ge.run": "run"}
"""Which claim of the same kind a commitment is about."""
_MAX_OPENINGS: Final = 18


@dataclass(frozen=True, slots=True)
class Opening:
    """The hash at level `at_least` of the chain behind the commitment in `slot`."""

    slot: int
    at_least: int
    value: bytes

    def encode(self) -> list[object]:
        return [self.slot, self.at_least, self.value]

    def lowered(self, at_least: int, salt: bytes) -> Opening:
        """What shows fewer months. Raises FormatError `disc.required_missing` when it shows fewer than `at_least`."""
        if not 1 <= at_least <= self.at_least:
            raise FormatError(Reason.DISC_REQUIRED_MISSING, "the certificate does not show so many months")
        value = _descend(self.value, salt, self.slot, self.at_least, at_least)
        return replace(self, at_least=at_least, value=value)


def open_months(seed: bytes, slot: int, months: int) -> Opening:
    """The top of the chain for the commitment in `slot`: what its holder keeps. `months` is at least 1."""
    return Opening(slot, months, sha256(b"\x03" + seed + slot.to_bytes(2)).digest())


def commit_months(seed: bytes, salt: bytes, slot: int, months: int) -> bytes:
    """The commitment to `months`, 1 to MAX_LEVEL, for the claim at `slot` whose leaf has `salt`."""
    if not 1 <= months <= MAX_LEVEL:
        raise ValueError(f"{months} months")
    return _descend(open_months(seed, slot, months).value, salt, slot, months, 0)


def parse_openings(item: object) -> tuple[Opening, ...]:
    """The fourth part of what is laid beside a certificate: at least one opening, their slots rising.

    Raises:
        FormatError: `schema.…`, `enc.number_range`, or `disc.malformed` for their order.
    """
    openings = []
    for part in take_array(item, at_most=_MAX_OPENINGS):
        slot, at_least, value = take_array(part, 3)
        openings.append(
            Opening(
                take_int(slot, 0, 2**16 - 1), take_int(at_least, 1, MAX_LEVEL), take_bytes(value, HASH_SIZE)
            )
        )
    slots = [opening.slot for opening in openings]
    if not slots or slots != sorted(set(slots)):
        raise FormatError(Reason.DISC_MALFORMED, "openings are at least one, their slots rising")
    return tuple(openings)


def verify_openings(
    openings: Iterable[Opening], disclosures: Sequence[Disclosure], registry: Registry
) -> None:
    """Check that each opening leads to the commitment shown in its slot.

    Args:
        disclosures: such as lead to the signed root.
    Raises:
        VerificationError: `disc.unreferenced` when no commitment is shown in the slot, `disc.digest_mismatch`.
    """
    shown = {
        item.slot: item
        for item in disclosures
        if registry.claim_at(item.slot).value_type is ValueType.COMMITMENT
    }
    for opening in openings:
        commitment = shown.get(opening.slot)
        if commitment is None:
            raise VerificationError(
                Reason.DISC_UNREFERENCED, f"no commitment is shown in slot {opening.slot}"
            )
        if _descend(opening.value, commitment.salt, opening.slot, opening.at_least, 0) != commitment.value:
            raise VerificationError(
                Reason.DISC_DIGEST_MISMATCH, f"slot {opening.slot} does not show {opening.at_least} months"
            )


def lower_openings(
    openings: Iterable[Opening], disclosures: Sequence[Disclosure], at_least: Mapping[int, int]
) -> tuple[Opening, ...]:
    """The openings of the slots in `at_least`, each brought down to the number of months there.

    Raises:
        FormatError: `disc.required_missing`.
    """
    salts = {item.slot: item.salt for item in disclosures}
    held = {opening.slot: opening for opening in openings}
    if not at_least.keys() <= held.keys() & salts.keys():
        raise FormatError(Reason.DISC_REQUIRED_MISSING, "the certificate has no such threshold proof")
    return tuple(held[slot].lowered(at_least[slot], salts[slot]) for slot in sorted(at_least))


def _descend(value: bytes, salt: bytes, slot: int, level: int, until: int) -> bytes:
    head = b"\x04" + salt + slot.to_bytes(2)
    for at in range(level, until, -1):
        value = sha256(head + at.to_bytes(2) + value).digest()
    return value
