"""The tables of the browser's verifier are what the code makes today."""

from __future__ import annotations

import re
import unicodedata

import pytest

from certificate.display_text import FORBIDDEN_CATEGORIES
from tests.documents.web import FILES, FOLDER, forbidden_in

CHARACTERS = "characters.js"


@pytest.mark.parametrize("name", sorted(FILES.keys() - {CHARACTERS}))
def test_a_table_of_the_browser_is_current(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == FILES[name](), "run: python -m tests.documents.web"


def test_the_table_of_characters_is_current() -> None:
    """As this Python makes it; one with a newer Unicode allows the same characters of those that were known then."""
    text = (FOLDER / CHARACTERS).read_text("utf-8")
    version = re.search(r"Unicode ([0-9.]+),", text)
    assert version is not None
    if version[1] == unicodedata.unidata_version:
        assert text == FILES[CHARACTERS](), "run: python -m tests.documents.web"
    assert forbidden_now() - forbidden_in(text) == set()


def forbidden_now() -> set[int]:
    return {point for point in range(0x110000) if unicodedata.category(chr(point)) in FORBIDDEN_CATEGORIES}


def test_every_table_is_written_by_us() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(FILES)
