"""The endpoints of OpenID4VCI 1.0: token, nonce, credential, notification, and what a service says about itself.

Certificates travel as base64url of their bytes in the format `tallystick`; the standard formats follow later.
"""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse

from certificate.qr_text import encode_file_text
from issuer.http.answers import (
    OAUTH_ERRORS,
    PROBLEMS,
    ClaimedBody,
    Credential,
    CredentialRequest,
    NonceBody,
    Notification,
    TokenBody,
)
from issuer.http.configurations import (
    AUTHORIZATION_CODE,
    CONFIGURATION,
    PRE_AUTHORIZED,
    authorization_metadata,
    issuer_metadata,
)
from issuer.http.manners import FORM
from issuer.http.proofs import verify_proof
from issuer.http.state import Service, State, address_of, bearer_token
from issuer.http.tokens import TOKEN_LIFETIME, Grant
from ledger.errors import FormatError, ProjectError, VerificationError
from ledger.reasons import Reason

__all__ = ["router"]

_TOKEN_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {
                        name: {"type": "string"}
                        for name in (
                            "grant_type",
                            "pre-authorized_code",
                            "tx_code",
                            "code",
                            "client_id",
                            "redirect_uri",
                            "code_verifier",
                        )
                    },
                },
                "example": {
                    "grant_type": PRE_AUTHORIZED,
                    "pre-authorized_code": "ABCDEFGHIJKLMNOPQRST",
                    "tx_code": "123456",
                },
            }
        },
    }
}

router = APIRouter()


@router.get("/.well-known/openid-credential-issuer")
def credential_issuer(state: Service) -> dict[str, Any]:
    """Credential issuer metadata, section 12.2."""
    return issuer_metadata(state.url)


@router.get("/.well-known/oauth-authorization-server")
def authorization_server(state: Service) -> dict[str, Any]:
    """RFC 8414 metadata of the authorization server, which is this service."""
    return authorization_metadata(state.url, with_login=state.logins is not None)


_WITH_TOKEN: Final = {"header.authorization": "Bearer {$response.body#/access_token}"}
_TOKEN_LINKS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Good for one claim",
        "links": {
            "claim": {"operationId": "credential", "parameters": _WITH_TOKEN},
            "recoveries": {"operationId": "recoveries", "parameters": _WITH_TOKEN},
        },
    }
}


@router.post(
    "/token",
    operation_id="token",
    response_model=TokenBody,
    responses=_TOKEN_LINKS | OAUTH_ERRORS | {status: PROBLEMS[status] for status in (413, 415, 429)},
    openapi_extra=_TOKEN_FORM,
)
async def token(request: Request, state: Service) -> Response:
    """A short-lived access token for whoever proves who they are: by code and PIN, or by the code of a login.

    Section 6; errors as RFC 6749 section 5.2 says.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise FormatError(Reason.API_MEDIA_TYPE, "a form is due")
    state.limits.identity_address.take(address_of(request), now=state.now())
    try:
        pairs = parse_qsl(
            (await request.body()).decode("utf-8"), keep_blank_values=True, max_num_fields=16, errors="strict"
        )
    except ValueError:
        return _oauth_error("invalid_request")
    form = dict(pairs)
    if len(form) != len(pairs):
        return _oauth_error("invalid_request")
    way = state.ways.get(form.get("grant_type", ""))
    if way is None:
        return _oauth_error("unsupported_grant_type")
    ticket = form.get("code" if form["grant_type"] == AUTHORIZATION_CODE else "pre-authorized_code", "")
    state.limits.identity_code.take(sha256(ticket.encode()).hexdigest(), now=state.now())
    try:
        proven = await asyncio.to_thread(way.prove, form, now=state.now())
    except FormatError:
        return _oauth_error("invalid_request")
    except VerificationError:
        if (
            form["grant_type"] == AUTHORIZATION_CODE
        ):  # a code played back ends what it gave: RFC 6749 section 4.1.2
            state.tokens.end_ticket(ticket)
        return _oauth_error("invalid_grant")
    made = state.tokens.issue(proven, way, now=state.now())
    return JSONResponse({"access_token": made, "token_type": "Bearer", "expires_in": TOKEN_LIFETIME})


@router.post("/nonce", responses={429: PROBLEMS[429]})
async def nonce(request: Request, state: Service) -> NonceBody:
    """A nonce for one proof. Section 7."""
    state.limits.proof_address.take(address_of(request), now=state.now())
    return NonceBody(c_nonce=state.nonces.make(now=state.now()))


@router.post(
    "/credential",
    operation_id="credential",
    response_model=ClaimedBody,
    response_model_exclude_none=True,
    responses=OAUTH_ERRORS
    | {status: PROBLEMS[status] for status in (401, 403, 404, 413, 415, 422, 429, 503)},
)
async def credential(
    wanted: CredentialRequest,
    request: Request,
    state: Service,
    authorization: Annotated[str | None, Header()] = None,
) -> Response:
    """Mint a certificate to the key that proves itself: logged and cosigned before it leaves. Section 8.

    The same request again, after an answer was lost on its way, is answered with the same bytes.
    """
    grant = state.tokens.grant(bearer_token(authorization), now=state.now())
    if wanted.credential_configuration_id != CONFIGURATION:
        return _oauth_error("unknown_credential_configuration")
    proof = wanted.proofs.jwt[0]
    name = sha256(proof.encode()).digest()
    known = grant.answers.get(name)
    if known is not None:
        return _json(await asyncio.shield(known))
    if grant.spent:
        raise VerificationError(Reason.AUTH_INVALID, "the access token was used")
    state.limits.proof_address.take(address_of(request), now=state.now())
    try:
        holder = verify_proof(proof, audience=state.url, nonces=state.nonces, now=state.now())
    except ProjectError as exc:
        error = "invalid_nonce" if exc.reason is Reason.PRES_NONCE_MISMATCH else "invalid_proof"
        return _oauth_error(error, exc.reason)
    answer = asyncio.ensure_future(_claim(state, grant, holder))
    grant.answers[name] = answer
    try:
        return _json(await asyncio.shield(answer))  # a caller who hangs up does not undo a claim
    except ProjectError:
        del grant.answers[name]
        raise


@router.post(
    "/notification",
    status_code=204,
    response_model=None,
    responses={status: PROBLEMS[status] for status in (413, 415, 422)},
)
def notification(said: Notification) -> Response:
    """Taken and not kept: what a wallet does with a certificate is the citizen's own business."""
    return Response(status_code=204)


async def _claim(state: State, grant: Grant, holder: bytes) -> bytes:
    grant.bind(holder)
    await asyncio.to_thread(grant.way.bind, grant.proven, holder)
    claimed = await asyncio.wrap_future(state.worker.claim(grant.proven, holder))
    grant.spent = True
    state.tokens.keep(grant)
    state.metrics.claims.labels(grant.proven.identity.way.name.lower()).inc()
    body = ClaimedBody(
        credentials=[Credential(credential=encode_file_text(claimed.certificate))],
        notification_id=encode_file_text(state.random(16)),
        recoveries=[encode_file_text(statement) for statement in claimed.recoveries] or None,
    )
    return body.model_dump_json(exclude_none=True).encode()


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


def _oauth_error(error: str, reason: Reason | None = None) -> JSONResponse:
    body = {"error": error} | ({} if reason is None else {"error_description": reason.value})
    return JSONResponse(body, 400)
