"""Paper: the page can be read by eye on any machine, and its code by a scanner."""

from __future__ import annotations

import io

import pypdfium2
import pytest
from fontTools.ttLib import TTFont

from certificate.page_font import page_font
from certificate.qr_text import encode_qr_text
from certificate.texts import Language
from issuer.paper import draw_paper
from ledger.errors import FormatError
from ledger.reasons import Reason
from tests.world import REGISTRY, SLOTS_24, World, claims_of_60_months
from verifier.images import read_codes


def paper(world: World, name: str = "测试甲") -> bytes:
    tree = world.tree(claims_of_60_months() | {REGISTRY.slot_of("name"): name})
    body = world.body(paper=True, claims_root=tree.root())
    return world.certificate(body, tree=tree, slots=(0, 1, *SLOTS_24))


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return str(document[0].get_textpage().get_text_range())
    finally:
        document.close()


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "zh",
            [
                "参保缴费证明",
                "姓名: 测试甲",
                "数据截至: 2026-10",
                "2025年逐月缴费: ●●● ●●● ●●● ●●●",
                "身份证件",
            ],
        ),
        (
            "en",
            [
                "Contribution certificate",
                "name: 测试甲",
                "Data up to: 2026-10",
                "compare the identity document",
            ],
        ),
    ],
)
def test_the_page_says_what_was_signed(language: Language, words: list[str]) -> None:
    shown = text_of(draw_paper(paper(World()), language))
    assert [word for word in words if word not in shown] == []


def test_the_code_on_the_page_is_the_certificate() -> None:
    data = paper(World())
    assert read_codes(draw_paper(data, "zh")) == [encode_qr_text(data)]


def test_the_same_certificate_gives_the_same_page() -> None:
    data = paper(World())
    assert draw_paper(data, "zh") == draw_paper(data, "zh")


def test_rare_characters_of_names_are_on_the_page() -> None:
    name = "测试䶮㛃㭎㸌𬭩𫍯"
    shown = text_of(draw_paper(paper(World(), name), "zh"))
    # Copied text garbles characters beyond U+FFFF (reportlab's map to Unicode keeps four digits); the print is right.
    copied = "".join(chr(ord(c) >> 4) if ord(c) > 0xFFFF else c for c in name)
    assert f"姓名: {copied}" in shown
    carried = TTFont(io.BytesIO(page_font(name, name="Test"))).getBestCmap()
    assert set(map(ord, name)) <= set(carried)
    assert len(carried) < 20


def test_a_character_the_font_lacks_is_refused_not_boxed() -> None:
    with pytest.raises(FormatError) as refusal:
        page_font("测试\U00031350", name="Test")
    assert refusal.value.reason is Reason.SCHEMA_TEXT_FORBIDDEN_CHAR
    assert "U+31350" in refusal.value.detail
