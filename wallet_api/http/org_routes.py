"""What organisations do besides asking and fetching: remind, follow up, be told of changes, roll their key over."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from wallet_api import follow_ups, organisations, reminders, webhooks
from wallet_api.hook_address import resolve_host
from wallet_api.http import models, org_models, views
from wallet_api.http.auth import CitizenCaller, OrganisationCaller, RequestId, TheService
from wallet_api.http.models import unb64

__all__ = ["router"]

router = APIRouter()


@router.post("/requests/{id}/reminder")
def remind(
    caller: OrganisationCaller, id_: RequestId, service: TheService, _: models.Empty | None = None
) -> org_models.Reminded:
    """Remind of a request that waits: once. Whoever looked at it finds it under /reminders; send its link again."""
    return org_models.Reminded(reminded=reminders.remind(service, caller, id_))


@router.get("/reminders")
def list_reminders(
    caller: CitizenCaller,
    service: TheService,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> org_models.ReminderList:
    """Requests that this citizen looked at, that wait, and that their organisation reminded of."""
    found = reminders.list_reminded(service, caller, limit=limit)
    return org_models.ReminderList(requests=[views.request_summary(status) for status in found])


@router.get("/follow-ups")
def list_follow_ups(
    caller: CitizenCaller,
    service: TheService,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> org_models.FollowUpList:
    """Requests that are kept for this citizen, and which of them can be answered by now."""
    found = follow_ups.list_kept(service, caller, limit=limit)
    kept = [org_models.FollowUp(**dict(views.request_summary(one.status)), ready=one.ready) for one in found]
    return org_models.FollowUpList(requests=kept)


@router.post("/organisation/webhook", status_code=201)
def set_webhook(
    body: org_models.NewWebhook, caller: OrganisationCaller, service: TheService, request: Request
) -> org_models.WebhookSecret:
    """Be told at this address when a request changes. The answer holds the new secret, this once."""
    secret = webhooks.set_hook(
        service, caller, body.url, resolve=resolve_host, allowed=request.app.state.hook_networks
    )
    return org_models.WebhookSecret(secret=secret)


@router.get("/organisation/webhook")
def get_webhook(caller: OrganisationCaller, service: TheService) -> org_models.Webhook:
    """Where the organisation is told, and how many messages wait to be delivered."""
    status = webhooks.hook_status(service, caller)
    return org_models.Webhook(url=status.url, created=status.created, waiting=status.waiting)


@router.delete("/organisation/webhook", status_code=204)
def end_webhook(caller: OrganisationCaller, service: TheService) -> Response:
    """Be told no more."""
    webhooks.end_hook(service, caller)
    return Response(status_code=204)


@router.post("/organisation/key-rollovers")
def roll_key_over(
    body: org_models.KeyRollover, caller: OrganisationCaller, service: TheService
) -> org_models.RequestKey:
    """Change the request key: requests under the old one stay answerable, new ones need the new key."""
    registered = organisations.roll_key_over(
        service, caller, rollover=unb64(body.rollover), registration=unb64(body.registration)
    )
    return org_models.RequestKey(request_key=registered.request_key.hex())
