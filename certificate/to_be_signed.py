"""What a holder key is asked to sign, read back by the holder's side before it signs anything.

The service hands out the Sig_structure of RFC 9052 section 4.4; a holder key signs six kinds of object and no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from certificate.cose import sig_structure
from certificate.keys import algorithm_of
from certificate.numbers import HEADER_ALG, HEADER_TYP, Typ
from certificate.schema import take_array, take_bytes
from ledger.cbor import decode_cbor, encode_cbor
from ledger.errors import FormatError, VerificationError
from ledger.reasons import Reason

__all__ = ["HOLDER_TYPES", "ToBeSigned", "holder_to_be_signed", "parse_to_be_signed"]

HOLDER_TYPES = frozenset(
    {Typ.PRESENTATION, Typ.LOGIN, Typ.DELEGATION, Typ.DELEGATION_END, Typ.DEVICE, Typ.JOURNAL}
)
_MAX_SIZE = 64 * 1024


@dataclass(frozen=True, slots=True)
class ToBeSigned:
    """A parsed Sig_structure: protected header and payload, as bytes and decoded."""

    typ: Typ
    protected_bytes: bytes
    headers: Mapping[int, Any]
    payload_bytes: bytes
    payload: Any

    def encode(self) -> bytes:
        """The exact bytes to sign."""
        return sig_structure(self.protected_bytes, self.payload_bytes)


def holder_to_be_signed(
    typ: Typ, payload: object, *, holder_key: bytes, more_headers: Mapping[int, object] | None = None
) -> ToBeSigned:
    """What the owner of `holder_key` (raw, 32 or 33 bytes) signs for `payload` as `typ`."""
    headers = {HEADER_ALG: int(algorithm_of(holder_key)), HEADER_TYP: int(typ), **(more_headers or {})}
    return parse_to_be_signed(sig_structure(encode_cbor(headers), encode_cbor(payload)))


def parse_to_be_signed(data: bytes) -> ToBeSigned:
    """Read bytes that a service wants signed by a holder key.

    Raises:
        FormatError: `enc.…`, `schema.…`.
        VerificationError: `key.purpose_mismatch` when a holder key never signs objects of that kind.
    """
    if len(data) > _MAX_SIZE:
        raise FormatError(Reason.ENC_TOO_LARGE, f"{len(data)} bytes to be signed")
    context, protected, external, payload = take_array(decode_cbor(data), 4)
    if context != "Signature1" or take_bytes(external, 0):
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "not the Sig_structure of a COSE_Sign1")
    headers = decode_cbor(take_bytes(protected))
    if not isinstance(headers, Mapping):
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "the protected header is a map")
    typ = headers.get(HEADER_TYP)
    if type(typ) is not int or typ not in HOLDER_TYPES:
        raise VerificationError(Reason.KEY_PURPOSE_MISMATCH, "a holder key never signs this kind of object")
    return ToBeSigned(Typ(typ), protected, headers, payload, decode_cbor(take_bytes(payload)))
