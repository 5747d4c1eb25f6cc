"""What the running service holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from issuer.claiming.counter import Counter
from issuer.claiming.identity import WayIn
from issuer.claiming.logins import Logins
from issuer.http.limits import Limits
from issuer.http.manners import Metrics
from issuer.http.tokens import Nonces, Tokens
from issuer.http.worker import MintWorker
from issuer.printing.printer import Printer
from issuer.secret_list import SecretList
from ledger.errors import VerificationError
from ledger.reasons import Reason

__all__ = ["Service", "State", "address_of", "bearer_token"]


@dataclass(frozen=True, slots=True)
class State:
    """`url` is the service's public address without a slash at the end; `now` gives POSIX seconds.

    `ways` maps a grant type of the token endpoint to the way in that judges it.
    """

    url: str
    log: int
    now: Callable[[], int]
    random: Callable[[int], bytes]
    ways: Mapping[str, WayIn]
    logins: Logins | None
    counter: Counter
    wallet_tokens: SecretList
    tokens: Tokens
    nonces: Nonces
    worker: MintWorker
    printer: Printer
    limits: Limits
    metrics: Metrics


def _state(request: Request) -> State:
    state: State = request.app.state.service
    return state


Service = Annotated[State, Depends(_state)]


def address_of(request: Request) -> str:
    """The caller's address, for limits only."""
    return "unknown" if request.client is None else request.client.host


def bearer_token(authorization: str | None) -> str:
    """The token of an Authorization header. Raises VerificationError `auth.missing`, `auth.invalid`."""
    if authorization is None:
        raise VerificationError(Reason.AUTH_MISSING, "no access token")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise VerificationError(Reason.AUTH_INVALID, "a bearer token is due")
    return token
