"""The presentation: the holder's signature over one answer to one request, which is also the consent (DESIGN 3.4).

    protected {1: alg, 13: the certificate with what it discloses and its proof, 16: typ}
    payload   [audience, request digest, issued, lifetime]

`issued` is POSIX seconds, `lifetime` minutes. The request, and with it purpose, legal basis and recipient, is bound
by its digest; the disclosed claims are bound because the certificate stands in the protected header.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from certificate.certificate import UnverifiedCertificate, certificate_item, parse_certificate_item
from certificate.cose import Sign1, sign1_of_item, sign_object
from certificate.keys import CoseSigner
from certificate.numbers import HEADER_KCWT, Typ
from certificate.schema import take_array, take_bytes, take_int
from certificate.to_be_signed import holder_to_be_signed
from ledger.cbor import decode_cbor, encode_cbor
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = [
    "MAX_LIFETIME",
    "MAX_PARTS",
    "PresentationBody",
    "UnverifiedPresentation",
    "encode_answer",
    "parse_answer",
    "parse_presentation",
    "presentation_of_item",
    "presentation_to_be_signed",
    "sign_presentation",
]

MAX_LIFETIME = 60 * 24 * 31  # minutes; a longer access is a new request and a new consent
MAX_PARTS = 16  # presentations in one answer; a request has no more items
_MAX_SECONDS = 2**40
_ARRAY = 4  # CBOR major type


@dataclass(frozen=True, slots=True)
class PresentationBody:
    """What the holder signs besides the certificate; field meanings as in the module's head."""

    audience: int
    request_digest: bytes
    issued: int
    lifetime: int

    def encode(self) -> list[object]:
        return [self.audience, self.request_digest, self.issued, self.lifetime]

    @property
    def expires(self) -> int:
        """POSIX seconds of the first moment at which it is over."""
        return self.issued + 60 * self.lifetime


@dataclass(frozen=True, slots=True)
class UnverifiedPresentation:
    """A parsed presentation of which nothing was checked but its form."""

    sign1: Sign1
    body: PresentationBody
    certificate: UnverifiedCertificate

    def replay_key(self) -> bytes:
        """SHA-256 of what was signed; a second valid signature over the same consent has the same key."""
        return sha256(self.sign1.to_be_signed).digest()


def sign_presentation(holder: CoseSigner, body: PresentationBody, certificate: bytes) -> bytes:
    """Sign the consent over `certificate`, which discloses exactly what the holder agrees to show."""
    headers = {HEADER_KCWT: certificate_item(certificate)}
    return sign_object(holder, Typ.PRESENTATION, body.encode(), with_kid=False, more_headers=headers)


def presentation_to_be_signed(body: PresentationBody, certificate: bytes, *, holder_key: bytes) -> bytes:
    """The exact bytes that the owner of `holder_key` signs to show `certificate` as it stands."""
    headers = {HEADER_KCWT: certificate_item(certificate)}
    return holder_to_be_signed(
        Typ.PRESENTATION, body.encode(), holder_key=holder_key, more_headers=headers
    ).encode()


def parse_presentation(data: bytes) -> UnverifiedPresentation:
    """Parse the tagged bytes of a presentation and of the certificate inside. Raises FormatError."""
    return presentation_of_item(decode_cbor(data))


def presentation_of_item(item: object) -> UnverifiedPresentation:
    """As `parse_presentation`, from the decoded item."""
    sign1 = sign1_of_item(item, Typ.PRESENTATION, with_kid=False, more_labels=frozenset({HEADER_KCWT}))
    fields = take_array(sign1.payload, 4)
    body = PresentationBody(
        audience=take_int(fields[0], 1, 2**31),
        request_digest=take_bytes(fields[1], 32),
        issued=take_int(fields[2], 0, _MAX_SECONDS),
        lifetime=take_int(fields[3], 1, MAX_LIFETIME),
    )
    return UnverifiedPresentation(sign1, body, parse_certificate_item(sign1.headers[HEADER_KCWT]))


def encode_answer(parts: Sequence[bytes]) -> bytes:
    """The presentations of one answer, one a certificate, as one object to keep; a single one stays what it is."""
    return parts[0] if len(parts) == 1 else encode_cbor(list(parts))


def parse_answer(data: bytes) -> list[bytes]:
    """The presentations that `encode_answer` put together, not parsed. Raises FormatError."""
    if not data or data[0] >> 5 != _ARRAY:
        return [data]
    parts = decode_cbor(data)
    if not isinstance(parts, tuple | list) or not 2 <= len(parts) <= MAX_PARTS:
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "an answer of several presentations")
    if not all(type(part) is bytes for part in parts):
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "an answer of several presentations")
    return list(parts)
