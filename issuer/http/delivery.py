"""Tells the wallet service of look-ups, from the outbox, until it took them: one task beside the routes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import httpx

from issuer.claiming.lookup_outbox import LookUpOutbox, WaitingLookUp
from issuer.http.manners import Metrics
from issuer.service_settings import LookUpSettings, trusted_tls

__all__ = ["deliver_lookups"]

_SECONDS: Final = 10.0
_LOG = logging.getLogger("tallystick.bureau")


async def deliver_lookups(
    outbox: LookUpOutbox,
    settings: LookUpSettings,
    *,
    clock: Callable[[], int],
    metrics: Metrics,
    pause: float = 1.0,
) -> None:
    """Post what is due, for ever; `pause` seconds between two looks into the outbox."""
    headers = {"Authorization": f"Bearer {settings.token}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(
        verify=trusted_tls(settings.ca_file),
        timeout=_SECONDS,
        headers=headers,
        follow_redirects=False,
        trust_env=False,
    ) as web:
        while True:
            for waiting in await asyncio.to_thread(outbox.due, clock()):
                if await _is_taken(web, settings.url, waiting):
                    await asyncio.to_thread(outbox.done, waiting)
                else:
                    await asyncio.to_thread(outbox.later, waiting, now=clock())
            metrics.lookups_waiting.set(await asyncio.to_thread(outbox.count))
            await asyncio.sleep(pause)


async def _is_taken(web: httpx.AsyncClient, url: str, waiting: WaitingLookUp) -> bool:
    try:
        answer = await web.post(f"{url}/lookups", content=waiting.body.encode())
    except httpx.HTTPError:
        status = 0
    else:
        status = answer.status_code
    if not 200 <= status < 300:
        _LOG.warning('{"lookup": %d, "tries": %d, "status": %d}', waiting.id, waiting.tries + 1, status)
        return False
    return True
