"""The rows of the access log as their citizen holds them, and the citizen's own check. Pure; `access_log` stores them.

    row   = [counter, previous entry, time, action, org, request digest, type, [slot, ...], (details)]   never a value
    entry = SHA-256(0x03 || salt || CBOR row)                          what the tree's leaf (ledger.merkle) is made of

`org` is 0 where the bureau or the citizen acted, `request digest` 32 zero bytes where there is no request. `details`
are texts in an order that the action fixes, and are absent where there are none.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256

from certificate.schema import take_array, take_bytes, take_int, take_text
from ledger.cbor import decode_cbor, encode_cbor
from ledger.errors import FormatError, VerificationError
from ledger.merkle import RootHash, leaf_hash, verify_inclusion
from ledger.reasons import Reason

__all__ = [
    "FIRST_ENTRY",
    "NO_REQUEST",
    "SALT_SIZE",
    "Access",
    "AccessPage",
    "AccessRow",
    "Action",
    "check_page",
    "encode_row",
    "entry_of",
    "parse_row",
]

FIRST_ENTRY = bytes(32)  # what the first row of a citizen names as the entry before it
NO_REQUEST = bytes(32)
SALT_SIZE = 16
_MAX_SECONDS = 2**40
_MAX_DETAIL = 200
_MAX_DETAILS = 4


class Action(IntEnum):
    """What happened. Where a proxy did it, the details name the proxy's key id."""

    SEEN = 1
    ANSWERED = 2
    REFUSED = 3
    FETCHED = 4
    WITHDRAWN = 5
    DELETION_CONFIRMED = 6
    LOOKED_UP = 7  # by bureau staff; details: operator, reason
    SHOWN_OFFLINE = 8  # from the phone's own journal
    KEY_REPLACED = 9  # lost key; details: key ids of the old and the new key
    DEVICE_ADDED = 10  # details: key id
    DEVICE_REMOVED = 11  # details: key id
    PROXY_MADE = 12  # details: key id of the proxy
    PROXY_ENDED = 13  # details: key id of the proxy


@dataclass(frozen=True, slots=True)
class Access:
    """What happened: which claims (slots of a certificate type) of the citizen, for which request of whom."""

    action: Action
    org: int
    request_digest: bytes
    type: int
    slots: tuple[int, ...]
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessRow:
    """A row opened for its citizen. `position` and `path` place its entry in the tree of the page's head."""

    counter: int
    previous: bytes
    time: int
    access: Access
    salt: bytes
    entry: bytes
    position: int
    path: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessPage:
    """Some rows of one citizen, ascending, and the tree head they are proved under."""

    rows: tuple[AccessRow, ...]
    size: int
    root_hash: bytes


def check_page(page: AccessPage, *, after: AccessRow | None = None) -> None:
    """The citizen's own check of a page, `after` being the last row of the page before.

    Raises:
        VerificationError: `store.hash_mismatch` when a row was changed, left out or put elsewhere;
            `log.inclusion_invalid` when it is not in the tree.
    """
    counter, previous = (0, FIRST_ENTRY) if after is None else (after.counter, after.entry)
    for row in page.rows:
        encoded = encode_row(row.counter, row.previous, row.time, row.access)
        if (row.counter, row.previous) != (counter + 1, previous) or entry_of(row.salt, encoded) != row.entry:
            raise VerificationError(Reason.STORE_HASH_MISMATCH, f"row {counter + 1} of the access log")
        verify_inclusion(
            leaf_hash=leaf_hash(row.entry),
            index=row.position,
            size=page.size,
            path=row.path,
            root_hash=RootHash(page.root_hash),
        )
        counter, previous = row.counter, row.entry


def encode_row(counter: int, previous: bytes, time: int, access: Access) -> bytes:
    """The CBOR of a row."""
    row: list[object] = [
        counter,
        previous,
        time,
        int(access.action),
        access.org,
        access.request_digest,
        access.type,
        list(access.slots),
    ]
    if access.details:
        row.append(list(access.details))
    return encode_cbor(row)


def parse_row(encoded: bytes, *, salt: bytes, position: int) -> AccessRow:
    """The row that `encode_row` wrote, without its path. Raises FormatError."""
    fields = take_array(decode_cbor(encoded))
    details: tuple[str, ...] = ()
    if len(fields) == 9:
        texts = take_array(fields[8], at_most=_MAX_DETAILS)
        details = tuple(take_text(text, at_most=_MAX_DETAIL) for text in texts)
        if not details:
            raise FormatError(Reason.SCHEMA_FIELD_TYPE, "a row with an empty list of details")
        fields = fields[:8]
    counter, previous, time, action, org, request, type_, slots = take_array(fields, 8)
    access = Access(
        Action(take_int(action, 1, len(Action))),
        take_int(org, 0, 2**31),
        take_bytes(request, 32),
        take_int(type_, 0, 255),
        tuple(take_int(slot, 0, 2**15) for slot in take_array(slots)),
        details,
    )
    return AccessRow(
        counter=take_int(counter, 1, 2**40),
        previous=take_bytes(previous, 32),
        time=take_int(time, 0, _MAX_SECONDS),
        access=access,
        salt=salt,
        entry=entry_of(salt, encoded),
        position=position,
    )


def entry_of(salt: bytes, encoded: bytes) -> bytes:
    """The salted commitment to a row: 32 bytes that tell nothing without the salt."""
    return sha256(b"\x03" + salt + encoded).digest()
