"""Locks between the processes of one home: empty files, held by the system, so that a killed holder holds nothing."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.durable import map_os_error
from ledger.errors import ConflictError
from ledger.reasons import Reason

__all__ = ["KEYS_LOCK", "locked"]

KEYS_LOCK = "keys.lock"  # in the home: shared by whoever mints, alone for whoever ends a key

_LOOK_AGAIN = 0.02  # seconds


@contextmanager
def locked(path: Path, *, what: str, timeout: float, shared: bool = False) -> Iterator[None]:
    """Hold the lock at `path` alone; it is made when it is not there. Not for the same thread twice.

    Args:
        what: what is done under it, for the one who waits in vain.
        timeout: seconds to wait for another holder.
        shared: hold it with others who share it, without those who want it alone.
    Raises:
        ConflictError: `store.locked`.
        IntegrityError: `store.…` when the file cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise map_os_error(exc) from exc
    try:
        _acquire(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, what, timeout)
        yield
    finally:
        os.close(descriptor)  # gives the lock back; the file stays, for another may be waiting at it


def _acquire(descriptor: int, kind: int, what: str, timeout: float) -> None:
    until = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return
        except BlockingIOError as exc:
            if time.monotonic() >= until:
                hint = "Wait until the other run is over, then run this again."
                raise ConflictError(Reason.STORE_LOCKED, f"another process is {what}", hint=hint) from exc
        time.sleep(_LOOK_AGAIN)
