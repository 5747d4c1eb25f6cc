"""Errors as RFC 9457 problems: one table from reason and error class to status, a sentence in the reader's language."""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from certificate.texts import Language, reason_text
from ledger.errors import (
    ConflictError,
    ConsentError,
    FormatError,
    ProjectError,
    UndeterminedError,
    VerificationError,
)
from ledger.reasons import Reason
from wallet_api.limits import RateLimitedError

__all__ = ["PROBLEM_TYPE", "language_of", "problem", "problem_of", "unexpected"]

PROBLEM_TYPE = "application/problem+json"

_BY_REASON: Mapping[Reason, int] = {
    Reason.AUTH_MISSING: 401,
    Reason.AUTH_INVALID: 401,
    Reason.AUTHZ_NOT_FOUND: 404,
    Reason.AUTHZ_DENIED: 403,
    Reason.ORG_UNREGISTERED: 403,
    Reason.ORG_PURPOSE_NOT_ALLOWED: 403,
    Reason.ORG_SUSPENDED: 403,
    Reason.ORG_KEY_REPLACED: 403,
    Reason.ORG_REMINDED: 409,
    Reason.HOOK_ADDRESS: 422,
    Reason.CONSENT_NOT_YET_VALID: 409,
    Reason.CONSENT_EXHAUSTED: 409,
    Reason.CONSENT_EXPIRED: 410,
    Reason.CONSENT_REVOKED: 410,
    Reason.CONSENT_WINDOW_TOO_LONG: 422,
    Reason.STATUS_REPLACED: 409,
    Reason.STATUS_SUSPENDED: 409,
    Reason.STATUS_REVOKED: 409,
    Reason.API_BODY_TOO_LARGE: 413,
    Reason.API_MEDIA_TYPE: 415,
    Reason.API_RATE_LIMITED: 429,
    Reason.API_IDEMPOTENCY_CONFLICT: 409,
    Reason.API_VERSION_CONFLICT: 412,
    Reason.STORE_LOCKED: 503,
    Reason.STORE_IO_ERROR: 503,
}
_BY_CLASS: tuple[tuple[type[ProjectError], int], ...] = (
    (FormatError, 422),
    (VerificationError, 422),
    (UndeterminedError, 503),
    (ConsentError, 403),
    (ConflictError, 409),
)
_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    412: "Precondition Failed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def problem_of(request: Request, error: ProjectError) -> Response:
    """The answer to a project error. Its own detail stays here: it is for the operator, not for the caller."""
    status = _BY_REASON.get(error.reason)
    if status is None:
        status = next((code for kind, code in _BY_CLASS if isinstance(error, kind)), 500)
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RateLimitedError):
        headers["Retry-After"] = str(error.retry_after)
    return problem(language_of(request.headers.get("accept-language", "")), error.reason, status, headers)


def problem(
    language: Language, reason: Reason | None, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    """A problem body; nothing of the request stands in it."""
    title = _TITLES.get(status, "Error")
    body: dict[str, object] = {"type": "about:blank", "title": title, "status": status}
    if reason is not None:
        body |= {"reason": reason.value, "detail": reason_text(reason, language)}
    more = {
        "Cache-Control": "no-store",
        "Content-Language": language,
        "Vary": "Accept-Language",
        **(headers or {}),
    }
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    return Response(content, status, more, PROBLEM_TYPE)


def unexpected(request: Request, error: HTTPException) -> Response:
    """What the router itself refuses: no such route, no such method, an unreadable body."""
    language = language_of(request.headers.get("accept-language", ""))
    reason = Reason.AUTHZ_NOT_FOUND if error.status_code == 404 else Reason.API_VALIDATION
    return problem(language, reason, error.status_code, error.headers)


def language_of(accept_language: str) -> Language:
    """zh if the first language named is Chinese, else en."""
    return "zh" if accept_language[:64].strip().lower().startswith("zh") else "en"
