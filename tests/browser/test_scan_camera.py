"""A desk without a camera: the page says what helps. With one: `test_desk_offline`."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.pages import run
from tests.browser.site import Site

MOUNT = """async ({ mountScan }) => {
  document.body.innerHTML = "<div id='scan'></div>";
  const desk = Object.assign(new EventTarget(), { language: "en", word: (key) => key });
  mountScan(document.querySelector("#scan"), desk);
}"""


def test_without_a_camera_the_page_says_what_helps(page: Page, site: Site) -> None:
    run(page, site, "/desk/scan.js", MOUNT)
    page.get_by_role("button", name="Turn the camera on").click()
    page.locator(".scan__message[data-told^=camera_]:not([data-told=camera_opening])").wait_for()
    assert page.locator(".scan__message").get_attribute("data-told") in ("camera_none", "camera_denied")
    assert page.get_by_role("button", name="Turn the camera on").is_visible()
