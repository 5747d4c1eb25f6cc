"""What an organisation asks: its registration by the directory, and one signed request (DESIGN 3.4).

    registration payload = [org, [zh, en], contact, request_key, purposes, slots, policies, from, to]
    request payload      = [org, nonce, desk, items, purpose, legal_basis, method, retention, expires, holds]

`slots` of a registration is a list of [type, [first, last, first, last, ...]]; an item of a request is
[type, [slot, ...]] or [policy id, digest]. `from` and `to` are UTC day numbers (to included), `expires` POSIX
seconds, `retention` days, `holds` a list of [log, size] the verifier knows. A request without a nonce is printed at
a counter and names its desk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from certificate.cose import Sign1, parse_sign1, sign1_of_item, sign_object
from certificate.directory import Directory, KeyRole
from certificate.keys import CoseSigner, check_key, verify_signature
from certificate.numbers import HEADER_X, CertificateType, Typ
from certificate.schema import take_array, take_bytes, take_int, take_text
from certificate.slots import registry_of
from ledger.cbor import decode_cbor
from ledger.errors import FormatError, ProjectError, VerificationError
from ledger.reasons import Reason

__all__ = [
    "COUNTER_LIFETIME",
    "DEFAULT_PURPOSE",
    "NONCE_SIZE",
    "PolicyItem",
    "RegistrationBody",
    "RequestBody",
    "SlotsItem",
    "UnverifiedRegistration",
    "UnverifiedRequest",
    "check_registered_on",
    "matching_digits",
    "parse_registration",
    "parse_request",
    "sign_registration",
    "sign_request",
    "verify_registration",
    "verify_request",
    "verify_request_but_its_day",
]

NONCE_SIZE = 16
DEFAULT_PURPOSE = "核验参保缴费情况"  # of a registration and of a request, where nobody says otherwise
COUNTER_LIFETIME = 300  # seconds an answer to a printed counter request lives
_MAX_SECONDS = 2**40
_MAX_DAY = 2**20


@dataclass(frozen=True, slots=True)
class SlotsItem:
    """Claims of one certificate type, asked by slot; slots rise."""

    type: CertificateType
    slots: tuple[int, ...]

    def encode(self) -> list[object]:
        return [int(self.type), list(self.slots)]


@dataclass(frozen=True, slots=True)
class PolicyItem:
    """A question, asked by a policy's id and the digest of its text."""

    policy: str
    digest: bytes

    def encode(self) -> list[object]:
        return [self.policy, self.digest]


@dataclass(frozen=True, slots=True)
class RegistrationBody:
    """Who an organisation is and what it may ask; field meanings as in the module's head."""

    org: int
    name_zh: str
    name_en: str
    contact: str
    request_key: bytes
    purposes: tuple[str, ...]
    slots: tuple[tuple[CertificateType, tuple[int, ...]], ...]
    policies: tuple[str, ...]
    valid_from: int
    valid_to: int

    def encode(self) -> list[object]:
        return [
            self.org,
            [self.name_zh, self.name_en],
            self.contact,
            self.request_key,
            list(self.purposes),
            [[int(type_), list(ranges)] for type_, ranges in self.slots],
            list(self.policies),
            self.valid_from,
            self.valid_to,
        ]

    def allows(self, item: SlotsItem | PolicyItem) -> bool:
        """Whether the registrar lets this organisation ask `item`."""
        if isinstance(item, PolicyItem):
            return item.policy in self.policies
        ranges = [r for type_, r in self.slots if type_ is item.type]
        return all(any(_in_ranges(slot, r) for r in ranges) for slot in item.slots)


@dataclass(frozen=True, slots=True)
class RequestBody:
    """One request; field meanings as in the module's head."""

    org: int
    nonce: bytes | None
    desk: str | None
    items: tuple[SlotsItem | PolicyItem, ...]
    purpose: str
    legal_basis: str
    method: str
    retention: int
    expires: int
    holds: tuple[tuple[int, int], ...] = ()

    def encode(self) -> list[object]:
        return [
            self.org,
            self.nonce,
            self.desk,
            [item.encode() for item in self.items],
            self.purpose,
            self.legal_basis,
            self.method,
            self.retention,
            self.expires,
            [list(pair) for pair in self.holds],
        ]


