"""What a new bundle says of the log: its newest cosigned checkpoint, its blocks, its milestones (DESIGN 3.3, 3.6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from certificate.log_files import Milestones, encode_blocks, encode_milestones, parse_milestones
from issuer.mint import Ledger
from ledger.blocks import BLOCK_LEAVES, Blocks
from ledger.checkpoint import parse_checkpoint_note
from ledger.entry import EntryType, encode_entry
from verifier.held import blocks_file_name, checkpoint_file_name, milestones_file_name

__all__ = ["PublishedLedger", "held_files", "padding"]

_DAY = 86400
_DIGEST_SIZE = 32


class PublishedLedger(Ledger, Protocol):
    """A ledger whose cosigned tree can be read."""

    def published_blocks(self, start: int) -> tuple[bytes, Blocks]: ...


def padding(size: int, *, authority: int, random: Callable[[int], bytes]) -> list[bytes]:
    """The entries of type 0 that bring a log of `size` entries to the end of a block, so that every certificate in it
    can be proved by that block."""
    missing = -size % BLOCK_LEAVES
    return [encode_entry(EntryType.PADDING, authority, random(_DIGEST_SIZE)) for _ in range(missing)]


def held_files(
    ledger: PublishedLedger, milestones: bytes | None, *, now: int, validity_days: int
) -> dict[str, bytes]:
    """The three files of the log.

    Args:
        milestones: the file of the bundle before, which goes on.
        validity_days: how long a certificate lives; what is older is kept in large blocks.
    """
    log = ledger.log
    marks = Milestones(log, ()) if milestones is None else parse_milestones(milestones)
    start = marks.size_by(now - validity_days * _DAY)
    note, blocks = ledger.published_blocks(start)
    checkpoint, _ = parse_checkpoint_note(note)
    return {
        checkpoint_file_name(log): note,
        blocks_file_name(log): encode_blocks(log, blocks),
        milestones_file_name(log): encode_milestones(marks.extended(checkpoint.size, now)),
    }
