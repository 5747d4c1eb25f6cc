"""Who saw what: one row per event, chained per citizen, committed to in one Merkle tree over all citizens.

A row (`access_rows`) is committed to by a salted entry that tells nothing; salt and row are sealed under the safe's
key. A row is written in the transaction of the event it tells of, hence before any data leaves. Removing or changing
a row breaks the citizen's chain, removing the end of a chain breaks the tree under a head that was given out before.
"""

from __future__ import annotations

from dataclasses import replace

from ledger.errors import IntegrityError, VerificationError
from ledger.merkle import (
    Frontier,
    LeafHash,
    RootHash,
    leaf_hash,
    node_hash,
    prove_consistency,
    prove_inclusion,
    root_at,
)
from ledger.reasons import Reason
from wallet_api.access_rows import (
    FIRST_ENTRY,
    SALT_SIZE,
    Access,
    AccessPage,
    AccessRow,
    encode_row,
    entry_of,
    parse_row,
)
from wallet_api.sealing import Keyring, Random, bound_to, open_sealed, seal
from wallet_api.store.rows import LogRow
from wallet_api.store.sql import Store, Transaction

__all__ = ["append_access", "check_access_log", "grown_from", "head_of", "read_page"]

_PAGE = 1000


def append_access(
    tx: Transaction, safe: bytes, access: Access, *, data_key: bytes, time: int, random: Random
) -> None:
    """Write one row: chain, tree and sealed text move together, in the caller's transaction."""
    owner = tx.safe(safe)
    if owner is None:  # erased since the caller logged in
        raise VerificationError(Reason.AUTH_INVALID)
    counter, salt = owner.log_counter + 1, random(SALT_SIZE)
    row = encode_row(counter, owner.log_last, time, access)
    entry = entry_of(salt, row)
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
        path = prove_inclusion(stored.position, size, lambda level, index: _node(tx, level, index))
        rows.append(replace(row, path=tuple(path)))
    return AccessPage(tuple(rows), size, head_of(tx, size))


def head_of(tx: Transaction, size: int) -> RootHash:
    """The root hash of the tree over the first `size` rows."""
    return root_at(size, lambda level, index: _node(tx, level, index))


def grown_from(tx: Transaction, old_size: int, size: int) -> tuple[bytes, ...]:
    """The hashes that link two sizes of the tree, 1 <= old_size <= size."""
    return tuple(prove_consistency(old_size, size, lambda level, index: _node(tx, level, index)))


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
    counter, previous = 0, FIRST_ENTRY
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
    salt, row = plain[:SALT_SIZE], plain[SALT_SIZE:]
    if entry_of(salt, row) != stored.entry:
        raise IntegrityError(Reason.STORE_HASH_MISMATCH, f"access row {stored.position}")
    return parse_row(row, salt=salt, position=stored.position)


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
