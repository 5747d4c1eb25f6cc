"""Lost keys and second devices."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from certificate.keys import key_id
from wallet_api import devices, recovery
from wallet_api.devices import DeviceToSign
from wallet_api.http import key_models as models
from wallet_api.http.auth import CitizenCaller, TheService
from wallet_api.http.models import b64, unb64
from wallet_api.service import not_found

__all__ = ["router"]

router = APIRouter()


def _device(device: str, _: CitizenCaller) -> bytes:
    """A key id in its one spelling; any other is as good as absent."""
    if len(device) != 16 or not set(device) <= set("0123456789abcdef"):
        raise not_found()
    return bytes.fromhex(device)


_DeviceId = Annotated[bytes, Depends(_device)]


@router.post("/recoveries", status_code=201)
def recover(body: models.Recovery, caller: CitizenCaller, service: TheService) -> models.KeyEnded:
    """Hand the safe of a lost key to the key that asks, on the bureau's signed statement. Twice is the same."""
    found = recovery.recover(service, caller, unb64(body.statement))
    return models.KeyEnded(suspended=found.suspended, withdrawn=found.withdrawn)


@router.get("/devices")
def list_devices(caller: CitizenCaller, service: TheService) -> models.DeviceList:
    """The keys that open this safe, and those that did."""
    return models.DeviceList(
        devices=[
            models.DeviceModel(
                device=key_id(key.holder_key).hex(),
                this=key.holder_key == caller.holder_key,
                added=key.added,
                ended=key.ended,
            )
            for key in devices.list_devices(service, caller)
        ]
    )


@router.post("/devices/begin")
def begin_device(
    body: models.NewDevice, caller: CitizenCaller, service: TheService
) -> models.DeviceToSignModel:
    """The exact bytes that a device signs to take another key into its safe."""
    return _to_sign(devices.begin_device(service, caller, unb64(body.holder_key)))


@router.post("/devices/complete", status_code=204)
def complete_device(body: models.CompleteDevice, caller: CitizenCaller, service: TheService) -> Response:
    """The signature over the bytes of `begin`: for ten minutes the other key can accept."""
    devices.complete_device(
        service, caller, unb64(body.holder_key), issued=body.issued, signature=unb64(body.signature)
    )
    return Response(status_code=204)


@router.get("/devices/offer")
def offered_device(caller: CitizenCaller, service: TheService) -> models.DeviceToSignModel:
    """The exact bytes that the second device signs to accept what was offered to its key."""
    return _to_sign(devices.offered_device(service, caller))


@router.post("/devices/accept", status_code=204)
def accept_device(body: models.AcceptDevice, caller: CitizenCaller, service: TheService) -> Response:
    """From now on the caller's key opens the safe that was offered; what it had here comes with it."""
    devices.accept_device(service, caller, signature=unb64(body.signature))
    return Response(status_code=204)


@router.delete("/devices/{device}")
def remove_device(id_: _DeviceId, caller: CitizenCaller, service: TheService) -> models.KeyEnded:
    """End a key of this safe: its sessions are over at once, its certificates suspended."""
    suspended, withdrawn = devices.remove_device(service, caller, id_)
    return models.KeyEnded(suspended=suspended, withdrawn=withdrawn)


def _to_sign(made: DeviceToSign) -> models.DeviceToSignModel:
    body = made.body
    return models.DeviceToSignModel(
        to_be_signed=b64(made.to_be_signed),
        first=key_id(body.first_key).hex(),
        second=key_id(body.second_key).hex(),
        issued=body.issued,
        expires=body.expires,
    )
