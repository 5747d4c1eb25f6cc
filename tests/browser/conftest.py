"""Chromium, a site and a page for the browser tests. One browser a test process; each test has a fresh profile.

    def test_something(page: Page, site: Site) -> None:
        assert run(page, site, "/ledger/digest.js", "async ({ hex, sha256 }) => hex(await sha256(new Uint8Array()))")

`page` fails its test when the page asked another origin for anything, threw an error nobody caught, wrote to the
console or broke the content security policy.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.browser.chromium import FLAGS, find_chromium
from tests.browser.pages import watched_page
from tests.browser.site import Site, served_site
from tests.browser.town import DeskTown


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium without a window."""
    started = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
    yield started
    started.close()


@pytest.fixture
def site() -> Iterator[Site]:
    """verifier/web on loopback."""
    with served_site() as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A profile that nothing was ever stored in."""
    fresh = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai")
    yield fresh
    fresh.close()


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """An empty tab, watched. A file whose tests leave nothing behind has one `site` and `page` for them all."""
    with watched_page(browser, site) as tab:
        yield tab


@pytest.fixture(scope="session")
def town() -> DeskTown:
    """The tests' world as a desk meets it: a trust folder, requests, and people who answer."""
    return DeskTown()
