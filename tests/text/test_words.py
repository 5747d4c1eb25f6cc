"""Words for people: every reason, claim, branch and state has them in both languages, and docs/reasons.md lists all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from certificate.kinds import KINDS
from certificate.numbers import CertificateType
from certificate.slots import REGISTRIES, Claim
from certificate.texts import (
    LANGUAGES,
    Language,
    claim_name,
    format_value,
    kind_name,
    reason_text,
    state_name,
    type_name,
)
from certificate.texts.reasons_en import REASONS_EN
from certificate.texts.reasons_zh import REASONS_ZH
from ledger.reasons import Reason, Verdict, verdict_of
from tests.documents.reasons import render

REGISTRY = REGISTRIES[CertificateType.CONTRIBUTION]


def test_every_reason_has_a_sentence_in_both_languages_and_no_other() -> None:
    codes = [reason.value for reason in Reason]
    assert sorted(REASONS_EN) == sorted(REASONS_ZH) == sorted(codes)


@pytest.mark.parametrize("reason", list(Reason), ids=lambda reason: reason.value)
def test_a_sentence_ends_and_says_what_to_do(reason: Reason) -> None:
    english, chinese = reason_text(reason, "en"), reason_text(reason, "zh")
    assert english.endswith(".")
    assert chinese.endswith("。")
    assert re.search("[一-鿿]", chinese)
    assert english.isascii()
    if reason is not Reason.PRES_STATIC_COPY:  # its advice stands in the one sentence
        assert re.search(r"[;.] ", english), "what is wrong; what to do next"
        assert re.search("[；。].", chinese)
    assert not re.search("[\u4e00-\u9fff][,;:?!]", chinese), "Chinese has its own punctuation"


@pytest.mark.parametrize("reason", [r for r in Reason if verdict_of(r) is Verdict.CANNOT_TELL], ids=str)
def test_cannot_tell_never_sounds_like_no(reason: Reason) -> None:
    english, chinese = reason_text(reason, "en").lower(), reason_text(reason, "zh")
    assert "do not rely" not in english
    assert "forge" not in english or "does not mean" in english
    assert "请勿采信" not in chinese


def test_the_reasons_page_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "reasons.md"
    assert page.read_text("utf-8") == render(), "run: python -m tests.documents.reasons > docs/reasons.md"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_claim_branch_and_state_has_a_name_of_its_own(language: Language) -> None:
    for registry in REGISTRIES.values():
        names = [
            claim_name(c, language, 202610)
            for c in registry.claims
            if not c.name.startswith(("spells.", "pol."))
        ]
        assert len(set(names)) == len(names)
    assert len({kind_name(kind.id, language) for kind in KINDS}) == len(KINDS)
    assert len({state_name(state, language) for state in range(4)}) == 4
    assert all(type_name(type_, language) for type_ in CertificateType)


def claim(name: str) -> Claim:
    return REGISTRY.by_name[name]


@pytest.mark.parametrize(
    ("name", "value", "zh", "en"),
    [
        ("base.pension.emp", 800000, "8,000.00 元", "CNY 8,000.00"),
        ("paid_total.pension.emp", 123456705, "1,234,567.05 元", "CNY 1,234,567.05"),
        ("settled.pension.emp", 202610, "2026-10", "2026-10"),
        ("first.pension.res", 202600, "2026", "2026"),
        ("strip.pension.emp.-2", bytes.fromhex("559555"), "●●● ●●● ●◐● ●●●", "●●● ●●● ●◐● ●●●"),
        ("strip.pension.emp.-0", bytes.fromhex("055555"), "●●● ●●● ●●● ●··", "●●● ●●● ●●● ●··"),
        ("status.unemp", 2, "暂停缴费", "paused"),
        ("run.medical.emp", 26, "26 个月", "26 months"),
        ("name", "<script>", "<script>", "<script>"),
        ("balance.pension", [1050, 20261031], "10.50 元 (2026-10-31)", "CNY 10.50 (2026-10-31)"),
        ("employer", [None, "样例", 202101, 58], "样例，2021-01 起，58 个月", "样例, since 2021-01, 58 months"),
        ("spells.3", ["样例", 202101, 202203, 15], "样例，2021-01 – 2022-03，15 个月",
         "样例, 2021-01 – 2022-03, 15 months"),
    ],
)  # fmt: skip
def test_values_read_as_people_write_them(name: str, value: object, zh: str, en: str) -> None:
    assert format_value(claim(name), value, "zh") == zh
    assert format_value(claim(name), value, "en") == en


def test_a_strip_names_its_year() -> None:
    strip = claim("strip.medical.emp.-2")
    assert claim_name(strip, "en", 202610) == "employee medical 2024, month by month"
    assert claim_name(strip, "zh", 202610) == "职工医疗保险 2024年逐月缴费"
    assert claim_name(strip, "en") == "employee medical -2, month by month"
