"""A witness over HTTP (C2SP tlog-witness): logs ask it to cosign, monitors ask what it cosigned.

    POST /add-checkpoint              200 with signature lines, or 400, 403, 404, 409 (with the size), 422 as the
                                      specification says; 413 for a body beyond 1 MB; 503 when it must not sign now
    GET /<origin hash>/checkpoint     the newest note it cosigned of a log, with the log's signatures and its own

One thread owns the witness; the state is durable before an answer leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response

from ledger.errors import ProjectError
from ledger.http.body import read_body
from ledger.reasons import Reason
from ledger.witness import LocalWitness
from ledger.witness_protocol import MAX_REQUEST, SIZE_TYPE, WitnessConflictError

__all__ = ["create_witness_app"]

_BODY_SECONDS = 10.0
_TEXT = "text/plain; charset=utf-8"
_STATUS = {
    Reason.WIT_BAD_REQUEST: 400,
    Reason.WIT_UNAUTHORISED: 403,
    Reason.WIT_UNKNOWN_LOG: 404,
    Reason.WIT_PROOF_INVALID: 422,
    Reason.ENC_TOO_LARGE: 413,
}


@dataclass(frozen=True, slots=True)
class _Served:
    witness: LocalWitness
    thread: ThreadPoolExecutor
    clock: Callable[[], int]


def create_witness_app(open_witness: Callable[[], LocalWitness], *, clock: Callable[[], int]) -> FastAPI:
    """The witness that `open_witness` opens, in the thread that will own it.

    Args:
        clock: POSIX seconds.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, "witness") as thread:
            witness = await loop.run_in_executor(thread, open_witness)
            app.state.served = _Served(witness, thread, clock)
            try:
                yield
            finally:
                await loop.run_in_executor(thread, witness.close)

    app = FastAPI(
        title="Tallystick witness", version="1", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan,
        redirect_slashes=False,
    )  # fmt: skip
    app.add_api_route("/add-checkpoint", _add_checkpoint, methods=["POST"], response_model=None)
    app.add_api_route("/{origin_hash}/checkpoint", _latest, methods=["GET", "HEAD"], response_model=None)
    app.add_exception_handler(ProjectError, _on_project_error)
    return app


async def _add_checkpoint(request: Request) -> Response:
    served: _Served = request.app.state.served
    body = await read_body(
        request,
        at_most=MAX_REQUEST,
        seconds=_BODY_SECONDS,
        too_large=Reason.ENC_TOO_LARGE,
        too_slow=Reason.WIT_BAD_REQUEST,
    )
    loop = asyncio.get_running_loop()
    lines = await loop.run_in_executor(
        served.thread, lambda: served.witness.add_checkpoint(body, now=served.clock())
    )
    return Response(lines, headers={"Cache-Control": "no-store"}, media_type=_TEXT)


async def _latest(origin_hash: str, request: Request) -> Response:
    served: _Served = request.app.state.served
    loop = asyncio.get_running_loop()
    note = await loop.run_in_executor(served.thread, lambda: served.witness.latest_note(origin_hash))
    if note is None:
        return PlainTextResponse("never cosigned\n", 404, headers={"Cache-Control": "no-store"})
    return Response(note, headers={"Cache-Control": "public, max-age=1"}, media_type=_TEXT)


async def _on_project_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProjectError)
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, WitnessConflictError):
        headers["Content-Type"] = SIZE_TYPE  # as it is: a media type given apart would get a charset
        return Response(f"{error.size}\n", 409, headers)
    # What is left is ours: a state that was lost, a disk that fails, a lock. Nothing was cosigned.
    return PlainTextResponse(f"{error.reason.value}\n", _STATUS.get(error.reason, 503), headers)
