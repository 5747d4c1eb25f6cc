"""The login of a holder key: a signature over one challenge of one service (DESIGN 3, `typ` login).

    protected {1: alg, 16: typ}
    payload   [audience, nonce, issued, lifetime]

`audience` names the service, `nonce` is 16 bytes, `issued` POSIX seconds, `lifetime` seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from certificate.keys import verify_signature
from certificate.numbers import HEADER_ALG, HEADER_TYP, Typ
from certificate.schema import take_array, take_bytes, take_int, take_text
from certificate.to_be_signed import holder_to_be_signed, parse_to_be_signed
from ledger.errors import FormatError, ProjectError, VerificationError
from ledger.reasons import Reason

__all__ = ["LOGIN_NONCE_SIZE", "LoginBody", "login_to_be_signed", "parse_login", "verify_login"]

LOGIN_NONCE_SIZE = 16
_MAX_SECONDS = 2**40
_MAX_LIFETIME = 3600


@dataclass(frozen=True, slots=True)
class LoginBody:
    """What a login states; field meanings as in the module's head."""

    audience: str
    nonce: bytes
    issued: int
    lifetime: int

    def encode(self) -> list[object]:
        return [self.audience, self.nonce, self.issued, self.lifetime]

    @property
    def expires(self) -> int:
        """POSIX seconds of the first moment at which it is over."""
        return self.issued + self.lifetime


def login_to_be_signed(body: LoginBody, *, holder_key: bytes) -> bytes:
    """The exact bytes that the owner of `holder_key` signs. Raises FormatError for a body the format refuses."""
    encoded = holder_to_be_signed(Typ.LOGIN, body.encode(), holder_key=holder_key).encode()
    parse_login(encoded)
    return encoded


def parse_login(data: bytes) -> LoginBody:
    """Read the bytes of a login before signing them.

    Raises:
        FormatError: `enc.…`, `schema.…`.
        VerificationError: `key.purpose_mismatch`: they are not a login.
    """
    parsed = parse_to_be_signed(data)
    if parsed.typ is not Typ.LOGIN:
        raise VerificationError(Reason.KEY_PURPOSE_MISMATCH, "not a login")
    if parsed.headers.keys() != {HEADER_ALG, HEADER_TYP}:
        raise FormatError(Reason.SCHEMA_FIELD_UNKNOWN, "a login has the headers alg and typ")
    audience, nonce, issued, lifetime = take_array(parsed.payload, 4)
    return LoginBody(
        audience=take_text(audience),
        nonce=take_bytes(nonce, LOGIN_NONCE_SIZE),
        issued=take_int(issued, 0, _MAX_SECONDS),
        lifetime=take_int(lifetime, 1, _MAX_LIFETIME),
    )


def verify_login(body: LoginBody, signature: bytes, *, holder_key: bytes, now: int) -> None:
    """Check the holder's signature over the challenge `body` that this service made.

    Raises:
        VerificationError: `auth.invalid` for whatever is wrong with it; which check failed is nobody's business.
    """
    try:
        message = login_to_be_signed(body, holder_key=holder_key)
        verify_signature(public_key=holder_key, message=message, signature=signature)
    except ProjectError as exc:
        raise VerificationError(Reason.AUTH_INVALID, "the login") from exc
    if not body.issued <= now < body.expires:
        raise VerificationError(Reason.AUTH_INVALID, "the login")
