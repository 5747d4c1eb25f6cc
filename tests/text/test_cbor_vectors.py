"""Our CBOR against the three outside sets, every row: what the profile admits comes back, the rest is named."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ledger.cbor import decode_cbor, encode_cbor
from ledger.errors import FormatError

VECTORS = Path(__file__).parents[1] / "vectors" / "cbor"
RFC = json.loads((VECTORS / "rfc8949_appendix_a.json").read_text("utf-8"))["cases"]
NOT_WELL_FORMED = json.loads((VECTORS / "not_well_formed.json").read_text("utf-8"))["cases"]
DETERMINISTIC = json.loads((VECTORS / "deterministic.json").read_text("utf-8"))["cases"]

# Row numbers of RFC 8949 Appendix A that are examples of CBOR and outside our profile, by the rule that forbids them.
OUTSIDE_THE_PROFILE = {
    "a float": ("enc.number_range", [*range(18, 40)]),
    "a tag other than COSE_Sign1, big integers among them": (
        "enc.cbor_tag_forbidden",
        [11, 13, *range(47, 53)],
    ),
    "a simple value other than false, true and null": ("enc.cbor_tag_forbidden", [43, 44, 46]),
    "simple(24) in two bytes, good in RFC 7049, not well-formed since RFC 8949": ("enc.cbor_malformed", [45]),
    "an indefinite length": ("enc.cbor_noncanonical", [*range(71, 82)]),
}
REFUSED = {number: code for code, numbers in OUTSIDE_THE_PROFILE.values() for number in numbers}
# Admitted rows whose value JSON cannot say.
SPOKEN = {53: b"", 54: bytes.fromhex("01020304"), 67: {1: 2, 3: 4}}


def thawed(value: Any) -> Any:
    """The frozen value that the decoder returns, as JSON would have it."""
    if isinstance(value, tuple):
        return [thawed(item) for item in value]
    if isinstance(value, Mapping):
        return {key: thawed(item) for key, item in value.items()}
    return value


def test_no_row_is_missing() -> None:
    assert len(RFC) == 82
    assert len(REFUSED) == sum(len(numbers) for _, numbers in OUTSIDE_THE_PROFILE.values()) == 45
    assert Counter(case["expect"] for case in NOT_WELL_FORMED) == {"enc.cbor_malformed": 94}
    assert Counter(case["expect"] for case in DETERMINISTIC) == {
        "ok": 4,
        "enc.cbor_noncanonical": 10,
        "enc.cbor_duplicate_key": 2,
        "enc.number_range": 3,
        "enc.trailing_data": 2,
        "enc.cbor_tag_forbidden": 6,
        "enc.utf8_invalid": 2,
        "enc.depth_limit": 1,
    }


@pytest.mark.parametrize("number", range(82))
def test_rfc_row(number: int) -> None:
    case = RFC[number]
    data = bytes.fromhex(case["hex"])
    if number in REFUSED:
        with pytest.raises(FormatError) as refusal:
            decode_cbor(data)
        assert refusal.value.reason.value == REFUSED[number]
        return
    value = thawed(decode_cbor(data))
    expected = case["value"] if "value" in case else SPOKEN[number]
    assert (value, type(value)) == (expected, type(expected))  # 1 == True == 1.0 would be too kind
    assert case["same_after_reencoding"]
    assert encode_cbor(value) == data


@pytest.mark.parametrize("case", NOT_WELL_FORMED, ids=lambda case: f"{case['kind']}-{case['hex']}")
def test_not_well_formed_row(case: dict[str, str]) -> None:
    with pytest.raises(FormatError) as refusal:
        decode_cbor(bytes.fromhex(case["hex"]))
    assert refusal.value.reason.value == case["expect"]


@pytest.mark.parametrize("case", DETERMINISTIC, ids=lambda case: case["why"])
def test_deterministic_row(case: dict[str, str]) -> None:
    data = bytes.fromhex(case["hex"])
    if case["expect"] == "ok":
        assert encode_cbor(decode_cbor(data)) == data
        return
    with pytest.raises(FormatError) as refusal:
        decode_cbor(data)
    assert refusal.value.reason.value == case["expect"]
