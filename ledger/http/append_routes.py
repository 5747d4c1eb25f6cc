"""Appending over HTTP, for issuers with a credential (`ledger.append_protocol`).

POST /append       200 with the indices, when the entries are durable; the same entry again has the same index
POST /checkpoint   200 with the newest cosigned note; 503 `ckpt.quorum_unmet` while witnesses are awaited

    400  not the form, or not an entry (the reason says which)     401  no credential, or none of this log
    403  an entry under another authority
    413  more than 256 entries, or too many bytes                  415  another media type
    429  too many requests of this authority wait                  503  not now: a lock, a disk, a full queue

429 and 503 come with Retry-After. A refusal's body is its reason code, one line of text.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ledger.append_credentials import AppendCredentials
from ledger.append_protocol import APPEND_TYPE, MAX_BODY, encode_indices, parse_append, require_own
from ledger.errors import FormatError, ProjectError, VerificationError
from ledger.group_commit import GroupCommit
from ledger.http.body import read_body
from ledger.reasons import Reason

__all__ = ["Appending", "append_router", "status_of_refusal"]

_BODY_SECONDS = 10.0
_STATUS = {
    Reason.AUTH_MISSING: 401,
    Reason.AUTH_INVALID: 401,
    Reason.AUTHZ_DENIED: 403,
    Reason.API_BODY_TOO_LARGE: 413,
    Reason.API_MEDIA_TYPE: 415,
    Reason.API_RATE_LIMITED: 429,
}


@dataclass(frozen=True, slots=True)
class Appending:
    """Who may append, and the threads that do it."""

    credentials: AppendCredentials
    commits: GroupCommit


def append_router() -> APIRouter:
    """The two routes; `app.state.appending` is what they need."""
    router = APIRouter()
    router.add_api_route("/append", _append, methods=["POST"], response_model=None)
    router.add_api_route("/checkpoint", _checkpoint, methods=["POST"], response_model=None)
    return router


def status_of_refusal(error: ProjectError) -> tuple[int, dict[str, str]]:
    """The status of a refused POST, and the headers that belong to it."""
    status = _STATUS.get(error.reason) or (400 if isinstance(error, FormatError) else 503)
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status in (429, 503):
        headers["Retry-After"] = "1" if status == 429 else "2"
    return status, headers


async def _append(request: Request) -> Response:
    appending: Appending = request.app.state.appending
    authority = _authority(request, appending.credentials)
    if request.headers.get("content-type") != APPEND_TYPE:
        raise FormatError(Reason.API_MEDIA_TYPE, f"{APPEND_TYPE} is due")
    entries = parse_append(
        await read_body(
            request,
            at_most=MAX_BODY,
            seconds=_BODY_SECONDS,
            too_large=Reason.API_BODY_TOO_LARGE,
            too_slow=Reason.API_VALIDATION,
        )
    )
    require_own(entries, authority)
    indices = await asyncio.wrap_future(appending.commits.append(authority, entries))
    return Response(encode_indices(indices), headers={"Cache-Control": "no-store"}, media_type=APPEND_TYPE)


async def _checkpoint(request: Request) -> Response:
    appending: Appending = request.app.state.appending
    _authority(request, appending.credentials)
    note = await asyncio.wrap_future(appending.commits.checkpoint())
    return Response(note, headers={"Cache-Control": "no-store"}, media_type="text/plain; charset=utf-8")


def _authority(request: Request, credentials: AppendCredentials) -> int:
    """Whose credential the request carries. The file is read each time: one taken back is refused at once."""
    given = request.headers.get("authorization")
    if given is None:
        raise VerificationError(Reason.AUTH_MISSING, "no credential")
    scheme, _, secret = given.partition(" ")
    authority = credentials.authority_of(secret) if scheme.lower() == "bearer" else None
    if authority is None:
        raise VerificationError(Reason.AUTH_INVALID, "no credential of this log")
    return authority
