"""A34 to A37 where a form or a table shows what a name says: HTML, PDF, CSV."""

from __future__ import annotations

import csv
import io
from html.parser import HTMLParser

import pytest

from ledger.errors import FormatError
from ledger.reasons import Reason
from tests.attacks.marking import attack
from tests.attacks.test_a_texts import FORBIDDEN, HOSTILE_TEXTS
from tests.template.test_forms import answered, text_of
from verifier.bulk.sheet import encode_sheet
from verifier.forms.page_html import draw_form_html
from verifier.forms.page_pdf import draw_form_pdf

FORMULAS = ["=1+1", "+1", "-2+3", "@SUM(A1)", " =1", "\uff1d1+1", "|calc", "%0a"]


class Page(HTMLParser):
    """What a browser would find: tags, addresses, texts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action")]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@attack("A37")
@pytest.mark.parametrize("name", [*HOSTILE_TEXTS[:4], "a&b'c\"d", "](javascript:alert)", "\u05d0\u05d1 ab"])
def test_A37_a_form_as_a_page(name: str) -> None:
    """Script, formula, template braces, entities, links, letters from right to left: text in the HTML of a form"""
    form = answered("housing.24", who=name).form()
    page = Page()
    page.feed(draw_form_html(form).decode())
    assert page.tags == {
        "html", "head", "meta", "title", "style", "body", "h1", "p", "br", "table", "tr", "th", "td", "bdi", "small",
        "img", "div",
    }  # fmt: skip
    assert all(link.startswith("data:image/png;base64,") for link in page.links)
    assert name in page.texts


@attack("A37")
@pytest.mark.parametrize("name", HOSTILE_TEXTS[:4])
def test_A37_a_form_as_pdf(name: str) -> None:
    """The same in a PDF: printed as they stand, and nothing in the file acts"""
    pdf = draw_form_pdf(answered("housing.24", who=name).form())
    assert not [word for word in (b"/URI", b"/JavaScript", b"/Launch", b"/JS", b"/OpenAction") if word in pdf]
    shown = "".join(text_of(pdf).split())
    assert "".join(name.split()) in shown


@attack("A34")
def test_A34_letters_that_the_page_lacks() -> None:
    """A letter that the font of a PDF lacks is refused, and never printed as an empty box"""
    with pytest.raises(FormatError):
        draw_form_pdf(answered("housing.24", who="\u05d0\u05d1 ab").form())


@attack("A34", Reason.SCHEMA_TEXT_FORBIDDEN_CHAR)
@pytest.mark.parametrize("name", list(FORBIDDEN.values())[:6])
def test_A34_no_form_shows_what_no_report_does(name: str) -> None:
    """Hidden characters end before a form is filled"""
    with pytest.raises(FormatError) as refusal:
        answered("housing.24", who=name).form()
    assert refusal.value.reason is Reason.SCHEMA_TEXT_FORBIDDEN_CHAR


@attack("A35", Reason.SCHEMA_TEXT_NOT_NFC)
def test_A35_no_form_shows_another_spelling() -> None:
    """A letter with its accent apart ends before a form is filled"""
    with pytest.raises(FormatError) as refusal:
        answered("housing.24", who="e\u0301").form()
    assert refusal.value.reason is Reason.SCHEMA_TEXT_NOT_NFC


@attack("A36", Reason.SCHEMA_TEXT_CONFUSABLE)
def test_A36_a_form_of_a_look_alike() -> None:
    """A name of mixed scripts fills a form, beside the certificate's number; the report that fills it warns"""
    answer = answered("housing.24", who="\u0415xample")
    assert Reason.SCHEMA_TEXT_CONFUSABLE in answer.judged().notes
    rows = {row.label: row.entries[0].text for row in answer.form("en").rows}
    assert rows["Name"] == "\u0415xample"
    assert rows["Certificate"]


@attack("A37")
@pytest.mark.parametrize("cell", [*HOSTILE_TEXTS, *FORMULAS])
def test_A37_a_table(cell: str) -> None:
    """Cells of a CSV: no spreadsheet takes one for a formula, and each is read back whole"""
    sheet = encode_sheet(("name", "answer"), [(cell, "met"), ("x", cell)])
    rows = list(csv.reader(io.StringIO(sheet.decode("utf-8-sig"), newline="")))
    for shown in (rows[1][0], rows[2][1]):
        assert shown in (cell, f"'{cell}")
        assert not shown.lstrip(" \u3000\u00a0").startswith(("=", "+", "-", "@", "|", "%", "\uff1d"))
    assert (rows[1][1], rows[2][0]) == ("met", "x")
