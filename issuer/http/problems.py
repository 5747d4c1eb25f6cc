"""Errors as RFC 9457 problem bodies, in the reader's language; one table from error to status."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request
from fastapi.responses import JSONResponse

from certificate.texts import Language, reason_text
from issuer.http.limits import TooOftenError
from ledger.errors import (
    ConfigError,
    ConflictError,
    FormatError,
    IntegrityError,
    ProjectError,
    UndeterminedError,
    VerificationError,
)
from ledger.reasons import Reason

__all__ = ["problem", "reader_language"]

_BY_REASON = {
    Reason.AUTH_MISSING: 401,
    Reason.AUTH_INVALID: 401,
    Reason.AUTHZ_DENIED: 403,
    Reason.AUTHZ_NOT_FOUND: 404,
    Reason.API_BODY_TOO_LARGE: 413,
    Reason.API_MEDIA_TYPE: 415,
    Reason.API_VALIDATION: 422,
    Reason.API_RATE_LIMITED: 429,
    Reason.KEY_REVOKED: 403,
    Reason.CLI_CLOCK_SUSPECT: 503,
}
_BY_CLASS = (
    (FormatError, 400),
    (VerificationError, 400),
    (UndeterminedError, 503),
    (ConflictError, 503),
    (ConfigError, 404),
    (IntegrityError, 500),
)


def problem(
    error: ProjectError,
    request: Request,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer to an error, with the table's status or the one given. It never repeats what was sent."""
    if status is None:
        status = _BY_REASON.get(error.reason) or next(
            (s for kind, s in _BY_CLASS if isinstance(error, kind)), 500
        )
    body = {
        "type": f"urn:tallystick:reason:{error.reason.value}",
        "title": error.reason.value,
        "status": status,
        "reason": error.reason.value,
        "detail": reason_text(error.reason, reader_language(request)),
    }
    more = {"Cache-Control": "no-store", **(headers or {})}
    if status == 401:
        more["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooOftenError):
        more["Retry-After"] = str(error.retry_after)
    return JSONResponse(body, status, more, media_type="application/problem+json")


def reader_language(request: Request) -> Language:
    return "zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"
