"""Heads of wallets' access logs: logged as entries of type 4, so that no wallet operator can rewrite who saw what.

The bureau is the one process that writes the ledger; a wallet operator sends the text of its log's signed note, of
which only the hash is kept. Sending one again is no fault and has the same index.
"""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Header

from certificate.qr_text import encode_file_text
from issuer.http.answers import PROBLEMS, AccessLogHead, Logged
from issuer.http.state import Service, bearer_token
from ledger.cbor import encode_cbor
from ledger.errors import VerificationError
from ledger.note import parse_note
from ledger.proof import encode_proof
from ledger.reasons import Reason

__all__ = ["router"]

router = APIRouter()


@router.post("/access-log-heads", responses={status: PROBLEMS[status] for status in (400, 401, 503)})
async def log_head(
    head: AccessLogHead, state: Service, authorization: Annotated[str | None, Header()] = None
) -> Logged:
    """Log the head of a wallet's access log."""
    if not state.wallet_tokens.holds(bearer_token(authorization)):
        raise VerificationError(Reason.AUTH_INVALID, "no wallet operator has this token")
    note = head.note.encode()
    parse_note(note)
    proof = await asyncio.wrap_future(state.worker.log_head(sha256(note).digest()))
    return Logged(log=proof.log, index=proof.index, proof=encode_file_text(encode_cbor(encode_proof(proof))))
