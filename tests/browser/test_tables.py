"""What the desk gives to download: tables a spreadsheet does not run, and archives any program opens."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.attacks.marking import attack
from tests.browser.pages import run, watched_page
from tests.browser.site import Site, served_site
from verifier.bulk.sheet import encode_sheet


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with served_site() as running:
        yield running


@pytest.fixture(scope="module")
def page(browser: Browser, site: Site) -> Iterator[Page]:
    with watched_page(browser, site) as tab:
        yield tab


ROWS = [
    ["=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)"],
    ["  =1", "\u3000=1", "\u00a0@x", "\uff1d1"],
    ["\tx", "\rx", "\nx", "|x"],
    ['a "quoted", cell', "two\r\nlines", "<script>alert(1)</script>", "{{7*7}} \x1b[31m"],
    ["测试甲", "", "plain", "%x"],
]


@attack("A37")
def test_a37_formulas_in_a_sheet_stay_text(page: Page, site: Site) -> None:
    ours = run(
        page,
        site,
        "/desk/sheet.js",
        "({ encodeSheet }, rows) => encodeSheet(['a', 'b', 'c', 'd'], rows)",
        ROWS,
    )
    assert ours.encode() == encode_sheet(["a", "b", "c", "d"], ROWS)


def test_sheets_are_read_as_python_reads_them(page: Page, site: Site) -> None:
    plain = [[cell.replace("\r\n", "\n") for cell in row] for row in ROWS]
    text = io.StringIO(newline="")
    csv.writer(text).writerows(plain)
    read = "({ parseSheet }, text) => parseSheet(text)"
    assert run(page, site, "/desk/sheet.js", read, f"\ufeff{text.getvalue()}") == plain
    assert run(page, site, "/desk/sheet.js", read, "a;b\n\n1;2") == [["a", "b"], ["1", "2"]]


def test_an_archive_opens_elsewhere(page: Page, site: Site) -> None:
    make = """async ({ zipPieces }, names) => {
      const files = names.map((name, at) => [name, new Uint8Array(1000 * at).fill(at)]);
      const bytes = new Uint8Array(await new Blob(zipPieces(files)).arrayBuffer());
      return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    }"""
    names = ["empty.cbor", "测试甲.cbor", "folder/a b.cbor"]
    archive = zipfile.ZipFile(io.BytesIO(bytes.fromhex(run(page, site, "/desk/zip.js", make, names))))
    assert archive.testzip() is None
    assert archive.namelist() == names
    assert [archive.read(name) for name in names] == [bytes([at]) * 1000 * at for at in range(3)]
