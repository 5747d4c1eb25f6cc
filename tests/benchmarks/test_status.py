"""The benchmark of status lists, small: it measures what it says."""

from __future__ import annotations

from pathlib import Path

from benchmarks.status import run_bulk, run_list


def test_a_small_run(tmp_path: Path) -> None:
    listed = run_list(share=1000)
    assert listed.revoked == 1048
    assert 1000 < listed.size < 8000
    bulk = run_bulk(tmp_path, certificates=500, share=100)
    assert (bulk.certificates, bulk.revoked) == (500, 5)
    assert "5 revoked in one case" in bulk.line()
