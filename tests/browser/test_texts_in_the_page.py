"""Attacks A34 to A37 in the page: hidden characters are refused as in Python, and a text is never more than a text."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from playwright.sync_api import Page

from certificate.texts import LANGUAGES
from ledger.reasons import Reason
from tests.attacks.forging import forged_paper, lenient_tree
from tests.attacks.marking import attack
from tests.attacks.test_a_texts import FORBIDDEN, HOSTILE_TEXTS, NAME, with_name
from tests.browser.judging import Shown, form_json, judge_page, reports
from tests.browser.pages import run
from tests.browser.site import Site
from tests.template.test_forms import TODAY, answered
from tests.world import SLOTS_24, World, claims_of_60_months
from verifier.forms.filled import FilledForm, fill_form

DRAW = """({ drawFormElement }, forms) => JSON.stringify(JSON.parse(forms).map((form) => {
  const pictures = form.codes.map(() => document.createElement("canvas"));
  const element = drawFormElement(form, { document, pictures });
  document.body.replaceChildren(element);
  const all = [element, ...element.querySelectorAll("*")];
  return {
    tags: [...new Set(all.map((one) => one.localName))].sort(),
    attributes: [...new Set(all.flatMap((one) => one.getAttributeNames()))].sort(),
    texts: [...element.querySelectorAll("bdi")].map((one) => one.textContent),
    children: [...element.querySelectorAll("bdi")].reduce((sum, one) => sum + one.childElementCount, 0),
    title: element.querySelector("h2").textContent,
    labels: [...element.querySelectorAll("th[scope=rowgroup]")].map((one) => one.textContent),
  };
}))"""
MARKED = [
    *HOSTILE_TEXTS,
    '<script src="http://a/x.js"></script>',
    "<img src=x onerror=alert(1)>",
    "</bdi></td><a href='http://a/'>x</a>",
    "a&b'c\"d&#x3c;",
    "](javascript:alert)",
    "\u05d0\u05d1 ab",
]


def shown_name(name: str) -> Shown:
    """A certificate, rightly signed by the office, that shows this name."""
    world = World()
    tree = lenient_tree({**claims_of_60_months(), NAME: name})
    return Shown([forged_paper(world, tree=tree, slots=(NAME, *SLOTS_24))], world.bundle_files(), None)


def check_said_alike(page: Page, site: Site, name: str) -> dict[str, Any]:
    """Judge the name in the page and here; the page's report in English."""
    said, _ = judge_page(page, site, shown_name(name))
    assert said == reports(with_name(name)), ascii(name)
    return dict(said[1])


@attack("A34", Reason.SCHEMA_TEXT_FORBIDDEN_CHAR)
def test_a34_characters_that_nobody_sees_in_the_page(page: Page, site: Site) -> None:
    """Bidi, zero-width, control, tag, private-use and empty-looking characters in a name, in the browser."""
    for name in FORBIDDEN.values():
        report = check_said_alike(page, site, name)
        assert (report["outcome"], report["reason"]) == ("invalid", Reason.SCHEMA_TEXT_FORBIDDEN_CHAR)
        assert report["disclosed"] == []


@attack("A35", Reason.SCHEMA_TEXT_NOT_NFC, Reason.SCHEMA_TEXT_TOO_LONG)
def test_a35_other_normal_forms_and_lengths_in_the_page(page: Page, site: Site) -> None:
    """Decomposed letters, forty marks on one letter, 2,000 letters, in the browser."""
    for name in ("e\u0301", "\uf900", "\u1100\u1161"):
        assert check_said_alike(page, site, name)["reason"] == Reason.SCHEMA_TEXT_NOT_NFC
    for name in ("q" + "\u0323" * 40, "测" + "\u20dd" * 40, "测" * 2000, "x" * 129):
        assert check_said_alike(page, site, name)["reason"] == Reason.SCHEMA_TEXT_TOO_LONG


@attack("A36", Reason.SCHEMA_TEXT_CONFUSABLE)
def test_a36_a_name_that_looks_like_another_in_the_page(page: Page, site: Site) -> None:
    """Mixed scripts and full-width letters: accepted with a note, in the browser; no note for an everyday name."""
    for name in ("Ехаmplе Bank", "\uff34\uff45\uff53\uff54", "Αpple", "测试\uff11"):
        report = check_said_alike(page, site, name)
        assert report["outcome"] == "valid"
        assert Reason.SCHEMA_TEXT_CONFUSABLE in [note["reason"] for note in report["notes"]]
    notes = check_said_alike(page, site, "测试甲")["notes"]
    assert Reason.SCHEMA_TEXT_CONFUSABLE not in [note["reason"] for note in notes]


@attack("A37")
def test_a37_texts_that_are_code_elsewhere_in_the_page(page: Page, site: Site) -> None:
    """Script, formula, braces and links in a name: said as they stand; terminal escapes are refused."""
    for name in HOSTILE_TEXTS:
        report = check_said_alike(page, site, name)
        (shown,) = [row for row in report["disclosed"] if row["name"] == "name"]
        assert (report["outcome"], shown["value"], shown["text"]) == ("valid", name, name)
    for name in ("\x1b]0;x\x07", "\x1b[31m红", "a\rb", "\x9b0m"):
        assert check_said_alike(page, site, name)["reason"] == Reason.SCHEMA_TEXT_FORBIDDEN_CHAR


@attack("A37")
def test_a37_a_form_holds_texts_and_nothing_else(page: Page, site: Site) -> None:
    """The same in a filled form, drawn: no element, attribute, address or script comes of a text."""
    forms = [form for name in MARKED for form in forms_of(name)]
    drawn = json.loads(
        run(page, site, "/verifier/forms/page_html.js", DRAW, json.dumps(list(map(told, forms))))
    )
    tags = [
        "article",
        "bdi",
        "br",
        "canvas",
        "div",
        "h2",
        "p",
        "span",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
    ]
    for form, element in zip(forms, drawn, strict=True):
        assert element["tags"] == tags
        assert element["attributes"] == ["class", "lang", "rowspan", "scope"]
        assert element["children"] == 0
        entries = [entry for row in form.rows for entry in row.entries]
        basis = [form.template.purpose, form.template.legal_basis]
        assert element["texts"] == basis + [part for entry in entries for part in (entry.text, entry.origin)]
        assert (element["title"], element["labels"]) == (form.title, [row.label for row in form.rows])


def forms_of(name: str) -> list[FilledForm]:
    """A form whose name, purpose, heading and title all say `name`."""
    answer = answered("housing.24", who=name)
    texts = {"title_zh": name, "title_en": name, "purpose": name, "legal_basis": name}
    fields = tuple(replace(one, label_zh=name, label_en=name) for one in answer.template.fields)
    hostile = replace(answer.template, fields=fields, **texts)  # type: ignore[arg-type]  # texts all of them
    report = answer.judged()
    return [
        fill_form(hostile, report, codes=(answer.shown,), language=language, today=TODAY)
        for language in LANGUAGES
    ]


def told(form: FilledForm) -> dict[str, Any]:
    basis = {"purpose": form.template.purpose, "legalBasis": form.template.legal_basis}
    return form_json(form) | {"language": form.language, "template": basis}
