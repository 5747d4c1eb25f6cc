"""The closed set of value shapes a claim may take: each is checked and encoded in one go.

The encoding is the deterministic CBOR of the value, equal to `encode_cbor` of it; put together by hand because a mass
minting encodes seventy values per certificate.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

from certificate.display_text import check_display_text
from ledger.cbor import encode_head, encode_text, encode_unsigned
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["ENCODERS", "REPEATED", "ClaimValue", "ValueType"]

ClaimValue = int | str | bytes | bool | list[Any] | tuple[Any, ...]

_MAX_FEN: Final = 10**13
_MAX_MONTHS: Final = 1200
_MAX_ITEMS: Final = 64
_NULL: Final = b"\xf6"
_BOOLEANS: Final = {False: b"\xf4", True: b"\xf5"}


class ValueType(StrEnum):
    """The closed set of value shapes. Money is integer fen, a month YYYYMM, a date YYYYMMDD."""

    TEXT = "text"
    ID_NO = "id_no"
    ID_TAIL = "id_tail"
    CODE = "code"
    STATUS = "status"
    MONTH = "month"
    DATE = "date"
    MONTHS = "months"
    FEN = "fen"
    STRIP = "strip"
    BALANCE = "balance"
    EMPLOYER = "employer"
    SPELL = "spell"
    PROXY = "proxy"
    COMMITMENT = "commitment"
    ANSWER = "answer"
    COUNT = "count"


def _integer(low: int, high: int) -> Callable[[object], bytes]:
    def encode(value: object) -> bytes:
        if type(value) is int and low <= value <= high:
            return encode_unsigned(value)
        return encode_unsigned(_number(value, low, high))

    return encode


def _number(value: object, low: int, high: int) -> int:
    if type(value) is not int:
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "integer expected")
    if not low <= value <= high:
        raise FormatError(Reason.ENC_NUMBER_RANGE, f"not in {low}...{high}")
    return value


def _pattern(form: str) -> Callable[[object], bytes]:
    pattern = re.compile(form)

    def encode(value: object) -> bytes:
        if type(value) is not str or pattern.fullmatch(value) is None:
            raise FormatError(Reason.SCHEMA_FIELD_TYPE, f"text of the form {form} expected")
        return encode_text(value)

    return encode


def _octets(size: int) -> Callable[[object], bytes]:
    head = encode_head(2, size)

    def encode(value: object) -> bytes:
        if type(value) is not bytes or len(value) != size:
            raise FormatError(Reason.SCHEMA_FIELD_TYPE, f"{size} bytes expected")
        return head + value

    return encode


def _array(*parts: Callable[[object], bytes]) -> Callable[[object], bytes]:
    head = encode_head(4, len(parts))

    def encode(value: object) -> bytes:
        items = _items(value, len(parts))
        return head + b"".join([part(item) for part, item in zip(parts, items, strict=True)])

    return encode


def _items(value: object, count: int | None) -> list[Any] | tuple[Any, ...]:
    if (
        not isinstance(value, list | tuple)
        or (count is not None and len(value) != count)
        or len(value) > _MAX_ITEMS
    ):
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, f"a list of {count or 'at most 64'} items expected")
    return value


def _text(value: object) -> bytes:
    if type(value) is not str:
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "text expected")
    check_display_text(value)
    return encode_text(value)


def _month(value: object) -> bytes:
    month = _number(value, 190000, 299912)
    if month % 100 > 12:
        raise FormatError(Reason.ENC_NUMBER_RANGE, "a month is YYYYMM, or YYYY00 for a kind paid by the year")
    return encode_unsigned(month)


def _date(value: object) -> bytes:
    date = _number(value, 19000101, 29991231)
    if not (1 <= date // 100 % 100 <= 12 and 1 <= date % 100 <= 31):
        raise FormatError(Reason.ENC_NUMBER_RANGE, "a date is YYYYMMDD")
    return encode_unsigned(date)


def _answer(value: object) -> bytes:
    if type(value) is not bool:
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "an answer is true or false")
    return _BOOLEANS[value]


def _organisation_code(value: object) -> bytes:
    return _NULL if value is None else _USCC(value)


def _templates(value: object) -> bytes:
    items = _items(value, None)
    return encode_head(4, len(items)) + b"".join([_TEMPLATE(item) for item in items])


_USCC: Final = _pattern(r"[0-9A-Z]{18}")
_TEMPLATE: Final = _pattern(r"[a-z0-9./]{1,32}")
_TAIL: Final = _pattern(r"[0-9A-Z]{4}")
_MONTH: Final = _month
_MONTHS: Final = _integer(0, _MAX_MONTHS)
_FEN: Final = _integer(0, _MAX_FEN)

ENCODERS: Final[Mapping[ValueType, Callable[[object], bytes]]] = {
    ValueType.TEXT: _text,
    ValueType.ID_NO: _pattern(r"[0-9A-Z]{4,32}"),
    ValueType.ID_TAIL: _TAIL,
    ValueType.CODE: _pattern(r"[0-9A-Z]{1,18}"),
    ValueType.STATUS: _integer(1, 3),
    ValueType.MONTH: _MONTH,
    ValueType.DATE: _date,
    ValueType.MONTHS: _MONTHS,
    ValueType.COUNT: _integer(0, 10**7),
    ValueType.FEN: _FEN,
    ValueType.STRIP: _octets(3),
    ValueType.COMMITMENT: _octets(32),
    ValueType.BALANCE: _array(_FEN, _date),
    ValueType.EMPLOYER: _array(_organisation_code, _text, _MONTH, _MONTHS),
    ValueType.SPELL: _array(_text, _MONTH, _MONTH, _MONTHS),
    ValueType.PROXY: _array(_text, _TAIL, _date, _templates),
    ValueType.ANSWER: _array(_octets(32), _answer),
}
"""Per value shape: the deterministic CBOR of a value that has it.

Each raises FormatError `schema.field_type`, `enc.number_range` or a text reason (`schema.text_…`).
"""

REPEATED: Final = frozenset({ValueType.STATUS, ValueType.MONTH, ValueType.MONTHS, ValueType.STRIP})
"""Shapes with few values, each of many people: worth remembering, and nobody's secret."""