@dataclass(frozen=True, slots=True)
class UnverifiedRegistration:
    """A parsed registration whose registrar's signature was not checked."""

    sign1: Sign1
    body: RegistrationBody


@dataclass(frozen=True, slots=True)
class UnverifiedRequest:
    """A parsed request of which nothing was checked but its form."""

    sign1: Sign1
    body: RequestBody
    registration: UnverifiedRegistration

    def digest(self) -> bytes:
        return self.sign1.digest()


def sign_registration(registrar: CoseSigner, body: RegistrationBody) -> bytes:
    """The registrar's word for an organisation, as tagged bytes."""
    return sign_object(registrar, Typ.REGISTRATION, body.encode())


def sign_request(signer: CoseSigner, body: RequestBody, registration: bytes) -> bytes:
    """Sign `body` with the organisation's request key; the registration travels in the protected header."""
    return sign_object(signer, Typ.REQUEST, body.encode(), more_headers={HEADER_X: decode_cbor(registration)})


def parse_registration(data: bytes) -> UnverifiedRegistration:
    """Parse the tagged bytes of a registration. Raises FormatError."""
    return _registration(parse_sign1(data, Typ.REGISTRATION))


def parse_request(data: bytes) -> UnverifiedRequest:
    """Parse the tagged bytes of a request with its registration. Raises FormatError."""
    sign1 = parse_sign1(data, Typ.REQUEST, more_labels=frozenset({HEADER_X}))
    registration = _registration(sign1_of_item(sign1.headers[HEADER_X], Typ.REGISTRATION))
    return UnverifiedRequest(sign1, _request_body(sign1.payload), registration)


def check_registered_on(registration: RegistrationBody, *, today: int) -> None:
    """Check the dates of a registration whose signature holds. Raises VerificationError `org.unregistered`."""
    if not registration.valid_from <= today <= registration.valid_to:
        raise VerificationError(Reason.ORG_UNREGISTERED, f"registration of organisation {registration.org}")


def _check_scope(request: RequestBody, registration: RegistrationBody) -> None:
    if request.org != registration.org:
        raise VerificationError(Reason.ORG_UNREGISTERED, f"registration of organisation {registration.org}")
    if request.purpose not in registration.purposes:
        raise VerificationError(Reason.ORG_PURPOSE_NOT_ALLOWED, "purpose not in the registration")
    if not all(registration.allows(item) for item in request.items):
        raise VerificationError(Reason.ORG_PURPOSE_NOT_ALLOWED, "asks more than the registration allows")


def verify_request(request: UnverifiedRequest, *, directory: Directory, today: int) -> RegistrationBody:
    """Check who asks: the registrar's and the organisation's signatures, the scope, and the dates of the registration.

    Args:
        today: a UTC day number.
    Raises:
        VerificationError: `org.unregistered` or `org.purpose_not_allowed`.
    """
    registration = verify_request_but_its_day(request, directory=directory)
    check_registered_on(registration, today=today)
    return registration


def verify_request_but_its_day(request: UnverifiedRequest, *, directory: Directory) -> RegistrationBody:
    """The part of `verify_request` that no day changes: the signatures and the scope. Raises as that does."""
    body = _registered(request.registration, directory)
    _check_signature(request.sign1, body.request_key, body.org)
    _check_scope(request.body, body)
    return body


def verify_registration(
    registration: UnverifiedRegistration, *, directory: Directory, today: int
) -> RegistrationBody:
    """Check a registration alone: the registrar's signature, and its dates. `today` is a UTC day number.

    Raises:
        VerificationError: `org.unregistered`.
    """
    body = _registered(registration, directory)
    check_registered_on(body, today=today)
    return body


def matching_digits(request_digest: bytes) -> str:
    """The two digits that both screens show, so that people notice a relayed request."""
    return f"{int.from_bytes(request_digest[:4]) % 100:02d}"


