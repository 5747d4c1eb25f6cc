"""The benchmark of the desk page, small: it measures what it says."""

from __future__ import annotations

from playwright.sync_api import Browser

from benchmarks.desk import run_desk


def test_a_small_run(browser: Browser) -> None:
    run = run_desk(browser, count=12, singles=3)
    assert (run.count, run.valid) == (12, 12)
    assert 0 < run.single < run.first
    assert "12 valid" in run.line()
