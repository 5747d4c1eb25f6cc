"""What a holder key gets by its proof alone: the newest certificate; and what is told of keys that ended for it."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from certificate.qr_text import encode_file_text
from issuer.http.answers import PROBLEMS, RecoveriesBody, RenewalBody, RenewalRequest
from issuer.http.proofs import verify_proof
from issuer.http.state import Service, address_of, bearer_token
from ledger.errors import VerificationError
from ledger.reasons import Reason

__all__ = ["router"]

router = APIRouter()


@router.post(
    "/renewal",
    response_model=RenewalBody,
    responses={
        204: {"description": "There is nothing newer"},
        **{status: PROBLEMS[status] for status in (400, 403, 413, 415, 422, 429, 503)},
    },
)
async def renewal(wanted: RenewalRequest, request: Request, state: Service) -> Response | RenewalBody:
    """The newest certificate of the key that proves itself, if it is newer; else 204. No code, no PIN, no tap.

    One that took the place of a certificate of the same month, which fell with a stolen office key, counts as newer.
    A key that ended is told so: `key.revoked`.
    """
    state.limits.proof_address.take(address_of(request), now=state.now())
    holder = verify_proof(wanted.proof, audience=state.url, nonces=state.nonces, now=state.now())
    newest = await asyncio.wrap_future(state.worker.newest(holder))
    if newest is None or newest.cut_off + newest.replaces <= wanted.newer_than:
        return Response(status_code=204)
    return RenewalBody(cut_off=newest.cut_off, credential=encode_file_text(newest.certificate))


@router.get(
    "/recoveries", operation_id="recoveries", responses={status: PROBLEMS[status] for status in (401, 503)}
)
async def recoveries(state: Service, authorization: Annotated[str | None, Header()] = None) -> RecoveriesBody:
    """The office's statements about the keys whose place the claimed key took; with the token it was claimed by."""
    grant = state.tokens.grant(bearer_token(authorization), now=state.now())
    if grant.holder is None or not grant.spent:
        raise VerificationError(Reason.AUTH_INVALID, "nothing was claimed with this token yet")
    statements = await asyncio.wrap_future(state.worker.recoveries(grant.holder))
    return RecoveriesBody(recoveries=[encode_file_text(statement) for statement in statements])
