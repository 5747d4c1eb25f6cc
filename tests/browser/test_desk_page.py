"""The whole page as its host serves it, in Chromium: from what is shown to the verdict, online and cut off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.cases import case_of
from tests.browser.hosting import Desk, open_desk, served_desk, show_text
from tests.browser.pages import Watch

_VERDICTS = {
    "valid": "valid",
    "met": "met",
    "static": "static",
    "not-met": "not_met",
    "forged": "invalid",
    "replaced": "replaced",
    "not-posted": "undetermined",
    "too-old": "undetermined",
    "no-list": "undetermined",
}
_BUDGET = 200_000  # bytes of the first load, as transferred, without the scanner


@pytest.fixture
def tab(context: BrowserContext) -> Page:
    return context.new_page()


def watched(tab: Page, desk: Desk) -> Watch:
    return Watch(tab, desk.url)


@pytest.mark.parametrize("name", _VERDICTS)
def test_what_is_shown_gets_its_verdict(tab: Page, tmp_path: Path, name: str) -> None:
    case = case_of(name)
    requests = [] if case.request is None else [case.request]
    with served_desk(tmp_path, case.files, requests=requests) as desk:
        watch = watched(tab, desk)
        open_desk(tab, desk)
        show_text(tab, case)
        assert tab.locator(".verdict").get_attribute("data-verdict") == _VERDICTS[name]
        report = case.report("zh")
        texts = [step["text"].partition(" [")[0] for step in report["steps"]]
        assert tab.locator(".step__text").all_text_contents() == texts
        watch.assert_quiet()


def test_the_first_load_is_light(tab: Page, tmp_path: Path) -> None:
    """Without the scanner, which is fetched when it is wanted or once the page stands."""
    case = case_of("valid")
    sizes: dict[str, int] = {}

    def note(response: Any) -> None:
        sizes[response.url] = int(response.headers.get("content-length", "0"))

    with served_desk(tmp_path, case.files, requests=[case.request or b""]) as desk:
        tab.on("response", note)
        open_desk(tab, desk)
        page_files = {url: size for url, size in sizes.items() if "/trust/" not in url}
        assert not any("zxing" in url or "pdfjs" in url for url in page_files)
        assert sum(page_files.values()) < _BUDGET, sorted(page_files.items(), key=lambda one: -one[1])[:8]
