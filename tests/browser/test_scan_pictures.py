"""Symbols in pictures and PDF pages, read in Chromium by the page's own reader."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from certificate.qr_text import encode_qr_text
from issuer.paper import draw_paper
from tests.browser.pages import run, watched_page
from tests.browser.pictures import degraded, drawn, jpeg, png
from tests.browser.site import Site, served_site
from tests.browser.town import DeskTown

READ = """async ({ readPicture }) => {
  try {
    return await readPicture(new Uint8Array(await (await fetch("/picture")).arrayBuffer()));
  } catch (error) {
    return error.reason ?? String(error);
  }
}"""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with served_site() as running:
        yield running


@pytest.fixture(scope="module")
def page(browser: Browser, site: Site) -> Iterator[Page]:
    with watched_page(browser, site) as tab:
        yield tab


def read(page: Page, site: Site, data: bytes) -> object:
    site.put("/picture", data)
    return run(page, site, "/desk/scan_picture.js", READ)


def test_a_badly_photographed_answer_is_read_to_the_letter(page: Page, site: Site, town: DeskTown) -> None:
    text = town.people[0].answer_text(town.request())
    for picture in (png(drawn(text)), jpeg(degraded(text)), png(degraded(text, turn=90))):
        assert read(page, site, picture) == [text]
    assert not [path for path in site.requests if "pdf" in path], "pdf.js is loaded for PDFs only"


def test_every_symbol_of_a_picture_is_read(page: Page, site: Site, town: DeskTown) -> None:
    texts = [person.answer_text(town.request()) for person in town.people]
    left, right = (drawn(text, scale=3) for text in texts)
    both = Image.new("L", (left.width + right.width, max(left.height, right.height)), 255)
    both.paste(left, (0, 0))
    both.paste(right, (left.width, 0))
    found = read(page, site, png(both))
    assert isinstance(found, list)
    assert sorted(found) == sorted(texts)


def test_a_transparent_picture_is_read_on_white(page: Page, site: Site) -> None:
    symbol = drawn("TS1:TRANSPARENT")
    picture = Image.new("RGBA", symbol.size, (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), mask=symbol.point(lambda shade: 255 - shade))
    assert read(page, site, png(picture)) == ["TS1:TRANSPARENT"]


def test_the_bureau_s_paper_is_read_from_its_pdf(page: Page, site: Site, town: DeskTown) -> None:
    found = read(page, site, draw_paper(town.paper, "zh"))
    assert found == [encode_qr_text(town.paper)]


REFUSED = (
    (b"", "image.unreadable"),
    (b"\x89PNG\r\n\x1a\nno", "image.unreadable"),
    (b"%PDF-1.7\nno", "image.unreadable"),
    (b"GIF89a", "image.unreadable"),
    (png(Image.new("L", (300, 300), 255)), "image.no_code"),
    (png(Image.new("1", (6000, 6000))), "enc.too_large"),
    (b"\xff\xd8\xff" + bytes(2**25), "enc.too_large"),
)


def test_what_holds_no_code_says_why(page: Page, site: Site) -> None:
    for data, reason in REFUSED:
        assert read(page, site, data) == reason
