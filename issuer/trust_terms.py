"""How long what a home published is good for, and what to do about it in time. Read without any key."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from certificate.cose import parse_sign1
from certificate.numbers import Typ
from issuer.home import Home
from ledger.errors import IntegrityError
from ledger.reasons import Reason
from verifier.endorsed import TARGETS_NAME
from verifier.trust import BUNDLE_NAME

__all__ = ["Term", "due_terms", "trust_terms"]

_DAY = 86400
_EARLY = {"root": 60 * _DAY, "targets": 60 * _DAY, "bundle": 3 * _DAY}
_RENEWAL = "tally trust root rotate --out DRAFT, and let the holders sign"
_WHAT_TO_DO = {"root": _RENEWAL, "targets": _RENEWAL, "bundle": "tally trust publish"}


@dataclass(frozen=True, slots=True)
class Term:
    """One signed thing: `root`, `targets` or `bundle`, its version, and the POSIX second at which it is over."""

    name: str
    version: int
    expires: int

    def warning(self, now: int) -> str | None:
        """Days left and the remedy when it is time to act, else None."""
        left = self.expires - now
        if left >= _EARLY[self.name]:
            return None
        days = f"{left // _DAY} days left" if left >= 0 else f"over since {-left // _DAY} days"
        return f"{self.name} version {self.version}: {days}; {_WHAT_TO_DO[self.name]}"


def trust_terms(home: Home) -> tuple[Term, ...]:
    """Root, targets and bundle of a home; of one made before roots had several keys, the bundle alone.

    Raises:
        IntegrityError: `store.corrupt` when one of its own files does not read.
    """
    _, _, version, _, expires, _ = parse_sign1(
        (home.trust_dir / BUNDLE_NAME).read_bytes(), Typ.BUNDLE
    ).payload
    bundle = Term("bundle", int(version), int(expires))
    if not home.has_root:
        return (bundle,)
    newest = max(home.tuf_dir.glob("*.root.json"), key=lambda path: int(path.name.split(".")[0]))
    return (_term("root", newest), _term("targets", home.trust_dir / TARGETS_NAME), bundle)


def due_terms(terms: tuple[Term, ...], *, now: int) -> list[str]:
    """The warnings there are at `now` (POSIX seconds)."""
    return [warning for warning in (term.warning(now) for term in terms) if warning is not None]


def _term(name: str, path: Path) -> Term:
    try:
        signed = json.loads(path.read_bytes())["signed"]
        return Term(name, int(signed["version"]), int(datetime.fromisoformat(signed["expires"]).timestamp()))
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise IntegrityError(Reason.STORE_CORRUPT, path.name, hint="restore it from a backup") from exc
