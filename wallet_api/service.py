"""What every part of the wallet shares: store, keys, trust bundle, clock, randomness; and who is calling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ledger.errors import ConsentError, ProjectError, UndeterminedError
from ledger.reasons import Reason
from verifier.trust import TrustBundle
from wallet_api.limits import Limits
from wallet_api.sealing import Keyring, Random
from wallet_api.store.rows import RequestRow, SafeRow
from wallet_api.store.sql import Store

__all__ = ["ID_SIZE", "Bureau", "Citizen", "Organisation", "Principal", "Service", "not_found", "of_org"]

ID_SIZE = 16  # bytes of a random id


@dataclass(frozen=True, slots=True)
class Citizen:
    """Who holds a holder key, and the key that opens their safe."""

    safe: bytes
    holder_key: bytes
    data_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who holds a token of this organisation."""

    org: int


@dataclass(frozen=True, slots=True)
class Bureau:
    """Who holds a token of the bureau, which tells whom its staff looked up."""


Principal = Citizen | Organisation | Bureau


@dataclass(frozen=True, slots=True)
class Service:
    """The wallet service without HTTP.

    Attributes:
        audience: the name of this service in logins; a login made for another one is worth nothing here.
        trust: gives the bundle in force.
        clock: POSIX seconds.
        random: that many random bytes.
    """

    store: Store
    keyring: Keyring
    audience: str
    trust: Callable[[], TrustBundle]
    clock: Callable[[], int]
    random: Random
    limits: Limits

    def data_key(self, safe: SafeRow) -> bytes:
        return self.keyring.unwrap(safe.wrapped_key, safe=safe.id)

    def fresh_trust(self, now: int) -> TrustBundle:
        """The bundle. Raises UndeterminedError `trust.bundle_stale`."""
        trust = self.trust()
        if now >= trust.expires:
            hint = "the operator fetches the newest trust bundle"
            raise UndeterminedError(
                Reason.TRUST_BUNDLE_STALE, f"over since {now - trust.expires} s", hint=hint
            )
        return trust


def not_found() -> ProjectError:
    """The one answer for what is absent and for what belongs to somebody else."""
    return ConsentError(Reason.AUTHZ_NOT_FOUND)


def of_org(row: RequestRow | None, organisation: Organisation) -> RequestRow:
    """The request, if it is this organisation's. Raises ConsentError `authz.not_found`."""
    if row is None or row.org != organisation.org:
        raise not_found()
    return row
