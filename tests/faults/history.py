"""Everything that a log ever signed, wherever it was seen, against the entries that it holds in the end."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from ledger.anchor import load_anchor
from ledger.check import check_ledger
from ledger.checkpoint import Checkpoint, parse_checkpoint_note
from ledger.merkle import RootHash, leaf_hash, root_from_leaf_hashes
from ledger.note import VerifierKey
from ledger.store.sqlite import SqliteStore
from ledger.witness_protocol import Witness, parse_add_checkpoint
from tests.ledger.conftest import World

__all__ = ["History", "Overheard"]


@dataclass
class History:
    """Signed checkpoints that were seen, and which index was acknowledged for which entry."""

    signed: set[Checkpoint] = field(default_factory=set)
    acknowledged: dict[bytes, int] = field(default_factory=dict)

    def saw(self, note: bytes) -> None:
        self.signed.add(parse_checkpoint_note(note)[0])

    def was_told(self, indices: Mapping[bytes, int]) -> None:
        """An acknowledgement; the same entry is never given another index."""
        for entry, index in indices.items():
            assert self.acknowledged.setdefault(entry, index) == index

    def look(self, world: World, exported: Path | None = None) -> None:
        """See what lies on the disk now: anchor, database, witnesses, exported folder."""
        anchor = load_anchor(world.anchor, key=world.key)
        if anchor is not None:
            self.signed.add(anchor.checkpoint)
        with closing(SqliteStore(world.path)) as store:
            for stored in store.checkpoints():
                self.saw(stored.note)
        for state in world.folder.glob("witness-*/state.db"):
            with closing(sqlite3.connect(state)) as witness:
                for origin, size, root in witness.execute("SELECT origin, size, root_hash FROM witnessed"):
                    self.signed.add(Checkpoint(origin, size, RootHash(root)))
        if exported is not None and (exported / "checkpoint").exists():
            self.saw((exported / "checkpoint").read_bytes())

    def require_one(self, world: World) -> int:
        """The ledger checks; what was acknowledged is there; all that was ever signed is its history. Its size."""
        with closing(SqliteStore(world.path)) as store:
            anchor = load_anchor(world.anchor, key=world.key)
            checked = check_ledger(store, key=world.key, anchor=anchor)
            entries = [row.entry for row in store.entries(0, checked.size)]
        for entry, index in self.acknowledged.items():
            assert index < len(entries), f"the acknowledged entry {index} is missing"
            assert entries[index] == entry
        leaves = [leaf_hash(entry) for entry in entries]
        for checkpoint in self.signed:
            assert checkpoint.size <= len(leaves), "a tree was signed that the ledger does not hold"
            assert checkpoint.root_hash == root_from_leaf_hashes(leaves[: checkpoint.size]), (
                "two histories of one size"
            )
        return checked.size


class Overheard:
    """A witness whose requests are noted: what it is asked to cosign has left the log."""

    is_far = False

    def __init__(self, witness: Witness, history: History) -> None:
        self.key: VerifierKey = witness.key
        self._witness, self._history = witness, history

    def add_checkpoint(self, body: bytes, *, now: int) -> bytes:
        self._history.signed.add(parse_add_checkpoint(body).checkpoint)
        return self._witness.add_checkpoint(body, now=now)
