"""Which line of the attack list a test is for.

`docs/ATTACKS_COVERED.md` is written from these marks (`tests.documents.attacks`), wherever in the suite they stand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ledger.reasons import Reason

__all__ = ["attack"]

_F = TypeVar("_F", bound=Callable[..., object])


def attack(line: str, *codes: Reason) -> Callable[[_F], _F]:
    """Mark a test as one for `line` ("A07"), in which `codes` are what the attack is answered with.

    Without codes the attack is no refusal: the attacked thing is shown to be unaffected, or does not exist.
    """
    assert all(isinstance(code, Reason) for code in codes), line

    def unchanged(test: _F) -> _F:
        return test

    return unchanged
