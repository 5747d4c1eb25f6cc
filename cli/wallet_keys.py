"""A citizen's keys at a wallet service: lost ones, second devices, proxies. What is signed is composed here as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from certificate.delegation import (
    DelegationBody,
    DelegationEnd,
    delegation_end_to_be_signed,
    delegation_to_be_signed,
)
from certificate.device import MAX_DEVICE_LIFETIME, device_to_be_signed, parse_device
from certificate.numbers import CertificateType
from certificate.qr_text import decode_file_text, encode_file_text
from certificate.to_be_signed import parse_to_be_signed
from cli.wallet_session import WalletSession
from cli.web import Answer
from ledger.errors import ConsentError, VerificationError
from ledger.reasons import Reason

__all__ = ["WalletKeys"]

_DAY: Final = 86400


class WalletKeys(WalletSession):
    """The session, with what is about keys."""

    def recover(self, statement: bytes) -> bool:
        """Take over the safe of a lost key by the bureau's statement; False where that key has no safe here.

        Raises:
            VerificationError: `key.revoked` (the old key ended in another way), `trust.issuer_not_authorised`.
        """
        try:
            self._web.call("POST", "/recoveries", body={"statement": encode_file_text(statement)})
        except ConsentError as exc:
            if exc.reason is not Reason.AUTHZ_NOT_FOUND:
                raise
            return False
        return True

    def devices(self) -> list[Answer]:
        """The keys of the safe: `device` (key id), `this`, `added`, `ended`."""
        told = self._web.call("GET", "/devices")
        return [Answer(told.status, row) for row in told.rows("devices")]

    def take_in(self, second_key: bytes) -> None:
        """Offer the safe to another device's key (raw), which has ten minutes to `join`."""
        key = encode_file_text(second_key)
        begun = self._web.call("POST", "/devices/begin", body={"holder_key": key})
        issued = self._device(begun, first=self._signer.public_key, second=second_key)
        signature = self._sign(decode_file_text(begun.text("to_be_signed")))
        body = {"holder_key": key, "issued": issued, "signature": signature}
        self._web.call("POST", "/devices/complete", body=body)

    def join(self, first_key: bytes) -> None:
        """Accept the offer of the device with this key (raw). What is in the own safe already comes along."""
        offered = self._web.call("GET", "/devices/offer")
        self._device(offered, first=first_key, second=self._signer.public_key)
        signature = self._sign(decode_file_text(offered.text("to_be_signed")))
        self._web.call("POST", "/devices/accept", body={"signature": signature})

    def remove_device(self, device: str) -> None:
        """End another device's key, by its key id."""
        self._web.call("DELETE", f"/devices/{device}")

    def delegate(self, proxy_key: bytes, *, types: Sequence[int], days: int) -> tuple[str, bytes]:
        """Let `proxy_key` (raw) act for these certificate types; the delegation's id and signed bytes."""
        asked = {"proxy_key": encode_file_text(proxy_key), "types": list(types), "days": days}
        begun = self._web.call("POST", "/delegations/begin", body=asked)
        to_sign = decode_file_text(begun.text("to_be_signed"))
        today = self._clock() // _DAY
        nonce = _last_of(parse_to_be_signed(to_sign).payload)
        kinds = tuple(CertificateType(number) for number in types)
        body = DelegationBody(self._signer.public_key, proxy_key, kinds, today, today + days - 1, nonce)
        if to_sign != delegation_to_be_signed(body):
            raise VerificationError(Reason.PRES_TRANSCRIPT_MISMATCH, "another delegation than was asked for")
        made = self._web.call("POST", "/delegations/complete", body=self._signed(begun))
        return made.text("id"), decode_file_text(made.text("statement"))

    def end_delegation(self, id_: str) -> bytes:
        """End a delegation by its id; the signed end."""
        begun = self._web.call("POST", f"/delegations/{id_}/end/begin")
        to_sign = decode_file_text(begun.text("to_be_signed"))
        payload = parse_to_be_signed(to_sign).payload
        time = payload[1] if isinstance(payload, tuple) and len(payload) == 2 else None
        if type(time) is not int or to_sign != delegation_end_to_be_signed(
            DelegationEnd(bytes.fromhex(id_), time), principal_key=self._signer.public_key
        ):
            raise VerificationError(Reason.PRES_TRANSCRIPT_MISMATCH, "the end of another delegation")
        ended = self._web.call("POST", f"/delegations/{id_}/end/complete", body=self._signed(begun))
        return decode_file_text(ended.text("end_statement"))

    def _device(self, told: Answer, *, first: bytes, second: bytes) -> int:
        """When the statement about these two keys was issued, once it says that and nothing else."""
        to_sign = decode_file_text(told.text("to_be_signed"))
        body = parse_device(to_sign)
        expected = device_to_be_signed(
            replace(body, audience=self._audience, first_key=first, second_key=second),
            holder_key=self._signer.public_key,
        )
        if to_sign != expected or abs(body.issued - self._clock()) > MAX_DEVICE_LIFETIME:
            raise VerificationError(Reason.PRES_TRANSCRIPT_MISMATCH, "another device, or another service")
        return body.issued


def _last_of(payload: object) -> bytes:
    last = payload[-1] if isinstance(payload, tuple) and payload else None
    return last if isinstance(last, bytes) else b""
