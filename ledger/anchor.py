"""The last signed checkpoint, kept apart from the database it was made from.

Whoever puts an older or another database in place does not thereby change this file: the sequencer compares the two
before it signs anything. The file holds the time of signing and the log's signed note.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from ledger.checkpoint import Checkpoint, encode_checkpoint, parse_checkpoint
from ledger.durable import map_os_error, replace_durably
from ledger.errors import ConflictError, IntegrityError, ProjectError
from ledger.note import Note, NoteSignature, VerifierKey, encode_note, parse_note, verify_note_signature
from ledger.reasons import Reason

__all__ = ["Anchor", "held_anchor", "load_anchor", "save_anchor"]

_HEAD = re.compile(rb"tallystick-anchor/1\n(0|[1-9][0-9]{0,18})\n")
_MAX_FILE = 65536
_PATIENCE = 10.0
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Anchor:
    """What was signed last, and when (POSIX seconds).

    Args:
        signature: the log's own by Ed25519, which is what the file is trusted by.
        also: its others.
    """

    checkpoint: Checkpoint
    signature: NoteSignature
    time: int
    also: tuple[NoteSignature, ...] = ()

    @property
    def note(self) -> bytes:
        """The checkpoint as a note with the log's signatures alone."""
        return encode_note(Note(encode_checkpoint(self.checkpoint), (self.signature, *self.also)))


def save_anchor(path: Path, anchor: Anchor) -> None:
    """Replace the file, durably.

    Raises:
        IntegrityError: `store.full`, `store.readonly` or `store.io_error`.
    """
    replace_durably(path, b"tallystick-anchor/1\n%d\n" % anchor.time + anchor.note)


@contextmanager
def held_anchor(path: Path) -> Iterator[None]:
    """Keep other processes from replacing the file between a look at it and its replacement.

    The store's lock alone would not do: a database server gives it to the next one as soon as a connection is lost,
    while whoever held it is still about to sign.

    Raises:
        ConflictError: `store.locked`.
        IntegrityError: `store.readonly` or `store.io_error`.
    """
    try:
        descriptor = os.open(
            path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
    except OSError as exc:
        raise map_os_error(exc) from exc
    try:
        deadline = monotonic() + _PATIENCE
        while not _locked(descriptor):
            if monotonic() > deadline:
                hint = "Try again when the other run is over."
                raise ConflictError(Reason.STORE_LOCKED, "another process is signing", hint=hint)
            sleep(_PAUSE)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def load_anchor(path: Path, *, key: VerifierKey) -> Anchor | None:
    """Read the file; None if there is none.

    Args:
        key: the log's own; the file has to be signed by it and to name its origin.
    Raises:
        IntegrityError: `store.corrupt` or `store.io_error`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise map_os_error(exc) from exc
    head = _HEAD.match(data)
    if head is None:
        raise _corrupt("no last signed checkpoint is in the file")
    try:
        note = parse_note(data[head.end() :])
        verify_note_signature(note, key=key)
        checkpoint = parse_checkpoint(note.text)
    except ProjectError as exc:
        raise _corrupt("the last signed checkpoint does not verify") from exc
    if checkpoint.origin != key.name:
        raise _corrupt("the last signed checkpoint is that of another log")
    [signature] = [signature for signature in note.signatures if signature.is_by(key)]
    also = tuple(line for line in note.signatures if not line.is_by(key))
    return Anchor(checkpoint, signature, int(head[1]), also)


def _corrupt(detail: str) -> IntegrityError:
    return IntegrityError(
        Reason.STORE_CORRUPT,
        detail,
        hint="Restore the file of the last signed checkpoint; without it nothing may be signed.",
    )
