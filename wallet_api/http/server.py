"""The application on a socket: TLS or plain, no access log of its own, a stop that lets answers finish."""

from __future__ import annotations

from pathlib import Path
from socket import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

__all__ = ["WalletServer", "run_server", "server_config"]


class WalletServer(uvicorn.Server):
    """A server that ends long polls as soon as it is asked to stop."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        app = self.config.app
        assert isinstance(app, FastAPI)
        app.state.stopping.set()
        super().handle_exit(sig, frame)


def run_server(
    app: FastAPI,
    listening: socket,
    *,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    grace_seconds: int = 5,
) -> None:
    """Serve until SIGINT or SIGTERM, then wait at most `grace_seconds` for answers under way."""
    WalletServer(server_config(app, tls_cert, tls_key, grace_seconds)).run([listening])


def server_config(
    app: FastAPI,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    grace_seconds: int = 5,
) -> uvicorn.Config:
    """The access log is ours (manners): uvicorn's would write ids of requests."""
    return uvicorn.Config(
        app,
        ssl_certfile=tls_cert,
        ssl_keyfile=None if tls_key is None else str(tls_key),
        access_log=False,
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=grace_seconds,
        timeout_keep_alive=15,
        limit_concurrency=512,
    )
