"""The verdict card, drawn from what `tally verify --json` prints: readable by everybody, inert to every text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from certificate.texts import LANGUAGES, Language
from ledger.reasons import Reason
from tests.attacks.marking import attack
from tests.browser.cases import CASES, case_of
from tests.browser.pages import run
from tests.browser.seeing import axe_faults, draw_card, overflow
from tests.browser.site import WEB, Site
from verifier.report import StepOutcome

_WIDE, _NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
_WORDS: dict[str, tuple[str, str]] = {
    "valid": ("有效", "Valid"),
    "met": ("符合条件", "Condition met"),
    "static": ("有效（纸质证明）", "Valid paper copy"),
    "not-met": ("不符合条件", "Condition not met"),
    "forged": ("无效", "Invalid"),
    "replaced": ("已有更新的证明", "Replaced by a newer one"),
    "not-posted": ("暂时无法判断", "Cannot tell yet"),
    "too-old": ("暂时无法判断", "Cannot tell yet"),
    "no-list": ("暂时无法判断", "Cannot tell yet"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_card_says_verdict_shape_and_what_to_do_next(page: Page, site: Site, name: str) -> None:
    for language, word in zip(LANGUAGES, _WORDS[name], strict=True):
        report = case_of(name).report(language)
        draw_card(page, site, report, language)
        card = page.locator(".verdict")
        assert card.locator(".verdict__word").inner_text() == word
        assert card.locator("svg.shape[role=img]").get_attribute("aria-label")
        assert card.locator(".guidance__next").inner_text().strip()
        assert card.locator(".step").count() == 11
        if report["certificate"]:
            assert report["certificate"]["scope"] in (card.text_content() or "")


def test_every_reason_has_a_next_step_in_both_languages(page: Page, site: Site) -> None:
    report = case_of("valid").report("en")
    found = run(
        page,
        site,
        "/desk/advice.js",
        """({ adviceFor, verdictOf, toneOf }, [report, reasons]) => ["zh", "en"].flatMap((language) =>
          ["invalid", "undetermined"].flatMap((outcome) => reasons.map((reason) => {
            const one = { ...report, outcome, reason };
            return [adviceFor(one, { language }).text, verdictOf(one), toneOf(one)];
          })))""",
        [report, [reason.value for reason in Reason]],
    )
    assert len(found) == 4 * len(Reason)
    assert all(text and verdict and tone in ("invalid", "undetermined") for text, verdict, tone in found)


def test_the_words_are_the_same_in_both_languages(page: Page, site: Site) -> None:
    differing = run(
        page,
        site,
        ["/desk/words_zh.js", "/desk/words_en.js"],
        """({ ZH }, { EN }) => {
          const holes = (text) => [...text.matchAll(/\\{[a-z]+\\}/g)].map(String).sort().join();
          return [...new Set([...Object.keys(ZH), ...Object.keys(EN)])]
            .filter((key) => !(key in ZH) || !(key in EN) || holes(ZH[key]) !== holes(EN[key]));
        }""",
    )
    assert differing == []


def test_cannot_tell_looks_nothing_like_no(page: Page, site: Site) -> None:
    """Shape, edge and fill differ, not only the colour."""
    looks = []
    for name in ("forged", "no-list"):
        draw_card(page, site, case_of(name).report("zh"), "zh")
        looks.append(
            page.locator(".verdict").evaluate(
                """(card) => {
                  const head = card.querySelector(".verdict__head"), shape = card.querySelector(".shape__body");
                  const luminance = (text) => text.match(/[\\d.]+/g).slice(0, 3).reduce((sum, part) => sum + +part, 0);
                  return { edge: getComputedStyle(card).borderTopStyle, outline: shape.tagName,
                    filled: getComputedStyle(shape).fill !== "none", path: shape.getAttribute("d"),
                    light: luminance(getComputedStyle(head).backgroundColor) };
                }"""
            )
        )
    no, open_ = looks
    assert (no["edge"], open_["edge"]) == ("solid", "dashed")
    assert (no["filled"], open_["filled"]) == (True, False)
    assert no["path"] != open_["path"]
    assert open_["light"] - no["light"] > 300, "grey values differ as well"


@pytest.mark.parametrize(
    ("name", "language", "scheme", "size"),
    [
        ("static", "zh", "light", _WIDE),
        ("not-posted", "zh", "dark", _WIDE),
        ("not-met", "en", "light", _NARROW),
        ("forged", "en", "dark", _NARROW),
    ],
)
def test_axe_finds_nothing(
    page: Page, site: Site, name: str, language: Language, scheme: Any, size: Any
) -> None:
    """AA contrast included; all that opens on demand is open."""
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    draw_card(page, site, case_of(name).report(language), language)
    page.locator("details").evaluate_all("(all) => all.forEach((one) => { one.open = true; })")
    assert axe_faults(page) == []


@pytest.mark.parametrize("size", [_WIDE, _NARROW], ids=["1280", "360"])
@pytest.mark.parametrize("scale", [1, 2])
def test_nothing_runs_out_of_the_page(page: Page, site: Site, size: Any, scale: int) -> None:
    """Also with text at twice its size."""
    page.set_viewport_size(size)
    for name in ("valid", "not-posted", "forged"):
        for language in LANGUAGES:
            draw_card(page, site, case_of(name).report(language), language, text_scale=scale)
            assert overflow(page) == []


def test_months_are_read_out_and_an_unposted_one_is_no_gap(page: Page, site: Site) -> None:
    draw_card(page, site, case_of("not-posted").report("zh"), "zh")
    cells = page.locator(".calendar tbody tr").first.locator("td")
    states = [cells.nth(at).inner_text().strip() for at in range(12)]
    assert states == ["正常"] * 8 + ["尚未入账"] * 2 + ["数据未及"] * 2


def test_what_waits_for_a_month_offers_to_accept_for_now(page: Page, site: Site) -> None:
    report = case_of("not-posted").report("zh")
    draw_card(page, site, report, "zh", posts={"pension.emp": 20})
    assert "每月 20 日" in page.locator(".guidance__next").inner_text()
    assert page.locator("[data-action=later]").count() == 1
    draw_card(page, site, case_of("no-list").report("zh"), "zh")
    assert page.locator("[data-action=later]").count() == 0
    assert page.locator("[data-action=update]").count() == 1


@attack("A34")
@attack("A35")
@attack("A37")
def test_hostile_texts_stay_texts(page: Page, site: Site) -> None:
    """Were they to pass the parsers: no element, no script, no style comes of them."""
    hostile = "<img src=x onerror=alert(1)><script>1</script>{{7*7}}=1+1\u202e\u200b" + "\u0301" * 40
    report = json.loads(json.dumps(case_of("met").report("zh")).replace("测试甲", "名"))
    _replace_texts(report, hostile)
    draw_card(page, site, report, "zh")
    assert page.locator(".verdict img, .verdict script").count() == 0
    assert hostile in (page.locator(".verdict").evaluate("(card) => card.textContent"))
    assert overflow(page) == []


def test_no_module_writes_markup_or_code() -> None:
    """DOM calls alone: a card cannot be injected into because nothing parses markup."""
    forbidden = (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "console.",
    )
    found = [
        (path.name, word)
        for path in sorted((WEB / "desk").glob("*.js"))
        for word in forbidden
        if word in path.read_text("utf-8")
    ]
    assert found == []


def test_step_outcomes_all_have_a_mark(page: Page, site: Site) -> None:
    counts = run(
        page,
        site,
        "/desk/shapes.js",
        "({ stepMark }, outcomes) => outcomes.map((one) => stepMark(one).querySelector('path').getAttribute('d'))",
        [outcome.value for outcome in StepOutcome],
    )
    assert len(set(counts)) == len(StepOutcome)


def _replace_texts(value: Any, text: str) -> None:
    """Every text for people in a report, in place."""
    shown = ("text", "label", "title", "legal_basis", "scope", "name")
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        if isinstance(inner, str) and key in shown and not str(inner).startswith(("strip.", "settled.")):
            value[key] = text
        elif key == "sentences":
            value[key] = [text]
        else:
            _replace_texts(inner, text)
