"""Writes docs/ATTACKS_COVERED.md: every line of the attack list in scope, the tests for it, and the codes they assert.

python -m tests.documents.attacks > docs/ATTACKS_COVERED.md

Read from the source of the suite, without running it: each test marked `@attack("A07", Reason.…)`.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ledger.reasons import Reason
from tests.attacks.notes import DIFFERS, NOT_YET

__all__ = ["LINES", "Covered", "covered", "render"]

_TESTS = Path(__file__).parents[1]

LINES = (
    *(f"A{n:02d}" for n in range(1, 40)), "A39a", "A39b", "A40",
    *(f"P{n:02d}" for n in range(1, 10)), "P09a", "P09b", "P09c", *(f"P{n:02d}" for n in range(10, 32)),
    *(f"L{n:02d}" for n in range(1, 16)),
    *(f"W{n:02d}" for n in range(1, 17)),
    *(f"S{n:02d}" for n in range(1, 17)),
    *(f"K{n:02d}" for n in range(1, 16)),
    *(f"D{n:02d}" for n in range(1, 19)),
)  # fmt: skip

_HEAD = """# Attacks, and the tests that refuse them

One line per attack: what is tried, the test, and the codes it asserts. Where an attack does not fit our formats as the
list has it, its nearest form is tried. Written by `python -m tests.documents.attacks > docs/ATTACKS_COVERED.md`; a test
compares.

| line | what is tried | test | code |
| --- | --- | --- | --- |
"""


@dataclass(frozen=True, slots=True)
class Covered:
    """One marked test: file and name, its codes, and the first line of its docstring."""

    line: str
    file: str
    test: str
    codes: tuple[str, ...]
    about: str


@cache
def covered() -> dict[str, list[Covered]]:
    """Attack line to the tests marked for it, in the order of the files."""
    found: dict[str, list[Covered]] = defaultdict(list)
    for path in sorted(_TESTS.rglob("test_*.py")):
        for mark in _marks(path):
            found[mark.line].append(mark)
    return found


def render() -> str:
    """The whole page."""
    found = covered()
    rows = [_row(mark) for line in LINES for mark in found.get(line, ())]
    differs = [f"| {line} | {code} | {why} |" for line, (code, why) in sorted(DIFFERS.items())]
    later = [f"| {line} | {what} | {issue} |" for line, (what, issue) in sorted(NOT_YET.items())]
    return (
        _HEAD
        + "\n".join(rows)
        + "\n\n## Where our answer is not the list's\n\n| line | the list | ours, and why |\n| --- | --- | --- |\n"
        + "\n".join(differs)
        + "\n\n## What does not exist yet, and so cannot be attacked\n\n| line | what is missing | issue |\n"
        + "| --- | --- | --- |\n"
        + "\n".join(later)
        + "\n"
    )


def _row(mark: Covered) -> str:
    codes = ", ".join(f"`{code}`" for code in mark.codes) or "–"
    return f"| {mark.line} | {mark.about} | `{mark.file}`: `{mark.test}` | {codes} |"


def _marks(path: Path) -> Iterator[Covered]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "attack":
                line, *codes = decorator.args
                assert isinstance(line, ast.Constant)
                yield Covered(
                    line=str(line.value),
                    file=path.relative_to(_TESTS.parent).as_posix(),
                    test=node.name,
                    codes=tuple(_code(code) for code in codes),
                    about=_about(node),
                )


def _code(node: ast.expr) -> str:
    assert isinstance(node, ast.Attribute), "the mark names codes as Reason.X"
    return Reason[node.attr].value


def _about(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    first, _, _ = (ast.get_docstring(node) or "").partition("\n")
    if not first:
        first = node.name.removeprefix("test_").replace("_", " ")
    first = re.sub(r"^(?:[APLWSGKD]\d\d[a-c]?(?:, | to | and )?)+(?: in part| for [^:]*)?: ?", "", first)
    return first.rstrip(".").replace("|", "\\|")


if __name__ == "__main__":
    print(render(), end="")
