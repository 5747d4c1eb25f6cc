"""Values of claims: encoded by hand exactly as the CBOR library encodes them, and nothing passes by looking equal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certificate.claim_values import ENCODERS, ValueType
from certificate.slots import REGISTRIES
from ledger.cbor import encode_cbor, encode_head, encode_text, encode_unsigned
from ledger.errors import FormatError
from ledger.reasons import Reason
from tests.world import REGISTRY

_NUMBERS = [
    edge + step for edge in (0, 24, 2**8, 2**16, 2**32, 2**64 - 2) for step in (-1, 0, 1) if edge + step >= 0
]

EXAMPLES: dict[ValueType, list[Any]] = {
    ValueType.TEXT: ["测试甲", "A", "样" * 23, "样" * 85, "x" * 128],
    ValueType.ID_NO: ["990000199001010017", "ABCD"],
    ValueType.ID_TAIL: ["001X"],
    ValueType.CODE: ["01", "A" * 18],
    ValueType.STATUS: [1, 2, 3],
    ValueType.MONTH: [190000, 202600, 202610, 299912],
    ValueType.DATE: [19000101, 29991231],
    ValueType.MONTHS: [0, 23, 24, 255, 256, 1200],
    ValueType.COUNT: [0, 65535, 65536, 10**7],
    ValueType.FEN: [0, 2**32 - 1, 2**32, 10**13],
    ValueType.STRIP: [b"\x05\x55\x55"],
    ValueType.COMMITMENT: [bytes(32)],
    ValueType.BALANCE: [[123456, 20261031], (0, 19000101)],
    ValueType.EMPLOYER: [[None, "示例厂(测试)", 202001, 70], ["91990000T0000001X7", "示例厂", 202001, 70]],
    ValueType.SPELL: [["示例厂(测试)", 202001, 202512, 70]],
    ValueType.PROXY: [
        ["测试乙", "0017", 20271231, []],
        ["测试乙", "0017", 20271231, ["loan/2026.1", "hiring"]],
    ],
    ValueType.ANSWER: [[bytes(32), True], [bytes(32), False]],
}


def test_every_shape_has_an_encoder_and_an_example() -> None:
    assert set(ENCODERS) == set(EXAMPLES) == set(ValueType)
    registered = {claim.value_type for registry in REGISTRIES.values() for claim in registry.claims}
    assert registered <= set(ENCODERS)


@pytest.mark.parametrize("value_type", ValueType)
def test_values_are_encoded_as_the_library_does(value_type: ValueType) -> None:
    for value in EXAMPLES[value_type]:
        assert ENCODERS[value_type](value) == encode_cbor(value)


@given(st.integers(0, 2**64 - 1), st.text())
def test_heads_and_texts_are_encoded_as_the_library_does(number: int, text: str) -> None:
    for each in (number, *_NUMBERS):
        assert encode_unsigned(each) == encode_cbor(each)
    assert encode_head(2, len(text.encode())) + text.encode() == encode_cbor(text.encode())
    assert encode_text(text) == encode_cbor(text)


@pytest.mark.parametrize("number", [-1, 2**64])
def test_a_number_beyond_the_profile_is_refused(number: int) -> None:
    with pytest.raises(FormatError) as refusal:
        encode_unsigned(number)
    assert refusal.value.reason is Reason.ENC_NUMBER_RANGE


@pytest.mark.parametrize(
    "name", ["months.pension.emp", "status.pension.emp", "strip.pension.emp.-1", "first.pension.emp"]
)
@pytest.mark.parametrize("value", [True, 1.0, 202610.0, [1], {}, bytearray(3), None])
def test_what_equals_a_remembered_value_is_no_such_value(name: str, value: object) -> None:
    """True is 1 to Python: a certificate with one of them changed into the other must not verify."""
    slot = REGISTRY.slot_of(name)
    for known in (1, 202610, bytes(3)):
        if REGISTRY.by_slot[slot].value_type in (ValueType.STRIP,) and known != bytes(3):
            continue
        try:
            REGISTRY.encode_items([slot], [known])
        except FormatError:
            continue
    with pytest.raises(FormatError):
        REGISTRY.encode_items([slot], [value])
