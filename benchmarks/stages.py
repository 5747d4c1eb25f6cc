"""Running one command as a stage: how long it takes, how much processor, and how much memory all its processes hold."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["HEADER", "Stage", "run_stage"]

_LOOK_EVERY = 0.1  # seconds
_TALLY = "from cli.main import main; main()"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage. `seconds` by the wall, `cpu` of all processes, `peak` bytes resident of all of them at once."""

    name: str
    seconds: float
    cpu: float
    peak: int
    output: str

    def line(self, count: int, total: float) -> str:
        """The stage as a row of the table: `count` persons in it, `total` seconds of all stages."""
        return (
            f"{self.name:<12}{self.seconds:>9.1f} s {self.cpu:>9.1f} s {count / self.seconds:>10,.0f}/s "
            f"{self.seconds / total:>6.0%} {self.peak / 2**20:>8,.0f} MiB"
        )


HEADER = f"{'stage':<12}{'wall':>11} {'processor':>11} {'persons':>12} {'share':>6} {'peak':>12}"


def run_stage(name: str, command: Sequence[str], *, allowed: Sequence[int] = (0,)) -> Stage:
    """Run `tally` with the arguments `command`; its output is that on stdout.

    Raises:
        RuntimeError: it ended with another code than those allowed.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        started = time.perf_counter()
        child = subprocess.Popen([sys.executable, "-c", _TALLY, *command], stdout=out, stderr=subprocess.PIPE)
        peak = 0
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            peak = max(peak, _resident(child.pid))
            time.sleep(_LOOK_EVERY)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        assert child.stderr is not None
        told = child.stderr.read().decode("utf-8", "replace")
        child.stderr.close()
        out.seek(0)
        output = out.read()
    if child.returncode not in allowed:
        raise RuntimeError(f"{name}: exit {child.returncode}\n{told[-2000:]}\n{output[-2000:]}")
    return Stage(name, seconds, usage.ru_utime + usage.ru_stime, max(peak, usage.ru_maxrss * 1024), output)


def _resident(pid: int) -> int:
    """Resident bytes of a process and its descendants; pages they share count once for each."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except OSError:  # gone meanwhile, or no /proc here
        return 0
    own = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")), 0) * 1024
    return own + sum(_resident(int(child)) for child in children)
