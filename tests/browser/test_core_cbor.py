"""The page's CBOR: for every byte string the value or the reason that the Python reader has."""

from __future__ import annotations

import json
import random
from pathlib import Path

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page

from ledger.cbor import decode_cbor, encode_cbor
from tests.browser.site import Site
from tests.browser.told import DESCRIBED, described, here, there
from tests.text.test_cbor_reader import VALUES, Speller

VECTORS = Path(__file__).parents[1] / "vectors" / "cbor"
MODULES = ["/ledger/cbor.js", "/ledger/digest.js"]
READ = f"(data, {{ decodeCbor }}, {{ fromHex }}) => {DESCRIBED}(decodeCbor(fromHex(data)))"
AGAIN = "(data, { decodeCbor, encodeCbor }, { fromHex, hex }) => hex(encodeCbor(decodeCbor(fromHex(data))))"
# Keys that are one key to Python, where 1 equals true; and orders that two rules see differently.
ODD_MAPS = [
    "a20100f500",
    "a20000f400",
    "a2810100 81f500",
    "a2a10000 00 a1f40000",
    "a2d20100 d2f500",
    "a220001818 00",
    "a218180020 00",
    "a2f40061 6100",
]


def agree(page: Page, site: Site, rows: list[bytes]) -> list[object]:
    """Compare what both say of each row; returns it."""
    expected = here(lambda data: described(decode_cbor(data)), rows)
    assert there(page, site, MODULES, READ, [data.hex() for data in rows]) == expected
    return expected


def test_every_row_of_the_vectors(page: Page, site: Site) -> None:
    files = {"rfc8949_appendix_a.json": 82, "not_well_formed.json": 94, "deterministic.json": 30}
    for name, count in files.items():
        rows = [
            bytes.fromhex(case["hex"]) for case in json.loads((VECTORS / name).read_text("utf-8"))["cases"]
        ]
        assert len(agree(page, site, rows)) == count


def test_every_head_and_what_may_follow(page: Page, site: Site) -> None:
    tails = ["", "00", "17", "18", "ff", "0000", "00ff", "0100", "0000ffff", "00010000", "00000000ffffffff"]
    tails += [
        "0000000100000000",
        "001fffffffffffff",
        "001ffffffffffffe",
        "0020000000000000",
        "80" + "00" * 7,
        "00" * 9,
    ]
    rows = [bytes((first,)) + bytes.fromhex(tail) for first in range(256) for tail in tails]
    expected = agree(page, site, rows)
    assert sum(not str(answer).startswith("!") for answer in expected) > 100


def test_depth_and_odd_maps(page: Page, site: Site) -> None:
    rows = [bytes.fromhex(odd.replace(" ", "")) for odd in ODD_MAPS]
    for levels in range(13, 20):
        for nest in (b"\x81", b"\xa1\x00", b"\xd2", b"\x82\x00", b"\x9f", b"\xc1"):
            rows += [
                nest * levels + inner
                for inner in (b"\x00", b"\x80", b"\xa0", b"\x81\x00", b"\x9f\xff", b"\x40")
            ]
    rows += [b"\xd2" + nest * 60_000 for nest in (b"\x81", b"\xd2", b"\xc0", b"\x9f", b"\x5f", b"\xa1")]
    agree(page, site, rows)


def test_of_all_spellings_the_same_one_is_read(page: Page, site: Site, full: bool) -> None:
    """Values of all kinds, rightly and wrongly spelled, and with bytes changed."""
    rows: list[bytes] = []
    count = 5000 if full else 250

    @settings(max_examples=count, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
    @given(VALUES, st.integers(0, 2**32), st.sampled_from([0.0, 0.05, 0.3]))
    def collect(value: object, seed: int, mistakes: float) -> None:
        rng = random.Random(seed)
        data = Speller(rng, mistakes).item(value)
        rows.append(data)
        for _ in range(3):
            at = rng.randrange(len(data))
            rows.append(data[:at] + bytes((rng.randrange(256),)) + data[at + rng.randrange(2) :])

    collect()
    expected = agree(page, site, rows)
    read = [data for data, answer in zip(rows, expected, strict=True) if not str(answer).startswith("!")]
    assert len(rows) == 4 * count
    assert len(read) > 150
    assert there(page, site, MODULES, AGAIN, [data.hex() for data in read]) == [data.hex() for data in read]


def test_what_python_encodes_is_encoded_alike(page: Page, site: Site) -> None:
    edges = [0, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**53 - 1, 2**53, 2**63, 2**64 - 1]
    values: list[object] = [
        *edges,
        *(-1 - edge for edge in edges),
        b"",
        b"x" * 300,
        "",
        "测试甲",
        [],
        [[]],
        {1: 2, 3: {}},
        True,
        None,
    ]
    rows = [encode_cbor(value) for value in values]
    assert there(page, site, MODULES, AGAIN, [row.hex() for row in rows]) == [row.hex() for row in rows]
