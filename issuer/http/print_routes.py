"""The printing route: a finished page for a bank branch, a kiosk or an HR desk, which holds no signing key.

Nothing is looked up for who is outside the client's scope. A page that leaves has its row in the operator log, whose
head is in the ledger by then, and goes to the person's own wallet as every other look at their records.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response

from issuer.http.answers import PROBLEMS, PrintRequest
from issuer.http.problems import reader_language
from issuer.http.state import Service, bearer_token
from issuer.printing.printer import Wish

__all__ = ["router"]

router = APIRouter()

_PDF: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The page, good only for the client's audience and this purpose",
        "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post(
    "/print",
    response_class=Response,
    responses=_PDF | {status: PROBLEMS[status] for status in (400, 401, 403, 413, 415, 422, 429, 503)},
)
async def print_page(
    wanted: PrintRequest,
    request: Request,
    state: Service,
    authorization: Annotated[str | None, Header()] = None,
) -> Response:
    """Print a paper certificate. Outside the client's scope, or for nobody: `authz.denied`."""
    token = bearer_token(authorization)
    client = await asyncio.to_thread(state.printer.clients.client_of, token, now=state.now())
    state.limits.printing.take(client.name, now=state.now())
    wish = Wish(wanted.person_no, wanted.page, wanted.purpose)
    await asyncio.to_thread(state.printer.require_allowed, client, wish)
    digest = await asyncio.to_thread(
        state.counter.note,
        wish.person_no,
        operator=client.name,
        action=f"print.{wish.page}",
        reason=wanted.reason,
        now=state.now(),
        shows=True,
    )
    await asyncio.wrap_future(state.worker.log_head(digest))
    certificate = await asyncio.wrap_future(
        state.worker.call(lambda ledger: state.printer.mint(ledger, client, wish, now=state.now()))
    )
    page = await asyncio.to_thread(state.printer.draw, certificate, reader_language(request))
    return Response(page, media_type="application/pdf")
