"""Forgetting old months: snapshots that no valid certificate needs any more are destroyed."""

from __future__ import annotations

from certificate.certificate import parse_certificate
from issuer.home import Home
from issuer.lock import locked
from issuer.upkeep.upgrade import destroy_snapshot
from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = ["prune_snapshots"]

_DAY = 86400


def prune_snapshots(home: Home, *, before: int, now: int) -> list[int]:
    """Destroy the snapshots with a cut-off before the month `before` (YYYYMM); returns their cut-offs.

    What was minted from them can afterwards be verified by whoever holds it, but not be shown or exported again.

    Raises:
        ConfigError: `cli.usage` when a certificate minted from one is still valid, or when it is the newest.
        ConflictError: `store.locked`.
    """
    with locked(home.path / "import.lock", what="changing the snapshots", timeout=10.0):
        register = home.register()
        try:
            rows = register.snapshots()
            old = [row for row in rows if row.cut_off < before]
            if old and rows[0] in old:
                raise ConfigError(
                    Reason.CLI_USAGE, "the newest snapshot is always kept", hint="name an earlier month"
                )
            for row in old:
                newest = register.newest_from(row.digest)
                if newest is not None and parse_certificate(newest.signed).body.expires >= now // _DAY:
                    hint = "wait until they have expired, or name an earlier month"
                    raise ConfigError(
                        Reason.CLI_USAGE, f"certificates from {row.cut_off} are still valid", hint=hint
                    )
            for row in old:
                path = home.path / "snapshots" / row.file
                if path.exists():
                    destroy_snapshot(path)
                register.remove_snapshot(row.digest)
        finally:
            register.close()
    return [row.cut_off for row in old]
