"""Every line of the attack list in scope has a test that asserts its codes, or stands among what does not exist yet."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from ledger.reasons import Reason
from tests.attacks.notes import DIFFERS, NOT_YET
from tests.documents.attacks import LINES, covered, render

ROOT = Path(__file__).parents[2]
_CODES = frozenset(reason.value for reason in Reason)


def test_each_line_has_a_test_or_waits_for_its_target() -> None:
    """And the lines that wait are lines of the list."""
    found = covered()
    assert [line for line in LINES if line not in found and line not in NOT_YET] == []
    assert set(NOT_YET) | set(DIFFERS) <= set(LINES)
    assert sum(len(found[line]) for line in LINES if line in found) >= 130


def test_names_say_their_line() -> None:
    """A test here is marked for the line in its name."""
    for marks in covered().values():
        for mark in marks:
            if mark.file.startswith("tests/attacks/"):
                assert mark.test.startswith(f"test_{mark.line}_"), mark


def test_a_mark_names_only_codes_that_its_test_asserts() -> None:
    """Each code of a mark stands in the test itself, in its parameters, or in a table or helper of its module."""
    for path in sorted(
        ROOT / mark.file for mark in {m.file: m for ms in covered().values() for m in ms}.values()
    ):
        tree = ast.parse(path.read_text("utf-8"))
        shared = {
            name
            for node in tree.body
            if not getattr(node, "name", "").startswith("test_")
            for name in names_of(node)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and any(marks_of(node)):
                own = {name for part in (*node.body, *parameters(node)) for name in names_of(part)}
                for mark in marks_of(node):
                    codes = {arg.attr for arg in mark.args[1:] if isinstance(arg, ast.Attribute)}
                    assert codes <= own | shared, (path.name, node.name)


def marks_of(node: ast.FunctionDef) -> Iterator[ast.Call]:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "attack":
            yield decorator


def parameters(node: ast.FunctionDef) -> list[ast.expr]:
    marks = list(marks_of(node))
    return [decorator for decorator in node.decorator_list if decorator not in marks]


def names_of(node: ast.AST) -> Iterator[str]:
    """The names of reasons below `node`, also where a set of shared codes spells them as text."""
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and getattr(part.value, "id", "") == "Reason":
            yield part.attr
        elif isinstance(part, ast.Constant) and part.value in _CODES:
            yield Reason(part.value).name


def test_the_page_is_current() -> None:
    page = ROOT / "docs" / "ATTACKS_COVERED.md"
    assert page.read_text("utf-8") == render(), (
        "run: python -m tests.documents.attacks > docs/ATTACKS_COVERED.md"
    )
