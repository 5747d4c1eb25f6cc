"""Services whose PostgreSQL goes away: they open the ledger again, compare it with what is known, and go on (D15)."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from issuer.home import Home
from issuer.http.worker import MintWorker
from ledger.errors import IntegrityError
from ledger.http.log_app import create_log_app
from ledger.reasons import Reason
from tests.attacks.marking import attack
from tests.ledger_http.serving import running
from tests.postgres import PostgresServer, postgres_server
from tests.program import ok


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def home(server: PostgresServer, tmp_path: Path) -> Iterator[Home]:
    """A home whose ledger is in a database of its own, on a server that the test may kill."""
    server.run("CREATE DATABASE lost")
    ok("init", tmp_path / "home")
    ok("issuer", "import", sample(tmp_path), "--home", tmp_path / "home")
    ok("ledger", "move", "--to", server.url("lost"), "--home", tmp_path / "home")
    yield Home(tmp_path / "home")
    server.run("DROP DATABASE lost WITH (FORCE)")


def sample(folder: Path) -> Path:
    ok("sample", "--people", 5, "--seed", 3, "--out", folder / "export")
    return folder / "export"


def answered(client: httpx.Client, path: str) -> tuple[int, str]:
    answer = client.get(path)
    return answer.status_code, answer.text


def test_the_bureaus_service_goes_on(home: Home, server: PostgresServer) -> None:
    worker = MintWorker(home, clock=lambda: int(time.time()))
    worker.start()
    try:
        before = worker.log_head(sha256(b"one").digest()).result(60)
        server.kill()
        gone = worker.log_head(sha256(b"two").digest())
        assert reason_of(gone.exception(60)) is Reason.STORE_IO_ERROR
        assert reason_of(worker.condition().exception(60)) is Reason.STORE_IO_ERROR  # it is still away
        server.start()
        after = worker.log_head(sha256(b"two").digest()).result(60)
        assert (after.index, after.size) == (before.index + 1, before.size + 1)
        assert worker.log_head(sha256(b"one").digest()).result(60).index == before.index
    finally:
        worker.stop()


def reason_of(error: BaseException | None) -> Reason:
    assert isinstance(error, IntegrityError)
    return error.reason


@attack("D15", Reason.STORE_ROLLBACK_DETECTED)
def test_a_served_log_goes_on_and_shows_no_older_one(home: Home, server: PostgresServer) -> None:
    data, older = server.folder / "data", server.folder / "older"
    server.stop()
    subprocess.run(["cp", "-a", data, older], check=True)
    server.start()
    ok("issuer", "mint", "--all", "--home", home.path)
    with running(create_log_app(home.open_store)) as url, httpx.Client(base_url=url, timeout=60) as client:
        newest = answered(client, "/checkpoint")
        tile = "/tile/0/000"  # complete: a bundle was cut
        shown = client.get(tile).content
        assert (newest[0], len(shown)) == (200, 8192)
        server.kill()
        assert answered(client, "/checkpoint") == (503, "store.io_error\n")
        assert answered(client, tile) == (503, "store.io_error\n")
        server.start()
        assert answered(client, "/checkpoint") == newest
        assert client.get(tile).content == shown
        server.stop()
        data.rename(server.folder / "aside")
        older.rename(data)
        server.start()
        assert answered(client, "/status") == (503, "store.io_error\n")
        for path in ("/checkpoint", tile, "/status"):
            assert answered(client, path) == (503, f"{Reason.STORE_ROLLBACK_DETECTED}\n")
        server.stop()
        data.rename(older)
        (server.folder / "aside").rename(data)
        server.start()
        assert answered(client, "/checkpoint") == newest
