"""Several service processes on one port: the socket is bound once, each worker accepts from it, the dead are replaced.

The parent opens no database and starts no thread before it forks; a worker builds all that it needs itself.
"""

from __future__ import annotations

import os
import signal
import socket
import time
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Final

__all__ = ["bind", "run_workers"]

_BACKLOG: Final = 2048
_YOUNG: Final = 5.0  # seconds: a worker that ends sooner is not replaced, it would never run


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.listen(_BACKLOG)
    return listening


def run_workers(work: Callable[[], None], *, count: int) -> int:
    """Run `work` in `count` processes until SIGINT or SIGTERM, which each of them gets too.

    Returns 0, or 1 when workers end as soon as they begin.
    """
    stopping = False

    def stop(_: int, __: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        for process in started:
            os.kill(process, signal.SIGTERM)

    started: dict[int, float] = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    failed = False
    while not stopping and len(started) < count:
        started[_fork(work)] = time.monotonic()
    while started:
        process, _ = os.wait()
        young = time.monotonic() - started.pop(process, 0.0) < _YOUNG
        if stopping:
            continue
        if young:
            failed = True
            stop(signal.SIGTERM, None)
        else:
            started[_fork(work)] = time.monotonic()
    return int(failed)


def _fork(work: Callable[[], None]) -> int:
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        work()
        code = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(code)
