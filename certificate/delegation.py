"""A principal lets a proxy act: the principal's signature that a bureau mints a proxy certificate from, and its end.

    delegation  protected {1: alg, 16: typ}    payload [principal_key, proxy_key, [type, ...], first, last, nonce]
    its end     protected {1: alg, 16: typ}    payload [digest of the delegation, time]

Both are signed by the principal's holder key. `types` are certificate types, rising; `first` and `last` are UTC day
numbers, the delegation counts while first <= today <= last; `nonce` is 16 bytes, so that no two delegations are one.
`time` is POSIX seconds. An end has a `typ` of its own: no signature under a delegation ever ends one, nor the reverse.
"""

from __future__ import annotations

from dataclasses import dataclass

from certificate.cose import Sign1, parse_sign1
from certificate.keys import algorithm_of, check_key, verify_signature
from certificate.numbers import CertificateType, Typ
from certificate.schema import take_array, take_bytes, take_int
from certificate.slots import registry_of
from certificate.to_be_signed import holder_to_be_signed
from ledger.errors import FormatError, ProjectError, VerificationError
from ledger.reasons import Reason

__all__ = [
    "DELEGATION_NONCE_SIZE",
    "MAX_DELEGATION_DAYS",
    "DelegationBody",
    "DelegationEnd",
    "UnverifiedDelegation",
    "UnverifiedDelegationEnd",
    "delegation_end_to_be_signed",
    "delegation_to_be_signed",
    "parse_delegation",
    "parse_delegation_end",
    "verify_delegation",
    "verify_delegation_end",
]

DELEGATION_NONCE_SIZE = 16
MAX_DELEGATION_DAYS = 366
_MAX_DAY = 2**20
_MAX_SECONDS = 2**40
_MAX_TYPES = 16


@dataclass(frozen=True, slots=True)
class DelegationBody:
    """What a principal allows; field meanings as in the module's head."""

    principal_key: bytes
    proxy_key: bytes
    types: tuple[CertificateType, ...]
    first: int
    last: int
    nonce: bytes

    def encode(self) -> list[object]:
        types = [int(type_) for type_ in self.types]
        return [self.principal_key, self.proxy_key, types, self.first, self.last, self.nonce]


@dataclass(frozen=True, slots=True)
class DelegationEnd:
    """Which delegation ends, and when."""

    delegation: bytes
    time: int

    def encode(self) -> list[object]:
        return [self.delegation, self.time]


@dataclass(frozen=True, slots=True)
class UnverifiedDelegation:
    """A parsed delegation of which nothing was checked but its form."""

    sign1: Sign1
    body: DelegationBody

    def digest(self) -> bytes:
        return self.sign1.digest()


@dataclass(frozen=True, slots=True)
class UnverifiedDelegationEnd:
    """A parsed end of which nothing was checked but its form."""

    sign1: Sign1
    body: DelegationEnd


def delegation_to_be_signed(body: DelegationBody) -> bytes:
    """The exact bytes that the principal's key signs. Raises FormatError for a body the format refuses."""
    made = holder_to_be_signed(Typ.DELEGATION, body.encode(), holder_key=body.principal_key)
    _body(made.payload)
    return made.encode()


def delegation_end_to_be_signed(body: DelegationEnd, *, principal_key: bytes) -> bytes:
    """The exact bytes that the principal's key signs to end a delegation. Raises FormatError."""
    made = holder_to_be_signed(Typ.DELEGATION_END, body.encode(), holder_key=principal_key)
    _end(made.payload)
    return made.encode()


def parse_delegation(data: bytes) -> UnverifiedDelegation:
    """Parse the tagged bytes of a delegation.

    Raises:
        FormatError: what `parse_sign1` raises; `schema.…`, `enc.number_range`, `key.malformed`, `key.weak`.
    """
    sign1 = parse_sign1(data, Typ.DELEGATION, with_kid=False)
    return UnverifiedDelegation(sign1, _body(sign1.payload))


def parse_delegation_end(data: bytes) -> UnverifiedDelegationEnd:
    """Parse the tagged bytes of an end. Raises FormatError."""
    sign1 = parse_sign1(data, Typ.DELEGATION_END, with_kid=False)
    return UnverifiedDelegationEnd(sign1, _end(sign1.payload))


def verify_delegation(statement: UnverifiedDelegation, *, today: int) -> DelegationBody:
    """Check that the principal signed it and that it counts today (UTC day number).

    Whether it was ended, and who the principal is, is the caller's to know.

    Raises:
        VerificationError: `sig.invalid`, `time.not_yet_valid`, `time.expired`.
    """
    body = statement.body
    _verify(statement.sign1, body.principal_key)
    if today < body.first:
        raise VerificationError(Reason.TIME_NOT_YET_VALID, f"begins in {body.first - today} days")
    if today > body.last:
        raise VerificationError(Reason.TIME_EXPIRED, f"over since {today - body.last} days")
    return body


def verify_delegation_end(
    statement: UnverifiedDelegationEnd, *, delegation: UnverifiedDelegation
) -> DelegationEnd:
    """Check that the principal of `delegation` ended this very one.

    Raises:
        VerificationError: `sig.invalid`, `pres.transcript_mismatch` (it ends another delegation).
    """
    _verify(statement.sign1, delegation.body.principal_key)
    if statement.body.delegation != delegation.digest():
        raise VerificationError(Reason.PRES_TRANSCRIPT_MISMATCH, "the end of another delegation")
    return statement.body


def _verify(sign1: Sign1, principal_key: bytes) -> None:
    try:
        if sign1.algorithm is algorithm_of(principal_key):
            verify_signature(public_key=principal_key, message=sign1.to_be_signed, signature=sign1.signature)
            return
    except ProjectError as exc:
        raise VerificationError(Reason.SIG_INVALID, "not the principal's signature") from exc
    raise VerificationError(Reason.SIG_INVALID, "another algorithm than the principal's key has")


def _body(payload: object) -> DelegationBody:
    principal, proxy, types, first, last, nonce = take_array(payload, 6)
    numbers = [take_int(number, 0, 255) for number in take_array(types, at_most=_MAX_TYPES)]
    body = DelegationBody(
        principal_key=check_key(take_bytes(principal, 32, 33)),
        proxy_key=check_key(take_bytes(proxy, 32, 33)),
        types=tuple(CertificateType(registry_of(number).type) for number in numbers),
        first=take_int(first, 0, _MAX_DAY),
        last=take_int(last, 0, _MAX_DAY),
        nonce=take_bytes(nonce, DELEGATION_NONCE_SIZE),
    )
    if body.principal_key == body.proxy_key:
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "nobody is their own proxy")
    if not numbers or numbers != sorted(set(numbers)):
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "types are named once each, rising")
    if not 0 <= body.last - body.first < MAX_DELEGATION_DAYS:
        raise FormatError(Reason.ENC_NUMBER_RANGE, f"1 to {MAX_DELEGATION_DAYS} days")
    return body


def _end(payload: object) -> DelegationEnd:
    delegation, time = take_array(payload, 2)
    return DelegationEnd(take_bytes(delegation, 32), take_int(time, 0, _MAX_SECONDS))
