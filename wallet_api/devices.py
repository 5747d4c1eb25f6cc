"""The devices of one safe: a second key comes in when a first one takes it in and it accepts; any can be removed.

Each device has certificates of its own, claimed to its own key. All see the same safe; none can answer for another.
"""

from __future__ import annotations

from dataclasses import dataclass

from certificate.device import DeviceBody, device_to_be_signed, verify_device
from certificate.keys import check_key, key_id
from ledger.errors import ConsentError, VerificationError
from ledger.reasons import Reason
from wallet_api.access_log import append_access
from wallet_api.access_rows import Action
from wallet_api.holder_keys import Ended, absorb_safe, end_holder_key, key_access
from wallet_api.service import Citizen, Service, not_found
from wallet_api.store.rows import DeviceOfferRow, KeyRow
from wallet_api.store.sql import Transaction

__all__ = [
    "MAX_DEVICES",
    "OFFER_LIFETIME",
    "DeviceToSign",
    "accept_device",
    "begin_device",
    "complete_device",
    "list_devices",
    "offered_device",
    "remove_device",
]

OFFER_LIFETIME = 600  # seconds
MAX_DEVICES = 8


@dataclass(frozen=True, slots=True)
class DeviceToSign:
    """The exact bytes to sign, and what they say."""

    to_be_signed: bytes
    body: DeviceBody


def begin_device(service: Service, citizen: Citizen, second_key: bytes) -> DeviceToSign:
    """What the caller's key signs to take `second_key` (raw, 32 or 33 bytes) into its safe.

    Raises:
        FormatError: `key.malformed`, `key.weak`, `schema.field_type` (its own key).
    """
    body = DeviceBody(
        service.audience, citizen.holder_key, check_key(second_key), service.clock(), OFFER_LIFETIME
    )
    return DeviceToSign(device_to_be_signed(body, holder_key=citizen.holder_key), body)


def complete_device(
    service: Service, citizen: Citizen, second_key: bytes, *, issued: int, signature: bytes
) -> None:
    """Offer the safe to `second_key`, with the caller's signature over what `begin_device` gave.

    Args:
        issued: as `begin_device` said; the offer runs from there.
    Raises:
        VerificationError: `pres.binding_invalid`, `pres.expired`.
        ConsentError: `consent.exhausted`: the safe has all the devices it may have.
    """
    now = service.clock()
    body = DeviceBody(service.audience, citizen.holder_key, check_key(second_key), issued, OFFER_LIFETIME)
    verify_device(body, signature, holder_key=citizen.holder_key, now=now)
    with service.store.write() as tx:
        _require_live(tx, citizen)
        if len(_live(tx, citizen.safe)) >= MAX_DEVICES:
            raise ConsentError(Reason.CONSENT_EXHAUSTED, f"{MAX_DEVICES} devices", hint="remove one first")
        tx.put_device_offer(
            DeviceOfferRow(second_key, citizen.safe, citizen.holder_key, issued, body.expires, signature)
        )


def offered_device(service: Service, citizen: Citizen) -> DeviceToSign:
    """What the caller, the second key, signs to accept. Raises ConsentError `authz.not_found`, FormatError."""
    with service.store.read() as tx:
        body = _offered(service, tx.device_offer(citizen.holder_key), now=service.clock())
    return DeviceToSign(device_to_be_signed(body, holder_key=citizen.holder_key), body)


def accept_device(service: Service, citizen: Citizen, *, signature: bytes) -> None:
    """Bring the caller's key, and what it has here already, into the safe that was offered to it.

    Raises:
        ConsentError: `authz.not_found` (nothing was offered, or it ran out), `authz.denied` (it shares its present
            safe with other keys), `consent.exhausted`.
        VerificationError: `pres.binding_invalid`, `pres.expired`, `auth.invalid` (a key ended meanwhile).
    """
    now = service.clock()
    with service.store.write() as tx:
        _require_live(tx, citizen)
        offer = tx.device_offer(citizen.holder_key)
        body = _offered(service, offer, now=now)
        assert offer is not None
        verify_device(body, offer.signature, holder_key=body.first_key, now=now)
        verify_device(body, signature, holder_key=citizen.holder_key, now=now)
        first = tx.key(body.first_key)
        if first is None or first.ended is not None or first.safe != offer.safe:
            raise not_found()
        if len(_live(tx, offer.safe)) >= MAX_DEVICES:
            raise ConsentError(Reason.CONSENT_EXHAUSTED, f"{MAX_DEVICES} devices")
        tx.delete_device_offer(citizen.holder_key)
        if citizen.safe == offer.safe:
            return
        if len(tx.keys(citizen.safe)) > 1:
            raise ConsentError(Reason.AUTHZ_DENIED, "a safe with several keys of its own")
        source, into = tx.safe(citizen.safe), tx.safe(offer.safe)
        assert source is not None
        assert into is not None
        absorb_safe(service, tx, source, into)
        access, data_key = key_access(Action.DEVICE_ADDED, citizen.holder_key), service.data_key(into)
        append_access(tx, into.id, access, data_key=data_key, time=now, random=service.random)
    service.store.wipe()


def list_devices(service: Service, citizen: Citizen) -> list[KeyRow]:
    """The keys of the safe, those that ended included, by age."""
    with service.store.read() as tx:
        return tx.keys(citizen.safe)


def remove_device(service: Service, citizen: Citizen, device: bytes) -> Ended:
    """End the key with this key id (8 bytes); whoever holds it is out at once. The last key cannot be removed.

    Raises:
        ConsentError: `authz.not_found`; `authz.denied` for the last one: erase the safe instead.
    """
    now = service.clock()
    with service.store.write() as tx:
        _require_live(tx, citizen)
        live = _live(tx, citizen.safe)
        found = [key for key in live if key_id(key.holder_key) == device]
        if not found:
            raise not_found()
        if len(live) == 1:
            raise ConsentError(Reason.AUTHZ_DENIED, "the last device", hint="erase the safe instead")
        safe = tx.safe(citizen.safe)
        assert safe is not None
        ended = end_holder_key(service, tx, safe, found[0].holder_key, now=now)
        access = key_access(Action.DEVICE_REMOVED, found[0].holder_key)
        append_access(tx, safe.id, access, data_key=citizen.data_key, time=now, random=service.random)
    return ended


def _offered(service: Service, offer: DeviceOfferRow | None, *, now: int) -> DeviceBody:
    if offer is None or now >= offer.expires:
        raise not_found()
    lifetime = offer.expires - offer.issued
    return DeviceBody(service.audience, offer.first_key, offer.second_key, offer.issued, lifetime)


def _live(tx: Transaction, safe: bytes) -> list[KeyRow]:
    return [key for key in tx.keys(safe) if key.ended is None]


def _require_live(tx: Transaction, citizen: Citizen) -> None:
    """The caller's key may have ended between its login and this transaction."""
    key = tx.key(citizen.holder_key)
    if key is None or key.ended is not None or key.safe != citizen.safe:
        raise VerificationError(Reason.AUTH_INVALID)
