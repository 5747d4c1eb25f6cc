"""Deterministic CBOR (RFC 8949 section 4.2.1) in the narrow profile of this project: one value, one spelling.

Integers of at most 64 bits, byte and text strings, arrays, maps, booleans, null and the one tag a caller allows.
No floats, no other tags, no other simple values, definite lengths, shortest heads, sorted and distinct keys,
depth at most 16 (an empty array or map nests nothing), exactly one item. cbor2 encodes; what is read is read here, by a
reader that knows no second spelling, so that nothing has to be encoded again and compared. A test does that instead.

Map keys of our formats lie in -24...23 plus -65537, where the length-first order of cbor2 and the bytewise order of
RFC 8949 agree; a map whose order the two rules see differently is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import cbor2

from ledger.cbor_refusal import COSE_SIGN1_TAG, MAX_DEPTH, refusal_of
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = [
    "COSE_SIGN1_TAG",
    "MAX_DEPTH",
    "Tag",
    "decode_cbor",
    "encode_bytes",
    "encode_cbor",
    "encode_head",
    "encode_text",
    "encode_unsigned",
]

Tag = cbor2.CBORTag
_Map = cbor2.frozendict


class _ForbiddenError(Exception):
    """Raised while reading and inside cbor2's callbacks; never leaves this module."""


def _forbid(*_: object) -> NoReturn:
    raise _ForbiddenError


_NO_ENCODERS: Mapping[type, Any] = dict.fromkeys(
    (float, cbor2.CBORSimpleValue, type(cbor2.undefined)), _forbid
)


def encode_cbor(value: object) -> bytes:
    """The one encoding of `value`, which is built of int, bytes, str, bool, None, list, tuple, dict and `Tag`.

    Raises:
        FormatError: `enc.number_range` for a float or an integer beyond 64 bits.
    """
    try:
        return cbor2.dumps(value, canonical=True, encoders=_NO_ENCODERS)
    except (_ForbiddenError, cbor2.CBOREncodeError) as exc:
        raise FormatError(Reason.ENC_NUMBER_RANGE, "a value outside the integer profile") from exc


# What a mass minting writes a hundred times per certificate is put together by hand: a call of the library, with the
# options that make it strict, costs more than the hash over the result. A test compares each with `encode_cbor`.
_SHORT_HEADS = tuple(
    tuple(
        bytes((major << 5 | number,)) if number < 24 else bytes((major << 5 | 24, number))
        for number in range(256)
    )
    for major in range(8)
)
_UNSIGNED = _SHORT_HEADS[0]


def encode_head(major: int, number: int) -> bytes:
    """The shortest head of an item: major type 0...7 and its argument, 0 <= number < 2**64. RFC 8949 section 3.

    Raises:
        FormatError: `enc.number_range`.
    """
    if 0 <= number < 0x100:
        return _SHORT_HEADS[major][number]
    for info, width in ((25, 2), (26, 4), (27, 8)):
        if 0 <= number < 1 << 8 * width:
            return bytes((major << 5 | info,)) + number.to_bytes(width)
    raise FormatError(Reason.ENC_NUMBER_RANGE, "a number that is negative or beyond 64 bits")


def encode_unsigned(number: int) -> bytes:
    """`encode_cbor` of an integer, 0 <= number < 2**64. Raises as `encode_head`."""
    if 0 <= number < 0x100:
        return _UNSIGNED[number]
    if 0 < number < 0x10000:
        return b"\x19" + number.to_bytes(2)
    if 0 < number < 0x100000000:
        return b"\x1a" + number.to_bytes(4)
    return encode_head(0, number)


def encode_bytes(value: bytes) -> bytes:
    """`encode_cbor` of a byte string."""
    return encode_head(2, len(value)) + value


def encode_text(value: str) -> bytes:
    """`encode_cbor` of a text without lone surrogates."""
    data = value.encode("utf-8")
    return encode_head(3, len(data)) + data


def decode_cbor(data: bytes) -> Any:
    """Decode exactly one item in deterministic encoding.

    Returns tuples for arrays, frozen mappings for maps and `Tag` for tag 18.

    Raises:
        FormatError: `enc.cbor_malformed`, `enc.cbor_noncanonical`, `enc.cbor_duplicate_key`, `enc.cbor_tag_forbidden`,
            `enc.number_range`, `enc.utf8_invalid`, `enc.depth_limit` or `enc.trailing_data`.
    """
    try:
        value, end = _item(data, 0, MAX_DEPTH)
    except (_ForbiddenError, IndexError, UnicodeDecodeError) as exc:
        raise refusal_of(data) from exc
    if end != len(data):  # left over, or cut short: a string ends where its head says, there or not
        raise refusal_of(data)
    return value


_SIMPLE = {0xF4: False, 0xF5: True, 0xF6: None}
# Of the heads longer than two bytes: how long the argument is, and the least that needs that length.
_LONG = {25: (2, 0x100), 26: (4, 0x10000), 27: (8, 0x100000000)}


def _item(data: bytes, at: int, room: int) -> tuple[Any, int]:
    """The item that begins at `at`, and where it ends; `room` is how many levels it may nest.

    An end beyond `data` is for the caller to notice: nothing can be read there, and ends never go back.
    """
    first = data[at]
    at += 1
    major, number = first >> 5, first & 0x1F
    if number == 24:
        number = data[at]
        at += 1
        if number < 24:
            raise _ForbiddenError
    elif number > 24:
        number, at = _argument(data, at, number)
    if major == 2:
        return data[at : at + number], at + number
    if major == 0:
        return number, at
    if major == 4:
        return _array(data, at, number, room)
    if major == 3:
        return str(data[at : at + number], "utf-8"), at + number
    if major == 1:
        return -1 - number, at
    if major == 5:
        return _map(data, at, number, room)
    if major == 7 and first in _SIMPLE:
        return _SIMPLE[first], at
    if first == 0xC0 | COSE_SIGN1_TAG and room:
        value, at = _item(data, at, room - 1)
        return Tag(COSE_SIGN1_TAG, value), at
    raise _ForbiddenError


def _argument(data: bytes, at: int, info: int) -> tuple[int, int]:
    """The argument of a head of three bytes or more, and where it ends; only if no shorter head says the same."""
    if info in _LONG:
        width, least = _LONG[info]
        number = int.from_bytes(data[at : at + width])
        if number >= least:
            return number, at + width
    raise _ForbiddenError


def _array(data: bytes, at: int, count: int, room: int) -> tuple[tuple[Any, ...], int]:
    if count and not room:
        raise _ForbiddenError
    items = []
    for _ in range(count):  # ends at the end of the data at the latest: every item takes a byte
        item, at = _item(data, at, room - 1)
        items.append(item)
    return tuple(items), at


def _map(data: bytes, at: int, count: int, room: int) -> tuple[Mapping[Any, Any], int]:
    if count and not room:
        raise _ForbiddenError
    found: dict[Any, Any] = {}
    previous = b""
    for _ in range(count):
        start = at
        key, at = _item(data, at, room - 1)
        spelling = data[start:at]
        if spelling <= previous or len(spelling) < len(previous):
            raise _ForbiddenError
        previous = spelling
        found[key], at = _item(data, at, room - 1)
    if len(found) != count:  # 1 and true are one key to Python
        raise _ForbiddenError
    return _Map(found), at
