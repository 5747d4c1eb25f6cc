"""Small files that must survive a power cut: written beside, synced, then put in place in one step."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from ledger.errors import ConfigError, IntegrityError, ProjectError
from ledger.reasons import Reason

__all__ = ["create_durably", "map_os_error", "place_durably", "replace_durably", "sync_folder"]


def replace_durably(path: Path, data: bytes) -> None:
    """Make `path` hold `data`, readable by its owner only. Whatever happens, it holds the old bytes or the
    new.

    Raises:
        IntegrityError: `store.full` or `store.io_error`. Which of the two contents is there is then unknown.
    """
    try:
        place_durably(path, data, mode=0o600)
        sync_folder(path.parent)
    except OSError as exc:
        raise map_os_error(exc) from exc


def place_durably(path: Path, data: bytes, *, mode: int) -> None:
    """As `replace_durably`, but the caller syncs the folder, once for many files. Raises OSError."""
    temporary = _write_beside(path, data, mode)
    try:
        os.replace(temporary, path)
    except OSError:
        _remove(temporary)
        raise


def create_durably(path: Path, data: bytes) -> None:
    """As `replace_durably`, but never over something that is there.

    Raises:
        ConfigError: `cli.exists`.
        IntegrityError: `store.full` or `store.io_error`.
    """
    try:
        temporary = _write_beside(path, data, 0o600)
        try:
            os.link(temporary, path)
        finally:
            _remove(temporary)
        sync_folder(path.parent)
    except FileExistsError as exc:
        raise ConfigError(
            Reason.CLI_EXISTS, path.name, hint="Choose another path; nothing is overwritten."
        ) from exc
    except OSError as exc:
        raise map_os_error(exc) from exc


def map_os_error(exc: OSError) -> ProjectError:
    """What a failed system call on our files means."""
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return IntegrityError(Reason.STORE_FULL, hint="Free some space; nothing was acknowledged.")
    if exc.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return IntegrityError(Reason.STORE_READONLY, hint="Make the folder writable for this user.")
    return IntegrityError(
        Reason.STORE_IO_ERROR,
        errno.errorcode.get(exc.errno or 0, "unknown"),
        hint="Check the disk, then reopen.",
    )


def sync_folder(folder: Path) -> None:
    """The new name itself has to survive, not only the bytes under it. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_beside(path: Path, data: bytes, mode: int) -> str:
    """A synced temporary file in the same folder."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        if mode != 0o600:  # what mkstemp gave it
            os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    except OSError:
        _remove(temporary)
        raise
    finally:
        os.close(descriptor)
    return temporary


def _remove(temporary: str) -> None:
    Path(temporary).unlink(missing_ok=True)