def _registered(registration: UnverifiedRegistration, directory: Directory) -> RegistrationBody:
    registrar = directory.key(KeyRole.REGISTRAR, registration.sign1.kid)
    if registrar is None:
        raise VerificationError(
            Reason.ORG_UNREGISTERED, f"no registrar has key {registration.sign1.kid.hex()}"
        )
    _check_signature(registration.sign1, registrar.public_key, registration.body.org)
    return registration.body


def _check_signature(signed: Sign1, public_key: bytes, org: int) -> None:
    try:
        verify_signature(public_key=public_key, message=signed.to_be_signed, signature=signed.signature)
    except ProjectError as exc:
        raise VerificationError(Reason.ORG_UNREGISTERED, f"organisation {org}") from exc


def _registration(sign1: Sign1) -> UnverifiedRegistration:
    fields = take_array(sign1.payload, 9)
    names = take_array(fields[1], 2)
    body = RegistrationBody(
        org=take_int(fields[0], 1, 2**31),
        name_zh=take_text(names[0]),
        name_en=take_text(names[1]),
        contact=take_text(fields[2]),
        request_key=check_key(take_bytes(fields[3], 32)),
        purposes=tuple(take_text(text) for text in take_array(fields[4], at_most=32)),
        slots=tuple(_allowed(pair) for pair in take_array(fields[5], at_most=8)),
        policies=tuple(take_text(text) for text in take_array(fields[6], at_most=128)),
        valid_from=take_int(fields[7], 0, _MAX_DAY),
        valid_to=take_int(fields[8], 0, _MAX_DAY),
    )
    return UnverifiedRegistration(sign1, body)


def _allowed(pair: object) -> tuple[CertificateType, tuple[int, ...]]:
    type_, ranges = take_array(pair, 2)
    registry = registry_of(take_int(type_, 0, 255))
    bounds = tuple(take_int(bound, 0, registry.slot_count - 1) for bound in take_array(ranges, at_most=256))
    if len(bounds) % 2 or list(bounds) != sorted(bounds):
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "ranges are pairs that rise")
    return registry.type, bounds


def _in_ranges(slot: int, bounds: Sequence[int]) -> bool:
    return any(first <= slot <= last for first, last in zip(bounds[::2], bounds[1::2], strict=True))


def _request_body(payload: object) -> RequestBody:
    fields = take_array(payload, 10)
    body = RequestBody(
        org=take_int(fields[0], 1, 2**31),
        nonce=None if fields[1] is None else take_bytes(fields[1], NONCE_SIZE),
        desk=None if fields[2] is None else take_text(fields[2], at_most=64),
        items=tuple(_item(item) for item in take_array(fields[3], at_most=16)),
        purpose=take_text(fields[4]),
        legal_basis=take_text(fields[5], at_most=256),
        method=take_text(fields[6]),
        retention=take_int(fields[7], 0, 36500),
        expires=take_int(fields[8], 0, _MAX_SECONDS),
        holds=tuple(_held(pair) for pair in take_array(fields[9], at_most=64)),
    )
    if body.nonce is None and body.desk is None:
        raise FormatError(Reason.SCHEMA_FIELD_MISSING, "a request without nonce names its desk")
    if not body.items:
        raise FormatError(Reason.SCHEMA_FIELD_MISSING, "a request asks at least one item")
    return body


def _item(item: object) -> SlotsItem | PolicyItem:
    head, rest = take_array(item, 2)
    if type(head) is str:
        return PolicyItem(take_text(head, at_most=64), take_bytes(rest, 32))
    registry = registry_of(take_int(head, 0, 255))
    slots = tuple(take_int(slot, 0, registry.slot_count - 1) for slot in take_array(rest, at_most=256))
    if not slots or any(later <= earlier for earlier, later in pairwise(slots)):
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "asked slots rise and are at least one")
    for slot in slots:
        registry.claim_at(slot)
    return SlotsItem(registry.type, slots)


def _held(pair: object) -> tuple[int, int]:
    log, size = take_array(pair, 2)
    return take_int(log, 1, 65535), take_int(size, 0, 2**62)
