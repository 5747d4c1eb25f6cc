"""The wallet's own signing key, which signs heads of the access log and exports of it; sealed under the master key."""

from __future__ import annotations

from ledger.ed25519 import Ed25519Signer
from wallet_api.sealing import KEY_SIZE, Keyring, Random
from wallet_api.service import Service
from wallet_api.store.sql import Store

__all__ = ["log_signer", "rewrap_log_key"]

_NAME = "access-log"
_BOUND = b"access-log key"  # no safe has an id of this length


def log_signer(service: Service) -> Ed25519Signer:
    """The key, made when it is first needed; all processes on one store have the same."""
    with service.store.read() as tx:
        wrapped = tx.service_key(_NAME)
    if wrapped is None:
        with service.store.write() as tx:
            wrapped = tx.service_key(_NAME)
            if wrapped is None:
                seed = service.random(KEY_SIZE)
                wrapped = service.keyring.wrap(seed, safe=_BOUND, random=service.random)
                tx.put_service_key(_NAME, wrapped)
    return Ed25519Signer(service.keyring.unwrap(wrapped, safe=_BOUND))


def rewrap_log_key(store: Store, keyring: Keyring, *, random: Random) -> None:
    """Wrap it under the current master key."""
    with store.write() as tx:
        wrapped = tx.service_key(_NAME)
        if wrapped is not None and not keyring.is_current(wrapped):
            seed = keyring.unwrap(wrapped, safe=_BOUND)
            tx.put_service_key(_NAME, keyring.wrap(seed, safe=_BOUND, random=random))
