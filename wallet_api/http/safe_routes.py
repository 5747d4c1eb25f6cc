"""Login, and the safe."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from wallet_api import login, safe
from wallet_api.http import models, views
from wallet_api.http.auth import Address, CitizenCaller, ReaderLanguage, TheService, bearer_token
from wallet_api.http.models import b64, unb64

__all__ = ["router"]

router = APIRouter()
_Page = Annotated[models.PageQuery, Query()]


@router.post("/login/challenges", status_code=201)
def begin_login(
    body: models.ChallengeRequest, service: TheService, address: Address
) -> models.ChallengeToSign:
    """The exact bytes to sign with the holder key. Every key gets one, known here or not."""
    made = login.begin_login(service, unb64(body.holder_key), address=address)
    return models.ChallengeToSign(
        challenge_id=made.id.hex(), to_be_signed=b64(made.to_be_signed), expires=made.expires
    )


@router.post("/login/tokens", status_code=201)
def complete_login(body: models.TokenRequest, service: TheService, address: Address) -> models.Token:
    """A bearer token for 15 minutes, for the signature over a challenge; a challenge is good once."""
    made = login.complete_login(
        service, bytes.fromhex(body.challenge_id), unb64(body.signature), address=address
    )
    return models.Token(token=made.token, token_type="Bearer", expires=made.expires)  # noqa: S106 - a scheme's name


@router.delete("/login/tokens/current", status_code=204)
def log_out(request: Request, caller: CitizenCaller, service: TheService) -> Response:
    """End this session."""
    login.log_out(service, bearer_token(request) or "")
    return Response(status_code=204)


@router.post("/certificates", status_code=201)
def put_certificate(
    body: models.CertificateFile,
    caller: CitizenCaller,
    service: TheService,
    language: ReaderLanguage,
    response: Response,
) -> models.CertificateSummary:
    """Put a whole certificate file into the safe: 201 when it is new, 200 when it was there."""
    stored, is_new = safe.put_certificate(service, caller, body.certificate.encode("ascii"))
    response.status_code = 201 if is_new else 200
    response.headers["ETag"] = f'"{stored.etag}"'
    return views.certificate_summary(stored, service.trust(), language)


@router.get("/certificates")
def list_certificates(
    page: _Page, caller: CitizenCaller, service: TheService, language: ReaderLanguage
) -> models.CertificatePage:
    """The certificates of the safe, by number."""
    found = safe.list_certificates(service, caller, after=page.after, limit=page.limit)
    trust = service.trust()
    return models.CertificatePage(
        certificates=[views.certificate_summary(stored, trust, language) for stored in found],
        next=found[-1].number if len(found) == page.limit else None,
    )


@router.get("/certificates/{number}", responses={304: {"description": "as `If-None-Match` says"}})
def get_certificate(
    number: str,
    caller: CitizenCaller,
    service: TheService,
    language: ReaderLanguage,
    response: Response,
    if_none_match: Annotated[str | None, Header(max_length=100)] = None,
) -> models.CertificateModel | None:
    """One certificate with its claims, and the file itself, which its holder checks."""
    stored = safe.get_certificate(service, caller, number[:32])
    etag = f'"{stored.etag}"'
    response.headers["ETag"] = etag
    if if_none_match == etag:
        response.status_code = 304
        return None
    return views.certificate_model(stored, service.trust(), language)


@router.delete("/certificates/{number}", status_code=204)
def delete_certificate(
    number: str,
    caller: CitizenCaller,
    service: TheService,
    if_match: Annotated[str | None, Header(max_length=100)] = None,
) -> Response:
    """Forget a certificate; with `If-Match`, only the version that was seen."""
    expected = None if if_match is None else if_match.strip('"')
    safe.delete_certificate(service, caller, number[:32], expected_etag=expected)
    return Response(status_code=204)


@router.delete("/safe", status_code=204)
def erase_safe(caller: CitizenCaller, service: TheService) -> Response:
    """Destroy the safe: its key, its certificates, its consents, its sessions."""
    safe.erase_safe(service, caller)
    return Response(status_code=204)
