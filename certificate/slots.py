"""The registry of claims: which fact of DOMAIN section 5 stands in which slot, and what values it may take.

A slot is a place in the claims tree of one certificate type. Slots 0...15 are the identity tree, the rest the fact
tree. Their order is chosen so that what is asked together lies together: name and last four digits are neighbours,
and so are the settled month of a kind and its newest strips, hence few hashes beside them.

Fact tree of a contribution certificate, 512 slots from 16:

    kind 1..9, 32 slots each:  settled.K, then strip.K of the cut-off year, one year back, ... 30 years back
    kind 1..9, 16 slots each:  status, first, last, months, deemed, moved, run, back, base, base_avg12, paid_total,
                               ge.total, ge.run, 3 reserved
    16 slots: employer, balance.pension, 14 reserved;  32 slots: spells;  32 slots: minted answers pol
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from certificate.claim_values import ENCODERS, REPEATED, ClaimValue, ValueType
from certificate.kinds import KINDS
from certificate.numbers import CertificateType
from ledger.cbor import encode_unsigned
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = [
    "IDENTITY_SLOTS",
    "REGISTRIES",
    "SPELL_SLOTS",
    "STRIP_YEARS",
    "Claim",
    "ClaimValue",
    "Registry",
    "ValueType",
    "registry_of",
]

IDENTITY_SLOTS: Final = 16
STRIP_YEARS: Final = 31
SPELL_SLOTS: Final = 32
_POLICY_SLOTS: Final = 32
_STRIPS_FROM: Final = IDENTITY_SLOTS
_SUMMARY_FROM: Final = _STRIPS_FROM + 32 * len(KINDS)
_GENERAL_FROM: Final = _SUMMARY_FROM + 16 * len(KINDS)
_SPELLS_FROM: Final = _GENERAL_FROM + 16
_POLICIES_FROM: Final = _SPELLS_FROM + SPELL_SLOTS


@dataclass(frozen=True, slots=True)
class Claim:
    """One registered claim.

    Attributes:
        name: as DOMAIN section 5 spells it; a strip counts its years back, `strip.pension.emp.-2`.
        slot: its place in the claims tree.
        value_type: what values it may take.
        group: under which heading people find it (identity, strip, summary, employer, answer, paper).
        kind: the insurance branch, or "".
        years_back: for a strip, years before the year of the cut-off month.
    """

    name: str
    slot: int
    value_type: ValueType
    group: str
    kind: str = ""
    years_back: int = 0

    @property
    def label_key(self) -> str:
        """Key of its name in `certificate.texts`: the claim's name without branch, year and number."""
        if self.kind:
            return self.name.partition(f".{self.kind}")[0]
        return self.name.rstrip("0123456789").removesuffix(".")


@dataclass(frozen=True, slots=True)
class Registry:
    """All claims of one certificate type and the shape of its tree: depths of the identity and the fact tree.

    `coders` holds per slot what checks a value there and gives slot and value in CBOR.
    """

    type: CertificateType
    fact_depth: int
    claims: tuple[Claim, ...]
    by_slot: Mapping[int, Claim]
    by_name: Mapping[str, Claim]
    identity_depth: int = 4
    coders: Mapping[int, Callable[[object], bytes]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "coders", {slot: _coder(claim) for slot, claim in self.by_slot.items()})

    @property
    def slot_count(self) -> int:
        return (1 << self.identity_depth) + (1 << self.fact_depth)

    def claim_at(self, slot: int) -> Claim:
        """The claim registered at `slot`. Raises FormatError `schema.field_unknown`."""
        try:
            return self.by_slot[slot]
        except KeyError as exc:
            raise FormatError(Reason.SCHEMA_FIELD_UNKNOWN, f"no claim has slot {slot}") from exc

    def slot_of(self, name: str, *, cut_off: int | None = None) -> int:
        """The slot of the claim called `name`; `strip.K.YYYY` needs the certificate's `cut_off` (YYYYMM).

        Raises:
            FormatError: `schema.field_unknown`; a strip older than 30 years has no slot.
        """
        match = re.fullmatch(r"(strip\..+)\.([0-9]{4})", name)
        if match and cut_off is not None:
            name = f"{match[1]}.-{cut_off // 100 - int(match[2])}"
        try:
            return self.by_name[name].slot
        except KeyError as exc:
            raise FormatError(
                Reason.SCHEMA_FIELD_UNKNOWN, "no such claim", hint=f"unknown claim {name!r}"
            ) from exc

    def encode_items(self, slots: Sequence[int], values: Iterable[object]) -> list[bytes]:
        """Each slot and its value in deterministic CBOR, one after the other: what a leaf holds behind its salt.

        Raises:
            FormatError: `schema.field_unknown` (no claim at a slot), or as `certificate.claim_values` for a value.
        """
        coders = self.coders
        try:
            return [coders[slot](value) for slot, value in zip(slots, values, strict=True)]
        except KeyError as exc:
            raise FormatError(Reason.SCHEMA_FIELD_UNKNOWN, "no claim has such a slot") from exc
        except TypeError as exc:  # what cannot be hashed is none of the values that are remembered
            raise FormatError(Reason.SCHEMA_FIELD_TYPE, "a value of another shape") from exc


