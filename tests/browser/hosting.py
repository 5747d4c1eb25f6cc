"""A desk as its host serves it: the product's own server over a case's trust folder, on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, Page

from certificate.qr_text import encode_qr_text
from cli.desk_server import DeskServer, serve_desk
from tests.browser.cases import Case
from tests.world import NOW
from verifier.desk_site import desk_files

__all__ = ["Desk", "open_desk", "served_desk", "show_text", "without_copy"]


@dataclass(slots=True)
class Desk:
    """A running site; what stands in `trust` is served, `stop` is the cut cable."""

    trust: Path
    server: DeskServer
    thread: threading.Thread
    running: bool = field(default=True)

    @property
    def url(self) -> str:
        """The origin, without a slash at its end."""
        return self.server.url.rstrip("/")

    def lay(self, files: Mapping[str, bytes]) -> None:
        """Make the folder hold these files and no others."""
        self.trust.mkdir(exist_ok=True)
        for path in self.trust.iterdir():
            path.unlink()
        for name, data in files.items():
            (self.trust / name).write_bytes(data)

    def replace(self, path: str, content: bytes) -> None:
        """Serve another content of a file of the page."""
        self.server.files = {**self.server.files, path: content}

    def stop(self) -> None:
        if self.running:
            self.running = False
            self.server.shutdown()
            self.server.server_close()
            self.thread.join()


@contextmanager
def served_desk(
    folder: Path,
    files: Mapping[str, bytes],
    *,
    requests: Sequence[bytes] = (),
    posts: Mapping[str, int] | None = None,
    port: int = 0,
) -> Iterator[Desk]:
    """A desk over a trust folder below `folder`."""
    site = desk_files(requests=requests, posts=posts)
    server = serve_desk(site, trust=folder / "trust", host="127.0.0.1", port=port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    desk = Desk(folder / "trust", server, thread)
    desk.lay(files)
    thread.start()
    try:
        yield desk
    finally:
        desk.stop()


def without_copy(context: BrowserContext) -> Page:
    """A tab in which nothing is kept for offline use, as on an address without HTTPS: quicker, and the page must do."""
    tab = context.new_page()
    tab.add_init_script("Object.defineProperty(navigator, 'serviceWorker', { value: undefined });")
    return tab


def open_desk(page: Page, desk: Desk, *, fragment: str = "") -> None:
    """Open the page on the day of the tests' world, and wait until all of its parts stand."""
    page.clock.set_fixed_time(NOW)
    page.goto(f"{desk.url}/{fragment}")
    page.wait_for_selector("html[data-desk=open]", timeout=60_000)


def show_text(page: Page, case: Case) -> None:
    """Paste what a case shows, as text, and wait for its card."""
    page.locator("#scan details").evaluate("(one) => { one.open = true; }")
    page.locator("textarea").fill(encode_qr_text(case.shown))
    page.locator("[data-scan=read]").click()
    page.wait_for_selector(".verdict", timeout=60_000)
