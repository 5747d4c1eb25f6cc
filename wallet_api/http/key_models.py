"""The bodies of what is about holder keys: lost ones, second devices, proxies, journals."""

from __future__ import annotations

from pydantic import Field

from wallet_api.http.models import Base64Text, Model

__all__ = [
    "AcceptDevice",
    "CompleteDevice",
    "DeviceList",
    "DeviceModel",
    "DeviceToSignModel",
    "KeyEnded",
    "NewDevice",
    "Recovery",
]


class Recovery(Model):
    statement: Base64Text = Field(description="the bureau's signed succession with its ledger proof")


class KeyEnded(Model):
    """What ended with a key."""

    suspended: int = Field(description="certificates bound to it")
    withdrawn: int = Field(description="consents that the organisation had not acknowledged")


class NewDevice(Model):
    holder_key: Base64Text = Field(description="the second device's raw public key")


class DeviceToSignModel(Model):
    """The exact bytes to sign: typ device, both keys, this service."""

    to_be_signed: str
    first: str = Field(description="id of the key whose safe it is")
    second: str = Field(description="id of the key that comes in")
    issued: int
    expires: int


class CompleteDevice(Model):
    holder_key: Base64Text
    issued: int = Field(ge=0, le=2**40)
    signature: Base64Text


class AcceptDevice(Model):
    signature: Base64Text


class DeviceModel(Model):
    device: str = Field(description="id of its key")
    this: bool = Field(description="whether it is the one that asks")
    added: int
    ended: int | None


class DeviceList(Model):
    devices: list[DeviceModel]
