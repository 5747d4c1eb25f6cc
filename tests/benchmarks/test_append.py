"""The benchmark of appending in small: every way is measured, and a grown log is what it says."""

from __future__ import annotations

from pathlib import Path

from benchmarks.append import grow, run_append


def test_every_way_of_appending_is_measured(tmp_path: Path) -> None:
    rates = run_append(tmp_path, seconds=0.1)
    assert [(rate.name, rate.at_once) for rate in rates] == [
        *((name, size) for name in ("raw executemany", "in process") for size in (1, 64, 512)),
        ("HTTP, 1 clients", 1), ("HTTP, 16 clients", 1), ("HTTP, 4 clients", 64), ("HTTP, 4 clients", 256),
        ("tile over HTTP", 1), ("proof", 1),
    ]  # fmt: skip
    assert all(rate.rate > 0 and 0 < rate.p50 <= rate.p99 for rate in rates)
    [line] = grow(tmp_path / "grown", [300])
    assert "300 entries: append of 256" in line
