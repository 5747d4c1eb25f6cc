"""Every hostile input costs less than a second and 64 MiB, whatever it is offered as.

Measured in processes of their own, one per input, with limits (`tests.torture.costs`). Pictures and PDF pages are
read at the edge by libraries in C; their bound is larger, and stated here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attacks.marking import attack

ROOT = Path(__file__).parents[2]
MAX_SECONDS, MAX_BYTES = 1.0, 64 * 2**20
PICTURE_SECONDS, PICTURE_BYTES = 5.0, 256 * 2**20  # 25 megapixels, decoded and searched for codes


@attack("A32")
@pytest.mark.parametrize("group", ["shown", "requests", "bundles", "notes", "files", "pictures"])
def test_hostile_inputs_are_cheap(group: str) -> None:
    """Depth, tags, lengths, many keys, many paths, many signatures, compression, 40 MB: a second and 64 MiB at most."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.torture.costs", group],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stderr
    costs = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(costs) >= 5
    seconds, size = (PICTURE_SECONDS, PICTURE_BYTES) if group == "pictures" else (MAX_SECONDS, MAX_BYTES)
    assert [cost for cost in costs if cost["seconds"] > seconds or cost["bytes"] > size] == []
    assert [cost for cost in costs if cost["said"].startswith(("crash", "None", "accepted", "ended"))] == []
