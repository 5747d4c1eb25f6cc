"""A ledger taken over into another store: the same entries, tiles and checkpoints, so the same root and proofs."""

from __future__ import annotations

from pathlib import Path

from ledger.anchor import load_anchor
from ledger.check import LedgerCheck, check_ledger
from ledger.errors import ConfigError
from ledger.note import VerifierKey
from ledger.reasons import Reason
from ledger.store.base import Store
from ledger.store.tree import append_entries

__all__ = ["copy_ledger", "move_ledger"]

_AT_ONCE = 4096


def move_ledger(source: Store, target: Store, *, key: VerifierKey, anchor: Path) -> LedgerCheck:
    """Copy everything from `source` into the empty `target`, compare, and retire `source`. Nobody appends or signs
    meanwhile.

    Both are recomputed from their entries, against the last signed checkpoint. Tiles are not copied but made anew.
    Stopped on the way, it is repeated: either the target is still empty, or it holds all and is only compared.

    Args:
        key: the log's own.
        anchor: file of the last signed checkpoint, which stays as it is.
    Raises:
        ConfigError: `cli.exists`: the target holds another ledger.
        ConflictError: `store.locked`.
        IntegrityError: as `check_ledger`; the source is then not retired.
    """
    with source.writing():
        found = check_ledger(source, key=key, anchor=load_anchor(anchor, key=key))
        if target.origin != source.origin or not _is_empty(target):
            _require_same(target, found, key=key, anchor=anchor)
        else:
            copy_ledger(source, target)
            _require_same(target, found, key=key, anchor=anchor)
        source.retire()
    return found


def _is_empty(store: Store) -> bool:
    return store.size() == 0 and next(store.checkpoints(), None) is None


def copy_ledger(source: Store, target: Store) -> None:
    """Copy entries and checkpoints into the empty `target`, all or nothing; its tiles are made anew. The source
    does not change meanwhile, or is read within `Store.reading`.

    Raises:
        IntegrityError: `store.…` of either.
    """
    size = source.size()
    with target.writing():
        for start in range(0, size, _AT_ONCE):
            rows = source.entries(start, min(start + _AT_ONCE, size))
            append_entries(target, [row.entry for row in rows])
        for checkpoint in source.checkpoints():
            target.add_checkpoint(checkpoint)


def _require_same(target: Store, found: LedgerCheck, *, key: VerifierKey, anchor: Path) -> None:
    alike = target.origin == found.origin and target.size() == found.size
    if alike and check_ledger(target, key=key, anchor=load_anchor(anchor, key=key)) == found:
        return
    raise ConfigError(
        Reason.CLI_EXISTS, "another ledger is there", hint="Name an empty database; nothing is overwritten."
    )
