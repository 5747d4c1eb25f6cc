"""The clerk's routes: a look at a person's records, and an offer for whoever showed an identity document.

The look is written down, and the log's head is in the ledger, before an answer leaves: also when nobody was found.
"""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Header

from issuer.claiming.identity import Terms
from issuer.http.answers import PROBLEMS, Glimpse, LookUpRequest, OfferBody, OfferRequest
from issuer.http.configurations import PRE_AUTHORIZED, credential_offer
from issuer.http.state import Service, State, bearer_token
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["router"]

_DAY = 86400

router = APIRouter(
    prefix="/counter",
    responses={status: PROBLEMS[status] for status in (401, 404, 413, 415, 422, 429, 503)},
)


@router.post("/lookups")
async def look_up(
    wanted: LookUpRequest, state: Service, authorization: Annotated[str | None, Header()] = None
) -> Glimpse:
    """What to compare with the identity document that lies on the counter."""
    operator = await _clerk(state, authorization)
    await _note(state, operator, "counter.lookup", wanted.person_no, wanted.reason, shows=True)
    glance = await asyncio.to_thread(state.counter.glance, wanted.person_no)
    return Glimpse(name=glance.name, id_tail=glance.id_tail, keys=glance.keys)


_OFFER_LINKS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "An offer, its PIN beside it",
        "links": {
            "redeem": {
                "operationId": "token",
                "requestBody": {
                    "grant_type": PRE_AUTHORIZED,
                    "pre-authorized_code": "$response.body#/code",
                    "tx_code": "$response.body#/pin",
                },
            }
        },
    }
}


@router.post("/offers", responses=_OFFER_LINKS)
async def make_offer(
    wanted: OfferRequest, state: Service, authorization: Annotated[str | None, Header()] = None
) -> OfferBody:
    """An offer for the clerk's printer, good for a day; `lost_key` and `proxy_for` say what it is for."""
    operator = await _clerk(state, authorization)
    if not wanted.document_seen or (wanted.lost_key and wanted.proxy_for is not None):
        raise FormatError(Reason.API_VALIDATION, "an identity document is due")
    if wanted.proxy_for == wanted.person_no:
        raise FormatError(Reason.API_VALIDATION, "nobody acts for themselves")
    action = "counter.lost_key" if wanted.lost_key else "counter.offer"
    await _note(state, operator, action, wanted.person_no, wanted.reason)
    if wanted.proxy_for is not None:
        await _note(state, operator, "counter.proxy", wanted.proxy_for, wanted.reason)
    until = state.now() // _DAY + wanted.days if wanted.proxy_for is not None else 0
    terms = Terms(wanted.lost_key, wanted.proxy_for, until)
    offer = await asyncio.to_thread(
        state.counter.offer, wanted.person_no, operator=operator, terms=terms, now=state.now()
    )
    text = quote(json.dumps(credential_offer(state.url, offer.code)))
    return OfferBody(
        code=offer.code,
        pin=offer.pin,
        expires=offer.expires,
        offer=f"openid-credential-offer://?credential_offer={text}",
    )


async def _clerk(state: State, authorization: str | None) -> str:
    token = bearer_token(authorization)
    operator = await asyncio.to_thread(state.counter.clerks.operator_of, token, now=state.now())
    state.limits.clerk.take(operator, now=state.now())
    return operator


async def _note(
    state: State, operator: str, action: str, person_no: str, reason: str, *, shows: bool = False
) -> None:
    digest = await asyncio.to_thread(
        state.counter.note,
        person_no,
        operator=operator,
        action=action,
        reason=reason,
        now=state.now(),
        shows=shows,
    )
    await asyncio.wrap_future(state.worker.log_head(digest))
