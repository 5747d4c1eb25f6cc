"""The endpoints of OpenID4VCI 1.0 (pre-authorized code flow, section 4.1.1) and renewal by the holder's key alone.

Certificates travel as base64url of their bytes in the format `tallystick`; the standard formats follow later.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from certificate.qr_text import encode_file_text
from issuer.http.proofs import PROOF_ALGORITHMS, verify_proof
from issuer.http.state import Service, State, bearer_token
from issuer.http.tokens import TOKEN_LIFETIME, Grant
from ledger.errors import FormatError, ProjectError, VerificationError
from ledger.reasons import Reason

__all__ = ["CONFIGURATION", "PRE_AUTHORIZED", "credential_offer", "router"]

PRE_AUTHORIZED: Final = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
CONFIGURATION: Final = "contribution"
_NO_STORE: Final = {"Cache-Control": "no-store"}

router = APIRouter()


class Proofs(BaseModel):
    model_config = ConfigDict(extra="forbid")
    jwt: list[str] = Field(min_length=1, max_length=1)


class CredentialRequest(BaseModel):
    """OpenID4VCI 1.0, section 8.2: one certificate, bound to the key of one proof."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"credential_configuration_id": CONFIGURATION, "proofs": {"jwt": ["eyJ0eXAi…"]}}
        },
    )
    credential_configuration_id: str
    proofs: Proofs


class Notification(BaseModel):
    """OpenID4VCI 1.0, section 11: what became of a certificate in the wallet."""

    model_config = ConfigDict(extra="forbid")
    notification_id: str = Field(max_length=64)
    event: str = Field(pattern="^credential_(accepted|failure|deleted)$")
    event_description: str | None = Field(default=None, max_length=256)


class RenewalRequest(BaseModel):
    """The holder key's proof, and the cut-off month (YYYYMM) of the certificate already held, 0 for none."""

    model_config = ConfigDict(extra="forbid")
    proof: str = Field(max_length=4096)
    newer_than: int = Field(ge=0, le=299912)


def credential_offer(url: str, code: str) -> dict[str, Any]:
    """The credential offer object (section 4.1.1) that a letter's QR code carries to the citizen's wallet."""
    tx_code = {"input_mode": "numeric", "length": 6, "description": "PIN"}
    return {
        "credential_issuer": url,
        "credential_configuration_ids": [CONFIGURATION],
        "grants": {PRE_AUTHORIZED: {"pre-authorized_code": code, "tx_code": tx_code}},
    }


@router.get("/.well-known/openid-credential-issuer")
def issuer_metadata(state: Service) -> dict[str, Any]:
    """Credential issuer metadata, section 12.2."""
    proof_type = {"jwt": {"proof_signing_alg_values_supported": list(PROOF_ALGORITHMS)}}
    return {
        "credential_issuer": state.url,
        "credential_endpoint": f"{state.url}/credential",
        "nonce_endpoint": f"{state.url}/nonce",
        "notification_endpoint": f"{state.url}/notification",
        "credential_configurations_supported": {
            CONFIGURATION: {
                "format": "tallystick",
                "scope": CONFIGURATION,
                "cryptographic_binding_methods_supported": ["jwk"],
                "proof_types_supported": proof_type,
            }
        },
    }


@router.get("/.well-known/oauth-authorization-server")
def authorization_metadata(state: Service) -> dict[str, Any]:
    """RFC 8414 metadata of the authorization server, which is this service."""
    return {
        "issuer": state.url,
        "token_endpoint": f"{state.url}/token",
        "grant_types_supported": [PRE_AUTHORIZED],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["none"],
    }


@router.post("/token", response_model=None)
async def token(request: Request, state: Service) -> Response:
    """A short-lived access token for a code and its PIN. Section 6; errors as RFC 6749 section 5.2 says."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        raise FormatError(Reason.API_MEDIA_TYPE, "a form is due")
    pairs = parse_qsl(
        (await request.body()).decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=16
    )
    form = dict(pairs)
    if len(form) != len(pairs):
        return _oauth_error("invalid_request")
    if form.get("grant_type") != PRE_AUTHORIZED:
        return _oauth_error("unsupported_grant_type")
    code, pin = form.get("pre-authorized_code", ""), form.get("tx_code", "")
    if not (0 < len(code) <= 64 and 0 < len(pin) <= 16):
        return _oauth_error("invalid_request")
    try:
        person_no = await asyncio.to_thread(state.offers.redeem, code, pin, now=state.now())
    except VerificationError:
        return _oauth_error("invalid_grant")
    made = state.tokens.issue(person_no, code, now=state.now())
    body = {"access_token": made, "token_type": "Bearer", "expires_in": TOKEN_LIFETIME}
    return JSONResponse(body, headers=_NO_STORE)


@router.post("/nonce", response_model=None)
def nonce(state: Service) -> Response:
    """A nonce for one proof. Section 7."""
    return JSONResponse({"c_nonce": state.nonces.make(now=state.now())}, headers=_NO_STORE)


@router.post("/credential", response_model=None)
async def credential(
    wanted: CredentialRequest, state: Service, authorization: Annotated[str | None, Header()] = None
) -> Response:
    """Mint a certificate to the key that proves itself: logged and cosigned before it leaves. Section 8."""
    bearer, grant = _grant(state, authorization)
    if wanted.credential_configuration_id != CONFIGURATION:
        return _oauth_error("unknown_credential_configuration")
    try:
        holder = verify_proof(wanted.proofs.jwt[0], audience=state.url, nonces=state.nonces, now=state.now())
    except ProjectError as exc:
        error = "invalid_nonce" if exc.reason is Reason.PRES_NONCE_MISMATCH else "invalid_proof"
        return _oauth_error(error, exc.reason)
    await asyncio.to_thread(state.offers.bind, grant.code, holder)
    certificate = await asyncio.wrap_future(state.worker.claim(grant.person_no, holder))
    state.tokens.end(bearer)
    body = {
        "credentials": [{"credential": encode_file_text(certificate)}],
        "notification_id": encode_file_text(state.random(16)),
    }
    return JSONResponse(body, headers=_NO_STORE)


@router.post("/notification", status_code=204, response_model=None)
def notification(said: Notification) -> Response:
    """Taken and not kept: what a wallet does with a certificate is the citizen's own business."""
    return Response(status_code=204)


@router.post("/renewal", response_model=None)
async def renewal(wanted: RenewalRequest, state: Service) -> Response:
    """The newest certificate of the key that proves itself, if it is newer; else 204. No code, no PIN, no tap."""
    holder = verify_proof(wanted.proof, audience=state.url, nonces=state.nonces, now=state.now())
    newest = await asyncio.wrap_future(state.worker.newest(holder))
    if newest is None or newest.cut_off <= wanted.newer_than:
        return Response(status_code=204, headers=_NO_STORE)
    body = {"cut_off": newest.cut_off, "credential": encode_file_text(newest.certificate)}
    return JSONResponse(body, headers=_NO_STORE)


def _grant(state: State, authorization: str | None) -> tuple[str, Grant]:
    bearer = bearer_token(authorization)
    return bearer, state.tokens.grant(bearer, now=state.now())


def _oauth_error(error: str, reason: Reason | None = None) -> JSONResponse:
    body = {"error": error} | ({} if reason is None else {"error_description": reason.value})
    return JSONResponse(body, 400, _NO_STORE)
