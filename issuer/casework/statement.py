"""What operators sign: one opens a case, another approves exactly that.

    opening   [version, authority, action, numbers, count, reason, citizen_call, operator, time]
    approval  [version, SHA-256 of the opening, operator, time]

Each in COSE_Sign1 with protected {1: alg, 4: kid, 16: typ}. `numbers` is SHA-256 over the certificate numbers, sorted,
a line each; `action` as in `Action`; `time` POSIX seconds. The opening names the certificates by their digest alone,
so a bulk case is signed as quickly as a single one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256

from certificate.cose import Sign1, parse_sign1, sign_object
from certificate.keys import CoseSigner, key_id, verify_signature
from certificate.numbers import FORMAT_VERSION, Typ
from certificate.schema import take_array, take_bytes, take_int, take_text, take_version
from certificate.status_list import Status
from ledger.errors import FormatError, VerificationError
from ledger.reasons import Reason

__all__ = [
    "MAX_CASE",
    "Action",
    "Approval",
    "Opening",
    "digest_of_numbers",
    "sign_approval",
    "sign_opening",
    "verify_approval",
    "verify_opening",
]

MAX_CASE = 2**24  # certificates in one case
_MAX_NUMBER = 2**31 - 1
_MAX_SECONDS = 2**40


class Action(IntEnum):
    """What a case does to its certificates."""

    REVOKE = 1
    SUSPEND = 2
    RESUME = 3
    REPLACE = 4

    @property
    def makes(self) -> Status:
        """The state that a certificate has afterwards."""
        return _MAKES[self]

    @property
    def allowed_from(self) -> frozenset[Status]:
        """The states in which a certificate may be before. Nothing leads away from revoked."""
        return _ALLOWED_FROM[self]


_MAKES = {
    Action.REVOKE: Status.REVOKED,
    Action.SUSPEND: Status.SUSPENDED,
    Action.RESUME: Status.VALID,
    Action.REPLACE: Status.REPLACED,
}
_ALLOWED_FROM = {
    Action.REVOKE: frozenset({Status.VALID, Status.SUSPENDED, Status.REPLACED}),
    Action.SUSPEND: frozenset({Status.VALID}),
    Action.RESUME: frozenset({Status.SUSPENDED}),
    Action.REPLACE: frozenset({Status.VALID, Status.SUSPENDED}),
}


@dataclass(frozen=True, slots=True)
class Opening:
    """What the opener states; field meanings as in the module's head."""

    authority: int
    action: Action
    numbers: bytes
    count: int
    reason: str
    citizen_call: bool
    operator: str
    time: int

    def encode(self) -> list[object]:
        return [
            *(FORMAT_VERSION, self.authority, int(self.action), self.numbers, self.count, self.reason),
            *(int(self.citizen_call), self.operator, self.time),
        ]


@dataclass(frozen=True, slots=True)
class Approval:
    """What the approver states about the opening with digest `opening`."""

    opening: bytes
    operator: str
    time: int


def digest_of_numbers(numbers: Iterable[str]) -> bytes:
    """The digest that stands for the certificates of a case."""
    digest = sha256()
    for number in sorted(numbers):
        digest.update(number.encode("ascii") + b"\n")
    return digest.digest()


def sign_opening(signer: CoseSigner, opening: Opening) -> bytes:
    """The tagged bytes. Raises FormatError for a reason or name that the format refuses."""
    data = sign_object(signer, Typ.CASE, opening.encode())
    verify_opening(data, operator_key=signer.public_key)
    return data


def verify_opening(data: bytes, *, operator_key: bytes) -> Opening:
    """The opening if the operator's key signed it.

    Raises:
        FormatError: what `parse_sign1` raises, `schema.…`, `enc.number_range`, `enc.version_unsupported`.
        VerificationError: `key.unknown` (another key's), `sig.invalid`.
    """
    signed = _signed_by(parse_sign1(data, Typ.CASE), operator_key)
    version, authority, action, numbers, count, reason, citizen_call, operator, time = take_array(
        signed.payload, 9
    )
    take_version(version)
    return Opening(
        authority=take_int(authority, 1, _MAX_NUMBER),
        action=Action(take_int(action, 1, len(Action))),
        numbers=take_bytes(numbers, 32),
        count=take_int(count, 1, MAX_CASE),
        reason=_filled(take_text(reason)),
        citizen_call=bool(take_int(citizen_call, 0, 1)),
        operator=take_text(operator, at_most=32),
        time=take_int(time, 0, _MAX_SECONDS),
    )


def sign_approval(signer: CoseSigner, approval: Approval) -> bytes:
    """The tagged bytes. Raises FormatError for what the format refuses."""
    payload = [FORMAT_VERSION, approval.opening, approval.operator, approval.time]
    data = sign_object(signer, Typ.CASE_APPROVAL, payload)
    verify_approval(data, operator_key=signer.public_key)
    return data


def verify_approval(data: bytes, *, operator_key: bytes) -> Approval:
    """The approval if the operator's key signed it. Raises as `verify_opening`."""
    signed = _signed_by(parse_sign1(data, Typ.CASE_APPROVAL), operator_key)
    version, opening, operator, time = take_array(signed.payload, 4)
    take_version(version)
    return Approval(take_bytes(opening, 32), take_text(operator, at_most=32), take_int(time, 0, _MAX_SECONDS))


def _filled(reason: str) -> str:
    if not reason.strip():
        raise FormatError(Reason.API_VALIDATION, "a reason is due", hint="say why, in a few words")
    return reason


def _signed_by(signed: Sign1, operator_key: bytes) -> Sign1:
    if signed.kid != key_id(operator_key):
        raise VerificationError(Reason.KEY_UNKNOWN, "not signed by this operator")
    verify_signature(public_key=operator_key, message=signed.to_be_signed, signature=signed.signature)
    return signed
