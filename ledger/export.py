"""A copy of the log as files, in the layout of C2SP tlog-tiles: any web server can serve the folder, or an
object store its bucket.

What is there is never rewritten; a piece that differs from the ledger's is a fork, and the export stops. The order of
an export, so that whoever reads the folder meanwhile never misses a tile: tiles and entries, durable; then the
checkpoint that needs them, in one step. Partial pieces of earlier checkpoints stay: a client may hold one of those.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ledger.checkpoint import parse_checkpoint_note
from ledger.errors import ConfigError, ConflictError, FormatError, IntegrityError
from ledger.export_target import ExportTarget, FolderTarget
from ledger.publication import Publication
from ledger.reasons import Reason
from ledger.tile_paths import CHECKPOINT_PATH, new_pieces

__all__ = ["Exported", "export_log"]

_FORK_HINT = (
    "Keep the folder and the ledger as evidence; publish neither until it is clear which one is true."
)
_MAX_NOTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export did.

    Args:
        old_size: entries in the target before, 0 for a new one.
        size: entries in it now.
        written, kept: files that were new, and files that were due and there already.
    """

    old_size: int
    size: int
    written: int
    kept: int


def export_log(
    publication: Publication,
    target: Path | ExportTarget,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Exported:
    """Bring `target` up to the newest cosigned checkpoint. It may have been stopped at any point before.

    Args:
        target: a folder, or what `ledger.export_target` knows.
        progress: called with the number of files seen to so far, and of all.
    Raises:
        ConflictError: `log.inclusion_missing` before the first cosigned checkpoint.
        ConfigError: `cli.path_unsafe` when the target is the copy of another log or holds something else under a name
            of ours.
        IntegrityError: `log.rollback_detected` (the target is ahead of the ledger), `store.fork_detected` (it holds
            another history), `store.hash_mismatch`, or `store.…` when it cannot be written.
    """
    published = publication.newest()
    if published is None:
        raise ConflictError(
            Reason.LOG_INCLUSION_MISSING,
            "no cosigned checkpoint yet",
            hint="Run ledger checkpoint, then export again.",
        )
    if isinstance(target, Path):
        target = FolderTarget(target)
    size = published.checkpoint.size
    old_size = _exported_size(publication, target, size)
    written, kept = 0, 0
    pieces = list(new_pieces(old_size, size))
    for piece in pieces:
        data = publication.read(piece, published_size=size)
        if target.put(str(piece), data):
            written += 1
        else:
            _require_same(target, str(piece), data)
            kept += 1
        progress(written + kept, len(pieces))
    target.sync()
    if target.read(CHECKPOINT_PATH, _MAX_NOTE) != published.note:
        target.replace(CHECKPOINT_PATH, published.note)
    return Exported(old_size, size, written, kept)


def _exported_size(publication: Publication, target: ExportTarget, size: int) -> int:
    """The size of the checkpoint in the target, which has to be one of this very log."""
    note = target.read(CHECKPOINT_PATH, _MAX_NOTE + 1)
    if note is None:
        return 0
    try:
        checkpoint, _ = parse_checkpoint_note(note)
    except FormatError as exc:
        raise ConfigError(Reason.CLI_PATH_UNSAFE, "the folder holds a checkpoint that is none") from exc
    if checkpoint.origin != publication.origin:
        raise ConfigError(
            Reason.CLI_PATH_UNSAFE, "the folder holds another log", hint="Name a folder of its own."
        )
    if checkpoint.size > size:
        raise IntegrityError(
            Reason.LOG_ROLLBACK_DETECTED,
            f"size {checkpoint.size} was exported, {size} is here",
            hint=_FORK_HINT,
        )
    if publication.root_at(checkpoint.size) != checkpoint.root_hash:
        raise IntegrityError(
            Reason.STORE_FORK_DETECTED,
            f"another tree of {checkpoint.size} entries was exported",
            hint=_FORK_HINT,
        )
    return checkpoint.size


def _require_same(target: ExportTarget, path: str, data: bytes) -> None:
    """What is there has these bytes. With other bytes it is another history, or was cut by its disk."""
    if target.read(path, len(data) + 1) != data:
        raise IntegrityError(
            Reason.STORE_FORK_DETECTED, f"{path} was exported with other bytes", hint=_FORK_HINT
        )
