"""What every exchange has in common: bounded bodies with one reading, `no-store`, counted, timed, one line of log.

A body is read whole before a route runs: at most MAX_BODY bytes within `body_seconds`; JSON is UTF-8 without
duplicate members, NaN or lone surrogates; a form is taken by the routes that ask for one. Lines and metrics name the
route's pattern and never a value, so nothing about a person stands in them.
"""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from fastapi import Request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from issuer.http.problems import problem
from ledger.errors import FormatError, ProjectError
from ledger.reasons import Reason

__all__ = ["BODY_SECONDS", "FORM", "MAX_BODY", "Manners", "Metrics"]

MAX_BODY: Final = 16_384
BODY_SECONDS: Final = 10.0
FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
_METHODS: Final = ("GET", "POST")
_LOG = logging.getLogger("tallystick.bureau")


class Metrics:
    """Counters of one process; no label holds anything about a person."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.answers = Counter(
            "tallystick_bureau_requests", "Answers", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "tallystick_bureau_seconds", "Time to answer", ["route"], registry=self.registry
        )
        self.claims = Counter(
            "tallystick_bureau_claims", "Certificates claimed", ["way"], registry=self.registry
        )
        self.lookups_waiting = Gauge(
            "tallystick_bureau_lookups_waiting",
            "Look-ups the wallet service was not told of yet",
            registry=self.registry,
        )


class Manners:
    """The layer around the application."""

    def __init__(
        self, app: ASGIApp, *, metrics: Metrics, max_body: int = MAX_BODY, body_seconds: float = BODY_SECONDS
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._max_body = max_body
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = perf_counter(), 0

        async def polite_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["Cache-Control"] = "no-store"
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        try:
            try:
                body = await self._body(Headers(scope=scope), receive)
            except FormatError as exc:
                refusal = problem(exc, Request(scope))
                refusal.headers["Connection"] = "close"  # what is left of the body is not read
                await refusal(scope, receive, polite_send)
                return
            await self._app(scope, _replay(body, receive), polite_send)
        except Exception as exc:
            _log_bug(exc)
            if status:
                raise  # half an answer is out: the server cuts the connection
            await problem(ProjectError(Reason.STORE_IO_ERROR), Request(scope), status=500)(
                scope, receive, polite_send
            )
        finally:
            self._count(scope, status, perf_counter() - started)

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or len(length) > 20:
            raise FormatError(Reason.API_VALIDATION, "content length")
        if int(length) > self._max_body:
            raise FormatError(Reason.API_BODY_TOO_LARGE, f"more than {self._max_body} bytes")
        if length == "0" and "transfer-encoding" not in headers:
            return b""
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in (_JSON, FORM):
            raise FormatError(Reason.API_MEDIA_TYPE)
        try:
            async with asyncio.timeout(self._body_seconds):
                body = await _read(receive, self._max_body)
        except TimeoutError as exc:
            raise FormatError(Reason.API_VALIDATION, "the body came too slowly") from exc
        if body and media_type == _JSON:
            _require_strict(body)
        return body

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.answers.labels(method, route, str(status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        line = {"method": method, "route": route, "status": status, "ms": round(1000 * seconds, 1)}
        _LOG.info("%s", json.dumps(line))


def _log_bug(exc: Exception) -> None:
    """Where it happened; its message may hold what nobody should read."""
    at = exc.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    place = "" if at is None else f"{Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}"
    _LOG.error("%s", json.dumps({"bug": type(exc).__name__, "at": place}))


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body that was read already."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _read(receive: Receive, at_most: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > at_most:
            raise FormatError(Reason.API_BODY_TOO_LARGE, f"more than {at_most} bytes")
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return bytes(body)


def _require_strict(body: bytes) -> None:
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_distinct, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # refuses lone surrogates
    except (ValueError, RecursionError) as exc:
        raise FormatError(Reason.API_VALIDATION, "not strict JSON") from exc


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members


def _refuse(_: str) -> Any:
    raise ValueError("not a number of JSON")
