"""Texts, claims and values in Chromium: what they may hold, and when two are the same, exactly as in Python."""

from __future__ import annotations

import json
import random
import unicodedata
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import Page

from certificate.claim_values import ENCODERS
from certificate.display_text import check_display_text, confusable_warning
from certificate.slots import REGISTRIES
from ledger.cbor import encode_cbor
from ledger.errors import FormatError
from tests.browser.pages import run
from tests.browser.site import Site
from tests.documents.web import FILES, FOLDER, forbidden_in
from verifier.expect import same_text

NAMES = json.loads((Path(__file__).parents[1] / "vectors" / "names" / "display_text.json").read_text("utf-8"))
PARTS = (
    "a\u00e9\u0300\u0301\u0327\u5f20\u4e09\u200b\u202e\ufeff\u00ad\u3000 \u00a0\t\n\x00\x7f\u2028\ue000\u0378"
    "\ufe0f\u034f\u115f\u2800\u180e\U000e0101\U0001f600\U0001f468\u0430\u0391\uff21\uff10\u0958\u1e9b\u0130\u00df"
    "\ufb01\u2022\u30fb\u00b7-'()\uff08\u0e33\ud7b0\uac00\u1100\u1161\u11a8\u03c2\u03a3\U00010400\u1c80\u0345"
)

_TEXTS = """({ checkDisplayText, confusableWarning }, texts) => texts.map((text) => {
  try {
    checkDisplayText(text);
    return confusableWarning(text);
  } catch (error) {
    return error.reason;
  }
})"""


def verdict(text: str) -> str | None:
    try:
        check_display_text(text)
    except FormatError as exc:
        return exc.reason.value
    warning = confusable_warning(text)
    return None if warning is None else warning.value


def is_border(point: int) -> bool:
    """Whether a neighbour is of another category."""
    around = (chr(max(0, point - 1)), chr(point), chr(min(0x10FFFF, point + 1)))
    return len({unicodedata.category(letter) for letter in around}) > 1


def random_texts(count: int) -> list[str]:
    dice = random.Random(8)
    return ["".join(dice.choices(PARTS, k=dice.randrange(1, 9))) for _ in range(count)]


def test_every_row_of_the_names(page: Page, site: Site) -> None:
    texts = [case["text"] for case in NAMES["cases"]]
    assert len(texts) == 29
    told = run(page, site, "/certificate/display_text.js", _TEXTS, texts)
    assert told == [None if case["expect"].startswith("ok") else case["expect"] for case in NAMES["cases"]]


def test_random_texts_are_judged_alike(page: Page, site: Site, full: bool) -> None:
    texts = [*random_texts(200_000 if full else 10_000), "x" * 128, "\u5f20" * 129, "\U0001f600" * 128]
    told = run(page, site, "/certificate/display_text.js", _TEXTS, texts)
    expected = [verdict(text) for text in texts]
    assert len(set(expected)) == 5
    assert [text for text, one, other in zip(texts, told, expected, strict=True) if one != other] == []


def test_every_character_alone_is_judged_alike(page: Page, site: Site, full: bool) -> None:
    """All but surrogates, which no UTF-8 holds, alone and behind a letter; else those on either side of a border."""
    newer = forbidden_in(FILES["characters.js"]()) ^ forbidden_in(
        (FOLDER / "characters.js").read_text("utf-8")
    )
    points = [
        point
        for point in range(0x110000)
        if not 0xD800 <= point < 0xE000
        and point not in newer
        and (full or point % 997 == 0 or is_border(point))
    ]
    snippet = """async ({ checkDisplayText, confusableWarning }, { hex, sha256, utf8 }, [points, before]) => {
      const verdicts = points.map((point) => {
        try {
          const text = before + String.fromCodePoint(point);
          checkDisplayText(text);
          return confusableWarning(text) ?? "";
        } catch (error) {
          return error.reason;
        }
      });
      return hex(await sha256(utf8(verdicts.join())));
    }"""
    modules = ["/certificate/display_text.js", "/ledger/digest.js"]
    for before in ("", "\u0430") if full else ("\u0430",):
        expected = ",".join(verdict(before + chr(point)) or "" for point in points)
        told = run(page, site, modules, snippet, [points, before])
        assert told == sha256(expected.encode()).hexdigest()


