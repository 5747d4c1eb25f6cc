"""A wallet service as the bureau sees it: a real server that takes look-ups, or does not."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response

__all__ = ["Receiver"]


class Receiver:
    """Keeps what it takes; answers 503 while it is down."""

    def __init__(self, token: str) -> None:
        self.taken: list[dict[str, Any]] = []
        self.refused = 0
        self.is_down = False
        self.app = FastAPI()

        @self.app.post("/lookups", status_code=204)
        async def lookups(request: Request) -> Response:
            if self.is_down or request.headers.get("authorization") != f"Bearer {token}":
                self.refused += 1
                return Response(status_code=503)
            self.taken.append(await request.json())
            return Response(status_code=204)
