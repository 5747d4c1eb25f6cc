"""A second device: one holder key takes another into its safe, and that one accepts.

    protected {1: alg, 16: typ}
    payload   [audience, first_key, second_key, issued, lifetime]

Both keys sign the same payload, each under its own algorithm: the first so that nobody else can come in, the second
so that nobody is taken into a safe that is not theirs. `audience` names the service, `issued` is POSIX seconds,
`lifetime` seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from certificate.keys import check_key, verify_signature
from certificate.numbers import HEADER_ALG, HEADER_TYP, Typ
from certificate.schema import take_array, take_bytes, take_int, take_text
from certificate.to_be_signed import holder_to_be_signed, parse_to_be_signed
from ledger.errors import FormatError, ProjectError, VerificationError
from ledger.reasons import Reason

__all__ = ["MAX_DEVICE_LIFETIME", "DeviceBody", "device_to_be_signed", "parse_device", "verify_device"]

MAX_DEVICE_LIFETIME = 3600
_MAX_SECONDS = 2**40


@dataclass(frozen=True, slots=True)
class DeviceBody:
    """What both keys sign; field meanings as in the module's head."""

    audience: str
    first_key: bytes
    second_key: bytes
    issued: int
    lifetime: int

    def encode(self) -> list[object]:
        return [self.audience, self.first_key, self.second_key, self.issued, self.lifetime]

    @property
    def expires(self) -> int:
        """POSIX seconds of the first moment at which it is over."""
        return self.issued + self.lifetime


def device_to_be_signed(body: DeviceBody, *, holder_key: bytes) -> bytes:
    """The exact bytes that the owner of `holder_key`, one of the two, signs. Raises FormatError."""
    encoded = holder_to_be_signed(Typ.DEVICE, body.encode(), holder_key=holder_key).encode()
    parse_device(encoded)
    return encoded


def parse_device(data: bytes) -> DeviceBody:
    """Read the bytes before signing them.

    Raises:
        FormatError: `enc.…`, `schema.…`, `key.…`.
        VerificationError: `key.purpose_mismatch`.
    """
    parsed = parse_to_be_signed(data)
    if parsed.typ is not Typ.DEVICE:
        raise VerificationError(Reason.KEY_PURPOSE_MISMATCH, "not about a second device")
    if parsed.headers.keys() != {HEADER_ALG, HEADER_TYP}:
        raise FormatError(Reason.SCHEMA_FIELD_UNKNOWN, "it has the headers alg and typ")
    audience, first, second, issued, lifetime = take_array(parsed.payload, 5)
    body = DeviceBody(
        audience=take_text(audience),
        first_key=check_key(take_bytes(first, 32, 33)),
        second_key=check_key(take_bytes(second, 32, 33)),
        issued=take_int(issued, 0, _MAX_SECONDS),
        lifetime=take_int(lifetime, 1, MAX_DEVICE_LIFETIME),
    )
    if body.first_key == body.second_key:
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "two keys are due")
    return body


def verify_device(body: DeviceBody, signature: bytes, *, holder_key: bytes, now: int) -> None:
    """Check the signature of one of the two keys.

    Raises:
        VerificationError: `pres.binding_invalid` (another key, another signature), `pres.expired`.
    """
    if holder_key not in (body.first_key, body.second_key):
        raise VerificationError(Reason.PRES_BINDING_INVALID, "neither of the two keys")
    try:
        message = device_to_be_signed(body, holder_key=holder_key)
        verify_signature(public_key=holder_key, message=message, signature=signature)
    except ProjectError as exc:
        raise VerificationError(Reason.PRES_BINDING_INVALID, "about a second device") from exc
    if not body.issued <= now < body.expires:
        raise VerificationError(Reason.PRES_EXPIRED, "about a second device", hint="begin again")