def test_two_spellings_are_one_name_here_as_there(page: Page, site: Site) -> None:
    """All characters of Python's Unicode in upper and lower case and as they are; names people write in two ways."""
    letters = [
        chr(point)
        for point in range(0x110000)
        if not 0xD800 <= point < 0xE000 and unicodedata.category(chr(point)) not in ("Cn", "Co")
    ]
    pairs = [
        (one, other)
        for letter in letters
        for one, other in ((letter, letter.upper()), (letter, letter.lower()), (letter, letter.casefold()))
        if one != other
    ]
    pairs += [
        ("\u5f20 \u4e09", "\u5f20\u3000\u4e09"),
        ("\u963f\u4e0d\u90fd\u2022\u70ed", "\u963f\u4e0d\u90fd\u00b7\u70ed"),
        ("\u5f20\u4e09", "\u5f20\u56db"),
        ("12X", "12x"),
        ("e\u0301", "\u00e9"),
        ("Stra\u00dfe", "STRASSE"),
        ("\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf\u03c2"),
        ("a\x1cb\x85", "ab"),
        ("a\ufeffb", "ab"),
        ("", ""),
    ]
    pairs += [(a, b) for a, b in zip(random_texts(3000), reversed(random_texts(3000)), strict=True)]
    snippet = "({ sameText }, pairs) => pairs.map(([one, other]) => sameText(one, other))"
    told = run(page, site, "/verifier/expect.js", snippet, pairs)
    assert told == [same_text(one, other) for one, other in pairs]
    assert 1000 < sum(told) < len(pairs)


def test_the_registry_of_claims_is_the_same(page: Page, site: Site) -> None:
    snippet = """({ registryOf }, types) => types.map((type) => {
      const { claims, identityDepth, factDepth, slotCount } = registryOf(type);
      const rows = claims.map((one) =>
        [one.name, one.slot, one.valueType, one.group, one.kind, one.yearsBack, one.labelKey]);
      return [identityDepth, factDepth, slotCount, rows];
    })"""
    told = run(page, site, "/certificate/slots.js", snippet, [int(type_) for type_ in REGISTRIES])
    for registry, row in zip(REGISTRIES.values(), told, strict=True):
        claims = [
            [c.name, c.slot, c.value_type.value, c.group, c.kind, c.years_back, c.label_key]
            for c in registry.claims
        ]
        assert row == [registry.identity_depth, registry.fact_depth, registry.slot_count, claims]


VALUES: tuple[object, ...] = (
    None, True, False, -1, 0, 1, 3, 4, 10**7, 10**7 + 1, 1200, 1201, 10**13, 10**13 + 1, 2**53, 2**63,
    190000, 189912, 202600, 202610, 202613, 299912, 300001, 20261124, 20260230, 20260010, 20261301, 19000100,
    "", "x", "A", "0017", "00170", "91990000T0000001X7", "\u5f20\u4e09", "\u200b", "a" * 129, b"", b"abc", bytes(32),
    (), (1, 2), (5, 20261124), (5, 20261100), (None, "x", 202610, 5), ("A" * 18, "x", 202610, 5),
    ("A" * 17, "x", 202610, 5), ("x", 202610, 202611, 5), ("x", 202610, 202611, 1201), (bytes(32), True),
    (bytes(32), 1), (bytes(31), True), ("x", "0017", 20261124, ()), ("x", "0017", 20261124, ("a.b/c",)),
    ("x", "0017", 20261124, ("A",)), ("x", "0017", 20261124, ("a",) * 64), ("x", "0017", 20261124, ("a",) * 65),
)  # fmt: skip


@pytest.mark.parametrize("value_type", sorted(ENCODERS))
def test_a_value_is_taken_or_refused_alike(page: Page, site: Site, value_type: str) -> None:
    snippet = """({ ENCODERS }, { decodeCbor }, { fromHex, hex }, [type, values]) => values.map((value) => {
      try {
        return hex(ENCODERS[type](decodeCbor(fromHex(value))));
      } catch (error) {
        return error.reason;
      }
    })"""
    modules = ["/certificate/claim_values.js", "/ledger/cbor.js", "/ledger/digest.js"]
    told = run(page, site, modules, snippet, [value_type, [encode_cbor(value).hex() for value in VALUES]])
    encode = {kind.value: encoder for kind, encoder in ENCODERS.items()}[value_type]
    expected = []
    for value in VALUES:
        try:
            expected.append(encode(value).hex())
        except FormatError as exc:
            expected.append(exc.reason.value)
    assert told == expected
