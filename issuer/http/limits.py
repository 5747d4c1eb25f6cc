"""How often one caller may try, on this service: token buckets in memory, bounded in number."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from ledger.errors import ConflictError
from ledger.reasons import Reason

__all__ = ["Bucket", "Limits", "Rate", "TooOftenError"]

_MOST = 100_000  # names remembered at once; the least recently seen go first


class TooOftenError(ConflictError):
    """`api.rate_limited`; there is room again in `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(Reason.API_RATE_LIMITED, f"{retry_after} s", hint="wait, then try again")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, then so many a minute."""

    at_once: int
    per_minute: int


class Bucket:
    """One rate, for each name on its own. Used on the event loop's thread only."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()  # name: spent, at

    def take(self, name: str, *, now: float) -> None:
        """Count one try of `name`. Raises TooOftenError."""
        spent, at = self._spent.pop(name, (0.0, now))
        refill = self._rate.per_minute / 60
        spent = max(0.0, spent - max(0.0, now - at) * refill)
        over = spent + 1 - self._rate.at_once
        self._spent[name] = (spent if over > 0 else spent + 1, now)
        if len(self._spent) > _MOST:
            self._spent.popitem(last=False)
        if over > 0:
            raise TooOftenError(max(1, round(over / refill)))


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the service: tries to prove an identity, by address and by code; proofs; look-ups; pages."""

    identity_address: Bucket
    identity_code: Bucket
    proof_address: Bucket
    clerk: Bucket
    printing: Bucket

    @classmethod
    def make(
        cls,
        *,
        identity_address: Rate = Rate(60, 60),
        identity_code: Rate = Rate(10, 10),
        proof_address: Rate = Rate(600, 600),
        clerk: Rate = Rate(30, 30),
        printing: Rate = Rate(60, 60),
    ) -> Limits:
        return cls(
            Bucket(identity_address),
            Bucket(identity_code),
            Bucket(proof_address),
            Bucket(clerk),
            Bucket(printing),
        )
