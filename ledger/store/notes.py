"""Signed notes as a store gives them back: what does not parse was damaged, for only what parsed was ever stored."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.checkpoint import Checkpoint, parse_checkpoint_note
from ledger.errors import FormatError, IntegrityError
from ledger.note import NoteSignature
from ledger.reasons import Reason
from ledger.store.base import StoredCheckpoint

__all__ = ["parse_stored"]


def parse_stored(stored: StoredCheckpoint) -> tuple[Checkpoint, Sequence[NoteSignature]]:
    """The checkpoint and its signatures, not verified. Raises IntegrityError `store.corrupt`."""
    try:
        checkpoint, signatures = parse_checkpoint_note(stored.note)
    except FormatError as exc:
        raise _corrupt(stored) from exc
    if checkpoint.size != stored.size:
        raise _corrupt(stored)
    return checkpoint, signatures


def _corrupt(stored: StoredCheckpoint) -> IntegrityError:
    return IntegrityError(
        Reason.STORE_CORRUPT,
        f"the checkpoint stored for size {stored.size}",
        hint="Stop writing; run ledger check, then restore the newest backup.",
    )
