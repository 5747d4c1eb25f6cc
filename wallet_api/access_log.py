"""Who saw what: one row per event, chained per citizen, committed to in one Merkle tree over all citizens.

    row   = [counter, previous entry, time, action, org, request digest, type, [slot, ...]]      never a value
    entry = SHA-256(0x03 || salt || CBOR row)                          what the tree's leaf (ledger.merkle) is made of

The salted entry tells nothing; salt and row are sealed under the safe's key. A row is written in the transaction of
the event it tells of, hence before any data leaves. Removing or changing a row breaks the citizen's chain, removing
the end of a chain breaks the tree under a head that was given out before.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256

from certificate.schema import take_array, take_bytes, take_int
from ledger.cbor import decode_cbor, encode_cbor
from ledger.errors import IntegrityError, VerificationError
from ledger.merkle import (
    Frontier,
    LeafHash,
    RootHash,
    leaf_hash,
    node_hash,
    prove_inclusion,
    root_at,
    verify_inclusion,
)
from ledger.reasons import Reason
from wallet_api.sealing import Keyring, Random, bound_to, open_sealed, seal
from wallet_api.store.rows import LogRow
from wallet_api.store.sql import Store, Transaction

__all__ = [
    "Access",
    "AccessPage",
    "AccessRow",
    "Action",
    "append_access",
    "check_access_log",
    "check_page",
    "read_page",
]

_SALT_SIZE = 16
_FIRST = bytes(32)
_MAX_SECONDS = 2**40
_PAGE = 1000


class Action(IntEnum):
    SEEN = 1
    ANSWERED = 2
    REFUSED = 3
    FETCHED = 4
    WITHDRAWN = 5
    DELETION_CONFIRMED = 6


@dataclass(frozen=True, slots=True)
class Access:
    """What happened: which claims (slots of a certificate type) of the citizen, for which request of whom."""

    action: Action
    org: int
    request_digest: bytes
    type: int
    slots: tuple[int, ...]


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


def append_access(
    tx: Transaction, safe: bytes, access: Access, *, data_key: bytes, time: int, random: Random
) -> None:
    """Write one row: chain, tree and sealed text move together, in the caller's transaction."""
    owner = tx.safe(safe)
    if owner is None:  # erased since the caller logged in
        raise VerificationError(Reason.AUTH_INVALID)
    counter, salt = owner.log_counter + 1, random(_SALT_SIZE)
    row = _encode(counter, owner.log_last, time, access)
    entry = _entry(salt, row)
    position = tx.log_size()
    sealed = seal(data_key, salt + row, bound=_bound(safe, position), random=random)
    tx.add_log_row(LogRow(position, safe, counter, entry, sealed))
    tx.set_log_end(safe, counter=counter, last=entry)
    _grow(tx, position, leaf_hash(entry))


def read_page(tx: Transaction, safe: bytes, *, data_key: bytes, after: int, limit: int) -> AccessPage:
    """The safe's rows with a counter above `after`, with proofs under the present head."""
    size = tx.log_size()
    rows = []
    for stored in tx.log_rows(safe, after=after, limit=limit):
        row = _open(stored, safe, data_key)
        path = tuple(prove_inclusion(stored.position, size, lambda level, index: _node(tx, level, index)))
        rows.append(
            AccessRow(
                row.counter, row.previous, row.time, row.access, row.salt, row.entry, row.position, path
            )
        )
    return AccessPage(tuple(rows), size, root_at(size, lambda level, index: _node(tx, level, index)))


def check_page(page: AccessPage, *, after: AccessRow | None = None) -> None:
    """The citizen's own check of a page, `after` being the last row of the page before.

    Raises:
        VerificationError: `store.hash_mismatch` when a row was changed, left out or put elsewhere;
            `log.inclusion_invalid` when it is not in the tree.
    """
    counter, previous = (0, _FIRST) if after is None else (after.counter, after.entry)
    for row in page.rows:
        encoded = _encode(row.counter, row.previous, row.time, row.access)
        if (row.counter, row.previous) != (counter + 1, previous) or _entry(row.salt, encoded) != row.entry:
            raise VerificationError(Reason.STORE_HASH_MISMATCH, f"row {counter + 1} of the access log")
        verify_inclusion(
            leaf_hash=leaf_hash(row.entry),
            index=row.position,
            size=page.size,
            path=row.path,
            root_hash=RootHash(page.root_hash),
        )
        counter, previous = row.counter, row.entry


