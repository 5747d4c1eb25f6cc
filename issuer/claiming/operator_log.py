"""What bureau staff looked at or did: a row per person and act, only appended, committed to by the heads of a tree.

    row  = [position, time, operator, action, commitment, [slot, ...], reason]        CBOR, the tree's leaf data
    commitment = SHA-256(0x04 || salt || person number)
    head = a checkpoint text (C2SP tlog-checkpoint) of the log <origin>/operators; its digest is logged as type 4

Salt and person number are sealed beside the row, so that an auditor of the bureau can open a row, and erasing a
person leaves the row. A row is written, and its head logged, before what was looked up leaves (DESIGN 8.5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from certificate.schema import take_array, take_bytes, take_int
from issuer.claiming.own_file import OwnFile
from issuer.seal import open_sealed, seal
from ledger.cbor import decode_cbor, encode_cbor
from ledger.checkpoint import Checkpoint, encode_checkpoint
from ledger.entry import EntryType, encode_entry
from ledger.errors import IntegrityError
from ledger.merkle import Frontier, leaf_hash
from ledger.reasons import Reason

__all__ = ["LookUp", "OperatorLog"]

_SALT_SIZE = 16
_HASH_SIZE = 32
_MAX_SECONDS = 2**40
_SCHEMA = """
CREATE TABLE IF NOT EXISTS operator_log (position INTEGER PRIMARY KEY, row BLOB NOT NULL, sealed BLOB) STRICT;
CREATE TABLE IF NOT EXISTS operator_tree (
    id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL, nodes BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS operator_heads (size INTEGER PRIMARY KEY, note BLOB NOT NULL) STRICT;
CREATE TRIGGER IF NOT EXISTS operator_log_stays BEFORE DELETE ON operator_log
    BEGIN SELECT RAISE(ABORT, 'rows stay'); END;
CREATE TRIGGER IF NOT EXISTS operator_log_is_final BEFORE UPDATE OF position, row ON operator_log
    BEGIN SELECT RAISE(ABORT, 'rows stay'); END;
"""


@dataclass(frozen=True, slots=True)
class LookUp:
    """One look at a person's records. `time` is POSIX seconds, `slots` the claims that were shown.

    `person_no` is None when the row was erased.
    """

    operator: str
    time: int
    action: str
    person_no: str | None
    slots: tuple[int, ...]
    reason: str


class OperatorLog:
    """The log of one home, in a file; for any number of threads and processes."""

    def __init__(self, path: Path, *, origin: str, seal_key: bytes) -> None:
        """`origin` is the ledger's; `seal_key` 32 bytes of the home's own."""
        self._origin = f"{origin}/operators"
        self._seal_key = seal_key
        self._file = OwnFile(path, _SCHEMA)

    def append(self, look: LookUp, *, random: Callable[[int], bytes]) -> bytes:
        """Write one row; returns the digest of the new head, to be logged before anything is shown."""
        return self.append_all([look], random=random)

    def append_all(self, looks: Sequence[LookUp], *, random: Callable[[int], bytes]) -> bytes:
        """Write the rows of one act, at least one, all or none; returns the digest of the one head over them.

        They differ in the person alone: `check` wants a head behind the last row of each act.
        """
        with self._file.writing() as connection:
            found = connection.execute("SELECT size, nodes FROM operator_tree").fetchone() or (0, b"")
            tree = Frontier(
                found[0], [found[1][at : at + _HASH_SIZE] for at in range(0, len(found[1]), _HASH_SIZE)]
            )
            for look in looks:
                assert look.person_no is not None
                secret = random(_SALT_SIZE) + look.person_no.encode()
                row = _encode(tree.size, look, secret)
                sealed = seal(self._seal_key, secret, bound_to=sha256(row).digest(), random=random)
                connection.execute("INSERT INTO operator_log VALUES (?, ?, ?)", (tree.size, row, sealed))
                tree.append(leaf_hash(row))
            connection.execute(
                "INSERT OR REPLACE INTO operator_tree VALUES (1, ?, ?)", (tree.size, b"".join(tree.nodes))
            )
            note = self._head(tree)
            connection.execute("INSERT INTO operator_heads VALUES (?, ?)", (tree.size, note))
        return sha256(note).digest()

    def look_ups(self) -> Iterator[LookUp]:
        """All rows, in order. Raises IntegrityError `store.corrupt`."""
        with self._file.reading() as connection:
            for _, row, sealed in connection.execute("SELECT * FROM operator_log ORDER BY position"):
                yield self._decode(row, sealed)

    def check(self, authority: int, find: Callable[[bytes], int | None]) -> int:
        """Recompute the tree and look every head up in the ledger; how many rows there are.

        Args:
            find: the ledger's index of an entry, or None.
        Raises:
            IntegrityError: `store.hash_mismatch` (a row or head was changed or is missing), `log.inclusion_missing`
                (a head that the ledger does not hold), `store.corrupt`.
        """
        tree = Frontier()
        open_act: LookUp | None = None  # of the rows before, which have no head of their own
        with self._file.reading() as connection:
            rows = connection.execute("SELECT position, row, sealed FROM operator_log ORDER BY position")
            heads = dict(connection.execute("SELECT size, note FROM operator_heads").fetchall())
            for position, row, sealed in rows.fetchall():
                if position != tree.size or take_array(decode_cbor(row), 7)[0] != position:
                    raise IntegrityError(Reason.STORE_HASH_MISMATCH, f"row {tree.size} of the operator log")
                act = replace(self._decode(row, sealed), person_no=None)
                tree.append(leaf_hash(row))
                head = heads.pop(tree.size, None)
                if open_act not in (None, act) or head not in (None, self._head(tree)):
                    raise IntegrityError(Reason.STORE_HASH_MISMATCH, f"head {tree.size} of the operator log")
                open_act = act if head is None else None
                if head is not None and find(self._entry(authority, tree)) is None:
                    raise IntegrityError(Reason.LOG_INCLUSION_MISSING, f"head {tree.size} was not logged")
        if open_act is not None:
            raise IntegrityError(Reason.STORE_HASH_MISMATCH, f"head {tree.size} of the operator log")
        if heads:
            raise IntegrityError(
                Reason.STORE_HASH_MISMATCH, f"{len(heads)} rows of the operator log are gone"
            )
        return tree.size

    def _head(self, tree: Frontier) -> bytes:
        return encode_checkpoint(Checkpoint(self._origin, tree.size, tree.root_hash())).encode()

    def _entry(self, authority: int, tree: Frontier) -> bytes:
        return encode_entry(EntryType.ACCESS_LOG_HEAD, authority, sha256(self._head(tree)).digest())

    def _decode(self, row: bytes, sealed: bytes | None) -> LookUp:
        _, time, operator, action, commitment, slots, reason = take_array(decode_cbor(row), 7)
        person_no = None
        if sealed is not None:
            secret = open_sealed(self._seal_key, sealed, bound_to=sha256(row).digest())
            if _commitment(secret) != take_bytes(commitment, _HASH_SIZE):
                raise IntegrityError(Reason.STORE_CORRUPT, "a row of the operator log does not open")
            person_no = secret[_SALT_SIZE:].decode()
        shown = tuple(take_int(slot, 0, 2**15) for slot in take_array(slots))
        return LookUp(
            str(operator), take_int(time, 0, _MAX_SECONDS), str(action), person_no, shown, str(reason)
        )


def _encode(position: int, look: LookUp, secret: bytes) -> bytes:
    return encode_cbor(
        [position, look.time, look.operator, look.action, _commitment(secret), list(look.slots), look.reason]
    )


def _commitment(secret: bytes) -> bytes:
    return sha256(b"\x04" + secret).digest()
