"""docs/FORMATS.md is what the code makes today."""

from __future__ import annotations

from pathlib import Path

from tests.documents.formats import render


def test_the_formats_page_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "FORMATS.md"
    assert page.read_text("utf-8") == render(), "run: python -m tests.documents.formats > docs/FORMATS.md"
