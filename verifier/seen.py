"""What a verifier remembers between verifications: used answers, and the newest versions and times it saw."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock
from typing import Protocol

__all__ = ["MemorySeen", "RunSeen", "Seen"]


class Seen(Protocol):
    """The memory. Every implementation is safe under concurrent calls and passes the same contract test."""

    def is_used(self, keys: Iterable[bytes]) -> bool:
        """Whether one of the 32-byte replay keys was used before."""
        ...

    def use_once(self, keys: Iterable[bytes]) -> bool:
        """Mark all keys as used, atomically; False, and no change, if one of them was used before."""
        ...

    def newest(self, name: str) -> int | None:
        """The largest number reported under `name` (a bundle version, a list's or bundle's time)."""
        ...

    def advance(self, name: str, value: int) -> None:
        """Remember `value` under `name` unless a larger one is known."""
        ...


class MemorySeen:
    """A memory that ends with the process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._used: set[bytes] = set()
        self._newest: dict[str, int] = {}

    def is_used(self, keys: Iterable[bytes]) -> bool:
        with self._lock:
            return not self._used.isdisjoint(keys)

    def use_once(self, keys: Iterable[bytes]) -> bool:
        wanted = set(keys)
        with self._lock:
            if not self._used.isdisjoint(wanted):
                return False
            self._used |= wanted
            return True

    def newest(self, name: str) -> int | None:
        return self._newest.get(name)

    def advance(self, name: str, value: int) -> None:
        with self._lock:
            self._newest[name] = max(value, self._newest.get(name, value))


class RunSeen:
    """Another memory during one run over many objects: used answers are looked up and marked in it each time, what is
    newest is asked for once a name and told to it when it grows."""

    def __init__(self, lasting: Seen) -> None:
        self._lasting = lasting
        self._newest: dict[str, int | None] = {}

    def is_used(self, keys: Iterable[bytes]) -> bool:
        return self._lasting.is_used(keys)

    def use_once(self, keys: Iterable[bytes]) -> bool:
        return self._lasting.use_once(keys)

    def newest(self, name: str) -> int | None:
        if name not in self._newest:
            self._newest[name] = self._lasting.newest(name)
        return self._newest[name]

    def advance(self, name: str, value: int) -> None:
        if (self.newest(name) or 0) < value:
            self._lasting.advance(name, value)
            self._newest[name] = value
