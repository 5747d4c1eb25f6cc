"""Driving a page: a snippet with a module of the product, JSON in and out, and an eye on all that the page does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request

from tests.browser.site import Site

__all__ = ["Watch", "open_blank", "run", "watched_page"]

_RUN = """async ([paths, input]) => {
  const modules = await Promise.all(paths.map((path) => import(path)));
  return await (SNIPPET)(...modules, input);
}"""


@contextmanager
def watched_page(browser: Browser, site: Site) -> Iterator[Page]:
    """An empty tab in a profile that nothing was ever stored in; at the end it must have been quiet."""
    context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai")
    page = context.new_page()
    watch = Watch(page, site.url)
    yield page
    watch.assert_quiet()
    context.close()


def open_blank(page: Page, site: Site) -> None:
    """Be on the site's origin, with nothing of the desk loaded."""
    if not page.url.startswith(site.url):
        page.goto(f"{site.url}/blank.html")


def run(page: Page, site: Site, modules: str | list[str], snippet: str, data: object = None) -> Any:
    """What the JavaScript function `snippet` gives for the modules (paths on the site) and `data`.

    `data` and the result are JSON: bytes travel in hex. An exception in the page fails the test.
    """
    open_blank(page, site)
    paths = [modules] if isinstance(modules, str) else modules
    return page.evaluate(_RUN.replace("SNIPPET", snippet), [paths, data])


class Watch:
    """What a page did that it never may: other origins, uncaught errors, console lines, a broken policy."""

    def __init__(self, page: Page, origin: str) -> None:
        self.requests: list[Request] = []
        self.sent: list[str] = []
        self.foreign: list[str] = []
        self.errors: list[str] = []
        self._origin = origin
        page.context.on("request", self._on_request)
        page.on("pageerror", self._on_error)
        page.on("console", self._on_console)

    def assert_quiet(self) -> None:
        """Fail with what was seen."""
        assert not self.foreign, f"asked another origin: {self.foreign}"
        assert not self.sent, f"sent a body: {self.sent}"
        assert not self.errors, self.errors

    def _on_request(self, request: Request) -> None:
        self.requests.append(request)
        if not request.url.startswith((f"{self._origin}/", "blob:", "data:")):
            self.foreign.append(request.url)
        if request.method != "GET" or request.post_data_buffer:
            self.sent.append(f"{request.method} {request.url}")

    def _on_error(self, error: Error) -> None:
        self.errors.append(str(error))

    def _on_console(self, message: ConsoleMessage) -> None:
        if (
            "Failed to load resource: net::ERR_" not in message.text
        ):  # a cut network is what such a test is about
            self.errors.append(f"console: {message.text}")