def check_access_log(store: Store, keyring: Keyring) -> tuple[int, bytes]:
    """The operator's check: every chain and the whole tree, counted anew. Returns size and root hash.

    Raises:
        IntegrityError: `store.hash_mismatch`, `store.corrupt`.
    """
    with store.read() as tx:
        frontier, lefts = Frontier(), dict[int, bytes]()
        while rows := tx.all_log_rows(start=frontier.size, limit=_PAGE):
            for row in rows:
                if row.position != frontier.size:
                    raise IntegrityError(Reason.STORE_HASH_MISMATCH, f"no access row {frontier.size}")
                frontier.append(leaf_hash(row.entry))
                _check_nodes(tx, row.position, leaf_hash(row.entry), lefts)
        size = frontier.size
        if (
            tx.log_size() != size
            or root_at(size, lambda level, at: _node(tx, level, at)) != frontier.root_hash()
        ):
            raise IntegrityError(Reason.STORE_HASH_MISMATCH, f"the tree over {size} access rows")
        for safe in tx.safes():
            _check_chain(tx, safe.id, keyring.unwrap(safe.wrapped_key, safe=safe.id))
    return size, frontier.root_hash()


def _check_nodes(tx: Transaction, position: int, leaf: LeafHash, lefts: dict[int, bytes]) -> None:
    """Compare every stored node that this leaf completes. `lefts` holds the last left sibling of each level."""
    level, index, node = 0, position, bytes(leaf)
    while True:
        if _node(tx, level, index) != node:
            raise IntegrityError(Reason.STORE_HASH_MISMATCH, f"node {level}/{index} of the access log")
        if not index & 1:
            lefts[level] = node
            return
        level, index, node = level + 1, index >> 1, node_hash(lefts[level], node)


def _check_chain(tx: Transaction, safe: bytes, data_key: bytes) -> None:
    counter, previous = 0, _FIRST
    while rows := tx.log_rows(safe, after=counter, limit=_PAGE):
        for stored in rows:
            row = _open(stored, safe, data_key)
            if (row.counter, row.previous, stored.counter) != (counter + 1, previous, counter + 1):
                raise IntegrityError(
                    Reason.STORE_HASH_MISMATCH, f"chain broken at access row {stored.position}"
                )
            counter, previous = row.counter, row.entry
    owner = tx.safe(safe)
    assert owner is not None
    if (owner.log_counter, owner.log_last) != (counter, previous):
        raise IntegrityError(Reason.STORE_HASH_MISMATCH, f"a chain ends at row {counter} too early")


def _open(stored: LogRow, safe: bytes, data_key: bytes) -> AccessRow:
    if stored.sealed is None:
        raise IntegrityError(Reason.STORE_CORRUPT, f"access row {stored.position} is empty")
    plain = open_sealed(data_key, stored.sealed, bound=_bound(safe, stored.position))
    salt, row = plain[:_SALT_SIZE], plain[_SALT_SIZE:]
    if _entry(salt, row) != stored.entry:
        raise IntegrityError(Reason.STORE_HASH_MISMATCH, f"access row {stored.position}")
    counter, previous, time, action, org, request, type_, slots = take_array(decode_cbor(row), 8)
    access = Access(
        Action(take_int(action, 1, len(Action))),
        take_int(org, 1, 2**31),
        take_bytes(request, 32),
        take_int(type_, 0, 255),
        tuple(take_int(slot, 0, 2**15) for slot in take_array(slots)),
    )
    counter = take_int(counter, 1, 2**40)
    time = take_int(time, 0, _MAX_SECONDS)
    return AccessRow(counter, take_bytes(previous, 32), time, access, salt, stored.entry, stored.position)


def _encode(counter: int, previous: bytes, time: int, access: Access) -> bytes:
    return encode_cbor(
        [
            counter,
            previous,
            time,
            int(access.action),
            access.org,
            access.request_digest,
            access.type,
            list(access.slots),
        ]
    )


def _entry(salt: bytes, row: bytes) -> bytes:
    return sha256(b"\x03" + salt + row).digest()


def _bound(safe: bytes, position: int) -> bytes:
    return bound_to("access", safe, position.to_bytes(8))


def _grow(tx: Transaction, position: int, leaf: LeafHash) -> None:
    """Store the leaf and every subtree that it completes."""
    level, index, node = 0, position, bytes(leaf)
    tx.add_log_node(level, index, node)
    while index & 1:
        node = node_hash(_node(tx, level, index - 1), node)
        level, index = level + 1, index >> 1
        tx.add_log_node(level, index, node)


def _node(tx: Transaction, level: int, index: int) -> bytes:
    node = tx.log_node(level, index)
    if node is None:
        raise IntegrityError(Reason.STORE_HASH_MISMATCH, f"node {level}/{index} of the access log")
    return node
