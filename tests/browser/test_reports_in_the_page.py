"""Reports, their words and filled forms: in Chromium word for word what the Python side says."""

from __future__ import annotations

import json
import random

from playwright.sync_api import Page

from certificate.slots import REGISTRIES, Claim, ClaimValue, ValueType
from certificate.texts import LANGUAGES, claim_name, format_value
from tests.browser.pages import run
from tests.browser.policy_cases import plain
from tests.browser.site import Site

WORDED = """({ claimName, formatValue }, { registryOf }, { fromHex }, rows) => {
  const value = (part) =>
    Array.isArray(part) ? part.map(value) : part !== null && typeof part === "object" ? fromHex(part.hex) : part;
  return JSON.stringify(JSON.parse(rows).map(([type, slot, part, cutOff]) => {
    const claim = registryOf(type).claimAt(slot);
    return ["zh", "en"].flatMap((language) =>
      [claimName(claim, language, cutOff), formatValue(claim, value(part), language)]);
  }));
}"""


def test_every_claim_is_worded_alike(page: Page, site: Site) -> None:
    """Names with and without the certificate's month, and values of every shape: money, months, strips, employers."""
    rng = random.Random(3)
    rows, wanted = [], []
    for type_, registry in REGISTRIES.items():
        for claim in registry.claims:
            value, cut_off = value_of(rng, claim), rng.choice([None, 202610, 202512])
            rows.append([int(type_), claim.slot, plain(value), cut_off])
            wanted.append(
                [
                    text
                    for language in LANGUAGES
                    for text in (claim_name(claim, language, cut_off), format_value(claim, value, language))
                ]
            )
    modules = ["/certificate/texts.js", "/certificate/slots.js", "/ledger/digest.js"]
    assert json.loads(run(page, site, modules, WORDED, json.dumps(rows))) == wanted


def value_of(rng: random.Random, claim: Claim) -> ClaimValue:
    month = rng.randrange(1950, 2030) * 100 + rng.randrange(13)
    day = rng.randrange(1950, 2030) * 10000 + rng.randrange(1, 13) * 100 + rng.randrange(1, 29)
    fen, count = rng.choice([0, 5, 99999, 100000, 123456789, 10**13]), rng.randrange(1200)
    shapes: dict[ValueType, ClaimValue] = {
        ValueType.STATUS: rng.randrange(1, 4),
        ValueType.MONTH: month,
        ValueType.DATE: day,
        ValueType.MONTHS: count,
        ValueType.COUNT: count,
        ValueType.FEN: fen,
        ValueType.STRIP: rng.randbytes(3),
        ValueType.COMMITMENT: rng.randbytes(32),
        ValueType.BALANCE: [fen, day],
        ValueType.EMPLOYER: [rng.choice([None, "91990000T0000001X7"]), "样例{name}公司", month, count],
        ValueType.SPELL: ["=1+1", month, month, count],
        ValueType.PROXY: ["<b>", "0017", day, ["a.b"]],
        ValueType.ANSWER: [rng.randbytes(32), rng.random() < 0.5],
    }
    return shapes.get(claim.value_type, "{kind}")
