"""Who calls: the bearer token becomes a citizen or an organisation before anything is looked up."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from certificate.texts import Language
from ledger.errors import ConsentError, VerificationError
from ledger.reasons import Reason
from wallet_api.http.problems import language_of
from wallet_api.login import authenticate
from wallet_api.service import Bureau, Citizen, Organisation, Principal, Service, not_found

__all__ = [
    "Address",
    "AnyCaller",
    "BureauCaller",
    "CitizenCaller",
    "OrganisationCaller",
    "ReaderLanguage",
    "RequestId",
    "TheService",
    "bearer_token",
]


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def _address(request: Request) -> str:
    return request.client.host if request.client is not None else ""


async def _language(request: Request) -> Language:
    return language_of(request.headers.get("accept-language", ""))


def bearer_token(request: Request) -> str | None:
    """The token of the one Authorization header. Raises VerificationError `auth.invalid` for another scheme."""
    values = request.headers.getlist("authorization")
    if not values:
        return None
    scheme, _, token = values[0].partition(" ")
    if len(values) > 1 or scheme.lower() != "bearer" or not token.isascii():
        raise VerificationError(Reason.AUTH_INVALID)
    return token


TheService = Annotated[Service, Depends(_service)]
Address = Annotated[str, Depends(_address)]
ReaderLanguage = Annotated[Language, Depends(_language)]


def _principal(request: Request, service: TheService, address: Address) -> Principal:
    return authenticate(service, bearer_token(request), address=address)


_Caller = Annotated[Principal, Depends(_principal)]


async def _any(caller: _Caller) -> Citizen | Organisation:
    if isinstance(caller, Bureau):
        raise ConsentError(Reason.AUTHZ_DENIED)
    return caller


async def _citizen(caller: _Caller) -> Citizen:
    if not isinstance(caller, Citizen):
        raise ConsentError(Reason.AUTHZ_DENIED)
    return caller


async def _organisation(caller: _Caller) -> Organisation:
    if not isinstance(caller, Organisation):
        raise ConsentError(Reason.AUTHZ_DENIED)
    return caller


async def _bureau(caller: _Caller) -> Bureau:
    if not isinstance(caller, Bureau):
        raise ConsentError(Reason.AUTHZ_DENIED)
    return caller


AnyCaller = Annotated[Citizen | Organisation, Depends(_any)]
BureauCaller = Annotated[Bureau, Depends(_bureau)]
CitizenCaller = Annotated[Citizen, Depends(_citizen)]
OrganisationCaller = Annotated[Organisation, Depends(_organisation)]


async def _request_id(id: str, _: AnyCaller) -> bytes:  # noqa: A002 - the path's own name
    """An id in its one spelling; any other is as good as absent."""
    if len(id) != 32 or not set(id) <= set("0123456789abcdef"):
        raise not_found()
    return bytes.fromhex(id)


RequestId = Annotated[bytes, Depends(_request_id)]
