"""The body of a request, as long as it may be and no slower than it may be."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["read_body"]


async def read_body(
    request: Request, *, at_most: int, seconds: float, too_large: Reason, too_slow: Reason
) -> bytes:
    """Read it whole.

    Raises:
        FormatError: `too_large` above `at_most` bytes, `too_slow` when it does not end in `seconds`.
    """
    parts, size = [], 0
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                parts.append(part)
                size += len(part)
                if size > at_most:
                    raise FormatError(too_large, "the body")
    except TimeoutError as exc:
        raise FormatError(too_slow, "the body does not end") from exc
    return b"".join(parts)
