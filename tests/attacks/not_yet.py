"""Lines of the attack list, or parts of them, whose target does not exist yet: what is missing, and who brings it."""

from __future__ import annotations

from typing import Final

__all__ = ["NOT_YET"]

# Line: what cannot be attacked yet, the issue that brings it. A line may have tests for the rest of it.
NOT_YET: Final = {
    "A23": ("ML-DSA signatures, and `pq: require` of a bundle (`alg.downgrade`)", "5, 6"),
    "A24": ("a second, post-quantum signature of a certificate or checkpoint", "5"),
    "A37": ("texts in HTML (the desk) and in CSV reports", "7, 8"),
    "A39a": ("blocks of the log in the bundle, which decide against retired keys", "5, 6"),
    "A39b": ("`ledger audit`, which reports a planted entry", "5"),
    "P24": ("milestones of the log in the bundle, a second clock beside its own time", "6"),
    "P26": ("a threshold of trust roots (`trust.threshold`): a bundle has one root signature", "6"),
    "P27": ("rotation of trust roots", "6"),
    "P31": ("the desk's QR page as a third verifier", "8"),
    "W06": ("a checkpoint in the bundle, which may be forty days old (`ckpt.stale`)", "6"),
}
