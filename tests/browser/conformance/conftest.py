"""The page's verifier, once a module: what a test gives it stays there for the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.conformance.chromium import PageVerifier
from tests.browser.pages import Watch
from tests.browser.site import Site, served_site


@pytest.fixture(scope="module")
def loopback() -> Iterator[Site]:
    """verifier/web on loopback."""
    with served_site() as running:
        yield running


@pytest.fixture(scope="module")
def verifier(browser: Browser, loopback: Site) -> Iterator[PageVerifier]:
    """A page that has the product's modules, watched."""
    context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai")
    tab = context.new_page()
    watch = Watch(tab, loopback.url)
    yield PageVerifier(tab, loopback)
    watch.assert_quiet()
    context.close()
