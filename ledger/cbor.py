"""Deterministic CBOR (RFC 8949 section 4.2.1) in the narrow profile of this project: one value, one spelling.

Integers of at most 64 bits, byte and text strings, arrays, maps, booleans, null and the one tag a caller allows.
No floats, no other tags, no other simple values, definite lengths, shortest heads, sorted and distinct keys,
depth at most 16 (an empty array or map nests nothing), exactly one item. cbor2 decodes and encodes; what it would let
pass is refused here.

Map keys of our formats lie in -24...23 plus -65537, where the length-first order of cbor2 and the bytewise order of
RFC 8949 agree; a map whose order the two rules see differently is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import cbor2

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

MAX_DEPTH = 16
COSE_SIGN1_TAG = 18

Tag = cbor2.CBORTag


class _ForbiddenError(Exception):
    """Raised inside cbor2's callbacks; never leaves this module."""


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
        if cbor2.dumps(value, canonical=True, encoders=_NO_ENCODERS) == data:
            return value
    except Exception as exc:  # whatever a decoder in C may throw at garbage is the garbage's fault
        raise _diagnose(data) from exc
    raise _diagnose(data)


def _diagnose(data: bytes) -> FormatError:
    """Why `data` is refused: a slow walk that only refused input pays for."""
    walker = _Walker(data)
    try:
        walker.item(1)
    except FormatError as exc:
        return exc
    if walker.violation is not None:
        return walker.violation
    if walker.at != len(data):
        return FormatError(Reason.ENC_TRAILING_DATA, f"{len(data) - walker.at} bytes after the item")
    return FormatError(Reason.ENC_CBOR_NONCANONICAL, "map keys out of order")


class _Walker:
    """One walk over the encoding. Raises for what is not well-formed; notes the first breach of our profile."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.violation: FormatError | None = None

    def note(self, reason: Reason, detail: str) -> None:
        if self.violation is None:
            self.violation = FormatError(reason, f"{detail} at byte {self.at}")

    def malformed(self, detail: str) -> NoReturn:
        raise FormatError(Reason.ENC_CBOR_MALFORMED, f"{detail} at byte {self.at}")

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            self.malformed("item cut short")
        chunk = self.data[self.at : self.at + count]
        self.at += count
        return chunk

    def item(self, depth: int) -> None:
        """Walk over one item whose nesting level is `depth` (1 for the outermost)."""
        major, info, argument = self.head()
        if 4 <= major <= 6 and argument != 0 and depth > MAX_DEPTH:
            raise FormatError(Reason.ENC_DEPTH_LIMIT, f"more than {MAX_DEPTH} levels at byte {self.at}")
        if major in (2, 3):
            self.string(major, argument)
        elif major == 4:
            self.array(argument, depth)
        elif major == 5:
            self.map(argument, depth)
        elif major == 6:
            if argument != COSE_SIGN1_TAG:
                self.note(Reason.ENC_CBOR_TAG_FORBIDDEN, f"tag {argument}")
            self.item(depth + 1)
        elif major == 7:
            self.simple(info, argument)

    def head(self) -> tuple[int, int, int | None]:
        """Major type, additional information and argument; the argument is None for an indefinite length."""
        first = self.take(1)[0]
        major, info = first >> 5, first & 0x1F
        if info < 24:
            return major, info, info
        if info < 28:
            argument = int.from_bytes(self.take(1 << (info - 24)))
            if major != 7 and (argument < 24 if info == 24 else argument >> (4 << (info - 24)) == 0):
                self.note(Reason.ENC_CBOR_NONCANONICAL, "a longer head than needed")
            return major, info, argument
        if info == 31 and major in (2, 3, 4, 5):
            self.note(Reason.ENC_CBOR_NONCANONICAL, "indefinite length")
            return major, info, None
        self.malformed("reserved additional information")

    def string(self, major: int, length: int | None) -> None:
        if length is not None:
            chunk = self.take(length)
            if major == 3:
                try:
                    chunk.decode("utf-8")
                except UnicodeDecodeError:
                    self.note(Reason.ENC_UTF8_INVALID, "broken text")
            return
        while not self.at_break():
            inner_major, _, inner_length = self.head()
            if inner_major != major or inner_length is None:
                self.malformed("a chunk of another kind")
            self.string(major, inner_length)

    def array(self, length: int | None, depth: int) -> None:
        if length is None:
            while not self.at_break():
                self.item(depth + 1)
            return
        for _ in range(length):  # ends at the end of the data at the latest: every item takes a byte
            self.item(depth + 1)

    def map(self, length: int | None, depth: int) -> None:
        keys: set[bytes] = set()
        pairs = 0
        previous = b""
        while not self.at_break() if length is None else pairs < length:
            start = self.at
            self.item(depth + 1)
            key = self.data[start : self.at]
            if key in keys:
                self.note(Reason.ENC_CBOR_DUPLICATE_KEY, "the same key twice")
            elif key < previous:
                self.note(Reason.ENC_CBOR_NONCANONICAL, "keys out of order")
            keys.add(key)
            previous = key
            self.item(depth + 1)
            pairs += 1

    def simple(self, info: int, argument: int | None) -> None:
        if info == 24 and argument is not None and argument < 32:
            self.malformed("a simple value in two bytes that fits one")
        if 25 <= info <= 27:
            self.note(Reason.ENC_NUMBER_RANGE, "a float")
        elif argument not in (20, 21, 22):
            self.note(Reason.ENC_CBOR_TAG_FORBIDDEN, f"simple value {argument}")

    def at_break(self) -> bool:
        if self.at >= len(self.data):
            self.malformed("no break before the end")
        if self.data[self.at] != 0xFF:
            return False
        self.at += 1
        return True
