"""Requests, consents and releases."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from wallet_api import consents, follow_ups, release, requests
from wallet_api.http import models, views
from wallet_api.http.auth import (
    AnyCaller,
    CitizenCaller,
    OrganisationCaller,
    ReaderLanguage,
    RequestId,
    TheService,
)
from wallet_api.http.models import b64, unb64
from wallet_api.requests import RequestState
from wallet_api.service import Citizen, Organisation, Service

__all__ = ["router"]

router = APIRouter(prefix="/requests")
_POLL_SECONDS = 0.25
_MAX_WAIT = 20
_Page = Annotated[models.PageQuery, Query()]


@router.post("", status_code=201)
def leave_request(
    body: models.NewRequest,
    caller: OrganisationCaller,
    service: TheService,
    request: Request,
    response: Response,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=64)] = None,
) -> models.RequestForOrganisation:
    """An organisation leaves a signed request and gets the link for the citizen: 201 when new, 200 when known."""
    data = body.request.encode("ascii")
    if body.follows is None:
        status, is_new = requests.leave_request(service, caller, data, idempotency_key=idempotency_key)
    else:
        status, is_new = follow_ups.leave_follow_up(
            service, caller, data, follows=bytes.fromhex(body.follows), idempotency_key=idempotency_key
        )
    response.status_code = 201 if is_new else 200
    return views.for_organisation(status, request.app.state.public_url)


@router.get("")
def list_requests(page: _Page, caller: CitizenCaller, service: TheService) -> models.RequestPage:
    """Requests that this citizen answered or refused."""
    after = bytes.fromhex(page.after) if len(page.after) == 32 and _is_hex(page.after) else b""
    found = requests.list_requests(service, caller, after=after, limit=page.limit)
    return models.RequestPage(
        requests=[views.request_summary(status) for status in found],
        next=found[-1].id.hex() if len(found) == page.limit else None,
    )


@router.get("/{id}")
async def get_request(
    caller: AnyCaller,
    id_: RequestId,
    service: TheService,
    language: ReaderLanguage,
    request: Request,
    wait: Annotated[int, Query(ge=0, le=_MAX_WAIT, description="seconds to wait for an answer")] = 0,
) -> models.RequestForCitizen | models.RequestForOrganisation:
    """For a citizen: who asks what for, and what would be shown. For its organisation: where it stands."""
    if isinstance(caller, Citizen):
        view = await run_in_threadpool(requests.view_request, service, caller, id_)
        return await run_in_threadpool(views.for_citizen, view, language)
    status = await _wait(service, caller, id_, wait, request)
    return views.for_organisation(status, request.app.state.public_url)


@router.post("/{id}/answers/begin")
def begin_answer(
    caller: CitizenCaller,
    id_: RequestId,
    body: models.AnswerBegin,
    service: TheService,
    language: ReaderLanguage,
) -> models.AnswerToSign:
    """The exact bytes to sign for these items of the request, and what they say."""
    statement = consents.begin_answer(
        service,
        caller,
        id_,
        number=body.certificate,
        items=body.items,
        minutes=body.minutes,
        also=[(part.certificate, part.items) for part in body.also],
    )
    return views.answer_to_sign(statement, language)


@router.post("/{id}/answers/complete")
def complete_answer(
    caller: CitizenCaller, id_: RequestId, body: models.AnswerComplete, service: TheService
) -> models.Accepted:
    """The holder's signatures over the bytes of `begin`: from now on the organisation may fetch."""
    signatures = [unb64(text) for text in (body.signature, *body.also)]
    consents.complete_answer(service, caller, id_, *signatures)
    return models.Accepted(state=RequestState.ANSWERED.value)


@router.post("/{id}/later")
def keep_for_later(
    caller: CitizenCaller, id_: RequestId, service: TheService, _: models.Empty | None = None
) -> models.Accepted:
    """Keep it under /follow-ups until it can be answered, or runs out."""
    follow_ups.keep_for_later(service, caller, id_)
    return models.Accepted(state=RequestState.WAITING.value)


@router.post("/{id}/refuse")
def refuse(
    caller: CitizenCaller, id_: RequestId, service: TheService, _: models.Empty | None = None
) -> models.Accepted:
    """Say no to the request."""
    consents.refuse_request(service, caller, id_)
    return models.Accepted(state=RequestState.REFUSED.value)


@router.post("/{id}/withdraw")
def withdraw(
    caller: CitizenCaller, id_: RequestId, service: TheService, _: models.Empty | None = None
) -> models.Accepted:
    """Take the consent back: no fetch that begins after this answer succeeds."""
    consents.withdraw_answer(service, caller, id_)
    return models.Accepted(state=RequestState.WITHDRAWN.value)


@router.post("/{id}/fetch")
def fetch(
    caller: OrganisationCaller, id_: RequestId, service: TheService, _: models.Empty | None = None
) -> models.PresentationModel:
    """The presentations, one a certificate: the same bytes again until acknowledged, at most for a day."""
    released = release.fetch_answer(service, caller, id_)
    return models.PresentationModel(
        presentation=b64(released.presentations[0]),
        also=[b64(part) for part in released.presentations[1:]],
        presenter=released.presenter.name.lower(),
        expires=released.expires,
    )


@router.post("/{id}/acknowledge", status_code=204)
def acknowledge(
    caller: OrganisationCaller, id_: RequestId, service: TheService, _: models.Empty | None = None
) -> Response:
    """The organisation keeps the presentation now; the service deletes it."""
    release.acknowledge(service, caller, id_)
    return Response(status_code=204)


@router.post("/{id}/deletion-confirmed", status_code=204)
def deletion_confirmed(
    caller: OrganisationCaller, id_: RequestId, service: TheService, _: models.Empty | None = None
) -> Response:
    """The organisation says that it deleted what it had; the citizen sees it."""
    release.confirm_deletion(service, caller, id_)
    return Response(status_code=204)


async def _wait(
    service: Service, caller: Organisation, id_: bytes, seconds: int, request: Request
) -> requests.RequestStatus:
    until = monotonic() + seconds
    while True:
        status = await run_in_threadpool(requests.request_status, service, caller, id_)
        over = monotonic() >= until or request.app.state.stopping.is_set()
        if status.state is not RequestState.WAITING or over or await request.is_disconnected():
            return status
        await asyncio.sleep(_POLL_SECONDS)


def _is_hex(text: str) -> bool:
    return set(text) <= set("0123456789abcdef")
