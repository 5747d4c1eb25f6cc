"""The application: one home behind HTTP. What belongs to every request stands here, the endpoints in `vci`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from issuer.home import Home
from issuer.http import heads, vci
from issuer.http.problems import problem
from issuer.http.state import State
from issuer.http.tokens import Nonces, Tokens
from issuer.http.worker import MintWorker
from ledger.errors import FormatError, ProjectError
from ledger.reasons import Reason

__all__ = ["MAX_BODY", "create_app"]

MAX_BODY = 16_384


def create_app(home: Home, *, url: str, clock: Callable[[], int], random: Callable[[int], bytes]) -> FastAPI:
    """The bureau's service over `home`.

    Args:
        url: its public address, as wallets and proofs name it.
        clock: POSIX seconds.
        random: source of tokens and nonces, `os.urandom` outside tests.
    """
    worker = MintWorker(home, clock=clock)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        worker.start()
        try:
            yield
        finally:
            worker.stop()

    app = FastAPI(title="Tallystick issuer", version="1", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.service = State(
        url=url.rstrip("/"),
        log=home.settings.log,
        now=clock,
        random=random,
        offers=home.offers(),
        wallet_tokens=home.wallet_tokens(),
        tokens=Tokens(random),
        nonces=Nonces(random),
        worker=worker,
    )
    app.include_router(vci.router)
    app.include_router(heads.router)
    app.add_api_route("/healthz", _healthz, methods=["GET"])
    app.add_exception_handler(ProjectError, _on_project_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_middleware(_BodyLimit)
    return app


def _healthz() -> dict[str, str]:
    return {"status": "ok"}


async def _on_project_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, ProjectError)
    return problem(exc, request)


async def _on_validation_error(request: Request, exc: Exception) -> Response:
    """The published schema is broken; what was sent is not repeated."""
    return problem(FormatError(Reason.API_VALIDATION), request)


class _BodyLimit:
    """Refuses bodies over MAX_BODY, whether their length is announced or not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await _read(receive)
        if body is None:
            refusal = problem(FormatError(Reason.API_BODY_TOO_LARGE), Request(scope))
            await refusal(scope, receive, send)
            return
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)


async def _read(receive: Receive) -> bytes | None:
    """The whole body, or None as soon as it is too large."""
    parts, size, more = [], 0, True
    while more:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            break
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY:
            return None
        more = message.get("more_body", False)
    return b"".join(parts)