def _coder(claim: Claim) -> Callable[[object], bytes]:
    head, encode = encode_unsigned(claim.slot), ENCODERS[claim.value_type]

    def code(value: object) -> bytes:
        return head + encode(value)

    # `typed`: True and 1 are equal in Python but not in CBOR.
    return lru_cache(maxsize=512, typed=True)(code) if claim.value_type in REPEATED else code


_SUMMARY: Final = (
    ("status", ValueType.STATUS),
    ("first", ValueType.MONTH),
    ("last", ValueType.MONTH),
    ("months", ValueType.MONTHS),
    ("deemed", ValueType.MONTHS),
    ("moved", ValueType.MONTHS),
    ("run", ValueType.MONTHS),
    ("back", ValueType.MONTHS),
    ("base", ValueType.FEN),
    ("base_avg12", ValueType.FEN),
    ("paid_total", ValueType.FEN),
    ("ge.total", ValueType.COMMITMENT),
    ("ge.run", ValueType.COMMITMENT),
)


def _contribution_claims() -> list[Claim]:
    claims = [
        Claim("name", 0, ValueType.TEXT, "identity"),
        Claim("id_tail", 1, ValueType.ID_TAIL, "identity"),
        Claim("for.audience", 2, ValueType.TEXT, "paper"),
        Claim("for.purpose", 3, ValueType.TEXT, "paper"),
        Claim("id_no", 4, ValueType.ID_NO, "identity"),
        Claim("id_type", 5, ValueType.CODE, "identity"),
        Claim("birth_date", 6, ValueType.DATE, "identity"),
        Claim("proxy", 8, ValueType.PROXY, "identity"),
    ]
    for kind in KINDS:
        block = _STRIPS_FROM + 32 * (kind.number - 1)
        claims.append(Claim(f"settled.{kind.id}", block, ValueType.MONTH, "strip", kind.id))
        claims.extend(
            Claim(f"strip.{kind.id}.-{back}", block + 1 + back, ValueType.STRIP, "strip", kind.id, back)
            for back in range(STRIP_YEARS)
        )
    for kind in KINDS:
        block = _SUMMARY_FROM + 16 * (kind.number - 1)
        for at, (name, value_type) in enumerate(_SUMMARY):
            group = "answer" if value_type is ValueType.COMMITMENT else "summary"
            claims.append(Claim(f"{name}.{kind.id}", block + at, value_type, group, kind.id))
    claims.append(Claim("employer", _GENERAL_FROM, ValueType.EMPLOYER, "employer"))
    claims.append(Claim("balance.pension", _GENERAL_FROM + 1, ValueType.BALANCE, "summary"))
    for at in range(SPELL_SLOTS):
        claims.append(Claim(f"spells.{at}", _SPELLS_FROM + at, ValueType.SPELL, "employer"))
    for at in range(_POLICY_SLOTS):
        claims.append(Claim(f"pol.{at}", _POLICIES_FROM + at, ValueType.ANSWER, "answer"))
    return claims


def _employer_claims() -> list[Claim]:
    return [
        Claim("employer_name", 0, ValueType.TEXT, "identity"),
        Claim("employer_uscc", 1, ValueType.CODE, "identity"),
        Claim("headcount", IDENTITY_SLOTS, ValueType.COUNT, "summary"),
    ]


def _registry(type_: CertificateType, fact_depth: int, claims: list[Claim]) -> Registry:
    by_slot = {claim.slot: claim for claim in claims}
    by_name = {claim.name: claim for claim in claims}
    if not len(claims) == len(by_slot) == len(by_name):
        raise AssertionError("two claims share a slot or a name")
    return Registry(type_, fact_depth, tuple(claims), by_slot, by_name)


REGISTRIES: Final[Mapping[CertificateType, Registry]] = {
    CertificateType.CONTRIBUTION: _registry(CertificateType.CONTRIBUTION, 9, _contribution_claims()),
    CertificateType.EMPLOYER: _registry(CertificateType.EMPLOYER, 14, _employer_claims()),
}

_BY_NUMBER: Final = {int(type_): registry for type_, registry in REGISTRIES.items()}


def registry_of(type_: int) -> Registry:
    """The registry of a certificate type. Raises FormatError `schema.field_unknown` for a type without one."""
    registry = _BY_NUMBER.get(type_)
    if registry is None:
        raise FormatError(Reason.SCHEMA_FIELD_UNKNOWN, f"certificate type {type_}")
    return registry
