"""The log over HTTP (C2SP tlog-tiles): the checkpoint, tiles and entry bundles under one prefix.

GET /checkpoint                   the newest cosigned note; cached for a second
GET /tile/<level>/<n>[.p/<w>]     hashes; never change, cached for a year
GET /tile/entries/<n>[.p/<w>]     entries; likewise
GET /status                       sizes, and whether witnesses are awaited
POST /append, /checkpoint         for issuers, where the log is served for appending (`ledger.http.append_routes`)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from ledger.errors import ConflictError, FormatError, IntegrityError, ProjectError, VerificationError
from ledger.http.append_routes import Appending, append_router, status_of_refusal
from ledger.http.held import HeldPublication
from ledger.reasons import Reason
from ledger.store.base import Store
from ledger.tile_paths import parse_tile_path

__all__ = ["create_log_app"]

_CHECKPOINT_CACHE = "public, max-age=1"
_TILE_CACHE = "public, max-age=31536000, immutable"


def create_log_app(open_store: Callable[[], Store], *, appending: Appending | None = None) -> FastAPI:
    """The log of a store. The store is opened by the thread of the server's loop, and read by it alone: each read is
    a few kilobytes by primary key. After a failure it is opened again (`HeldPublication`).

    Args:
        appending: also take entries; without it the app only reads, and needs no key.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        held = HeldPublication(open_store)
        app.state.held = held
        try:
            if appending is not None:
                appending.commits.start()
            yield
            if appending is not None:
                await run_in_threadpool(appending.commits.stop)
        finally:
            held.lose()

    app = FastAPI(
        title="Tallystick log", version="1", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan,
        redirect_slashes=False,
    )  # fmt: skip
    for path, endpoint in (("/checkpoint", _checkpoint), ("/tile/{rest:path}", _tile), ("/status", _status)):
        app.add_api_route(path, endpoint, methods=["GET", "HEAD"], response_model=None)
    if appending is not None:
        app.state.appending = appending
        app.include_router(append_router())
    app.add_exception_handler(ProjectError, _on_project_error)
    return app


async def _checkpoint(request: Request) -> Response:
    published = _held(request).newest()
    if published is None:
        raise ConflictError(Reason.LOG_INCLUSION_MISSING, "no cosigned checkpoint yet")
    return Response(
        published.note,
        headers={"Cache-Control": _CHECKPOINT_CACHE},
        media_type="text/plain; charset=utf-8",
    )


async def _tile(rest: str, request: Request) -> Response:
    held = _held(request)
    piece = parse_tile_path(f"tile/{rest}")
    published = held.newest()
    size = 0 if published is None else published.checkpoint.size
    data = held.publication().read(piece, published_size=size)
    return Response(data, headers={"Cache-Control": _TILE_CACHE}, media_type="application/octet-stream")


async def _status(request: Request) -> Response:
    """What an operator looks at: `logged` entries are durable, `published` ones are covered by the checkpoint."""
    held = _held(request)
    published, publication = held.newest(), held.publication()
    size = 0 if published is None else published.checkpoint.size
    logged, signed = publication.logged(), publication.signed()
    state = (
        "awaiting witnesses" if signed > size else "published" if logged == size else "awaiting a checkpoint"
    )
    body = {
        "origin": publication.origin,
        "logged": logged,
        "signed": signed,
        "published": size,
        "state": state,
    }
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


def _held(request: Request) -> HeldPublication:
    held: HeldPublication = request.app.state.held
    return held


async def _on_project_error(request: Request, error: Exception) -> Response:
    """404 for what is not there (yet), 503 for what our own store cannot give."""
    assert isinstance(error, ProjectError)
    if request.method == "POST":
        return PlainTextResponse(f"{error.reason.value}\n", *status_of_refusal(error))
    if isinstance(error, IntegrityError):
        _held(request).lose()  # to be opened, and compared, at the next question
    absent = (
        isinstance(error, FormatError | VerificationError) or error.reason is Reason.LOG_INCLUSION_MISSING
    )
    return PlainTextResponse(
        f"{error.reason.value}\n", 404 if absent else 503, headers={"Cache-Control": "no-store"}
    )
