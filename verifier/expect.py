"""What a verifier expects to see. There is no default and no mode without checks."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["STATIC", "Asked", "Expectation", "Static"]


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer to this request: the bytes of the request the verifier asked."""

    request: bytes


@dataclass(frozen=True, slots=True)
class Static:
    """A paper copy: authentic at most, and to be compared with an identity document."""


STATIC = Static()
Expectation = Asked | Static
