"""At most sixteen levels, as the note of `cbor/deterministic.json` says, at the edge: its one row is forty deep."""

from __future__ import annotations

import pytest

from ledger.cbor import MAX_DEPTH, decode_cbor, encode_cbor
from ledger.errors import FormatError
from ledger.reasons import Reason

ARRAY, MAP, TAG = b"\x81", b"\xa1\x00", b"\xd2"  # around one item: [item], {0: item}, 18(item)
STACKS = {
    "arrays": [ARRAY] * 16,
    "maps": [MAP] * 16,
    "a tag around arrays": [TAG] + [ARRAY] * 15,
    "arrays and maps by turns": [ARRAY, MAP] * 8,
}


def test_the_limit_is_that_of_the_set() -> None:
    assert MAX_DEPTH == 16


@pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS.keys())
@pytest.mark.parametrize(
    "leaf", [b"\x00", b"\x40", b"\x60", b"\xf6"], ids=["number", "bytes", "text", "null"]
)
def test_sixteen_levels_pass(stack: list[bytes], leaf: bytes) -> None:
    data = b"".join(stack) + leaf
    assert encode_cbor(decode_cbor(data)) == data


@pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS.keys())
@pytest.mark.parametrize("inner", [ARRAY + b"\x00", MAP + b"\x00"], ids=["array", "map"])
def test_a_seventeenth_level_with_something_in_it_is_refused(stack: list[bytes], inner: bytes) -> None:
    with pytest.raises(FormatError) as refusal:
        decode_cbor(b"".join(stack) + inner)
    assert refusal.value.reason is Reason.ENC_DEPTH_LIMIT


@pytest.mark.parametrize("empty", ["80", "a0"])
def test_an_empty_container_nests_nothing(empty: str) -> None:
    """Seventeen brackets, sixteen levels; what is wrong behind them is still found."""
    data = b"\x81" * MAX_DEPTH + bytes.fromhex(empty)
    assert encode_cbor(decode_cbor(data)) == data
    with pytest.raises(FormatError) as refusal:
        decode_cbor(data + b"\x00")
    assert refusal.value.reason is Reason.ENC_TRAILING_DATA


@pytest.mark.parametrize("nest", ["81", "a100", "d2", "c0", "d800", "da00000000", "9f", "bf00"])
def test_thousands_of_levels_are_a_refusal_like_any_other(nest: str) -> None:
    """Tag 0 nests as others do, although its number is that of an empty array."""
    with pytest.raises(FormatError) as refusal:
        decode_cbor(bytes.fromhex(nest) * 20_000)
    assert refusal.value.reason is Reason.ENC_DEPTH_LIMIT
