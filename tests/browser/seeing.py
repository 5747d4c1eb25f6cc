"""Looking at a page as people do: faults that axe finds, texts that run out of their place, a card on its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.browser.pages import run
from tests.browser.site import Site
from tests.world import SECONDS

__all__ = ["axe_faults", "draw_card", "overflow"]

_AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
_SHEETS = ("design/tokens", "design/base", "design/components", "desk/desk", "desk/verdict")
_DRAW = """async ({ drawVerdict }, { applyWords }, { report, language, posts, scale, sheets, now }) => {
  document.head.querySelectorAll("link").forEach((one) => one.remove());
  const loaded = sheets.map((name) => new Promise((done, fail) => {
    const link = document.createElement("link");
    Object.assign(link, { rel: "stylesheet", href: `/${name}.css`, onload: done, onerror: fail });
    document.head.append(link);
  }));
  await Promise.all(loaded);
  document.documentElement.style.fontSize = `${100 * scale}%`;
  applyWords(document, language);
  const names = ["update", "again", "later", "print", "save", "form", "close"];
  const actions = Object.fromEntries(names.map((name) => [name, () => {}]));
  const main = document.createElement("main");
  const title = document.createElement("h1"), part = document.createElement("h2");
  title.textContent = document.title;
  part.textContent = document.title;
  main.append(title, part, drawVerdict(report, { language, posts, actions, now }));
  document.body.replaceChildren(main);
}"""


def draw_card(
    page: Page,
    site: Site,
    report: dict[str, Any],
    language: str,
    *,
    posts: dict[str, int] | None = None,
    text_scale: float = 1,
) -> None:
    """Draw the card of a report with all its buttons, on a page with nothing else."""
    data = {
        "report": report,
        "language": language,
        "posts": posts or {},
        "scale": text_scale,
        "sheets": list(_SHEETS),
        "now": SECONDS,
    }
    run(page, site, ["/desk/verdict.js", "/desk/words.js"], _DRAW, data)


def axe_faults(page: Page) -> list[str]:
    """What axe finds that is moderate or worse: rule, and the elements."""
    page.evaluate(_AXE)
    found = page.evaluate("(rules) => axe.run(document, rules)", _RULES)
    return [
        f"{fault['id']} ({fault['impact']}): {[node['html'][:160] for node in fault['nodes']]}"
        for fault in found["violations"]
        if fault["impact"] != "minor"
    ]


def overflow(page: Page) -> list[str]:
    """The elements that reach beyond the right edge of the page, or beyond a box that would clip them."""
    found: list[str] = page.evaluate(
        """() => {
          const edge = document.documentElement.clientWidth + 1;
          return [...document.body.querySelectorAll("*")]
            .filter((one) => one.getClientRects().length > 0 && one.getBoundingClientRect().right > edge)
            .filter((one) => !one.closest(".only-read, .tabs"))
            .map((one) => `${one.tagName}.${one.getAttribute("class")}: ${one.textContent.slice(0, 40)}`);
        }"""
    )
    return found
