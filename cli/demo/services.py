"""The demo's two services on the loopback, each as its operator would run it, under one clock that the demo turns."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import create_server, socket
from threading import Thread
from typing import Final

import click
import uvicorn
from fastapi import FastAPI

from issuer.home import Home
from issuer.http.app import create_app as create_bureau_app
from verifier.trust_dir import load_trust
from wallet_api.http.app import create_app as create_wallet_app
from wallet_api.limits import Limits
from wallet_api.login import make_org_token
from wallet_api.sealing import Keyring
from wallet_api.service import Service
from wallet_api.store.sqlite import SqliteStore, create_wallet_db

__all__ = ["DemoClock", "WalletOperator", "bureau_running", "wallet_running"]

_START_SECONDS: Final = 30


@dataclass(slots=True)
class DemoClock:
    """POSIX seconds; moves only when the demo says so."""

    now: int

    def __call__(self) -> int:
        return self.now


@dataclass(frozen=True, slots=True)
class WalletOperator:
    """The wallet service at `url` and what its operator can do beside it."""

    url: str
    store: SqliteStore
    clock: DemoClock

    def org_token(self, org: int) -> str:
        return make_org_token(self.store, org, secret=os.urandom(32), now=self.clock())


@contextmanager
def bureau_running(home: Home, clock: DemoClock) -> Iterator[str]:
    """The bureau's service over `home`; gives its address. It alone writes the ledger while it runs."""
    listening, url = _listening()
    with _serving(create_bureau_app(home, url=url, clock=clock, random=os.urandom), listening):
        yield url


@contextmanager
def wallet_running(folder: Path, trust_dir: Path, clock: DemoClock) -> Iterator[WalletOperator]:
    """A wallet service with an empty database in `folder`, of another operator than the bureau's."""
    database = folder / "wallet.db"
    create_wallet_db(database)
    store = SqliteStore(database)
    listening, url = _listening()
    service = Service(
        store=store,
        keyring=Keyring(os.urandom(32)),
        audience=url.removeprefix("http://"),
        trust=lambda: load_trust(trust_dir),
        clock=clock,
        random=os.urandom,
        limits=Limits(),
    )
    try:
        with _serving(create_wallet_app(service, public_url=url), listening):
            yield WalletOperator(url, store, clock)
    finally:
        store.close()


@contextmanager
def _serving(app: FastAPI, listening: socket) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, server_header=False))
    thread = Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise click.ClickException("a service of the demo did not start")
            time.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        thread.join(_START_SECONDS)


def _listening() -> tuple[socket, str]:
    """A socket on a free port of the loopback, and the address of what will answer there."""
    listening = create_server(("127.0.0.1", 0))
    return listening, f"http://127.0.0.1:{listening.getsockname()[1]}"
