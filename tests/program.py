"""The installed program, run to its end as a process of its own.

A fresh interpreter spends most of a second importing. So each test process keeps one process that has imported
everything and runs nothing; a run is a fork of it that executes the installed script: its own arguments,
folder, environment, descriptors, locks and exit code. What is about the start itself (packaging, the README, a
kill, a limit on memory or on files) starts the program from its first byte, by `subprocess`.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from certificate.policy.shipped import shipped_policies
from certificate.template.shipped import shipped_templates

__all__ = ["TALLY", "Ran", "ok", "tally"]

TALLY = Path(sys.executable).with_name("tally")
_SECONDS = 300
_MAX_ORDER = 1 << 17  # bytes of one order to the process that forks; the environment is most of it
_PACKAGES = ("cli", "issuer", "verifier", "certificate", "ledger", "wallet_api")
# Imported by the program's functions and not by its modules.
_LATE = ("httpx", "numpy", "polars", "qrcode", "reportlab.pdfgen.canvas", "uvicorn", "zxingcpp")


@dataclass(frozen=True)
class Ran:
    """One finished run."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed


def tally(*arguments: object, stdin: bytes | None = None, cwd: Path | None = None) -> Ran:
    """Run the program as anyone would, in an English environment that names no home."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin or b"")
        given.seek(0)
        code = _parent().run(
            ["tally", *map(str, arguments)],
            folder=cwd or Path.cwd(),
            environment={**os.environ, "LANG": "en_US.UTF-8", "LC_ALL": "", "TALLY_HOME": ""},
            files=(given, out, err),
        )
        return Ran(code, _text(out), _text(err))


def ok(*arguments: object, stdin: bytes | None = None, cwd: Path | None = None) -> Ran:
    """Run the program and expect exit code 0."""
    ran = tally(*arguments, stdin=stdin, cwd=cwd)
    assert ran.code == 0, ran.err + ran.out
    return ran


def _text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode()


class _Parent:
    """The process that forks, seen from the test. Orders go over a socket which it lives as long as."""

    def __init__(self) -> None:
        self._ordering = threading.Lock()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.program", str(theirs.fileno())],
                cwd=Path(__file__).parents[1],
                env={**os.environ, "LANG": "en_US.UTF-8", "LC_ALL": "", "OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def run(
        self, words: list[str], *, folder: Path, environment: Mapping[str, str], files: tuple[BinaryIO, ...]
    ) -> int:
        """Run the program with these words and files for stdin, stdout and stderr; its exit code."""
        order = json.dumps([words, str(folder), dict(environment)]).encode()
        assert len(order) <= _MAX_ORDER
        reading, writing = os.pipe()
        with open(reading, "rb", buffering=0) as news:
            try:
                with self._ordering:
                    socket.send_fds(self._socket, [order], [*(file.fileno() for file in files), writing])
            finally:
                os.close(writing)
            pid = int(news.read(8))
            if not select.select([news], [], [], _SECONDS)[0]:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(words, _SECONDS)
            return int(news.read(8))

    def close(self) -> None:
        self._socket.close()
        self._process.wait(30)


@functools.cache
def _parent() -> _Parent:
    parent = _Parent()
    atexit.register(parent.close)
    return parent


def _next_run(orders: socket.socket) -> tuple[bytes, list[int]] | None:
    """Fork for each order and return it in the fork; None in the parent once the other end is closed.

    Each order is told its process id, then its exit code.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(orders, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not orders:
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    _tell_end(*key.data)
                    continue
                order, files, *_ = socket.recv_fds(orders, _MAX_ORDER, 4)
                if not order:
                    return None
                pid = os.fork()
                if pid == 0:
                    orders.close()
                    return order, files
                os.write(files[3], b"%8d" % pid)
                selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, files.pop()))
                for file in files:
                    os.close(file)


def _tell_end(pid: int, news: int) -> None:
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(BrokenPipeError):  # who ordered it has given up on it
        os.write(news, b"%8d" % os.waitstatus_to_exitcode(status))
    os.close(news)


def _become(order: bytes, files: list[int]) -> None:
    """Turn this fork into a run of the program."""
    words, folder, environment = json.loads(order)
    for place, file in enumerate(files[:3]):
        os.dup2(file, place)
    for file in files:
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[:] = words
    sys.path[0] = str(TALLY.parent)
    code = _run_script()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # taking the interpreter apart costs more than most commands do


def _run_script() -> int:
    """The exit code of the installed script, after all that it left for its end."""
    try:
        runpy.run_path(str(TALLY), run_name="__main__")
        code = 0
    except SystemExit as exc:
        code = exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    except Exception:
        sys.excepthook(*sys.exc_info())
        code = 1
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    return code


def _import_all() -> None:
    """Do what each run begins with: import, and parse the policies and templates that every bundle has."""
    for package in map(importlib.import_module, _PACKAGES):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            importlib.import_module(module.name)
    for name in _LATE:
        importlib.import_module(name)
    shipped_policies()
    shipped_templates()
    gc.collect()
    gc.freeze()


def main() -> None:
    _import_all()
    run = _next_run(socket.socket(fileno=int(sys.argv[1])))
    if run is not None:
        _become(*run)


if __name__ == "__main__":
    main()
