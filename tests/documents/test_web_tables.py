"""The tables of the browser's verifier are what the code makes today."""

from __future__ import annotations

import pytest

from tests.documents.web import FILES, FOLDER


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_table_of_the_browser_is_current(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == FILES[name](), "run: python -m tests.documents.web"


def test_every_table_is_written_by_us() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(FILES)
