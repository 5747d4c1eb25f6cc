"""Proxies: made on the principal's signature, listed, and ended at any time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from certificate.delegation import MAX_DELEGATION_DAYS
from certificate.keys import key_id
from certificate.numbers import CertificateType
from certificate.slots import registry_of
from wallet_api import proxies
from wallet_api.acting import Delegation
from wallet_api.http.auth import CitizenCaller, TheService
from wallet_api.http.models import Base64Text, Model, b64, unb64
from wallet_api.service import not_found

__all__ = ["router"]

router = APIRouter(prefix="/delegations")
_DAY = 86400


class NewDelegation(Model):
    proxy_key: Base64Text = Field(description="the proxy's raw public key")
    types: list[Annotated[int, Field(ge=0, le=255)]] = Field(
        min_length=1, max_length=16, description="certificate types, rising", examples=[[1]]
    )
    days: int = Field(ge=1, le=MAX_DELEGATION_DAYS, description="from today on")


class ToSign(Model):
    to_be_signed: str = Field(description="the exact bytes to sign, typ delegation or delegation_end")


class Signed(Model):
    to_be_signed: Base64Text = Field(description="as `begin` gave it")
    signature: Base64Text


class DelegationModel(Model):
    id: str = Field(description="its digest in hex")
    principal: str = Field(description="id of the key that signed it")
    proxy: str = Field(description="id of the proxy's key")
    types: list[int]
    first: str = Field(examples=["2026-11-24"])
    last: str
    ended: int | None
    statement: str = Field(description="the signed delegation, for the bureau that mints the certificate")
    end_statement: str | None = Field(description="the signed end, for the bureau that ends it")


class DelegationList(Model):
    made: list[DelegationModel]
    received: list[DelegationModel]


def _digest(id: str, _: CitizenCaller) -> bytes:  # noqa: A002 - the path's own name
    if len(id) != 64 or not set(id) <= set("0123456789abcdef"):
        raise not_found()
    return bytes.fromhex(id)


_DelegationId = Annotated[bytes, Depends(_digest)]


@router.post("/begin")
def begin(body: NewDelegation, caller: CitizenCaller, service: TheService) -> ToSign:
    """The exact bytes that the principal signs to let another key act."""
    types = tuple(CertificateType(registry_of(number).type) for number in body.types)
    made = proxies.begin_delegation(
        service, caller, proxy_key=unb64(body.proxy_key), types=types, days=body.days
    )
    return ToSign(to_be_signed=b64(made))


@router.post("/complete", status_code=201)
def complete(body: Signed, caller: CitizenCaller, service: TheService) -> DelegationModel:
    """The principal's signature over these bytes; the bureau mints the proxy's certificate from the statement."""
    made = proxies.complete_delegation(
        service, caller, to_be_signed=unb64(body.to_be_signed), signature=unb64(body.signature)
    )
    return _model(made)


@router.get("")
def list_delegations(caller: CitizenCaller, service: TheService) -> DelegationList:
    """Who acts for this citizen, and for whom this key acts."""
    made, received = proxies.list_delegations(service, caller)
    return DelegationList(
        made=[_model(delegation) for delegation in made],
        received=[_model(delegation) for delegation in received],
    )


@router.post("/{id}/end/begin")
def begin_end(caller: CitizenCaller, digest: _DelegationId, service: TheService) -> ToSign:
    """The exact bytes that the principal signs to end a delegation."""
    return ToSign(to_be_signed=b64(proxies.begin_delegation_end(service, caller, digest)))


@router.post("/{id}/end/complete")
def complete_end(
    body: Signed, caller: CitizenCaller, digest: _DelegationId, service: TheService
) -> DelegationModel:
    """From now on the proxy can consent to nothing; what was not fetched is withdrawn."""
    ended = proxies.complete_delegation_end(
        service, caller, digest, to_be_signed=unb64(body.to_be_signed), signature=unb64(body.signature)
    )
    return _model(ended)


def _model(delegation: Delegation) -> DelegationModel:
    body, row = delegation.statement.body, delegation.row
    return DelegationModel(
        id=row.digest.hex(),
        principal=key_id(body.principal_key).hex(),
        proxy=key_id(body.proxy_key).hex(),
        types=[int(type_) for type_ in body.types],
        first=_date(body.first),
        last=_date(body.last),
        ended=row.ended,
        statement=b64(row.statement),
        end_statement=None if row.end_statement is None else b64(row.end_statement),
    )


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * _DAY, UTC).date().isoformat()
