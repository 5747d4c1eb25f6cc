"""base45 and display texts against their vector sets, every row; and what the two rules say beyond them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from certificate.base45 import decode_base45, encode_base45
from certificate.display_text import check_display_text, confusable_warning
from ledger.errors import FormatError
from ledger.reasons import Reason

VECTORS = Path(__file__).parents[1] / "vectors"
BASE45 = json.loads((VECTORS / "base45" / "base45.json").read_text("utf-8"))["cases"]
NAMES = json.loads((VECTORS / "names" / "display_text.json").read_text("utf-8"))["cases"]

FORBIDDEN = Reason.SCHEMA_TEXT_FORBIDDEN_CHAR
CONFUSABLE = Reason.SCHEMA_TEXT_CONFUSABLE


def test_no_row_is_missing() -> None:
    assert Counter(case["expect"] for case in BASE45) == {"ok": 7, "enc.base45_invalid": 12}
    assert Counter(case["expect"] for case in NAMES) == {
        "ok": 8,
        "ok_escape": 4,
        "schema.field_missing": 1,
        "schema.text_confusable": 2,
        "schema.text_forbidden_char": 10,
        "schema.text_not_nfc": 2,
        "schema.text_too_long": 2,
    }


@pytest.mark.parametrize("case", BASE45, ids=lambda case: ascii(case["text"]))
def test_base45_row(case: dict[str, str]) -> None:
    if case["expect"] == "ok":
        assert decode_base45(case["text"]) == bytes.fromhex(case["hex"])
        assert encode_base45(bytes.fromhex(case["hex"])) == case["text"]
    else:
        with pytest.raises(FormatError) as refusal:
            decode_base45(case["text"])
        assert refusal.value.reason.value == case["expect"]


@pytest.mark.parametrize("case", NAMES, ids=lambda case: ascii(case["text"])[:40])
def test_display_text_row(case: dict[str, str]) -> None:
    text, expected = case["text"], case["expect"]
    if expected in ("ok", "ok_escape", CONFUSABLE.value):
        check_display_text(text)
        assert confusable_warning(text) is (CONFUSABLE if expected == CONFUSABLE.value else None)
    else:
        with pytest.raises(FormatError) as refusal:
            check_display_text(text)
        assert refusal.value.reason.value == expected


@pytest.mark.parametrize(
    "text",
    [
        "样例制造有限公司(测试)",
        "样例制造有限公司（测试）",
        "测试甲",
        "阿不都·测试",
        "\U00020bb7田",  # a rare character outside the everyday range
        "Acme Ltd. & Sons, 3rd",
        "x" * 128,
        "e\u031b\u0323".replace("e\u031b\u0323", "\u1ee3"),
    ],
)
def test_honest_names_pass_without_a_warning(text: str) -> None:
    check_display_text(text)
    assert confusable_warning(text) is None


@pytest.mark.parametrize(
    "text",
    [
        " 测试甲",
        "测试甲 ",
        "测试\u3000",  # ideographic space at the end
        "\u00a0测试",
        "测\u2028试",
        "测\ufeff试",
        "测\u200d试",
        "测\u200f试",
        "测\u061c试",
        "测\uffff试",
        "测\ufdd0试",
        "测\U000f0000试",
        "测\ud800试",
        "测\u0085试",
        "测\x7f试",
        "\u3000",
        "\t",
    ],
    ids=ascii,
)
def test_what_nobody_would_see_is_refused(text: str) -> None:
    with pytest.raises(FormatError) as refusal:
        check_display_text(text)
    assert refusal.value.reason is FORBIDDEN


@pytest.mark.parametrize(
    ("text", "limit", "reason"),
    [
        ("测" * 65, 64, Reason.SCHEMA_TEXT_TOO_LONG),
        ("x" * 129, 128, Reason.SCHEMA_TEXT_TOO_LONG),
        ("q" + "\u0323" * 5, 128, Reason.SCHEMA_TEXT_TOO_LONG),
        ("\u2f00", 128, None),  # a compatibility radical is in NFC: another character, not another spelling
        (
            "\uf900",
            128,
            Reason.SCHEMA_TEXT_NOT_NFC,
        ),  # CJK compatibility ideograph: its canonical form is U+8C48
    ],
    ids=ascii,
)
def test_limits_and_spellings(text: str, limit: int, reason: Reason | None) -> None:
    if reason is None:
        check_display_text(text, max_code_points=limit)
        return
    with pytest.raises(FormatError) as refusal:
        check_display_text(text, max_code_points=limit)
    assert refusal.value.reason is reason


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("\u0410\u0411\u0412 Bank", True),  # Cyrillic АБВ beside Latin
        ("\u0391lpha Bank", True),  # Greek Alpha
        ("\u0411\u0430\u043d\u043a", False),  # all Cyrillic
        ("样例Bank", False),
        ("样例\u0411\u0430\u043d\u043a", False),
        ("样例\uff22\uff41\uff4e\uff4b", True),  # full-width Latin
        ("\uff11\uff12\uff13号仓库", True),  # full-width digits
        ("样例公司\uff1b示例\uff1f", False),  # full-width punctuation is everyday Chinese
    ],
    ids=ascii,
)
def test_look_alikes_are_warned_of_and_nothing_else(text: str, warned: bool) -> None:
    check_display_text(text)
    assert confusable_warning(text) is (CONFUSABLE if warned else None)


def test_the_quick_way_and_the_thorough_way_agree() -> None:
    """Nearly all names take the quick way; put a letter before them and the thorough one must say the same."""
    for code_point in (*range(0x20, 0x180), *range(0x3000, 0x3040), *range(0x4E00, 0xA000, 97)):
        middle = chr(code_point)
        assert _refusal(f"测{middle}试") is _refusal(f"\u01a9测{middle}试"), hex(code_point)


def _refusal(text: str) -> Reason | None:
    try:
        check_display_text(text)
    except FormatError as refusal:
        return refusal.reason
    return None
