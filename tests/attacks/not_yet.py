"""Lines of the attack list, or parts of them, whose target does not exist yet: what is missing, and who brings it."""

from __future__ import annotations

from typing import Final

__all__ = ["NOT_YET"]

NOT_YET: Final = {
    "A23": ("ML-DSA signatures and `pq: require` of a bundle", "5, 6"),
    "A39a": ("blocks of the log in the bundle, which decide against retired keys", "5, 6"),
}
