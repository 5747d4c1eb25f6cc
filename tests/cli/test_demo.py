"""The demo is what a stranger sees first: a valid report, then every forgery refused for a reason of its own."""

from __future__ import annotations

import re

import pytest

from cli.demo.forgers import ATTACKS
from tests.program import ok


@pytest.mark.parametrize(
    ("language", "valid", "refused"),
    [("en", "VALID", "(?:refused|not accepted): "), ("zh", "有效", "(?:拒绝|不予采信): ")],
)
def test_the_demo_ends_well(language: str, valid: str, refused: str) -> None:
    shown = ok("demo", "--people", 60, "--lang", language).out
    assert re.search(rf"^ +{valid}$", shown, re.M)
    assert len(re.findall(r"^   ✓ ", shown, re.M)) == 11
    assert len(re.findall(rf"^   {refused}", shown, re.M)) == len(ATTACKS)
    reasons = re.findall(r"^      .*\[([a-z0-9_.]+)\]$", shown, re.M)
    assert len(set(reasons)) == len(ATTACKS) >= 10
    assert reasons == [attack.expected.value for attack in ATTACKS]
