"""The succession of holder keys: an office's word that one key ended and another took its place (a lost phone).

    protected   {1: alg, 4: kid, 16: typ}
    payload     [old_key, new_key, time, reason]
    unprotected {X: [proof]}

Keys are raw holder keys, `time` is POSIX seconds. Its digest is logged as a key event before it leaves, so that an
office, or a thief of its key, can move nobody's safe unseen; the position of that entry is judged as a certificate's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from certificate.cose import Sign1, encode_sign1, parse_sign1, sign_object
from certificate.directory import Directory, DirectoryKey, KeyRole, check_position
from certificate.keys import CoseSigner, check_key, verify_signature
from certificate.numbers import HEADER_X, Algorithm, Typ
from certificate.schema import take_array, take_bytes, take_int
from ledger.entry import EntryType, encode_entry
from ledger.errors import FormatError, UndeterminedError, VerificationError
from ledger.proof import FullProof, Proof, encode_proof, parse_proof, verify_full_proof
from ledger.reasons import Reason
from ledger.trust_policy import TrustPolicy

__all__ = [
    "Succession",
    "SuccessionBody",
    "SuccessionReason",
    "UnverifiedSuccession",
    "encode_succession",
    "parse_succession",
    "sign_succession",
    "verify_succession",
]

_MAX_SECONDS = 2**40
_CLOCK_SKEW = 300


class SuccessionReason(IntEnum):
    """Why the old key ended."""

    LOST = 1
    STOLEN = 2
    EXCHANGED = 3


@dataclass(frozen=True, slots=True)
class SuccessionBody:
    """What an office states; field meanings as in the module's head."""

    old_key: bytes
    new_key: bytes
    time: int
    reason: SuccessionReason

    def encode(self) -> list[object]:
        return [self.old_key, self.new_key, self.time, int(self.reason)]


@dataclass(frozen=True, slots=True)
class UnverifiedSuccession:
    """A parsed succession of which nothing was checked but its form."""

    sign1: Sign1
    body: SuccessionBody
    proof: Proof | None

    def digest(self) -> bytes:
        return self.sign1.digest()

    def entry(self, authority: int) -> bytes:
        """The ledger entry that belongs to these very bytes when an office of `authority` signed them."""
        return encode_entry(EntryType.KEY_EVENT, authority, self.digest())


@dataclass(frozen=True, slots=True)
class Succession:
    """A succession that holds: what was stated, and the directory's numbers of who stated it."""

    body: SuccessionBody
    authority: int
    office: int


def sign_succession(office: CoseSigner, body: SuccessionBody) -> bytes:
    """The statement as tagged bytes without proof; its entry is to be logged before it leaves.

    Raises:
        FormatError: a body that the format refuses.
    """
    signed = sign_object(office, Typ.SUCCESSION, body.encode())
    parse_succession(signed)
    return signed


def encode_succession(sign1: Sign1, proof: Proof | None) -> bytes:
    """The statement as it travels: signed part and ledger proof."""
    extras = [None if proof is None else encode_proof(proof)]
    return encode_sign1(sign1.protected_bytes, sign1.payload_bytes, sign1.signature, {HEADER_X: extras})


def parse_succession(data: bytes) -> UnverifiedSuccession:
    """Parse the tagged bytes of a succession.

    Raises:
        FormatError: what `parse_sign1` and `parse_proof` raise; `schema.…`, `enc.number_range`, `key.malformed`,
            `key.weak`, `schema.field_type` when both keys are one.
    """
    sign1 = parse_sign1(data, Typ.SUCCESSION, with_x=True)
    if sign1.algorithm is not Algorithm.ED25519:
        raise FormatError(Reason.ALG_NOT_ALLOWED, "offices sign with Ed25519")
    old_key, new_key, time, reason = take_array(sign1.payload, 4)
    body = SuccessionBody(
        old_key=check_key(take_bytes(old_key, 32, 33)),
        new_key=check_key(take_bytes(new_key, 32, 33)),
        time=take_int(time, 0, _MAX_SECONDS),
        reason=SuccessionReason(take_int(reason, 1, 3)),
    )
    if body.old_key == body.new_key:
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "a key does not succeed itself")
    (proof,) = take_array(sign1.unprotected.get(HEADER_X, (None,)), 1)
    return UnverifiedSuccession(sign1, body, None if proof is None else parse_proof(proof))


def verify_succession(
    statement: UnverifiedSuccession, *, directory: Directory, policy: TrustPolicy, now: int, max_age: int
) -> Succession:
    """Check that an office of the directory said so, that it is logged, and that it is fresh.

    Whether that office may speak about the old key is the caller's to judge, who knows its certificates.

    Args:
        directory, policy: of the reader's trust bundle.
        now: POSIX seconds.
        max_age: seconds; an older statement is refused, so an old one cannot be played back later.
    Raises:
        VerificationError: `sig.invalid`, `key.purpose_mismatch`, `log.…`, `ckpt.…`, `key.out_of_range`,
            `key.compromised_after`, `key.void_entry`, `time.expired`, `time.issued_in_future`.
        UndeterminedError: `key.unknown`, `log.unknown_origin`, `log.subtree_unknown`.
        FormatError: `sig.malformed`.
    """
    key = _office_key(statement.sign1.kid, directory)
    verify_signature(
        public_key=key.public_key,
        message=statement.sign1.to_be_signed,
        signature=statement.sign1.signature,
    )
    index = _logged_at(statement, key, directory=directory, policy=policy, now=now)
    check_position(directory, key, log=key.log, index=index)
    age = now - statement.body.time
    if age < -_CLOCK_SKEW:
        raise VerificationError(Reason.TIME_ISSUED_IN_FUTURE, f"{-age} s ahead")
    if age > max_age:
        raise VerificationError(Reason.TIME_EXPIRED, f"made {age} s ago", hint="ask the bureau for a new one")
    return Succession(statement.body, key.authority, key.office)


def _office_key(kid: bytes, directory: Directory) -> DirectoryKey:
    key = directory.key(KeyRole.CERTIFICATE, kid)
    if key is not None:
        return key
    if any(other.kid == kid for other in directory.keys):
        raise VerificationError(Reason.KEY_PURPOSE_MISMATCH, f"key {kid.hex()}")
    raise UndeterminedError(Reason.KEY_UNKNOWN, f"key {kid.hex()}")


def _logged_at(
    statement: UnverifiedSuccession,
    key: DirectoryKey,
    *,
    directory: Directory,
    policy: TrustPolicy,
    now: int,
) -> int:
    proof = statement.proof
    if proof is None:
        raise VerificationError(Reason.LOG_INCLUSION_MISSING, "no ledger proof beside the statement")
    log = directory.log(proof.log)
    if log is None:
        raise UndeterminedError(Reason.LOG_UNKNOWN_ORIGIN, f"log {proof.log}")
    if not isinstance(proof, FullProof):
        raise UndeterminedError(Reason.LOG_SUBTREE_UNKNOWN, "a statement carries its full proof")
    entry = statement.entry(key.authority)
    logged = verify_full_proof(proof, entry=entry, origin=log.origin, policy=policy, now=now)
    if logged.log != key.log:
        raise VerificationError(Reason.KEY_OUT_OF_RANGE, f"index {logged.index} of log {logged.log}")
    return logged.index
