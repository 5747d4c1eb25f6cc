"""What every exchange has in common, as one ASGI layer: bounded strict JSON in, `no-store` out, counted and timed.

A body is read whole before a route runs: at most `max_body` bytes, within `body_seconds`, `application/json`, UTF-8,
without duplicate members, NaN or lone surrogates. Log lines and metrics name the route's pattern, never its values.
"""

from __future__ import annotations

import asyncio
import json
import logging
from time import perf_counter
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ledger.errors import FormatError
from ledger.reasons import Reason
from wallet_api.http.problems import language_of, problem

__all__ = ["BODY_SECONDS", "MAX_BODY", "Manners", "Metrics", "parse_strict_json"]

MAX_BODY: Final = 128 * 1024
BODY_SECONDS: Final = 10.0
_MEDIA_TYPE = "application/json"
_LOG = logging.getLogger("tallystick.wallet")


class Metrics:
    """Counters of one process; no label holds anything about a person."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "tallystick_wallet_requests", "Answers", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "tallystick_wallet_seconds", "Time to answer", ["route"], registry=self.registry
        )


class Manners:
    """The layer around the application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        max_body: int = MAX_BODY,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._max_body = max_body
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = perf_counter(), 500

        async def polite_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["Cache-Control"] = "no-store"
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        headers = Headers(scope=scope)
        try:
            try:
                body = await self._body(headers, receive)
            except FormatError as exc:
                code = {Reason.API_BODY_TOO_LARGE: 413, Reason.API_MEDIA_TYPE: 415}.get(exc.reason, 422)
                refusal = problem(language_of(headers.get("accept-language", "")), exc.reason, code)
                refusal.headers["Connection"] = "close"  # what is left of the body is not read
                await refusal(scope, receive, polite_send)
                return
            await self._app(scope, _Replay(body, receive), polite_send)
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
        if headers.get("content-type", "").partition(";")[0].strip().lower() != _MEDIA_TYPE:
            raise FormatError(Reason.API_MEDIA_TYPE)
        try:
            async with asyncio.timeout(self._body_seconds):
                body = await _read(receive, self._max_body)
        except TimeoutError as exc:
            raise FormatError(Reason.API_VALIDATION, "the body came too slowly") from exc
        if body:
            parse_strict_json(body)
        return body

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if scope["method"] in ("GET", "POST", "DELETE") else "other"
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        line = {"method": method, "route": route, "status": status, "ms": round(1000 * seconds, 1)}
        _LOG.info("%s", json.dumps(line))


class _Replay:
    """A `receive` that gives a body that was read already."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._message: Message | None = {"type": "http.request", "body": body, "more_body": False}
        self._receive = receive

    async def __call__(self) -> Message:
        message, self._message = self._message, None
        return message if message is not None else await self._receive()


async def _read(receive: Receive, at_most: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > at_most:
            raise FormatError(Reason.API_BODY_TOO_LARGE, f"more than {at_most} bytes")
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return bytes(body)


def parse_strict_json(body: bytes) -> Any:
    """JSON with one reading only. Raises FormatError `api.validation`."""
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_distinct, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # refuses lone surrogates
    except (ValueError, RecursionError) as exc:
        raise FormatError(Reason.API_VALIDATION, "not strict JSON") from exc
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members


def _refuse(_: str) -> Any:
    raise ValueError("not a number of JSON")
