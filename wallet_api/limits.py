"""How often one caller may try: token buckets in memory, bounded in number. Each worker process has its own."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from ledger.errors import ConflictError
from ledger.reasons import Reason

__all__ = ["Limits", "Rate", "RateLimitedError", "RateLimiter"]


class RateLimitedError(ConflictError):
    """`api.rate_limited`; `retry_after` seconds from now there is room again."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(Reason.API_RATE_LIMITED, f"{retry_after} s", hint="wait, then try again")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, then `per_minute`."""

    burst: int
    per_minute: int


class RateLimiter:
    """One bucket per name. The least recently used bucket is dropped when there are more than `at_most`."""

    def __init__(self, rate: Rate, *, at_most: int = 100_000) -> None:
        self._rate = rate
        self._at_most = at_most
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, name: str, *, now: float) -> None:
        """Take one from the bucket `name`. Raises RateLimitedError."""
        per_second = self._rate.per_minute / 60
        with self._lock:
            tokens, since = self._buckets.pop(name, (float(self._rate.burst), now))
            tokens = min(float(self._rate.burst), tokens + max(0.0, now - since) * per_second)
            allowed = tokens >= 1
            self._buckets[name] = (tokens - 1 if allowed else tokens, now)
            if len(self._buckets) > self._at_most:
                self._buckets.popitem(last=False)
        if not allowed:
            raise RateLimitedError(max(1, round((1 - tokens) / per_second)))


class Limits:
    """The limits of one service: logins by address and by key, bad tokens by address, requests and
    new webhooks by organisation.
    """

    def __init__(
        self,
        *,
        login_address: Rate = Rate(60, 60),
        login_key: Rate = Rate(10, 10),
        bad_token: Rate = Rate(100, 60),
        new_request: Rate = Rate(1000, 600),
        new_hook: Rate = Rate(20, 20),
    ) -> None:
        self.login_address = RateLimiter(login_address)
        self.login_key = RateLimiter(login_key)
        self.bad_token = RateLimiter(bad_token)
        self.new_request = RateLimiter(new_request)
        self.new_hook = RateLimiter(new_hook)
