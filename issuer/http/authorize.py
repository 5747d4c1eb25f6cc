"""The browser's side of a real-name login: `/authorize` (OpenID4VCI 1.0 section 5) and the provider's way back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse

from issuer.claiming.logins import LOGIN_LIFETIME, LOST_KEY_SCOPE, Asked, Logins
from issuer.http.answers import PROBLEMS
from issuer.http.configurations import CONFIGURATION
from issuer.http.state import Service, State, address_of
from ledger.errors import ConfigError, FormatError, VerificationError
from ledger.reasons import Reason

__all__ = ["CALLBACK", "router"]

CALLBACK: Final = "/login/callback"
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_STATE: Final = re.compile(r"[\x21-\x7e]{1,512}")
_SCOPES: Final = {CONFIGURATION, LOST_KEY_SCOPE}
_REDIRECT: Final[dict[int | str, dict[str, Any]]] = {
    302: {
        "description": "On to the provider, or back to the wallet",
        "headers": {"Location": {"schema": {"type": "string", "format": "uri"}}},
    },
    **{status: PROBLEMS[status] for status in (401, 404, 422, 429)},
}

router = APIRouter()


def _parameters(*names: str) -> dict[str, Any]:
    rows = [{"name": name, "in": "query", "required": False, "schema": {"type": "string"}} for name in names]
    return {"parameters": rows}


@router.get(
    "/authorize",
    status_code=302,
    response_class=RedirectResponse,
    responses=_REDIRECT,
    openapi_extra=_parameters(
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "code_challenge",
        "code_challenge_method",
    ),
)
async def authorize(request: Request, state: Service) -> RedirectResponse:
    """Begin a real-name login for a wallet; PKCE with S256 and a state are due.

    A client or address that is not configured is refused here and never redirected to.
    """
    logins = _logins(state)
    state.limits.identity_address.take(address_of(request), now=state.now())
    form = _query(request)
    client_id, redirect_uri = form.get("client_id", ""), form.get("redirect_uri", "")
    if not logins.knows(client_id, redirect_uri):
        raise VerificationError(Reason.AUTH_INVALID, "no such client with such an address")
    scopes = form.get("scope", "").split(" ")
    asked = Asked(
        client_id,
        redirect_uri,
        form.get("state", ""),
        form.get("code_challenge", ""),
        lost_key=LOST_KEY_SCOPE in scopes,
    )
    error = _error(form, scopes, asked)
    if error is not None:
        return _redirect(logins.refusal(asked, error))
    try:
        address, browser = await logins.begin(asked, now=state.now())
    except VerificationError:
        return _redirect(logins.refusal(asked, "temporarily_unavailable"))
    answer = _redirect(address)
    answer.set_cookie(
        _cookie(state),
        browser,
        max_age=LOGIN_LIFETIME,
        secure=state.url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get(
    CALLBACK,
    status_code=302,
    response_class=RedirectResponse,
    responses=_REDIRECT,
    openapi_extra=_parameters("code", "state", "error", "iss"),
)
async def callback(request: Request, state: Service) -> RedirectResponse:
    """Where the provider sends the browser back; goes on to the wallet with a code, or with a refusal."""
    logins = _logins(state)
    state.limits.identity_address.take(address_of(request), now=state.now())
    browser = request.cookies.get(_cookie(state), "")
    address = await logins.complete(
        _query(request), browser=browser, now=state.now(), in_thread=asyncio.to_thread
    )
    answer = _redirect(address)
    answer.delete_cookie(_cookie(state), secure=state.url.startswith("https:"), httponly=True, samesite="lax")
    return answer


def _error(form: Mapping[str, str], scopes: list[str], asked: Asked) -> str | None:
    """The error code of RFC 6749 section 4.1.2.1, or None."""
    if form.get("response_type") != "code":
        return "unsupported_response_type"
    if not set(scopes) <= _SCOPES or CONFIGURATION not in scopes:
        return "invalid_scope"
    plain = form.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(asked.challenge)
    return "invalid_request" if plain or not _STATE.fullmatch(asked.state) else None


def _query(request: Request) -> dict[str, str]:
    try:
        pairs = parse_qsl(request.url.query, keep_blank_values=True, max_num_fields=16, errors="strict")
    except ValueError as exc:
        raise FormatError(Reason.API_VALIDATION, "the query") from exc
    form = dict(pairs)
    if len(form) != len(pairs):
        raise FormatError(Reason.API_VALIDATION, "a parameter twice")
    return form


def _logins(state: State) -> Logins:
    if state.logins is None:
        raise ConfigError(Reason.AUTHZ_NOT_FOUND, "no login provider is configured")
    return state.logins


def _cookie(state: State) -> str:
    return "__Host-tally-login" if state.url.startswith("https:") else "tally-login"


def _redirect(address: str) -> RedirectResponse:
    return RedirectResponse(address, 302, {"Referrer-Policy": "no-referrer"})
