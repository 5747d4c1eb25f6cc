"""`verify` as the page runs it, and the same call in Python, both told as the JSON of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

from tests.browser.pages import run
from tests.browser.site import Site

__all__ = ["MODULES", "Shown", "open_bundle", "verify_in_page"]

MODULES = [
    "/verifier/trust.js",
    "/verifier/verify.js",
    "/verifier/expect.js",
    "/verifier/seen.js",
    "/verifier/render.js",
    "/ledger/digest.js",
]

_VERIFY = """async (trust, verify, expect, seen, render, digest, input) => {
  const { fromHex } = digest;
  const files = new Map(Object.entries(input.files).map(([name, data]) => [name, fromHex(data)]));
  const opened = await trust.parseBundle(files, { rootKeys: input.rootKeys.map(fromHex) });
  const memory = new seen.MemorySeen();
  const reports = [];
  for (const { data, request, subject, now } of input.shown) {
    const parts = data.map(fromHex);
    const expected = request === null ? expect.STATIC : new expect.Asked(fromHex(request), subject);
    const options = { trust: opened, now, expect: expected, seen: input.remember ? memory : new seen.MemorySeen() };
    const report = await verify.verify(parts.length === 1 ? parts[0] : parts, options);
    reports.push(render.reportJson(report, input.language));
  }
  return reports;
}"""

_OPEN = """async (trust, verify, expect, seen, render, digest, input) => {
  const { fromHex } = digest;
  const files = new Map(Object.entries(input.files).map(([name, data]) => [name, fromHex(data)]));
  try {
    return (await trust.parseBundle(files, { rootKeys: input.rootKeys.map(fromHex) })).facts;
  } catch (error) {
    if (error.reason === undefined) throw error;
    return error.reason;
  }
}"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is laid before the page: presentations, what was asked, and when (POSIX seconds)."""

    data: Sequence[bytes]
    request: bytes | None
    now: int
    name: str | None = None
    id_tail: str | None = None

    def to_json(self) -> dict[str, Any]:
        subject = {"name": self.name, "idTail": self.id_tail}
        return {
            "data": [part.hex() for part in self.data],
            "request": None if self.request is None else self.request.hex(),
            "subject": None if self.name is self.id_tail is None else subject,
            "now": self.now,
        }


def verify_in_page(
    page: Page,
    site: Site,
    files: Mapping[str, bytes],
    root_keys: Sequence[bytes],
    shown: Sequence[Shown],
    *,
    language: str = "en",
    remember: bool = False,
) -> list[dict[str, Any]]:
    """The reports, one a thing shown; `remember`: with one memory for all of them."""
    data = {**_bundle(files, root_keys), "shown": [one.to_json() for one in shown]}
    reports: list[dict[str, Any]] = run(
        page, site, MODULES, _VERIFY, {**data, "language": language, "remember": remember}
    )
    return reports


def open_bundle(
    page: Page, site: Site, files: Mapping[str, bytes], root_keys: Sequence[bytes]
) -> dict[str, Any] | str:
    """The facts of the bundle as the page opens it, or the reason why it does not."""
    opened: dict[str, Any] | str = run(page, site, MODULES, _OPEN, _bundle(files, root_keys))
    return opened


def _bundle(files: Mapping[str, bytes], root_keys: Sequence[bytes]) -> dict[str, Any]:
    return {
        "files": {name: data.hex() for name, data in files.items()},
        "rootKeys": [key.hex() for key in root_keys],
    }
