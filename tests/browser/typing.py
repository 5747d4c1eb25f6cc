"""A counter scanner that types, as the page's listeners hear it: real key events where one is enough, else as fast."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

__all__ = ["key_events", "type_events"]

_SHIFTED = {"$": "Digit4", "%": "Digit5", "*": "Digit8", "+": "Equal", ":": "Semicolon"}
_PLAIN = {" ": "Space", "-": "Minus", ".": "Period", "/": "Slash"}

_TYPE = """async ([events, gap]) => {
  for (const event of events) {
    const target = document.activeElement ?? document.body;
    target.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...event }));
    if (gap > 0) await new Promise((done) => setTimeout(done, gap));
  }
}"""


def key_events(text: str, *, process: bool = False) -> list[dict[str, Any]]:
    """The key events of `text` on a US keyboard; with `process` as an input method that is on lets them through."""
    return [_event(letter, process=process) for letter in text]


def type_events(page: Page, events: list[dict[str, Any]], *, end: str = "Enter", gap: float = 0) -> None:
    """Let the page hear them, and the key at the end."""
    ending = [{"key": end, "code": end}] if end else []
    page.evaluate(_TYPE, [[*events, *ending], gap])


def _event(letter: str, *, process: bool) -> dict[str, Any]:
    code, shift = _place(letter)
    return {"key": "Process" if process else letter, "code": code, "shiftKey": shift}


def _place(letter: str) -> tuple[str, bool]:
    if letter.isalpha():
        return f"Key{letter.upper()}", letter.isupper()
    if letter.isdigit():
        return f"Digit{letter}", False
    return (_SHIFTED[letter], True) if letter in _SHIFTED else (_PLAIN[letter], False)
