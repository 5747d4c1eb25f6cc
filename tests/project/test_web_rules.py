"""House rules for the browser's verifier: who imports whom, what the pure part never touches, how long a file is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "verifier" / "web"
PURE = ("ledger", "certificate", "verifier")
EDGES = {"verifier/seen_store.js", "verifier/forms/page_html.js"}
BELOW = {
    "ledger": {"ledger", "generated", "vendor"},
    "certificate": {"ledger", "certificate", "generated"},
    "verifier": {"ledger", "certificate", "verifier", "generated"},
}
OURS = sorted(
    path for path in WEB.rglob("*.js") if path.relative_to(WEB).parts[0] not in ("vendor", "generated")
)
IMPORT = re.compile(r"""(?:from|import)\s*\(?\s*["'](\.{1,2}/[^"']+)["']""")
# Clock, chance, network, storage and page: pure code takes what it needs as arguments.
TOUCHES = re.compile(
    r"\b(?:Date\.now|new Date\(\)|Math\.random|getRandomValues|fetch\(|XMLHttpRequest|WebSocket|indexedDB|localStorage|"
    r"sessionStorage|document\.|window\.|navigator\.|setTimeout|postMessage)"
)
NEVER = re.compile(
    r"\b(?:eval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write|console\.)|https?://(?!www\.w3\.org/)"
)


def name_of(path: Path) -> str:
    return path.relative_to(WEB).as_posix()


def code_of(path: Path) -> str:
    """Without comments."""
    return re.sub(r"/\*.*?\*/|(?m:(?<![:\"'])//.*$)", "", path.read_text("utf-8"), flags=re.DOTALL)


def test_there_are_files_to_look_at() -> None:
    assert len(OURS) > 60
    assert TOUCHES.search("const now = Date.now();")
    assert NEVER.search('element.innerHTML = "";')


@pytest.mark.parametrize("folder", PURE)
def test_a_layer_imports_only_what_is_below_it(folder: str) -> None:
    found = {}
    for path in (WEB / folder).rglob("*.js"):
        for target in IMPORT.findall(path.read_text("utf-8")):
            place = (path.parent / target).resolve().relative_to(WEB.resolve())
            assert (WEB / place).is_file(), f"{name_of(path)} imports {place}"
            if place.parts[0] not in BELOW[folder]:
                found[name_of(path)] = place.as_posix()
    assert found == {}


def test_the_pure_part_touches_nothing_outside() -> None:
    pure = [path for path in OURS if name_of(path).split("/")[0] in PURE and name_of(path) not in EDGES]
    found = {name_of(path): match[0] for path in pure if (match := TOUCHES.search(code_of(path)))}
    assert found == {}


def test_no_file_makes_code_or_markup_from_text() -> None:
    found = {name_of(path): match[0] for path in OURS if (match := NEVER.search(code_of(path)))}
    assert found == {}


def test_files_stay_of_readable_size() -> None:
    large = {
        name_of(path): count for path in OURS if (count := len(path.read_text("utf-8").splitlines())) > 500
    }
    assert large == {}, "look for the seam"
