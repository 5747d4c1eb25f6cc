"""Mounts the file system of `lossy`, which runs in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["mounted"]

_PROGRAM = "tests.faults.lossy"


@contextmanager
def mounted(source: Path, mount: Path, image: Path, *, at: int, seed: int) -> Iterator[None]:
    """Show the files of `source` at `mount` until the block ends; `image` is written by then."""
    assert Path("/dev/fuse").exists(), "this test needs /dev/fuse; it is not left out silently"
    shutil.rmtree(image, ignore_errors=True)
    mount.mkdir(exist_ok=True)
    arguments = [str(part) for part in (source, mount, image, at, seed)]
    process = subprocess.Popen([sys.executable, "-m", _PROGRAM, *arguments], cwd=Path(__file__).parents[2])
    try:
        deadline = time.monotonic() + 20
        while not os.path.ismount(mount):
            assert process.poll() is None, "the file system did not start"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield
    finally:
        subprocess.run(["fusermount3", "-u", "-z", str(mount)], check=False, capture_output=True)
        process.wait(20)
