"""The whole ledger recomputed from its entries: what an operator runs when in doubt, and a service when it starts.

1. Every entry parses, and there is no hole.
2. Every leaf hash and every complete tile is that of the entries; none is missing, none is too many.
3. Every stored checkpoint parses, is signed by the log's key, and its root is the root of the entries at its size;
   those called cosigned carry a cosignature.
4. The last signed checkpoint kept apart is one of this tree, and none in the database is larger.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ledger.anchor import Anchor
from ledger.checkpoint import parse_checkpoint_note, verify_log_signature
from ledger.entry import require_entry
from ledger.errors import FormatError, IntegrityError, ProjectError
from ledger.merkle import Frontier, LeafHash, RootHash
from ledger.note import VerifierKey
from ledger.reasons import Reason
from ledger.store.base import Store, StoredCheckpoint
from ledger.store.tree import recompute
from ledger.tiles import TILE_HEIGHT, levels_at

__all__ = ["LedgerCheck", "check_ledger"]

_READ_AT_ONCE = 4096
_HINT = "Stop writing; restore the newest backup and keep this database as evidence."


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """What was recomputed and found in order."""

    origin: str
    size: int
    root_hash: RootHash
    checkpoints: int
    cosigned: int
    signed_size: int


def check_ledger(store: Store, *, key: VerifierKey, anchor: Anchor | None) -> LedgerCheck:
    """Recompute everything, steps 1 to 4 above. Takes about three seconds per million entries.

    Args:
        key: the log's own key.
        anchor: the last signed checkpoint kept apart (`ledger.anchor.load_anchor`), None if nothing was ever signed.
    Raises:
        IntegrityError: `store.hash_mismatch`, `store.corrupt`, `store.rollback_detected` or `store.fork_detected`,
            for the first thing that is not in order.
    """
    size = store.size()
    _check_entries(store, size)
    checkpoints = sorted(store.checkpoints(), key=lambda stored: stored.size)
    signed_size = _check_anchor(checkpoints, anchor, size)
    sizes = {stored.size for stored in checkpoints} | {signed_size, size}
    roots = _roots(store, sizes, size)
    _check_no_more_tiles(store, size)
    for stored in checkpoints:
        _check_checkpoint(stored, key, roots)
    if anchor is not None and roots[signed_size] != anchor.checkpoint.root_hash:
        raise IntegrityError(Reason.STORE_FORK_DETECTED, f"another tree of {signed_size} entries was signed")
    cosigned = sum(stored.cosigned for stored in checkpoints)
    return LedgerCheck(store.origin, size, roots[size], len(checkpoints), cosigned, signed_size)


def _check_entries(store: Store, size: int) -> None:
    count = 0
    for row in store.entries(0, size):
        if row.index != count:
            raise _corrupt(f"entry {count} is missing")
        try:
            require_entry(row.entry)
        except FormatError as exc:
            raise _corrupt(f"entry {row.index} does not parse") from exc
        count += 1
    if count != size:
        raise _corrupt(f"entry {count} is missing")


def _check_anchor(checkpoints: list[StoredCheckpoint], anchor: Anchor | None, size: int) -> int:
    """The size last signed; refuses a database that is older than the anchor, or an anchor older than it."""
    signed = 0 if anchor is None else anchor.checkpoint.size
    newest = checkpoints[-1].size if checkpoints else 0
    if signed > size or newest > signed or (checkpoints and anchor is None):
        raise IntegrityError(
            Reason.STORE_ROLLBACK_DETECTED,
            f"{size} entries stored, {newest} signed by the database, {signed} by the file kept apart",
            hint=_HINT,
        )
    return signed


def _roots(store: Store, sizes: Iterable[int], size: int) -> dict[int, RootHash]:
    """The root at each of `sizes`; all hashes and tiles are compared first."""
    recompute(store, Frontier(), size)
    roots = {}
    frontier = Frontier()
    for at in sorted(sizes):
        if at > size:
            raise _corrupt(f"a checkpoint of size {at} over {size} entries")
        for start in range(frontier.size, at, _READ_AT_ONCE):
            frontier.extend(
                LeafHash(leaf) for leaf in store.leaf_hashes(start, min(start + _READ_AT_ONCE, at))
            )
        roots[at] = frontier.root_hash()
    return roots


def _check_no_more_tiles(store: Store, size: int) -> None:
    for level in range(levels_at(size) + 1):
        count = size >> TILE_HEIGHT * (level + 1)
        if store.tile_roots(level, count, count + 1):
            raise _corrupt(f"tile {count} of level {level} is not complete, but stored")


def _check_checkpoint(stored: StoredCheckpoint, key: VerifierKey, roots: dict[int, RootHash]) -> None:
    try:
        checkpoint, signatures = parse_checkpoint_note(stored.note)
        blobs = [signature.blob for signature in signatures if signature.is_by(key)]
        for blob in blobs:
            verify_log_signature(checkpoint, blob, key=key)
    except ProjectError as exc:
        raise _corrupt(f"the checkpoint stored for size {stored.size} does not verify") from exc
    if not blobs or checkpoint.origin != key.name or checkpoint.size != stored.size:
        raise _corrupt(f"the checkpoint stored for size {stored.size} is another one")
    if checkpoint.root_hash != roots[stored.size]:
        raise _corrupt(f"the checkpoint of size {stored.size} has another root than the entries")
    if stored.cosigned and all(signature.name == key.name for signature in signatures):
        raise _corrupt(f"the checkpoint of size {stored.size} is called cosigned, but is not")


def _corrupt(detail: str) -> IntegrityError:
    return IntegrityError(Reason.STORE_CORRUPT, detail, hint=_HINT)
