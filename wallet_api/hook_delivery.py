"""Carries the messages of the outbox out: over HTTP, to the checked address and no other, many at once.

No redirect is followed, no proxy or certificate is taken from the environment, and nothing of an answer but its status
is read. One delivery takes at most fifteen seconds, whatever the other side does.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Sequence
from threading import Event

import httpx

from ledger.errors import ProjectError
from wallet_api.hook_address import HookTarget, Network, Resolve, allowed_address, parse_hook_url
from wallet_api.service import Service
from wallet_api.webhooks import SIGNATURE_HEADER, Message, due_messages, settle, sign_message

__all__ = ["HookDelivery"]

_SECONDS = 15.0
_AT_ONCE = 20
_PAUSE = 1.0
_LOG = logging.getLogger("tallystick.wallet.hooks")


class HookDelivery:
    """A worker; several, in one process or many, share the outbox without sending twice at a time."""

    def __init__(
        self,
        service: Service,
        *,
        resolve: Resolve,
        allowed: Sequence[Network] = (),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`allowed` are networks that messages may go to although they are not public; `tls` trusts other roots."""
        self._service = service
        self._resolve = resolve
        self._allowed = allowed
        self._tls = tls

    def run(self, stopping: Event) -> None:
        """Deliver until `stopping` is set."""
        while not stopping.is_set():
            try:
                busy = self.deliver_due()
            except ProjectError as exc:  # the database is locked or away: the messages stay
                _LOG.warning("%s", exc.reason.value)
                busy = 0
            if not busy:
                stopping.wait(_PAUSE)

    def deliver_due(self) -> int:
        """One round: deliver what is due; how many messages were tried."""
        messages = due_messages(self._service, limit=_AT_ONCE)
        if messages:
            for message, delivered in asyncio.run(self._deliver_all(messages)):
                settle(self._service, message, delivered=delivered)
        return len(messages)

    async def _deliver_all(self, messages: Sequence[Message]) -> list[tuple[Message, bool]]:
        verify = httpx.create_ssl_context(trust_env=False) if self._tls is None else self._tls
        async with httpx.AsyncClient(
            timeout=_SECONDS, follow_redirects=False, trust_env=False, verify=verify
        ) as client:
            delivered = await asyncio.gather(*(self._deliver(client, message) for message in messages))
        return list(zip(messages, delivered, strict=True))

    async def _deliver(self, client: httpx.AsyncClient, message: Message) -> bool:
        try:
            async with asyncio.timeout(_SECONDS):
                target = parse_hook_url(message.url, environment=self._service.trust().environment)
                return await self._post(client, target, message)
        except (ProjectError, httpx.HTTPError, TimeoutError, OSError) as exc:
            _LOG.info("not delivered: %s, try %d", type(exc).__name__, message.row.attempts)
            return False

    async def _post(self, client: httpx.AsyncClient, target: HookTarget, message: Message) -> bool:
        address = await asyncio.to_thread(
            allowed_address, target, resolve=self._resolve, allowed=self._allowed
        )
        host = f"[{address}]" if address.version == 6 else str(address)
        headers = {
            "Host": target.authority,
            "Content-Type": "application/json",
            "User-Agent": "tallystick-webhook",
            SIGNATURE_HEADER: sign_message(message.secret, message.body, now=self._service.clock()),
        }
        async with client.stream(
            "POST",
            f"{target.scheme}://{host}:{target.port}{target.path}",
            content=message.body,
            headers=headers,
            extensions={"sni_hostname": target.host},  # the certificate is for the name, not for the address
        ) as response:
            return response.is_success
