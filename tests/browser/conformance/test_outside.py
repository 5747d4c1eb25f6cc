"""Outside vectors and whole alphabets in Chromium: status lists, texts that people see, JSON of the offline keys."""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from certificate.display_text import check_display_text, confusable_warning
from ledger.errors import ProjectError
from tests.browser.conformance.parsers import ROOTS
from tests.browser.pages import run
from tests.browser.site import Site
from verifier.endorsed import parse_targets
from verifier.expect import same_text

VECTORS = Path(__file__).parents[2] / "vectors"
SURROGATES = range(0xD800, 0xE000)


def rows(name: str) -> Any:
    return json.loads((VECTORS / name).read_text("utf-8"))


@pytest.mark.parametrize("number", range(5))
def test_status_lists_of_the_draft(page: Page, site: Site, number: int) -> None:
    case = rows("status/token_status_list.json")["cases"][number]
    packed = urlsafe_b64decode(case["lst"] + "=" * (-len(case["lst"]) % 4)).hex()
    snippet = """async ({ decodeStatusList }, { fromHex }, [bits, packed]) => {
      const list = await decodeStatusList(bits, fromHex(packed));
      const found = {};
      const size = (list.packed.length * 8) / bits;
      for (let index = 0; index < size; index += 1) if (list.value(index) !== 0) found[index] = list.value(index);
      let past = null;
      try { list.value(size); } catch (error) { past = error.reason; }
      return { size, found, past };
    }"""
    modules = ["/certificate/status_list.js", "/ledger/digest.js"]
    said = run(page, site, modules, snippet, [case["bits"], packed])
    listed = {str(row["idx"]): row["value"] for row in case.get("set", [])}
    small = {str(index): value for index, value in enumerate(case.get("values", [])) if value}
    assert said["found"] == listed | small
    assert said["size"] == (2**20 if "set" in case else case["size"])
    assert said["past"] == "status.index_range"


_SAY = """const say = (text) => {
  try { checkDisplayText(text); } catch (error) { return error.reason ?? String(error); }
  return confusableWarning(text) ?? "ok";
};"""


def test_display_texts_row_by_row(page: Page, site: Site) -> None:
    cases = rows("names/display_text.json")["cases"]
    snippet = f"({{ checkDisplayText, confusableWarning }}, texts) => {{ {_SAY} return texts.map(say); }}"
    said = run(page, site, "/certificate/display_text.js", snippet, [case["text"] for case in cases])
    assert said == [case["expect"].replace("ok_escape", "ok") for case in cases]
    assert len(said) == 29


def test_every_character_in_every_place(page: Page, site: Site, full: bool) -> None:
    """Alone, between letters of one script and of two, and five in a row; with `--full` all of Unicode.

    What no Unicode of the Python side knows is refused there, and so it is in the page whatever the browser knows.
    """
    end = 0x110000 if full else 0x3400
    frames = [("", ""), ("a", "b"), ("\u0430", "\u4e2d")]
    texts: Callable[[str], list[str]] = lambda one: [  # noqa: E731
        *(before + one + after for before, after in frames), f"a{one * 5}x",
    ]  # fmt: skip
    here = list(_runs(end, lambda one: [_said(text) for text in texts(one)]))
    snippet = f"""({{ checkDisplayText, confusableWarning }}, [end, frames]) => {{
      {_SAY}
      const runs = [];
      for (let point = 0; point < end; point += 1) {{
        if (point >= 0xd800 && point < 0xe000) continue;
        const one = String.fromCodePoint(point);
        const said = [...frames.map(([before, after]) => say(before + one + after)), say(`a${{one.repeat(5)}}x`)];
        if (runs.length === 0 || runs.at(-1)[1].join() !== said.join()) runs.push([point, said]);
      }}
      return runs;
    }}"""
    assert run(page, site, "/certificate/display_text.js", snippet, [end, frames]) == here
    assert len(here) > 100


def test_names_that_are_the_same(page: Page, site: Site, full: bool) -> None:
    """A name is the same in another case, composed otherwise, with other spaces and dots; nothing else is."""
    end = 0x110000 if full else 0x600
    others = (
        str.lower,
        str.upper,
        str.casefold,
        lambda one: one + " ",
        lambda one: f"{one}\u00b7",
        str.title,
    )
    pairs = [
        (one, other(one))
        for one in map(chr, range(end))
        if ord(one) not in SURROGATES and _said(one) != "schema.text_forbidden_char"
        for other in others
        if other(one) != one
    ]
    here = [same_text(one, other) for one, other in pairs]
    said = run(
        page, site, "/verifier/expect.js",
        "({ sameText }, pairs) => pairs.map(([one, other]) => sameText(one, other))", pairs,
    )  # fmt: skip
    assert [pair for pair, one, other in zip(pairs, here, said, strict=True) if one != other] == []
    assert here.count(True) > 500
    assert here.count(False) > 100


def test_json_suite_as_what_offline_keys_sign(page: Page, site: Site) -> None:
    """Each document of the suite as a member of `targets.json`: both sides read it, or neither does.

    Nobody signed it, so that one that was read is refused for that.
    """
    cases = rows("json/json_test_suite.json")["cases"]
    documents = [_document(case) for case in cases]
    here = [_refusal(document) for document in documents]
    snippet = """async ({ parseTargets }, { fromHex }, [documents, keys]) => {
      const said = [];
      for (const document of documents) {
        try { await parseTargets(fromHex(document), { rootKeys: keys.map(fromHex) }); said.push(null); }
        catch (error) { said.push(error.reason ?? String(error)); }
      }
      return said;
    }"""
    modules = ["/verifier/endorsed.js", "/ledger/digest.js"]
    data = [[document.hex() for document in documents], [key.hex() for key in ROOTS]]
    said = run(page, site, modules, snippet, data)
    different = [
        (case["name"], one, other) for case, one, other in zip(cases, here, said, strict=True) if one != other
    ]
    assert different == []
    assert len(said) == 318
    assert set(said) == {"trust.malformed", "trust.bundle_sig_invalid"}


@cache
def _said(text: str) -> str:
    try:
        check_display_text(text)
    except ProjectError as refusal:
        return refusal.reason.value
    warning = confusable_warning(text)
    return "ok" if warning is None else warning.value


def _runs(end: int, say: Callable[[str], list[str]]) -> Iterator[list[object]]:
    """Where what is said of a code point begins to differ from what is said of the one before."""
    last: list[str] = []
    for point in range(end):
        if point in SURROGATES:
            continue
        said = say(chr(point))
        if said != last:
            yield [point, said]
        last = said


def _document(case: dict[str, Any]) -> bytes:
    content = case["repeat"].encode() * case["times"] if "repeat" in case else b64decode(case["b64"])
    return b'{"signatures":[],"signed":' + content + b"}"


def _refusal(document: bytes) -> str | None:
    try:
        parse_targets(document, root_keys=ROOTS)
    except ProjectError as refusal:
        return refusal.reason.value
    return None
