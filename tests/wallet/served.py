"""The wallet as a real server process for tests and benchmarks, in the tests' world: `python -m tests.wallet.served`.

The clock stands still there, as it does in every test; all else is what `tally wallet serve` runs.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.wallet.parties import URL, Clock, Town, make_service
from tests.world import World
from wallet_api.http.app import create_app
from wallet_api.http.server import run_server
from wallet_api.http.workers import bind, run_workers
from wallet_api.limits import Limits, Rate
from wallet_api.store.opening import open_store

__all__ = ["Served", "served"]

_ROOT = Path(__file__).parents[2]
_WIDE = Rate(10**9, 10**9)


@dataclass
class Served:
    """A server process, in a process group of its own with its workers."""

    database: str
    workers: int = 1
    port: int = field(default_factory=lambda: _free_port())
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "tests.wallet.served",
            self.database,
            str(self.port),
            str(self.workers),
        ]
        self.process = subprocess.Popen(command, cwd=_ROOT, start_new_session=True)
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self.process.poll() is None, "the server ended at once"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL for all of its processes."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """A polite end; the exit code."""
        self.process.terminate()
        return self.process.wait(timeout=30)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.address}/healthz").is_success
        except httpx.TransportError:
            return False

    @contextmanager
    def town(self, *, timeout: float = 30) -> Iterator[Town]:
        """The parties in front of this server."""
        world, clock = World(), Clock()
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
        with (
            closing(open_store(self.database)) as store,
            httpx.Client(base_url=self.address, timeout=timeout, limits=limits) as http,
        ):
            service = make_service(store, world, clock, random=os.urandom, limits=Limits())
            yield Town(service, clock, world, http, Path(self.database))


@contextmanager
def served(database: str, *, workers: int = 1) -> Iterator[Served]:
    """A running server; whatever is left of it at the end is killed."""
    server = Served(database, workers)
    server.start()
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _serve(database: str, port: int, workers: int) -> int:
    listening = bind("127.0.0.1", port)

    def work() -> None:
        with closing(open_store(database)) as store:
            limits = Limits(login_address=_WIDE, login_key=_WIDE, bad_token=_WIDE, new_request=_WIDE)
            service = make_service(store, World(), Clock(), random=os.urandom, limits=limits)
            run_server(create_app(service, public_url=URL), listening)

    if workers > 1:
        return run_workers(work, count=workers)
    work()
    return 0


if __name__ == "__main__":
    sys.exit(_serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
