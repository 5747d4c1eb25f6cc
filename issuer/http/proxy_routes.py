"""Acting for others: a delegation that the principal signed becomes a certificate, or ends."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response

from certificate.qr_text import decode_file_text, encode_file_text
from issuer.http.answers import (
    PROBLEMS,
    DelegationBody,
    DelegationEndBody,
    ProofBody,
    ProxiesBody,
    RenewalBody,
)
from issuer.http.proofs import verify_proof
from issuer.http.state import Service, address_of

__all__ = ["router"]

router = APIRouter(
    prefix="/proxies",
    responses={status: PROBLEMS[status] for status in (400, 403, 404, 413, 415, 422, 429, 503)},
)


@router.post("", status_code=204)
async def begin(signed: DelegationBody, request: Request, state: Service) -> Response:
    """Mint what a delegation allows; both keys must be known here. The proxy's wallet asks `/proxies/certificates`."""
    state.limits.proof_address.take(address_of(request), now=state.now())
    delegation = decode_file_text(signed.delegation)
    await asyncio.wrap_future(state.worker.begin_proxy(delegation))
    return Response(status_code=204)


@router.post("/end", status_code=204)
async def end(signed: DelegationEndBody, request: Request, state: Service) -> Response:
    """End a delegation at once: what was minted from it is suspended."""
    state.limits.proof_address.take(address_of(request), now=state.now())
    delegation, ending = decode_file_text(signed.delegation), decode_file_text(signed.end)
    await asyncio.wrap_future(state.worker.end_proxy(delegation, ending))
    return Response(status_code=204)


@router.post("/certificates")
async def certificates(proven: ProofBody, request: Request, state: Service) -> ProxiesBody:
    """The newest certificates that the key which proves itself holds for others."""
    state.limits.proof_address.take(address_of(request), now=state.now())
    holder = verify_proof(proven.proof, audience=state.url, nonces=state.nonces, now=state.now())
    held = await asyncio.wrap_future(state.worker.acting(holder))
    return ProxiesBody(
        certificates=[
            RenewalBody(cut_off=one.cut_off, credential=encode_file_text(one.certificate)) for one in held
        ]
    )
