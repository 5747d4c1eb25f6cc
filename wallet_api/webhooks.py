"""Telling an organisation that a request changed: a durable outbox, signed messages, retries with back-off.

A message is written in the transaction that changes the request, so none is lost, and holds nothing of a person:

    {"delivery": "<32 hex>", "request": "<id>", "state": "answered"}
    Tallystick-Signature: t=<POSIX seconds>,v1=<hex HMAC-SHA-256 under the secret over "<t>." and the body>

It may come more than once: `delivery` stays the same. It says where to look, not what is there; the organisation
fetches with its token. After `MAX_ATTEMPTS` failures a message is dropped, and the state can still be asked for.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from hashlib import sha256

from wallet_api.hook_address import Network, Resolve, allowed_address, parse_hook_url
from wallet_api.sealing import KEY_SIZE, Keyring, Random
from wallet_api.service import ID_SIZE, Organisation, Service, not_found
from wallet_api.store.organisations import HookRow, OutboxRow
from wallet_api.store.sql import Store, Transaction

__all__ = [
    "MAX_ATTEMPTS",
    "SIGNATURE_HEADER",
    "HookStatus",
    "Message",
    "due_messages",
    "end_hook",
    "hook_status",
    "rewrap_hooks",
    "set_hook",
    "settle",
    "sign_message",
]

MAX_ATTEMPTS = 12
SIGNATURE_HEADER = "Tallystick-Signature"
_LEASE = 60  # seconds in which one process delivers a message and no other takes it
_BACK_OFF = (10, 30, 120, 600, 1800, 3600)  # seconds after the first, second... failure, then the last
_SECRET_PREFIX = "tsw_"  # noqa: S105 - how a secret begins, not one


@dataclass(frozen=True, slots=True)
class HookStatus:
    """Where an organisation is told, and how many messages wait for it."""

    url: str
    created: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Message:
    """One message to deliver: its row, where to, the body and the secret that signs it."""

    row: OutboxRow
    url: str
    body: bytes
    secret: str


def set_hook(
    service: Service, organisation: Organisation, url: str, *, resolve: Resolve, allowed: tuple[Network, ...]
) -> str:
    """Tell the organisation at `url` from now on, and nowhere else; returns the new secret, shown once.

    Raises:
        ConfigError: `hook.address`.
        RateLimitedError: `api.rate_limited`: each try looks a name up.
    """
    service.limits.new_hook.take(str(organisation.org), now=service.clock())
    target = parse_hook_url(url, environment=service.trust().environment)
    allowed_address(target, resolve=resolve, allowed=allowed)
    id_, raw = service.random(ID_SIZE), service.random(KEY_SIZE)
    wrapped = service.keyring.wrap(raw, safe=_bound(id_), random=service.random)
    with service.store.write() as tx:
        tx.put_hook(HookRow(organisation.org, id_, url, wrapped, service.clock()))
    return _as_text(raw)


def hook_status(service: Service, organisation: Organisation) -> HookStatus:
    """Raises ConsentError `authz.not_found` when none is set."""
    with service.store.read() as tx:
        row = tx.hook(organisation.org)
        if row is None:
            raise not_found()
        return HookStatus(row.url, row.created, tx.undelivered(organisation.org))


def end_hook(service: Service, organisation: Organisation) -> None:
    """Tell the organisation nothing more; what waits is dropped. Twice is the same."""
    with service.store.write() as tx:
        tx.delete_hook(organisation.org)


def due_messages(service: Service, *, limit: int) -> list[Message]:
    """Take messages whose time has come; nobody else takes them for a minute, and the try is counted already."""
    now = service.clock()
    with service.store.read() as tx:
        if not tx.due_messages(now=now, limit=1):
            return []  # most of the time, and without waiting for the writer
    with service.store.write() as tx:
        taken = [
            message
            for row in tx.due_messages(now=now, limit=limit)
            if (message := _take(service, tx, row, now)) is not None
        ]
    return taken


def settle(service: Service, message: Message, *, delivered: bool) -> None:
    """Note how a delivery went: done, to be tried again later, or given up."""
    row = message.row
    with service.store.write() as tx:
        if delivered or row.attempts >= MAX_ATTEMPTS:
            tx.delivered(row)
        else:
            wait = _BACK_OFF[min(row.attempts, len(_BACK_OFF)) - 1]
            tx.try_again(row, attempts=row.attempts, at=service.clock() + wait)


def sign_message(secret: str, body: bytes, *, now: int) -> str:
    """The signature header's value."""
    mac = hmac.digest(secret.encode("ascii"), f"{now}.".encode("ascii") + body, "sha256")
    return f"t={now},v1={mac.hex()}"


def rewrap_hooks(store: Store, keyring: Keyring, *, random: Random) -> None:
    """Wrap every secret that an older master key holds under the current one."""
    with store.write() as tx:
        for row in tx.hooks():
            if not keyring.is_current(row.wrapped_secret):
                raw = keyring.unwrap(row.wrapped_secret, safe=_bound(row.id))
                tx.put_hook(
                    replace(row, wrapped_secret=keyring.wrap(raw, safe=_bound(row.id), random=random))
                )


def _take(service: Service, tx: Transaction, row: OutboxRow, now: int) -> Message | None:
    hook = tx.hook(row.org)
    if hook is None:  # ended meanwhile
        tx.delivered(row)
        return None
    taken = replace(row, attempts=row.attempts + 1, next_try=now + _LEASE)
    tx.try_again(taken, attempts=taken.attempts, at=taken.next_try)
    secret = _as_text(service.keyring.unwrap(hook.wrapped_secret, safe=_bound(hook.id)))
    return Message(taken, hook.url, _body(row), secret)


def _body(row: OutboxRow) -> bytes:
    delivery = sha256(b"delivery" + row.request + row.state.encode("ascii")).hexdigest()[:32]
    members = {"delivery": delivery, "request": row.request.hex(), "state": row.state}
    return json.dumps(members, separators=(",", ":")).encode("ascii")


def _as_text(raw: bytes) -> str:
    return _SECRET_PREFIX + urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _bound(id_: bytes) -> bytes:
    return b"webhook" + id_
