"""The city in small: every stage runs, the dirty are named, everyone else is minted and verifies."""

from __future__ import annotations

from pathlib import Path

from benchmarks.city import run_city

PEOPLE = 500


def test_a_small_city_goes_through_all_stages(tmp_path: Path) -> None:
    city = run_city(tmp_path, people=PEOPLE, dirty=0.01, verified=20)
    assert city.quarantined == city.named == PEOPLE // 100
    assert city.persons == city.minted == PEOPLE - city.quarantined
    assert city.entries >= city.minted
    assert city.verified == city.asked == 20
    assert [stage.name for stage in city.stages] == [
        "sample",
        "import",
        "mint",
        "checkpoint",
        "check",
        "verify",
    ]
    assert all(stage.peak > 20 * 2**20 for stage in city.stages)
    table = city.table()
    assert "bytes a certificate: snapshot" in table
    assert f"{city.minted:,} minted" in table
