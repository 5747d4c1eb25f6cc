"""An import under a stated amount of memory, with its rows in any order, measured from outside at its peak."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from issuer.home import Home
from issuer.records.memory import DEFAULT_PLAN, plan_for
from ledger.errors import ConfigError
from ledger.reasons import Reason
from tests.program import TALLY, ok

LIMIT = 210  # MiB; Python with Polars and numpy take 140 of them before the first row is read


def shuffled(folder: Path) -> Path:
    """The same export with its contribution rows in a random order."""
    file = folder / "contribution.parquet"
    old = sha256(file.read_bytes()).hexdigest()
    pl.read_parquet(file).sample(fraction=1.0, shuffle=True, seed=1).write_parquet(file)
    manifest = folder / "manifest.toml"
    manifest.write_text(
        manifest.read_text("utf-8").replace(old, sha256(file.read_bytes()).hexdigest()), "utf-8"
    )
    return folder


# A child's figure counts what its parent held when it forked, so that a small process of its own measures.
MEASURING = """
import os, subprocess, sys
_, status, usage = os.wait4(subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL).pid, 0)
print(usage.ru_maxrss // 1024)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def peak(*arguments: object) -> int:
    """MiB that a run of the program took at its peak."""
    words = [sys.executable, "-c", MEASURING, str(TALLY), *map(str, arguments)]
    return int(subprocess.run(words, check=True, capture_output=True).stdout)


def test_an_import_stays_under_its_limit_with_the_same_outcome(tmp_path: Path) -> None:
    ok("sample", "--people", 2_000, "--seed", 5, "--out", tmp_path / "export")
    ok("init", tmp_path / "home")
    folder = shuffled(tmp_path / "export")
    run = ("issuer", "import", folder, "--home", tmp_path / "home")
    assert peak(*run) > LIMIT, "the limit would not be felt"
    home = Home(tmp_path / "home")
    first = home.snapshot()
    persons = list(first.batches(1000))
    assert peak(*run, "--memory-limit", LIMIT) < LIMIT
    second = home.snapshot()
    assert first.digest == second.digest
    assert list(second.batches(1000)) == persons
    assert len(list((home.path / "snapshots").iterdir())) == 1


def test_a_limit_too_low_says_what_is_needed() -> None:
    with pytest.raises(ConfigError) as refusal:
        plan_for(100 * 2**20, persons=10**6)
    assert refusal.value.reason is Reason.CLI_USAGE
    needed = int(refusal.value.hint.split()[3])
    assert plan_for(needed * 2**20, persons=10**6).batch_rows >= 10_000


def test_more_memory_is_never_a_smaller_plan_and_no_limit_is_the_quickest() -> None:
    plans = [plan_for(limit * 2**20, persons=100_000) for limit in range(300, 4000, 50)]
    assert plans == sorted(plans, key=lambda plan: (plan.batch_rows, plan.part_rows))
    assert plans[-1] == plan_for(None, persons=100_000) == DEFAULT_PLAN
