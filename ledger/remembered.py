"""A bounded memory of what was worked out once and may be used again: the oldest goes first, failures are not kept."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

__all__ = ["Remembered"]

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


class Remembered(Generic[_K, _V]):
    """For several threads at once; two of them may work out the same thing."""

    __slots__ = ("_limit", "_lock", "_values")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = Lock()
        self._values: dict[_K, _V] = {}

    def __len__(self) -> int:
        return len(self._values)

    def once(self, key: _K, make: Callable[[], _V]) -> _V:
        """The value of `key`, from `make` unless it is known. What `make` raises is raised and not remembered."""
        try:
            return self._values[key]
        except KeyError:
            pass
        value = make()
        with self._lock:
            while len(self._values) >= self._limit:
                del self._values[next(iter(self._values))]
            self._values[key] = value
        return value
