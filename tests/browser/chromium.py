"""Debian's Chromium for the tests: found, or installed once by apt-get where the tests run as root."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

__all__ = ["FLAGS", "find_chromium"]

# As root in a sandbox of its own, and without the background requests that a closed network refuses.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_SECONDS = 1200


def find_chromium() -> Path:
    """The browser's program. Parallel test processes install it once."""
    with (Path(tempfile.gettempdir()) / "tallystick-chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (found := _installed()) is not None:
            return found
        may_install = os.geteuid() == 0 and shutil.which("apt-get") is not None
        assert may_install, "these tests need Chromium: `sudo apt-get install chromium`, then run them again"
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            done = subprocess.run(
                ["apt-get", *command], env=environment, capture_output=True, text=True, timeout=_SECONDS
            )
            assert done.returncode == 0, f"apt-get {command[0]}: {done.stderr[-2000:]}"
        found = _installed()
    assert found is not None, "apt-get installed Chromium, but no program of that name is there"
    return found


def _installed() -> Path | None:
    return next((Path(path) for name in _NAMES if (path := shutil.which(name)) is not None), None)
