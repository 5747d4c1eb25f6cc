"""The whole desk page as an organisation serves it: the product's own files and headers, a bundle, and its requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page

from tests.browser.pages import Watch
from tests.browser.site import Site, served_site
from tests.browser.town import DeskTown
from tests.world import SECONDS
from verifier.desk_site import HEADERS, desk_files

__all__ = ["OpenDesk", "opened_desk", "served_desk"]

NOW = datetime.fromtimestamp(SECONDS, UTC)


class OpenDesk:
    """One tab with the desk in it, at the town's time of day."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page, self.site, self.watch = page, site, Watch(page, site.url)

    def open(self) -> None:
        self.page.clock.set_fixed_time(NOW)
        self.page.goto(f"{self.site.url}/")
        self.page.locator("[data-scan=camera]").wait_for()
        self.page.locator("#trust").get_by_text("2026-11-24").first.wait_for()

    def cut_network(self) -> None:
        """Wait until the page holds all it needs, then end the server and the network."""
        self.page.locator("#offline[data-state=ready]").wait_for()
        self.site.stop()
        self.page.context.set_offline(True)

    def choose(self, *files: Path | dict[str, object]) -> None:
        """Choose files at the counter."""
        self.page.locator("[data-scan=file]").set_input_files(list(files))  # type: ignore[arg-type]  # two kinds

    def verdict(self, outcome: str) -> Locator:
        """The card that is looked at, once it says this."""
        found = self.page.locator(f"#queue [data-verdict={outcome}]")
        found.wait_for()
        return found


@contextmanager
def served_desk(
    town: DeskTown, *, requests: Sequence[bytes] = (), posts: dict[str, int] | None = None
) -> Iterator[Site]:
    """The product's files with the town's bundle."""
    with served_site(headers=HEADERS) as site:
        for path, content in desk_files(requests=requests, posts=posts).items():
            site.put(f"/{path}", content)
        town.lay_trust(site)
        yield site


@contextmanager
def opened_desk(browser: Browser, site: Site, *, language: str = "en-GB") -> Iterator[OpenDesk]:
    """A fresh profile in which the desk was opened once; nothing it did may have gone wrong."""
    context = browser.new_context(locale=language, timezone_id="Asia/Shanghai", permissions=["camera"])
    desk = OpenDesk(context.new_page(), site)
    desk.open()
    yield desk
    desk.watch.assert_quiet()
    context.close()
