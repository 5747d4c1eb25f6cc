"""Deterministic CBOR (RFC 8949 section 4.2.1) in the narrow profile of this project: one value, one spelling.

Integers of at most 64 bits, byte and text strings, arrays, maps, booleans, null and the one tag a caller allows.
No floats, no other tags, no other simple values, definite lengths, shortest heads, sorted and distinct keys,
depth at most 16 (an empty array or map nests nothing), exactly one item. cbor2 decodes and encodes; what it would let
pass is refused here.

What cbor2 is told to decode leaves a value two freedoms: heads longer than need be, and the order of keys. A spelling
without longer heads is exactly as long as the deterministic one, so the length is worked out from the value and
compared; that costs half of encoding it again. A test encodes again all the same, and finds no difference.

Map keys of our formats lie in -24...23 plus -65537, where the length-first order of cbor2 and the bytewise order of
RFC 8949 agree; a map whose order the two rules see differently is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
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
    """Raised inside cbor2's callbacks and for what has no size; never leaves this module."""


def _forbid(*_: object) -> NoReturn:
    raise _ForbiddenError


def _keep_sign1(tag: Tag, _immutable: bool) -> Tag:
    if tag.tag != COSE_SIGN1_TAG:
        _forbid()
    return tag


# Tags for which cbor2 has a decoder of its own; the rest reach `_keep_sign1`. A test tries every tag below 2^16.
_BUILT_IN_TAGS = (
    *range(6),
    25,
    28,
    29,
    30,
    35,
    36,
    37,
    52,
    54,
    100,
    256,
    258,
    260,
    261,
    1004,
    43000,
    55799,
)
_NO_DECODERS: Mapping[int, Any] = dict.fromkeys(_BUILT_IN_TAGS, _forbid)
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

    Returns tuples for arrays, frozen mappings for maps and `Tag` for tag 18: cbor2 freezes what stands in a tag, so
    all is frozen.

    Raises:
        FormatError: `enc.cbor_malformed`, `enc.cbor_noncanonical`, `enc.cbor_duplicate_key`, `enc.cbor_tag_forbidden`,
            `enc.number_range`, `enc.utf8_invalid`, `enc.depth_limit` or `enc.trailing_data`.
    """
    try:
        value = cbor2.loads(
            data,
            tag_hook=_keep_sign1,
            semantic_decoders=_NO_DECODERS,
            max_depth=MAX_DEPTH,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            immutable=True,
        )
        if _size(value) == len(data):
            return value
    except Exception as exc:  # whatever a decoder in C may throw at garbage is the garbage's fault
        raise refusal_of(data) from exc
    raise refusal_of(data)


def _size(value: Any) -> int:
    """Length of the deterministic encoding of a decoded value, the keys of whose maps rise as they must."""
    kind = type(value)
    if kind is bytes:
        length = len(value)
        return length + (1 if length < 24 else 2 if length < 0x100 else _head_size(length))
    if kind is int:
        return 1 if 0 <= value < 24 else _head_size(value if value >= 0 else -1 - value)
    if kind is tuple:
        length = len(value)
        return (1 if length < 24 else _head_size(length)) + sum(map(_size, value))
    if kind is str:
        length = len(value.encode())
        return _head_size(length) + length
    if kind is _Map:
        _require_rising([_key_spelling(key) for key in value])
        return _head_size(len(value)) + sum(map(_size, value)) + sum(map(_size, value.values()))
    if kind is Tag:
        return 1 + _size(value.value)
    if value is None or kind is bool:
        return 1
    raise _ForbiddenError  # a float or a simple value


def _head_size(argument: int) -> int:
    if argument < 24:
        return 1
    return 2 if argument < 0x100 else 3 if argument < 0x10000 else 5 if argument < 0x100000000 else 9


def _key_spelling(key: object) -> bytes:
    return _SHORT_HEADS[0][key] if type(key) is int and 0 <= key < 24 else encode_cbor(key)


def _require_rising(keys: list[bytes]) -> None:
    for earlier, later in pairwise(keys):
        if not (earlier < later and len(earlier) <= len(later)):
            raise _ForbiddenError
