"""The camera: Chromium's fake device shows a badly photographed answer, and the page reads it with the network cut."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright

from tests.browser.chromium import FLAGS, find_chromium
from tests.browser.pages import Watch, run
from tests.browser.pictures import degraded, save_video
from tests.browser.site import Site
from tests.browser.town import DeskTown

MOUNT = """async ({ mountScan }) => {
  window.shown = [];
  document.body.innerHTML = "<div id='scan'></div>";
  const desk = Object.assign(new EventTarget(), {
    language: "en",
    word: (key) => key,
    show: (parts, source) =>
      window.shown.push([source, Array.from(parts[0], (byte) => String.fromCharCode(byte)).join("")]),
  });
  mountScan(document.querySelector("#scan"), desk);
}"""


@pytest.fixture
def text(town: DeskTown) -> str:
    return town.people[0].answer_text(town.request())


@pytest.fixture
def filmed(playwright: Playwright, text: str, tmp_path: Path) -> Iterator[Browser]:
    """A browser whose camera looks at the answer on a phone."""
    video = tmp_path / "phone.mjpeg"
    save_video(video, degraded(text, scale=6))
    camera = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
    ]
    started = playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS, *camera])
    yield started
    started.close()


def test_a_phone_before_the_camera_is_read(filmed: Browser, site: Site, text: str) -> None:
    context = filmed.new_context(permissions=["camera"])
    page = context.new_page()
    watch = Watch(page, site.url)
    run(page, site, "/desk/scan.js", MOUNT)
    page.get_by_role("button", name="Turn the camera on").click()
    page.wait_for_function("() => window.shown.length > 0")
    page.wait_for_timeout(500)
    assert page.evaluate("() => window.shown") == [["camera", text]], "once, however long it is held there"
    page.get_by_role("button", name="Turn the camera off").click()
    assert page.locator("video").count() == 0
    watch.assert_quiet()
    context.close()


def test_without_a_camera_the_page_says_what_helps(page: Page, site: Site) -> None:
    run(page, site, "/desk/scan.js", MOUNT)
    page.get_by_role("button", name="Turn the camera on").click()
    page.wait_for_function(
        "() => /^camera_(none|denied)$/.test(document.querySelector('.scan__message').dataset.told)"
    )
    assert page.get_by_role("button", name="Turn the camera on").is_visible()
