"""Where a log is exported to: a folder, or an object store such as S3.

Both keep the two promises that an export needs: a piece once put is never rewritten, and `sync` returns when all pieces
put before it are durable. An object store answers a write when the object is durable; a folder has to be told.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ledger.durable import map_os_error, place_durably, sync_folder
from ledger.errors import ConfigError, IntegrityError
from ledger.reasons import Reason

if TYPE_CHECKING:
    from obstore.store import ObjectStore, RetryConfig

__all__ = ["ExportTarget", "FolderTarget", "ObjectTarget", "open_target"]

_TILE_CACHE = "public, max-age=31536000, immutable"
_CHECKPOINT_CACHE = "public, max-age=1"
_FILE = "file://"
_RETRIES: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=60)}


class ExportTarget(Protocol):
    """Pieces by their path under the log's prefix. Every method may raise IntegrityError `store.…`."""

    def read(self, path: str, limit: int) -> bytes | None:
        """At most `limit` bytes of what is there, or None.

        Raises:
            ConfigError: `cli.path_unsafe` if what is there is no plain file.
        """
        ...

    def put(self, path: str, data: bytes) -> bool:
        """Add a piece; False, and nothing is written, if something is there."""
        ...

    def sync(self) -> None:
        """Returns when all that was put is durable."""
        ...

    def replace(self, path: str, data: bytes) -> None:
        """Put a piece in place of an older one, in one step; durable on return."""
        ...


class FolderTarget:
    """A folder that any web server can serve."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._touched: set[Path] = set()

    def read(self, path: str, limit: int) -> bytes | None:
        if self._folder.is_symlink() or (self._folder / path).is_symlink():
            raise ConfigError(Reason.CLI_PATH_UNSAFE, "a link where the copy of a log is due")
        try:
            with (self._folder / path).open("rb") as file:
                return file.read(limit)
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise map_os_error(exc) from exc

    def put(self, path: str, data: bytes) -> bool:
        target = self._folder / path
        try:
            # Of what is there already too: who put it may have been stopped before the folders were synced.
            self._touched |= _make_folders(target.parent)
            self._touched |= {folder for folder in target.parents if folder.is_relative_to(self._folder)}
            if target.exists():
                return False
            place_durably(target, data, mode=0o644)
        except OSError as exc:
            raise map_os_error(exc) from exc
        return True

    def sync(self) -> None:
        try:
            for changed in sorted(self._touched):
                sync_folder(changed)
        except OSError as exc:
            raise map_os_error(exc) from exc
        self._touched.clear()

    def replace(self, path: str, data: bytes) -> None:
        target = self._folder / path
        try:
            _make_folders(target.parent)
            place_durably(target, data, mode=0o644)
            sync_folder(target.parent)
        except OSError as exc:
            raise map_os_error(exc) from exc


class ObjectTarget:
    """A bucket of an object store, or a place within one. It refuses a second write of one piece by itself."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def read(self, path: str, limit: int) -> bytes | None:
        import obstore
        from obstore.exceptions import BaseError

        try:
            result = obstore.get(self._store, path)
            if result.meta["size"] > limit:
                return bytes(obstore.get_range(self._store, path, start=0, length=limit))
            return bytes(result.bytes())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as exc:
            raise _unwritable(exc) from exc

    def put(self, path: str, data: bytes) -> bool:
        import obstore
        from obstore.exceptions import AlreadyExistsError, BaseError

        attributes = {"Content-Type": "application/octet-stream", "Cache-Control": _TILE_CACHE}
        try:
            obstore.put(self._store, path, data, mode="create", attributes=attributes, use_multipart=False)
        except AlreadyExistsError:
            return False
        except (BaseError, OSError) as exc:
            raise _unwritable(exc) from exc
        return True

    def sync(self) -> None:
        pass  # each put was answered when the object was durable

    def replace(self, path: str, data: bytes) -> None:
        import obstore
        from obstore.exceptions import BaseError

        attributes = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": _CHECKPOINT_CACHE}
        try:
            obstore.put(self._store, path, data, attributes=attributes, use_multipart=False)
        except (BaseError, OSError) as exc:
            raise _unwritable(exc) from exc


def open_target(text: str) -> ExportTarget:
    """The target at `text`: the path of a folder, `file://…`, or an object store's address such as `s3://bucket/prefix`.

    An object store's credentials and region come from its usual environment variables.

    Raises:
        ConfigError: `cli.usage` for an address of no kind that we know.
    """
    if "://" not in text:
        return FolderTarget(Path(text))
    if text.startswith(_FILE):
        return FolderTarget(Path(text.removeprefix(_FILE)))
    try:
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ImportError as exc:
        raise ConfigError(
            Reason.CLI_USAGE, "no object store without its library", hint="Install tallystick[objects]."
        ) from exc
    try:
        return ObjectTarget(from_url(text, retry_config=_RETRIES))
    except (BaseError, ValueError) as exc:
        raise ConfigError(
            Reason.CLI_USAGE, "no address of an object store", hint="Give a folder, or s3://bucket/prefix."
        ) from exc


def _unwritable(exc: Exception) -> IntegrityError:
    return IntegrityError(
        Reason.STORE_IO_ERROR,
        type(exc).__name__,  # its text may hold an address with credentials
        hint="Check the object store and its credentials, then export again.",
    )


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
