"""The application: one home behind HTTP. Routes, errors, manners; no interactive docs, no debug, no CORS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from prometheus_client import generate_latest
from starlette.exceptions import HTTPException

from issuer.claiming.counter import Counter
from issuer.claiming.id_index import IdIndex
from issuer.claiming.identity import WayIn
from issuer.claiming.logins import Logins
from issuer.claiming.provider import Provider
from issuer.home import CONFIG_NAME, Home
from issuer.http import authorize, counter_routes, heads, holders, print_routes, proxy_routes, vci
from issuer.http.answers import PROBLEMS, Health, OAuthError, Problem
from issuer.http.configurations import AUTHORIZATION_CODE, PRE_AUTHORIZED
from issuer.http.delivery import deliver_lookups
from issuer.http.limits import Limits
from issuer.http.manners import BODY_SECONDS, MAX_BODY, Manners, Metrics
from issuer.http.problems import problem
from issuer.http.state import Service, State
from issuer.http.tokens import Nonces, Tokens
from issuer.http.worker import MintWorker
from issuer.printing.printer import Printer
from issuer.service_settings import ServiceSettings, load_service_settings
from ledger.errors import ConfigError, FormatError, ProjectError
from ledger.reasons import Reason

__all__ = ["MAX_BODY", "create_app"]


def create_app(
    home: Home,
    *,
    url: str,
    clock: Callable[[], int],
    random: Callable[[int], bytes],
    limits: Limits | None = None,
    body_seconds: float = BODY_SECONDS,
) -> FastAPI:
    """The bureau's service over `home`.

    Args:
        url: its public address, as wallets and proofs name it.
        clock: POSIX seconds.
        random: source of tokens and nonces, `os.urandom` outside tests.
        limits: how often one caller may try; fresh for each service.
        body_seconds: how long a body may take to arrive.
    Raises:
        ConfigError: `home.version`: the service's settings in the home's file.
    """
    settings = load_service_settings(home.path / CONFIG_NAME)
    state = _state(home, settings, url.rstrip("/"), clock, random, limits or Limits.make())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        state.worker.start()
        tasks = []
        if settings.lookups is not None:
            delivery = deliver_lookups(
                state.counter.outbox, settings.lookups, clock=clock, metrics=state.metrics
            )
            tasks.append(asyncio.create_task(delivery))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            if state.logins is not None:
                await state.logins.provider.close()
            await asyncio.to_thread(state.worker.stop)

    app = FastAPI(
        title="Tallystick bureau",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        responses={status: PROBLEMS[status] for status in (413, 415, 422)},  # what manners may refuse
        lifespan=lifespan,
    )
    app.state.service = state
    for routes in (vci, authorize, holders, proxy_routes, counter_routes, print_routes, heads):
        app.include_router(routes.router)
    app.add_api_route(
        "/healthz", _healthz, methods=["GET"], response_model=Health, responses={503: PROBLEMS[503]}
    )
    app.add_api_route("/metrics", _metrics, methods=["GET"], include_in_schema=False)
    app.add_exception_handler(ProjectError, _on_project_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_middleware(Manners, metrics=state.metrics, body_seconds=body_seconds)
    _complete_openapi(app)
    return app


def _state(
    home: Home,
    settings: ServiceSettings,
    url: str,
    clock: Callable[[], int],
    random: Callable[[int], bytes],
    limits: Limits,
) -> State:
    offers = home.offers()
    ways: dict[str, WayIn] = {PRE_AUTHORIZED: offers}
    logins = None
    if settings.login is not None:
        provider = Provider(settings.login, redirect_uri=f"{url}{authorize.CALLBACK}")
        logins = Logins(provider, IdIndex(home), wallets=settings.wallets or {}, url=url, random=random)
        ways[AUTHORIZATION_CODE] = logins
    return State(
        url=url,
        log=home.settings.log,
        now=clock,
        random=random,
        ways=ways,
        logins=logins,
        counter=Counter(home, offers, random=random),
        wallet_tokens=home.wallet_tokens(),
        tokens=Tokens(random),
        nonces=Nonces(random),
        worker=MintWorker(home, clock=clock),
        printer=Printer(home),
        limits=limits,
        metrics=Metrics(),
    )


async def _healthz(request: Request, state: Service) -> Any:
    """Whether the ledger answers and the records can be read."""
    try:
        condition = await asyncio.wrap_future(state.worker.condition())
    except ProjectError as exc:
        return problem(exc, request, status=503)
    return Health(
        status="ok", entries=condition.entries, published=condition.published, cut_off=condition.cut_off
    )


def _metrics(state: Service) -> Response:
    return Response(generate_latest(state.metrics.registry), media_type="text/plain; version=0.0.4")


async def _on_project_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, ProjectError)
    return problem(exc, request)


async def _on_validation_error(request: Request, exc: Exception) -> Response:
    """The published schema is broken; what was sent is not repeated."""
    return problem(FormatError(Reason.API_VALIDATION), request)


async def _on_http_error(request: Request, exc: Exception) -> Response:
    """What the router itself refuses: no such route, no such method."""
    assert isinstance(exc, HTTPException)
    reason = Reason.AUTHZ_NOT_FOUND if exc.status_code == 404 else Reason.API_VALIDATION
    return problem(ConfigError(reason), request, status=exc.status_code, headers=exc.headers)


def _complete_openapi(app: FastAPI) -> None:
    """Add the two bodies of errors, which routes name by reference."""
    made: dict[str, Any] = app.openapi()
    for model in (Problem, OAuthError):
        made["components"]["schemas"][model.__name__] = model.model_json_schema()
