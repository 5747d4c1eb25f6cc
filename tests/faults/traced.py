"""System calls of a real process that fail, or at which it is killed: `strace` with fault injection.

A process with everything imported forks one child a case. The child waits until strace has attached, so that the calls
are those of the work alone and have the same numbers every time.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

__all__ = ["CALLS", "Call", "Outcome", "Worker", "calls_in", "require_program"]

CALLS = (
    "fdatasync", "fsync", "pwrite64", "ftruncate", "rename", "renameat", "renameat2", "link", "linkat", "unlink",
    "unlinkat", "openat",
)  # fmt: skip
_ROOT = Path(__file__).parents[2]
_CALL = re.compile(rf"^(?:\[pid +\d+\] |\d+ +)?({'|'.join(CALLS)})\(", re.MULTILINE)


@dataclass(frozen=True)
class Call:
    """The `number`-th call (from 1) of `name` fails with EIO, or the process is killed at it."""

    name: str
    number: int
    kill: bool

    @property
    def injection(self) -> str:
        what = "signal=SIGKILL" if self.kill else "error=EIO"
        return f"inject={self.name}:{what}:when={self.number}"


@dataclass(frozen=True)
class Outcome:
    """What the child said, line by line, and whether it was killed."""

    said: tuple[str, ...]
    killed: bool


def require_program(name: str, package: str) -> str:
    """The path of a program; Debian's package is installed where that is possible."""
    if shutil.which(name) is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", package]):
            subprocess.run(command, check=False, capture_output=True, timeout=300)
    found = shutil.which(name)
    assert found is not None, (
        f"this test needs {name}: install the package {package}; it is not left out silently"
    )
    return found


def calls_in(log: str) -> Counter[str]:
    """How often each call occurs in what strace wrote."""
    return Counter(_CALL.findall(log))


class Worker:
    """The process that forks; `module` says what each child does with the folder that it is given."""

    def __init__(self, module: str) -> None:
        self._strace = require_program("strace", "strace")
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    @classmethod
    @contextmanager
    def started(cls, module: str) -> Iterator[Worker]:
        worker = cls(module)
        try:
            yield worker
        finally:
            _pipe(worker._process.stdin).close()
            _pipe(worker._process.stdout).close()
            worker._process.wait(10)

    def run(self, folder: Path, call: Call | None = None) -> Outcome:
        """One child's work in `folder`, with this one call disturbed."""
        return self._run(folder, ["-o", "/dev/null", *([] if call is None else ["-e", call.injection])])

    def count(self, folder: Path) -> Counter[str]:
        """The calls of an undisturbed child."""
        log = folder.with_suffix(".strace")
        assert self._run(folder, ["-o", str(log)]).said[-1] == "done"
        return calls_in(log.read_text())

    def plainly(self, line: str) -> Outcome:
        """One child's work, not traced."""
        self._ask(f"{line}\n")
        return self._listen(self._ask("go\n"))

    def _run(self, folder: Path, options: list[str]) -> Outcome:
        pid = self._ask(f"{folder}\n")
        trace = f"trace={','.join(CALLS)}"
        strace = subprocess.Popen(
            [self._strace, "-f", "-e", trace, *options, "-p", pid], stderr=subprocess.PIPE, text=True
        )
        try:
            attached = _pipe(strace.stderr).readline()
            assert "attached" in attached, attached
            return self._listen(self._ask("go\n"))
        finally:
            strace.communicate(timeout=20)

    def _listen(self, first: str) -> Outcome:
        said = [first]
        while not said[-1].startswith("exit "):
            said.append(self._line())
        return Outcome(tuple(said[:-1]), said[-1] == "exit -9")

    def _ask(self, line: str) -> str:
        stdin = _pipe(self._process.stdin)
        stdin.write(line)
        stdin.flush()
        return self._line()

    def _line(self) -> str:
        line = _pipe(self._process.stdout).readline()
        assert line.endswith("\n"), "the worker ended"
        return line.rstrip("\n")


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
