"""One person's records in a snapshot: packed by numpy for many persons at once, unpacked to claims one by one.

    head    region, birth date, balance, employer, counts of what follows
    texts   name, id_no, id_type and agency code, each ended by a NUL byte (none of them can hold one)
    kinds   per kind of the person: figures, then one 3-byte strip a year, newest first
    spells  newest first: employer, from, to, months

All integers are little-endian and unaligned. Employers are indices into the snapshot's employer table. What a person
does not have is 0 for months and dates and -1 for amounts and counts.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from certificate.kinds import KINDS
from certificate.numbers import CertificateType
from certificate.slots import SPELL_SLOTS, STRIP_YEARS, ClaimValue, registry_of

__all__ = ["HEAD_DTYPE", "KIND_DTYPE", "NO_EMPLOYER", "SPELL_DTYPE", "STRIP_SIZE", "decode_person"]

NO_EMPLOYER: Final = 2**31 - 1
STRIP_SIZE: Final = 3

_HEAD_FIELDS: Final = (
    ("region", "I"),
    ("birth_date", "I"),
    ("balance", "q"),
    ("balance_as_of", "I"),
    ("employer", "I"),
    ("employer_since", "I"),
    ("employer_months", "H"),
    ("text_size", "H"),
    ("kinds", "B"),
    ("spells", "B"),
)
_KIND_FIELDS: Final = (
    ("kind", "B"),
    ("status", "B"),
    ("strips", "B"),
    ("first", "I"),
    ("last", "I"),
    ("months", "H"),
    ("deemed", "h"),
    ("moved", "h"),
    ("run", "H"),
    ("back", "H"),
    ("base", "q"),
    ("base_avg12", "q"),
    ("paid_total", "q"),
)
_SPELL_FIELDS: Final = (("employer", "I"), ("from", "I"), ("to", "I"), ("months", "H"))


def _dtype(fields: tuple[tuple[str, str], ...]) -> np.dtype[np.void]:
    sizes = {"B": "u1", "H": "<u2", "h": "<i2", "I": "<u4", "q": "<i8"}
    return np.dtype([(name, sizes[code]) for name, code in fields])


HEAD_DTYPE: Final = _dtype(_HEAD_FIELDS)
KIND_DTYPE: Final = _dtype(_KIND_FIELDS)
SPELL_DTYPE: Final = _dtype(_SPELL_FIELDS)
_HEAD: Final = struct.Struct("<" + "".join(code for _, code in _HEAD_FIELDS))
_KIND: Final = struct.Struct("<" + "".join(code for _, code in _KIND_FIELDS))
_SPELL: Final = struct.Struct("<" + "".join(code for _, code in _SPELL_FIELDS))

_BY_NAME: Final = registry_of(CertificateType.CONTRIBUTION).by_name


def _slot(name: str) -> int:
    return _BY_NAME[name].slot


_NAME, _ID_TAIL, _ID_NO, _ID_TYPE, _BIRTH = map(_slot, ("name", "id_tail", "id_no", "id_type", "birth_date"))
_EMPLOYER, _BALANCE = _slot("employer"), _slot("balance.pension")
_SPELLS: Final = [_slot(f"spells.{at}") for at in range(SPELL_SLOTS)]
_SETTLED: Final = {kind.number: _slot(f"settled.{kind.id}") for kind in KINDS}
_STRIPS: Final = {
    kind.number: tuple(_slot(f"strip.{kind.id}.-{back}") for back in range(STRIP_YEARS)) for kind in KINDS
}
_FIGURES: Final = (
    "status",
    "first",
    "last",
    "months",
    "deemed",
    "moved",
    "run",
    "back",
    "base",
    "base_avg12",
    "paid_total",
)
_FIGURE_SLOTS: Final = {kind.number: tuple(_slot(f"{name}.{kind.id}") for name in _FIGURES) for kind in KINDS}
_ALWAYS_STATED: Final = tuple(kind.number for kind in KINDS if kind.id in ("pension.emp", "medical.emp"))
_STATED_YEARS: Final = 3
# A figure that is absent has this value; months, run and back are always there.
_ABSENT: Final = (0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1)


def decode_person(
    blob: bytes, *, settled: Mapping[int, int], employer: Callable[[int], tuple[str | None, str]]
) -> tuple[int, str, dict[int, ClaimValue]]:
    """Region code, agency code and claims of one person.

    Args:
        blob: as packed with the dtypes of this module.
        settled: kind number to the settled month of the export.
        employer: code and name of an employer by its index.
    """
    (region, birth, balance, as_of, payer, since, payer_months, text_size, kinds, spells) = _HEAD.unpack_from(
        blob
    )
    at = _HEAD.size + text_size
    name, id_no, id_type, agency, _ = blob[_HEAD.size : at].decode("utf-8").split("\0")
    claims: dict[int, ClaimValue] = {
        _NAME: name,
        _ID_TAIL: id_no[-4:],
        _ID_NO: id_no,
        _ID_TYPE: id_type,
        _BIRTH: birth,
    }
    for _ in range(kinds):
        kind, status, strips, *figures = _KIND.unpack_from(blob, at)
        at += _KIND.size
        claims[_SETTLED[kind]] = settled[kind]
        for slot in _STRIPS[kind][:strips]:
            claims[slot] = blob[at : at + STRIP_SIZE]
            at += STRIP_SIZE
        for slot, figure, absent in zip(_FIGURE_SLOTS[kind], (status, *figures), _ABSENT, strict=True):
            if figure != absent:
                claims[slot] = figure
    _state_nothing_paid(claims, settled)
    if payer != NO_EMPLOYER:
        claims[_EMPLOYER] = [*employer(payer), since, payer_months]
    if balance >= 0:
        claims[_BALANCE] = [balance, as_of]
    for slot in _SPELLS[:spells]:
        payer, first, last, months = _SPELL.unpack_from(blob, at)
        at += _SPELL.size
        claims[slot] = [employer(payer)[1], first, last, months]
    return region, agency, claims


def _state_nothing_paid(claims: dict[int, ClaimValue], settled: Mapping[int, int]) -> None:
    """Say "no month here" for the branches most asked about, where the export covers them.

    An office knows of every month that was *not* paid to it; stating the last years even when they are empty lets a
    question about 24 months be answered for everyone, newcomers included, instead of leaving it open.
    """
    for kind in _ALWAYS_STATED:
        if kind in settled:
            claims.setdefault(_SETTLED[kind], settled[kind])
            for slot in _STRIPS[kind][:_STATED_YEARS]:
                claims.setdefault(slot, bytes(STRIP_SIZE))
