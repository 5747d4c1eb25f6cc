"""The journal of a phone: what it showed offline, one signed entry after the other (`typ` journal).

    protected {1: alg, 16: typ}
    payload   [counter, previous, time, org, request digest, type, [slot, ...]]

Signed by the holder key. `counter` runs from 1 without a gap for each key; `previous` is the digest of the entry
before, 32 zero bytes for the first; `time` is POSIX seconds and never runs back; claims are named, never their values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from certificate.cose import Sign1, parse_sign1, sign_object
from certificate.keys import CoseSigner, algorithm_of, verify_signature
from certificate.numbers import Typ
from certificate.schema import take_array, take_bytes, take_int
from certificate.slots import registry_of
from ledger.errors import FormatError, ProjectError, VerificationError
from ledger.reasons import Reason

__all__ = [
    "FIRST_PREVIOUS",
    "JournalEntry",
    "UnverifiedEntry",
    "parse_journal_entry",
    "sign_journal_entry",
    "verify_journal",
]

FIRST_PREVIOUS = bytes(32)
_MAX_SECONDS = 2**40
_MAX_COUNTER = 2**40


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One showing; field meanings as in the module's head."""

    counter: int
    previous: bytes
    time: int
    org: int
    request_digest: bytes
    type: int
    slots: tuple[int, ...]

    def encode(self) -> list[object]:
        return [
            self.counter,
            self.previous,
            self.time,
            self.org,
            self.request_digest,
            self.type,
            list(self.slots),
        ]


@dataclass(frozen=True, slots=True)
class UnverifiedEntry:
    """A parsed entry of which nothing was checked but its form."""

    sign1: Sign1
    body: JournalEntry

    def digest(self) -> bytes:
        return self.sign1.digest()


def sign_journal_entry(holder: CoseSigner, entry: JournalEntry) -> bytes:
    """The entry as tagged bytes. Raises FormatError for an entry that the format refuses."""
    signed = sign_object(holder, Typ.JOURNAL, entry.encode(), with_kid=False)
    parse_journal_entry(signed)
    return signed


def parse_journal_entry(data: bytes) -> UnverifiedEntry:
    """Parse the tagged bytes of an entry. Raises FormatError."""
    sign1 = parse_sign1(data, Typ.JOURNAL, with_kid=False)
    counter, previous, time, org, digest, type_, slots = take_array(sign1.payload, 7)
    registry = registry_of(take_int(type_, 0, 255))
    numbers = [take_int(slot, 0, registry.slot_count - 1) for slot in take_array(slots)]
    if not numbers or numbers != sorted(set(numbers)):
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "slots are named once each, rising")
    for slot in numbers:
        registry.claim_at(slot)
    body = JournalEntry(
        counter=take_int(counter, 1, _MAX_COUNTER),
        previous=take_bytes(previous, 32),
        time=take_int(time, 0, _MAX_SECONDS),
        org=take_int(org, 1, 2**31),
        request_digest=take_bytes(digest, 32),
        type=int(registry.type),
        slots=tuple(numbers),
    )
    return UnverifiedEntry(sign1, body)


def verify_journal(
    entries: Sequence[UnverifiedEntry], *, holder_key: bytes, counter: int, previous: bytes, since: int
) -> None:
    """Check that `entries` go on, one after the other, where the holder's journal stood.

    Args:
        counter, previous, since: counter, digest and time of the last entry known; 0, FIRST_PREVIOUS, 0 for none.
    Raises:
        VerificationError: `sig.invalid`; `store.hash_mismatch` for an entry left out, repeated, moved or of a fork.
    """
    for entry in entries:
        _verify(entry.sign1, holder_key)
        body = entry.body
        if (body.counter, body.previous) != (counter + 1, previous) or body.time < since:
            raise VerificationError(Reason.STORE_HASH_MISMATCH, f"entry {counter + 1} of the journal")
        counter, previous, since = body.counter, entry.digest(), body.time


def _verify(sign1: Sign1, holder_key: bytes) -> None:
    try:
        if sign1.algorithm is not algorithm_of(holder_key):
            raise VerificationError(Reason.SIG_INVALID, "another algorithm than the holder's key has")
        verify_signature(public_key=holder_key, message=sign1.to_be_signed, signature=sign1.signature)
    except ProjectError as exc:
        raise VerificationError(Reason.SIG_INVALID, "an entry of the journal") from exc
