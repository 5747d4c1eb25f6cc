"""Counter scanners that type: what arrives is what was signed, or the page says exactly what happened to it."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from cbor2 import CBORTag
from playwright.sync_api import Browser, Page

from certificate.qr_text import encode_qr_text
from ledger.cbor import encode_cbor
from tests.browser.pages import run, watched_page
from tests.browser.site import Site, served_site
from tests.browser.town import DeskTown
from tests.browser.typing import key_events, type_events

LISTEN = """async ({ listenForScanner }) => {
  window.heard = [];
  const latin1 = (bytes) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  listenForScanner(document, {
    onScan: ({ kind, candidates, mended }, { inputMethod }) =>
      window.heard.push({ kind, texts: candidates?.map(latin1), mended, inputMethod }),
    onTrouble: (word) => window.heard.push({ trouble: word }),
  });
  document.body.innerHTML = "<input id=note value=before><button id=b>b</button>";
}"""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with served_site() as running:
        yield running


@pytest.fixture(scope="module")
def page(browser: Browser, site: Site) -> Iterator[Page]:
    with watched_page(browser, site) as tab:
        yield tab


@pytest.fixture
def desk(page: Page, site: Site) -> Page:
    page.goto(f"{site.url}/blank.html")
    run(page, site, "/desk/scan_typed.js", LISTEN)
    return page


def heard(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate("() => window.heard.splice(0)")
    return found


def test_real_keys_are_a_scan_and_press_nothing(desk: Page) -> None:
    text = some_object(1, size=60)
    desk.evaluate(
        "() => { window.pressed = 0; document.querySelector('#b').addEventListener('click', () => pressed++); }"
    )
    desk.locator("#b").focus()
    desk.keyboard.type(text)
    desk.keyboard.press("Enter")
    assert heard(desk) == [{"kind": "shown", "texts": [text], "mended": [], "inputMethod": False}]
    assert desk.evaluate("() => window.pressed") == 0
    desk.keyboard.press("Enter")
    assert desk.evaluate("() => window.pressed") == 1, "the page's own keys live again"


def test_a_field_that_has_the_focus_keeps_what_stood_in_it(desk: Page) -> None:
    text = some_object(2, size=60)
    desk.locator("#note").focus()
    desk.keyboard.type(text)
    desk.keyboard.press("Enter")
    assert [scan["texts"] for scan in heard(desk)] == [[text]]
    assert desk.locator("#note").input_value() == "before"
    desk.keyboard.type("a note")
    desk.keyboard.press("Tab")
    assert heard(desk) == []
    assert "a note" in desk.locator("#note").input_value()


def test_input_methods_do_not_get_in_the_way(desk: Page, town: DeskTown) -> None:
    text = town.people[0].answer_text(town.request())
    full = "".join("\u3000" if letter == " " else chr(ord(letter) + 0xFEE0) for letter in text)
    chinese = text.replace("$", "\uffe5").replace("/", "\u3001").replace(".", "\u3002")
    for typed, mended in (
        (full, ["full_width"]),
        (chinese, ["full_width"]),
        (text.swapcase(), ["letter_case"]),
    ):
        type_events(desk, [{"key": letter, "code": ""} for letter in typed])
        assert heard(desk) == [{"kind": "shown", "texts": [text], "mended": mended, "inputMethod": False}]
    type_events(desk, key_events(text, process=True))
    assert heard(desk) == [{"kind": "shown", "texts": [text], "mended": [], "inputMethod": True}]
    type_events(desk, [{"key": "Process", "code": ""} for _ in text])
    assert heard(desk) == [{"trouble": "input_method"}]


def test_a_real_input_method_composes_and_is_named(desk: Page) -> None:
    text = some_object(3, size=60)
    desk.locator("#note").focus()
    keys = desk.context.new_cdp_session(desk)
    for event in key_events(text, process=True):
        code = {"type": "rawKeyDown", "windowsVirtualKeyCode": 229, "key": "Process", "code": event["code"]}
        keys.send("Input.dispatchKeyEvent", {**code, "modifiers": 8 if event["shiftKey"] else 0})
        keys.send("Input.imeSetComposition", {"text": "t", "selectionStart": 1, "selectionEnd": 1})
    desk.keyboard.press("Enter")
    assert [(scan["texts"], scan["inputMethod"]) for scan in heard(desk)] == [([text], True)]


def test_lost_spaces_are_put_back(page: Page, site: Site) -> None:
    texts = [text for text in (some_object(number) for number in range(120)) if damaged(text) != text]
    assert len(texts) > 20
    read = """async ({ readText }, texts) => texts.map((text) => {
      const { kind, candidates, mended } = readText(text);
      return [kind, candidates?.map((bytes) => Array.from(bytes, (b) => String.fromCharCode(b)).join("")), mended];
    })"""
    found = run(page, site, "/desk/scan_text.js", read, [damaged(text) for text in texts])
    for text, (kind, candidates, mended) in zip(texts, found, strict=True):
        assert kind == "shown"
        assert text in candidates
        assert mended == ["spaces"]
    single = sum(len(candidates) == 1 for _, candidates, _ in found)
    assert single > len(texts) // 2, "the structure alone tells most places"


def some_object(number: int, *, size: int = 900) -> str:
    """The text of something with the shape of an answer."""
    chance = random.Random(number)
    parts = [chance.randbytes(size), {}, chance.randbytes(44), chance.randbytes(64)]
    return encode_qr_text(encode_cbor(CBORTag(18, parts)))


def damaged(text: str) -> str:
    """As a scanner hands it on that trims and collapses spaces."""
    return re.sub(" +", " ", text).rstrip(" ")


def test_other_codes_are_named_and_people_who_type_are_left_alone(desk: Page) -> None:
    type_events(desk, key_events("6901234567892"))
    assert heard(desk) == []  # a short code of some goods: no word about it
    type_events(desk, key_events("https".upper() + ":/-EXAMPLE.TEST/A/VERY/LONG/ADDRESS"))
    assert heard(desk) == [{"trouble": "foreign"}]
    type_events(desk, [{"key": letter, "code": ""} for letter in "TS1\u00d6" + "A" * 60])
    assert heard(desk) == [{"trouble": "layout"}]
    type_events(desk, key_events("TS1:" + "ABC" * 30))
    assert [scan["kind"] for scan in heard(desk)] == ["broken"]
    type_events(desk, key_events("TSQ1:" + "ABC" * 30))
    assert [scan["kind"] for scan in heard(desk)] == ["asked"]


def test_a_scan_without_an_end_key_ends_in_silence(desk: Page, town: DeskTown) -> None:
    text = town.people[0].answer_text(town.request())
    type_events(desk, key_events(text), end="")
    desk.wait_for_function("() => window.heard.length === 1")
    assert heard(desk)[0]["texts"] == [text]
