"""The bodies of the routes for organisations."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from wallet_api.http.models import Base64Text, Model, RequestSummary

__all__ = [
    "FollowUp",
    "FollowUpList",
    "KeyRollover",
    "NewWebhook",
    "Reminded",
    "ReminderList",
    "RequestKey",
    "Webhook",
    "WebhookSecret",
]

_Url = Annotated[str, Field(min_length=1, max_length=512, examples=["https://hr.example/tallystick"])]


class Reminded(Model):
    """When the reminder was noted, POSIX seconds."""

    reminded: int = Field(examples=[1795510800])


class ReminderList(Model):
    """Requests that wait for an answer and were reminded of."""

    requests: list[RequestSummary]


class FollowUp(RequestSummary):
    """A request kept for later."""

    ready: bool = Field(description="whether the certificates in the safe answer all of it by now")


class FollowUpList(Model):
    """What is kept for later, the one that runs out first at the head."""

    requests: list[FollowUp]


class NewWebhook(Model):
    """Where to tell an organisation of changes: https."""

    url: _Url


class WebhookSecret(Model):
    """What signs the messages: HMAC-SHA-256 under this text. It is shown once."""

    secret: str = Field(examples=["tsw_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])


class Webhook(Model):
    """Where the organisation is told since when, and how many messages wait."""

    url: _Url
    created: int = Field(examples=[1795510800])
    waiting: int = Field(examples=[0])


class KeyRollover(Model):
    """The rollover signed by the old and the new key, and the registrar's registration of the new one."""

    rollover: Base64Text
    registration: Base64Text


class RequestKey(Model):
    """The request key now in force, raw, as hex."""

    request_key: str = Field(examples=["0f" * 32])
