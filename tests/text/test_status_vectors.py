"""The lists of the Token Status List draft, every value of each: the listed ones, and 0 everywhere else."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from certificate.status_list import StatusList, decode_status_list, encode_status_list
from ledger.errors import FormatError, VerificationError
from ledger.reasons import Reason

VECTORS = Path(__file__).parents[1] / "vectors" / "status" / "token_status_list.json"
FILE = json.loads(VECTORS.read_text("utf-8"))
LARGE = [case for case in FILE["cases"] if "set" in case]
SMALL = [case for case in FILE["cases"] if "values" in case]


def compressed(case: dict[str, Any]) -> bytes:
    return base64.urlsafe_b64decode(case["lst"] + "=" * (-len(case["lst"]) % 4))


def decoded(case: dict[str, Any]) -> StatusList:
    return decode_status_list(case["bits"], compressed(case))


def test_no_list_is_missing() -> None:
    assert [case["bits"] for case in LARGE] == [1, 2, 4]
    assert [case["bits"] for case in SMALL] == [1, 2]
    assert sum(len(case["set"]) for case in LARGE) == 37
    assert sum(len(case["values"]) for case in SMALL) == 28


@pytest.mark.parametrize("case", LARGE, ids=lambda case: f"{case['bits']}-bits")
def test_every_value_of_a_large_list(case: dict[str, Any]) -> None:
    statuses = decoded(case)
    assert len(statuses) == FILE["size"] == 2**20
    expected = {entry["idx"]: entry["value"] for entry in case["set"]}
    assert all(statuses.value(index) == value for index, value in expected.items())
    # All others are 0: exactly the bits of the listed values are set in the whole list.
    assert int.from_bytes(statuses.packed).bit_count() == sum(
        value.bit_count() for value in expected.values()
    )
    for index in (-1, 2**20):
        with pytest.raises(VerificationError) as refusal:
            statuses.value(index)
        assert refusal.value.reason is Reason.STATUS_INDEX_RANGE


@pytest.mark.parametrize("case", SMALL, ids=lambda case: f"{case['bits']}-bits")
def test_every_value_of_a_small_list(case: dict[str, Any]) -> None:
    statuses = decoded(case)
    assert [statuses.value(index) for index in range(len(statuses))] == case["values"]
    assert len(case["values"]) == case["size"]


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: f"{case['bits']}-bits-{case['lst'][-4:]}")
def test_our_encoding_is_the_draft_s(case: dict[str, Any]) -> None:
    assert encode_status_list(decoded(case)) == {"bits": case["bits"], "lst": compressed(case)}


@pytest.mark.parametrize("bits", [0, 3, 5, 7, 16, -1])
def test_other_widths_are_refused(bits: int) -> None:
    with pytest.raises(FormatError) as refusal:
        decode_status_list(bits, compressed(SMALL[0]))
    assert refusal.value.reason is Reason.STATUS_LIST_MALFORMED
