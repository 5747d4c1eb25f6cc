"""docs/SIZES.md is what the code makes today, and the aims hold."""

from __future__ import annotations

from pathlib import Path

from benchmarks.sizes import LEDGERS, measure, render


def test_the_sizes_page_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "SIZES.md"
    assert page.read_text("utf-8") == render(), "run: python -m benchmarks.sizes > docs/SIZES.md"


def test_the_aims_of_the_format_hold() -> None:
    rows = {row.name.split(",")[0] + str(at): row.sizes for at, row in enumerate(measure())}
    million = LEDGERS.index(10**6)
    assert rows["certificate0"][million] <= 190
    assert rows["presentation3"][million] <= 1800
