"""Whose certificate may be claimed: one answer, whichever way a person proved who they are.

    letter   a code and a PIN that reached them by different ways       issuer.claiming.offers
    login    a real-name login at a provider (OpenID Connect)           issuer.claiming.logins
    counter  an identity document, seen by a clerk                      issuer.claiming.counter; redeemed as a letter is

A way in takes the form of a token request (RFC 6749 section 4) and gives a `Proven`, or refuses without saying why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

__all__ = ["OWN", "Identity", "Proven", "Terms", "Way", "WayIn"]


class Way(IntEnum):
    """How a person proved who they are."""

    LETTER = 1
    LOGIN = 2
    COUNTER = 3


@dataclass(frozen=True, slots=True)
class Identity:
    """This person, proven this way at `time` (POSIX seconds), by whose word (operator, login provider, or empty)."""

    person_no: str
    way: Way
    time: int
    by: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is claimed with it.

    Args:
        lost_key: the keys this person had until now end with the claim.
        proxy_for: the person whose certificate it is, when this person acts for another; else None.
        until: the last UTC day number of acting for them, or 0.
    """

    lost_key: bool = False
    proxy_for: str | None = None
    until: int = 0


OWN = Terms()


@dataclass(frozen=True, slots=True)
class Proven:
    """An identity, what it may claim, and the one-time `ticket` it was proven with."""

    identity: Identity
    terms: Terms
    ticket: str


class WayIn(Protocol):
    """One way to prove an identity."""

    def prove(self, form: Mapping[str, str], *, now: int) -> Proven:
        """Who this is, by the members of a token request.

        Raises:
            FormatError: `api.validation`: members are missing.
            VerificationError: `auth.invalid`, whatever is wrong with them.
        """
        ...

    def bind(self, proven: Proven, holder: bytes) -> None:
        """Tie the ticket to the raw holder key that claims by it; again for the same key is no fault.

        Raises:
            VerificationError: `auth.invalid` when another key claimed by it.
        """
        ...
