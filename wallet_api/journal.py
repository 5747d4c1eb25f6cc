"""What a phone showed offline comes into the access log from its own signed journal, once it is online again."""

from __future__ import annotations

from collections.abc import Sequence

from certificate.journal import FIRST_PREVIOUS, UnverifiedEntry, parse_journal_entry, verify_journal
from ledger.errors import FormatError, VerificationError
from ledger.reasons import Reason
from wallet_api.access_log import append_access
from wallet_api.access_rows import Access, Action
from wallet_api.service import Citizen, Service
from wallet_api.store.rows import JournalRow
from wallet_api.store.sql import Transaction

__all__ = ["MAX_ENTRIES", "take_journal"]

MAX_ENTRIES = 100
_SKEW = 300


def take_journal(service: Service, citizen: Citizen, entries: Sequence[bytes]) -> tuple[int, int]:
    """Take in entries of the caller's own journal; those known already change nothing.

    Args:
        entries: tagged bytes, in order, at most MAX_ENTRIES.
    Returns:
        How many were new, and the counter of the last entry known.
    Raises:
        FormatError: as `parse_journal_entry`; `api.validation` for none or too many.
        VerificationError: as `verify_journal`; `time.issued_in_future`; `auth.invalid` (the key ended).
    """
    now = service.clock()
    if not 1 <= len(entries) <= MAX_ENTRIES:
        raise FormatError(Reason.API_VALIDATION, f"1 to {MAX_ENTRIES} entries")
    parsed = [parse_journal_entry(data) for data in entries]
    if parsed[-1].body.time > now + _SKEW:
        raise VerificationError(Reason.TIME_ISSUED_IN_FUTURE, "an entry of the journal")
    with service.store.write() as tx:
        key = tx.key(citizen.holder_key)
        if key is None or key.ended is not None or key.safe != citizen.safe:
            raise VerificationError(Reason.AUTH_INVALID)
        _verify(tx, citizen.holder_key, parsed)
        known = tx.journal_end(citizen.holder_key)
        new = [entry for entry in parsed if entry.body.counter > known]
        for entry in new:
            _add(service, tx, citizen, entry)
    return len(new), max(known, parsed[-1].body.counter)


def _verify(tx: Transaction, holder_key: bytes, entries: Sequence[UnverifiedEntry]) -> None:
    """The entries go on from one that is known, and say what those known already said."""
    start = entries[0].body.counter - 1
    before = tx.journal_entry(holder_key, start) if start else None
    if start and before is None:
        raise VerificationError(Reason.STORE_HASH_MISMATCH, f"entry {start} of the journal is not here")
    verify_journal(
        entries,
        holder_key=holder_key,
        counter=start,
        previous=FIRST_PREVIOUS if before is None else before.digest,
        since=0 if before is None else before.time,
    )
    for entry in entries:
        known = tx.journal_entry(holder_key, entry.body.counter)
        if known is not None and known.digest != entry.digest():
            raise VerificationError(Reason.STORE_HASH_MISMATCH, f"another entry {entry.body.counter}")


def _add(service: Service, tx: Transaction, citizen: Citizen, entry: UnverifiedEntry) -> None:
    body = entry.body
    tx.add_journal_entry(
        JournalRow(citizen.holder_key, body.counter, citizen.safe, entry.digest(), body.time)
    )
    access = Access(Action.SHOWN_OFFLINE, body.org, body.request_digest, body.type, body.slots)
    append_access(tx, citizen.safe, access, data_key=citizen.data_key, time=body.time, random=service.random)
