"""The ASGI application: routes, error table, manners. No interactive docs, no debug, no CORS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from threading import Event, Thread
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import generate_latest
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ledger.errors import ProjectError
from ledger.reasons import Reason
from wallet_api.hook_address import Network
from wallet_api.http import (
    delegation_routes,
    key_routes,
    log_routes,
    models,
    org_routes,
    request_routes,
    safe_routes,
)
from wallet_api.http.manners import BODY_SECONDS, MAX_BODY, Manners, Metrics
from wallet_api.http.problems import PROBLEM_TYPE, language_of, problem, problem_of, unexpected
from wallet_api.service import Service

__all__ = ["create_app"]

_JOIN_SECONDS: Final = 5.0
_PROBLEM = {"model": models.ProblemModel, "content": {PROBLEM_TYPE: {}}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {**_PROBLEM, "description": description}
    for status, description in (
        (401, "auth.missing, auth.invalid"),
        (
            403,
            "authz.denied, org.unregistered, org.purpose_not_allowed, org.suspended, consent.field_denied, …",
        ),
        (404, "authz.not_found: absent, or somebody else's"),
        (409, "consent.exhausted, consent.not_yet_valid, api.idempotency_conflict, status.replaced, …"),
        (410, "consent.expired, consent.revoked"),
        (412, "api.version_conflict"),
        (413, "api.body_too_large"),
        (415, "api.media_type"),
        (422, "api.validation, or why a certificate, request or signature is refused"),
        (429, "api.rate_limited"),
        (503, "trust.bundle_stale, store.locked, store.io_error"),
    )
}


def create_app(
    service: Service,
    *,
    public_url: str,
    max_body: int = MAX_BODY,
    body_seconds: float = BODY_SECONDS,
    hook_networks: Sequence[Network] = (),
    background: Sequence[Callable[[Event], None]] = (),
) -> FastAPI:
    """The wallet over HTTP.

    Args:
        public_url: where citizens reach the service, without a slash at its end; links are made of it and never of
            what a caller says the host is.
        hook_networks: networks that are not public and that webhooks may go to all the same.
        background: work beside the answers, each in a thread of its own; it ends when the event is set.
    """
    stopping = Event()  # set by whoever stops the server: long polls and background work end

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        threads = [Thread(target=work, args=(stopping,), daemon=True) for work in background]
        for thread in threads:
            thread.start()
        yield
        stopping.set()
        for thread in threads:
            await asyncio.to_thread(thread.join, _JOIN_SECONDS)

    app = FastAPI(
        title="Tallystick wallet",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        responses=_RESPONSES,
        lifespan=lifespan,
    )
    metrics = Metrics()
    app.state.service = service
    app.state.public_url = public_url
    app.state.stopping = stopping
    app.state.hook_networks = tuple(hook_networks)
    app.include_router(safe_routes.router)
    app.include_router(request_routes.router)
    app.include_router(org_routes.router)
    app.include_router(key_routes.router)
    app.include_router(log_routes.router)
    app.include_router(delegation_routes.router)

    @app.get("/healthz")
    def healthz() -> models.Health:
        """Whether the database answers."""
        with service.store.read() as tx:
            tx.log_size()
        return models.Health(status="ok")

    @app.get("/metrics", include_in_schema=False)
    def prometheus() -> Response:
        return Response(generate_latest(metrics.registry), media_type="text/plain; version=0.0.4")

    app.add_exception_handler(ProjectError, _on_project_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_bug)
    app.add_middleware(Manners, metrics=metrics, max_body=max_body, body_seconds=body_seconds)
    return app


def _on_project_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProjectError)
    return problem_of(request, error)


def _on_validation_error(request: Request, _: Exception) -> Response:
    # What pydantic says would echo the input.
    return problem(language_of(request.headers.get("accept-language", "")), Reason.API_VALIDATION, 422)


def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return unexpected(request, error)


def _on_bug(request: Request, _: Exception) -> Response:
    return problem(language_of(request.headers.get("accept-language", "")), None, 500)
