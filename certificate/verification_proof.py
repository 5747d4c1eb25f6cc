"""The verification proof: an organisation's signed word that it verified an answer, without anything of a person.

    protected {1: alg, 4: kid, 16: typ}, signed by the organisation's request key
    payload   [org, request, [[shown, checkpoint, list], ...], bundle, time, outcome, reason]

`request`, `shown`, `checkpoint`, `list` and `bundle` are digests of 32 bytes: of the request, of each presentation,
of the text of the checkpoint its ledger proof leads to, of its status list, and of the trust bundle that was used.
`checkpoint` and `list` are null where the verification did not come so far. `shown` is the SHA-256 of the
presentation's bytes; these rows rise. `time` is POSIX seconds, `outcome` 0 valid, 1 invalid, 2 undetermined, `reason`
the code of the refusal or null.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from certificate.cose import Sign1, parse_sign1, sign_object
from certificate.keys import CoseSigner, key_id, verify_signature
from certificate.numbers import Typ
from certificate.schema import take_array, take_bytes, take_int
from ledger.errors import FormatError, ProjectError, VerificationError
from ledger.reasons import Reason

__all__ = [
    "ProvenOutcome",
    "ShownDigests",
    "UnverifiedProof",
    "VerificationBody",
    "parse_verification_proof",
    "sign_verification_proof",
    "verify_proof_signature",
]

_DIGEST = 32
_MAX_SECONDS = 2**40
_MAX_SHOWN = 16


class ProvenOutcome(IntEnum):
    """What a verification said."""

    VALID = 0
    INVALID = 1
    UNDETERMINED = 2


@dataclass(frozen=True, slots=True)
class ShownDigests:
    """One presentation, the checkpoint its ledger proof leads to, and the status list that was read for it."""

    shown: bytes
    checkpoint: bytes | None
    status_list: bytes | None

    def encode(self) -> list[object]:
        return [self.shown, self.checkpoint, self.status_list]


@dataclass(frozen=True, slots=True)
class VerificationBody:
    """What the organisation signs; field meanings as in the module's head."""

    org: int
    request: bytes
    shown: tuple[ShownDigests, ...]
    bundle: bytes
    time: int
    outcome: ProvenOutcome
    reason: Reason | None

    def encode(self) -> list[object]:
        return [
            self.org,
            self.request,
            [row.encode() for row in self.shown],
            self.bundle,
            self.time,
            int(self.outcome),
            None if self.reason is None else self.reason.value,
        ]


@dataclass(frozen=True, slots=True)
class UnverifiedProof:
    """A parsed proof whose signature was not checked."""

    sign1: Sign1
    body: VerificationBody


def sign_verification_proof(signer: CoseSigner, body: VerificationBody) -> bytes:
    """The proof as tagged bytes. Raises FormatError for a body that the format refuses."""
    data = sign_object(signer, Typ.VERIFICATION_PROOF, body.encode())
    parse_verification_proof(data)
    return data


def parse_verification_proof(data: bytes) -> UnverifiedProof:
    """Parse the tagged bytes. Raises FormatError `enc.…`, `schema.…`, `key.purpose_mismatch`."""
    sign1 = parse_sign1(data, Typ.VERIFICATION_PROOF)
    fields = take_array(sign1.payload, 7)
    body = VerificationBody(
        org=take_int(fields[0], 1, 2**31),
        request=take_bytes(fields[1], _DIGEST),
        shown=tuple(_shown(row) for row in take_array(fields[2], at_most=_MAX_SHOWN)),
        bundle=take_bytes(fields[3], _DIGEST),
        time=take_int(fields[4], 0, _MAX_SECONDS),
        outcome=ProvenOutcome(take_int(fields[5], 0, max(ProvenOutcome))),
        reason=_reason(fields[6]),
    )
    if not body.shown:
        raise FormatError(Reason.SCHEMA_FIELD_MISSING, "a proof is of at least one presentation")
    if list(body.shown) != sorted(body.shown, key=lambda row: row.shown):
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "the digests of what was shown rise")
    if (body.reason is None) is not (body.outcome is ProvenOutcome.VALID):
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "there is a reason exactly when it was not valid")
    return UnverifiedProof(sign1, body)


def verify_proof_signature(proof: UnverifiedProof, *, request_key: bytes) -> VerificationBody:
    """The body, if the owner of `request_key` (raw Ed25519) signed it.

    Raises:
        VerificationError: `sig.invalid`, also when the key is another one.
    """
    if proof.sign1.kid != key_id(request_key):
        raise VerificationError(Reason.SIG_INVALID, f"signed under key {proof.sign1.kid.hex()}")
    try:
        verify_signature(
            public_key=request_key, message=proof.sign1.to_be_signed, signature=proof.sign1.signature
        )
    except ProjectError as exc:
        raise VerificationError(Reason.SIG_INVALID, f"key {proof.sign1.kid.hex()}") from exc
    return proof.body


def _shown(row: object) -> ShownDigests:
    shown, checkpoint, status_list = take_array(row, 3)
    return ShownDigests(take_bytes(shown, _DIGEST), _optional(checkpoint), _optional(status_list))


def _optional(value: object) -> bytes | None:
    return None if value is None else take_bytes(value, _DIGEST)


def _reason(value: object) -> Reason | None:
    if value is None:
        return None
    if type(value) is not str:
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "a reason is a text")
    try:
        return Reason(value)
    except ValueError as exc:
        raise FormatError(Reason.SCHEMA_FIELD_UNKNOWN, "a reason that this program does not know") from exc
