"""A disk that is full, and has space again (ATTACKS D02): a real file system of four MiB, filled up to a few pages."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import ProjectError
from ledger.export import export_log
from ledger.reasons import Reason
from tests.attacks.marking import attack
from tests.faults.history import History
from tests.ledger_http.conftest import Published

_PAGE = 4096
_MORE = range(1000, 1300)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    assert os.geteuid() == 0, (
        "this test mounts a small file system, which takes root; it is not left out silently"
    )
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path, pages: int) -> Path:
    """Leave so many pages free."""
    ballast = disk / "ballast"
    space = os.statvfs(disk)
    ballast.write_bytes(bytes((space.f_bavail - pages) * space.f_frsize))
    assert os.statvfs(disk).f_bavail == pages
    return ballast


def work(world: Published, history: History) -> Reason | None:
    """Append, sign, export; why it stopped. What was acknowledged is noted."""
    try:
        ledger = world.open()
        entries = [world.entry(number) for number in _MORE]
        for at in range(0, len(entries), 50):
            part = entries[at : at + 50]
            history.was_told(dict(zip(part, ledger.append(part), strict=True)))
        history.saw(ledger.checkpoint(world.now + 1))
        export_log(world.publication(), world.folder / "exported")
    except ProjectError as exc:
        return exc.reason
    finally:
        world.close()
    return None


@attack("D02", Reason.STORE_FULL)
def test_full_at_some_step_and_then_space_again(grown: Path, small_disk: Path) -> None:
    """0 to 120 pages left: nothing is acknowledged that is not there; with space again the same work completes"""
    seen = set()
    for pages in (0, 1, 2, 3, 5, 8, 12, 16, 20, 30, 40, 60, 90, 120):
        folder = small_disk / "copy"
        shutil.copytree(grown, folder)
        world, history = Published(folder), History()
        ballast = fill(small_disk, pages)
        seen.add(work(world, history))
        ballast.unlink()
        history.look(world, folder / "exported")
        history.require_one(world)
        assert work(world, history) is None
        history.require_one(world)
        assert len(history.acknowledged) == len(_MORE)
        shutil.rmtree(folder)
    assert Reason.STORE_FULL in seen
    assert seen <= {Reason.STORE_FULL, Reason.STORE_IO_ERROR, Reason.CKPT_QUORUM_UNMET, None}
