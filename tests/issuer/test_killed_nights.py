"""Nights that go wrong, with the installed program as a real process (ATTACKS K07, K11, K13, D02)."""

from __future__ import annotations

import random

import pytest

from tests.attacks.marking import attack
from tests.issuer.nights import Night, audit, kill_mints, start, starved
from tests.program import ok


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, full: bool) -> Night:
    return Night(tmp_path_factory.mktemp("night"), 20_000 if full else 1_000)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, full: bool) -> Night:
    """What concerns one batch needs no more people."""
    return Night(tmp_path_factory.mktemp("small"), 2_000 if full else 300)


@attack("K07")
def test_a_killed_mint_is_completed_by_the_next(night: Night, full: bool) -> None:
    """K07: SIGKILL at random moments; the rerun mints the same set, nobody twice, and the ledger checks."""
    moments = 200 if full else 3
    assert kill_mints(night, moments, seed=4) > moments // 10


@attack("K13")
def test_two_mints_at_once_mint_everyone_once(night: Night) -> None:
    """K13: dense indices; neither run fails."""
    with night.begun() as home:
        runs = [start("issuer", "mint", "--all", "--home", home, "--json") for _ in range(2)]
        ends = [(*run.communicate(timeout=600), run.returncode) for run in runs]
        assert [end[2] for end in ends] == [0, 0], ends
        night.require_everyone(home)


@attack("K11")
def test_a_full_disk_stops_a_mint_and_loses_nothing(small: Night) -> None:
    """K11, D02: a clear code; with space again the next run completes."""
    with small.begun() as home:
        for limit in (50_000, 200_000):
            ran = starved("issuer", "mint", "--all", "--home", home, "--json", file_limit=limit)
            assert ran.code == 1, (limit, ran.err, ran.out)
            assert ran.json["error"]["reason"] in ("store.io_error", "store.full")
            assert "Traceback" not in ran.err
        ok("issuer", "mint", "--all", "--home", home)
        small.require_everyone(home)


def test_a_killed_import_leaves_nothing_and_is_run_again(small: Night, full: bool) -> None:
    """Nothing half-done is taken for a snapshot, and nothing of it stays after the next import."""
    chance = random.Random(9)
    with small.begun() as home:
        before = sorted(path.name for path in (home / "snapshots").iterdir())
        (home / "snapshots" / before[0]).unlink()  # so that importing again has to bring it back
        caught = 0
        for _ in range(200 if full else 4):
            caught += small.killed(home, chance.uniform(0.3, 2.5), "issuer", "import", small.export)
        assert caught
        ok("issuer", "import", small.export, "--home", home)
        assert sorted(path.name for path in (home / "snapshots").iterdir()) == before
        ok("issuer", "mint", "--person", "9900000001", "--home", home)


def test_of_two_imports_at_once_one_is_refused(small: Night) -> None:
    with small.begun() as home:
        runs = [start("issuer", "import", small.export, "--home", home, "--json") for _ in range(2)]
        outs = [run.communicate(timeout=600) for run in runs]
        codes = sorted(run.returncode for run in runs)
        assert codes in ([0, 4], [0, 0]), outs  # the second may have come when the first was over
        ok("issuer", "mint", "--person", "9900000001", "--home", home)
        assert audit(home).entries
