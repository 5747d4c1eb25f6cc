"""Our words for refusals against the shared catalogue: every code is there, with the verdict it has there."""

from __future__ import annotations

import json
from pathlib import Path

from ledger.reasons import Reason, verdict_of

CATALOGUE = Path(__file__).parents[1] / "vectors" / "reason-codes.json"
CODES = json.loads(CATALOGUE.read_text("utf-8"))["codes"]


def test_every_shared_code_is_a_reason_with_the_same_verdict() -> None:
    assert len(CODES) == len({entry["code"] for entry in CODES}) == 166
    assert {entry["code"]: entry["verdict"] for entry in CODES} == {
        entry["code"]: verdict_of(Reason(entry["code"])).value for entry in CODES
    }


def test_codes_are_one_layer_and_one_word() -> None:
    for reason in Reason:
        layer, _, word = reason.value.partition(".")
        assert reason.value.replace(".", "_").upper() == reason.name
        assert layer.islower()
        assert word.replace("_", "a").isalnum()
