"""One question put to a module of the page and to its Python original, row by row: the same answers or codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from playwright.sync_api import Page

from ledger.cbor import Tag
from ledger.errors import ProjectError
from tests.browser.pages import run
from tests.browser.site import Site

__all__ = ["DESCRIBED", "described", "here", "there"]

_Row = TypeVar("_Row")
_EACH = """async (...given) => {
  const rows = given.pop();
  const answers = [];
  for (const row of rows) {
    try {
      answers.push(await (SNIPPET)(row, ...given));
    } catch (error) {
      if (typeof error.reason !== "string") throw error;
      answers.push(`!${error.reason}`);
    }
  }
  return answers;
}"""

DESCRIBED = """(function described(value) {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number" || typeof value === "bigint") return `int ${value}`;
  if (typeof value === "string") return `text ${value}`;
  if (value instanceof Uint8Array) return `bytes ${Array.from(value, (b) => b.toString(16).padStart(2, "0")).join("")}`;
  if (Array.isArray(value)) return value.map(described);
  if (value instanceof Map) return { map: [...value].map((pair) => pair.map(described)) };
  return { tag: value.tag, value: described(value.value) };
})"""
"""The JavaScript twin of `described`."""


def there(
    page: Page, site: Site, modules: str | list[str], snippet: str, rows: Sequence[object]
) -> list[Any]:
    """What the function `snippet` of the page says of each row, or `!` and the reason for which it refuses it."""
    return list(run(page, site, modules, _EACH.replace("SNIPPET", snippet), list(rows)))


def here(ask: Callable[[_Row], object], rows: Sequence[_Row]) -> list[object]:
    """The same of a Python function."""
    answers: list[object] = []
    for row in rows:
        try:
            answers.append(ask(row))
        except ProjectError as refusal:
            answers.append(f"!{refusal.reason.value}")
    return answers


def described(value: Any) -> object:
    """A decoded value with its types, as JSON."""
    match value:
        case None | bool():
            return value
        case int():
            return f"int {value}"
        case str():
            return f"text {value}"
        case bytes():
            return f"bytes {value.hex()}"
        case tuple():
            return [described(item) for item in value]
        case Tag():
            return {"tag": value.tag, "value": described(value.value)}
    return {"map": [[described(key), described(item)] for key, item in value.items()]}
