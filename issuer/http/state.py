"""What the running service holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from issuer.http.tokens import Nonces, Tokens
from issuer.http.worker import MintWorker
from issuer.offers import Offers

__all__ = ["State"]


@dataclass(frozen=True, slots=True)
class State:
    """`url` is the service's public address without a slash at the end; `now` gives POSIX seconds."""

    url: str
    now: Callable[[], int]
    random: Callable[[int], bytes]
    offers: Offers
    tokens: Tokens
    nonces: Nonces
    worker: MintWorker
