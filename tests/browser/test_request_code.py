"""A request on a screen: its code is read back to the letter, as a symbol of the smallest kind that holds it."""

from __future__ import annotations

import io

import zxingcpp
from PIL import Image
from playwright.sync_api import Page

from certificate.qr_draw import draw_qr_svg
from certificate.qr_text import encode_request_text
from tests.browser.pages import run
from tests.browser.site import Site
from tests.browser.town import DeskTown

DRAW = """async ({ drawRequest }, { text, digits }) => {
  document.body.innerHTML = "<link rel=stylesheet href=/desk/scan.css><div id=stand></div>";
  const desk = { language: "en", word: (key) => key };
  document.querySelector("#stand").append(drawRequest({ text, digits, digest: "00" }, desk));
}"""


def test_the_drawn_code_is_the_request_byte_for_byte(page: Page, site: Site, town: DeskTown) -> None:
    for request in (town.request(), town.request(nonce=None, desk="03")):
        text = encode_request_text(request)
        run(page, site, "/desk/requests.js", DRAW, {"text": text, "digits": "07"})
        page.set_viewport_size({"width": 700, "height": 900})
        seen = Image.open(io.BytesIO(page.locator("svg").screenshot()))
        (code,) = zxingcpp.read_barcodes(seen)
        assert code.text == text
        assert code.ec_level == "L"
        side = page.locator("svg").get_attribute("viewBox")
        assert f'viewBox="{side}"' in draw_qr_svg(text), "alphanumeric mode: no larger than need be"
        assert page.locator("[data-digits]").inner_text() == "07"
        assert page.get_by_role("img", name="QR code of this desk's request").is_visible()
