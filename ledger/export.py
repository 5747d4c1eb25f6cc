"""A copy of the log as files, in the layout of C2SP tlog-tiles: any web server or object store can serve the folder.

What is there is never rewritten; a piece that differs from the ledger's is a fork, and the export stops. The order of
an export, so that whoever reads the folder meanwhile never misses a tile: tiles and entries, durable; then the
checkpoint that needs them, in one step. Partial pieces of earlier checkpoints stay: a client may hold one of those.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ledger.checkpoint import parse_checkpoint_note
from ledger.durable import map_os_error, place_durably, sync_folder
from ledger.errors import ConfigError, ConflictError, FormatError, IntegrityError
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
        old_size: entries in the folder before, 0 for a new one.
        size: entries in it now.
        written, kept: files that were new, and files that were due and there already.
    """

    old_size: int
    size: int
    written: int
    kept: int


def export_log(
    publication: Publication, folder: Path, *, progress: Callable[[int, int], None] = lambda done, total: None
) -> Exported:
    """Bring `folder` up to the newest cosigned checkpoint. It may have been stopped at any point before.

    Args:
        progress: called with the number of files seen to so far, and of all.
    Raises:
        ConflictError: `log.inclusion_missing` before the first cosigned checkpoint.
        ConfigError: `cli.path_unsafe` when the folder is the copy of another log or holds something else under a name
            of ours.
        IntegrityError: `log.rollback_detected` (the folder is ahead of the ledger), `store.fork_detected` (it holds
            another history), `store.hash_mismatch`, or `store.…` when it cannot be written.
    """
    published = publication.newest()
    if published is None:
        raise ConflictError(
            Reason.LOG_INCLUSION_MISSING,
            "no cosigned checkpoint yet",
            hint="Run ledger checkpoint, then export again.",
        )
    size = published.checkpoint.size
    old_size = _exported_size(publication, folder, size)
    written, kept, touched = 0, 0, set[Path]()
    try:
        pieces = list(new_pieces(old_size, size))
        for piece in pieces:
            path = folder / str(piece)
            data = publication.read(piece, published_size=size)
            if _is_there(path, data):
                kept += 1
            else:
                touched |= {*_make_folders(path.parent), path.parent}
                place_durably(path, data, mode=0o644)
                written += 1
            progress(written + kept, len(pieces))
        for changed in sorted(touched):
            sync_folder(changed)
        if not _is_note(folder / CHECKPOINT_PATH, published.note):
            _make_folders(folder)
            place_durably(folder / CHECKPOINT_PATH, published.note, mode=0o644)
            sync_folder(folder)
    except OSError as exc:
        raise map_os_error(exc) from exc
    return Exported(old_size, size, written, kept)


def _exported_size(publication: Publication, folder: Path, size: int) -> int:
    """The size of the checkpoint in the folder, which has to be one of this very log."""
    path = folder / CHECKPOINT_PATH
    if path.is_symlink() or folder.is_symlink():
        raise ConfigError(Reason.CLI_PATH_UNSAFE, "a link where the copy of a log is due")
    if not path.exists():
        return 0
    try:
        checkpoint, _ = parse_checkpoint_note(path.read_bytes()[: _MAX_NOTE + 1])
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


def _is_there(path: Path, data: bytes) -> bool:
    """Whether the file exists with these bytes. With other bytes it is another history, or was cut by its disk."""
    try:
        with path.open("rb") as file:
            found = file.read(len(data) + 1)
    except FileNotFoundError:
        return False
    if found != data:
        raise IntegrityError(
            Reason.STORE_FORK_DETECTED, f"{path.name} was exported with other bytes", hint=_FORK_HINT
        )
    return True


def _is_note(path: Path, note: bytes) -> bool:
    try:
        return path.read_bytes() == note
    except FileNotFoundError:
        return False


def _make_folders(folder: Path) -> set[Path]:
    """Make the folder and those above it that are missing; returns the ones in which a new name appeared."""
    parents = set()
    missing = []
    at = folder
    while not at.is_dir():
        missing.append(at)
        at = at.parent
    for path in reversed(missing):
        os.mkdir(path, 0o755)
        parents.add(path.parent)
    return parents
