"""The files of the EU set that break a layer of ours: not only refused there, but by the right word."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from certificate.base45 import decode_base45
from certificate.inflate import inflate_bounded
from ledger.errors import FormatError
from ledger.reasons import Reason
from verifier.images import read_codes

VECTORS = Path(__file__).parents[1] / "vectors" / "dgc-common"
CASES = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(VECTORS.glob("*.json"))}
OUR_LAYERS = ("EXPECTEDPICTUREDECODE", "EXPECTEDB45DECODE", "EXPECTEDCOMPRESSION")


def picture(name: str) -> object:
    return read_codes(base64.b64decode(CASES[name]["2DCODE"]))


def base45(name: str) -> bytes:
    return decode_base45(CASES[name]["PREFIX"].removeprefix("HC1:"))


def inflated(name: str) -> bytes:
    return inflate_bounded(base45(name), limit=10_000)


REFUSALS: dict[str, tuple[Callable[[str], object], Reason]] = {
    "B1": (base45, Reason.ENC_BASE45_INVALID),
    "Q1": (picture, Reason.IMAGE_UNREADABLE),
    "Z1": (inflated, Reason.ENC_DECOMPRESS_FAILED),
    "Z2": (inflated, Reason.ENC_DECOMPRESS_FAILED),
}


def test_these_are_all_the_files_that_break_a_layer_of_ours() -> None:
    assert len(CASES) == 38
    broken = {
        name
        for name, case in CASES.items()
        if not all(case["EXPECTEDRESULTS"].get(layer, True) for layer in OUR_LAYERS)
    }
    assert broken == REFUSALS.keys()


@pytest.mark.parametrize("name", REFUSALS)
def test_refused_by_its_word(name: str) -> None:
    layer, reason = REFUSALS[name]
    with pytest.raises(FormatError) as refusal:
        layer(name)
    assert refusal.value.reason is reason
