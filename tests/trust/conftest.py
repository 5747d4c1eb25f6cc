"""A publisher's home, its repository, and a verifier that has synced once, each copied for a test that changes it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from issuer.home import Home
from tests.attacks.commands import Ran, ok, tally
from tests.trust.thief import Served


@dataclass(frozen=True)
class Stage:
    """home: the publisher's; public: its repository; trust: a verifier's folder, synced."""

    home: Home
    public: Path
    trust: Path

    def sync(self, source: object = None, **options: object) -> Ran:
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        return tally("trust", "sync", source or self.public, "--trust", self.trust, "--json", *words)

    def publish(self, *more: object) -> Ran:
        return ok("trust", "publish", "--home", self.home.path, "--out", self.public, *more)

    def served(self) -> Served:
        return Served.of(self.home)

    @property
    def first_root(self) -> Path:
        return self.home.tuf_dir / "1.root.json"


@pytest.fixture(scope="session")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trust-stage")
    ok("init", folder / "home")
    ok("trust", "publish", "--home", folder / "home", "--out", folder / "public")
    shutil.copytree(folder / "public", folder / "older")
    ok("trust", "publish", "--home", folder / "home", "--out", folder / "public")
    root = folder / "home" / "tuf" / "1.root.json"
    ok("trust", "sync", folder / "public", "--trust", folder / "trust", "--root", root)
    return folder


@pytest.fixture
def stage(untouched: Path, tmp_path: Path) -> Stage:
    shutil.copytree(untouched, tmp_path / "stage", symlinks=True)
    return Stage(
        Home(tmp_path / "stage" / "home"), tmp_path / "stage" / "public", tmp_path / "stage" / "trust"
    )


@contextmanager
def web_server(handler: Callable[..., SimpleHTTPRequestHandler]) -> Iterator[str]:
    """A real server on this machine; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class Quiet(SimpleHTTPRequestHandler):
    """A folder over HTTP, without a line on stderr for each request."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        return


def serving(folder: Path) -> Callable[..., SimpleHTTPRequestHandler]:
    return partial(Quiet, directory=str(folder))


__all__: Sequence[str] = ("Quiet", "Stage", "serving", "web_server")
