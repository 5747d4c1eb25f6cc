"""What one trust bundle made true and need not be checked again: held by the bundle, bounded, never shared by two.

Only what holds at any time is kept: signatures and parsed forms. Ages, dates and places are judged each time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from certificate.request import RegistrationBody, UnverifiedRequest
from certificate.status_list import UnverifiedStatusList
from ledger.remembered import Remembered
from ledger.trust_policy import CheckpointMemory

__all__ = ["Known", "KnownList", "KnownRequest"]

_CHECKPOINTS = 1024
_REQUESTS = 64
_LISTS = 16  # up to 4 MiB each


@dataclass(frozen=True, slots=True)
class KnownList:
    """A status list signed by a status key of its authority, and the SHA-256 of the token."""

    listed: UnverifiedStatusList
    digest: bytes


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """A parsed request, and its digest."""

    request: UnverifiedRequest
    digest: bytes


@dataclass(frozen=True, slots=True)
class Known:
    """The memories of one bundle.

    Attributes:
        checkpoints: whose log and witness signatures hold.
        lists: status lists by authority and number; `standings` the same, vouched for by the bundle's signature alone.
        requests: the verifier's own requests, parsed, by their bytes; `askers` those whose signatures and scope hold.
    """

    checkpoints: CheckpointMemory = field(default_factory=lambda: Remembered(_CHECKPOINTS))
    lists: Remembered[tuple[int, int], KnownList] = field(default_factory=lambda: Remembered(_LISTS))
    standings: Remembered[tuple[int, int], UnverifiedStatusList] = field(
        default_factory=lambda: Remembered(_LISTS)
    )
    requests: Remembered[bytes, KnownRequest] = field(default_factory=lambda: Remembered(_REQUESTS))
    askers: Remembered[bytes, RegistrationBody] = field(default_factory=lambda: Remembered(_REQUESTS))
