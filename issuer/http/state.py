"""What the running service holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from issuer.http.tokens import Nonces, Tokens
from issuer.http.worker import MintWorker
from issuer.offers import Offers
from issuer.secret_list import SecretList
from ledger.errors import VerificationError
from ledger.reasons import Reason

__all__ = ["Service", "State", "bearer_token"]


@dataclass(frozen=True, slots=True)
class State:
    """`url` is the service's public address without a slash at the end; `now` gives POSIX seconds."""

    url: str
    log: int
    now: Callable[[], int]
    random: Callable[[int], bytes]
    offers: Offers
    wallet_tokens: SecretList
    tokens: Tokens
    nonces: Nonces
    worker: MintWorker


def _state(request: Request) -> State:
    state: State = request.app.state.service
    return state


Service = Annotated[State, Depends(_state)]


def bearer_token(authorization: str | None) -> str:
    """The token of an Authorization header. Raises VerificationError `auth.missing`, `auth.invalid`."""
    if authorization is None:
        raise VerificationError(Reason.AUTH_MISSING, "no access token")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise VerificationError(Reason.AUTH_INVALID, "a bearer token is due")
    return token
