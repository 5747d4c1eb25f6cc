"""Where a published log is read from: a folder, or an address."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

from ledger.errors import ConfigError, UndeterminedError
from ledger.reasons import Reason

__all__ = ["FolderSource", "HttpSource", "LogSource", "open_source"]

_MAX_PIECE = 2**24
_SECONDS = 20.0


class LogSource(Protocol):
    """Gives the pieces of a log by their path under its prefix."""

    def fetch(self, path: str) -> bytes:
        """Raises UndeterminedError `log.unreachable` for what it cannot get."""
        ...

    def close(self) -> None: ...


class FolderSource:
    """An exported log."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fetch(self, path: str) -> bytes:
        try:
            with (self._folder / path).open("rb") as file:
                return file.read(_MAX_PIECE)
        except OSError as exc:
            raise _unreachable(path, "is not in the folder") from exc

    def close(self) -> None:
        pass


class HttpSource:
    """A log behind an address, over one connection, with a limit for each answer."""

    def __init__(self, url: str) -> None:
        import httpx  # of the extra [ledger]; a folder is read without it

        self._httpx = httpx
        self._url = url.rstrip("/")
        self._client = httpx.Client(timeout=_SECONDS, follow_redirects=False)

    def fetch(self, path: str) -> bytes:
        deadline = time.monotonic() + _SECONDS
        parts, size = [], 0
        try:
            with self._client.stream("GET", f"{self._url}/{path}") as response:
                if response.status_code != 200:
                    raise _unreachable(path, f"status {response.status_code}")
                for part in response.iter_bytes():
                    parts.append(part)
                    size += len(part)
                    if size > _MAX_PIECE or time.monotonic() > deadline:
                        raise _unreachable(path, "an answer that does not end")
        except (self._httpx.HTTPError, self._httpx.StreamError, self._httpx.InvalidURL) as exc:
            raise _unreachable(path, type(exc).__name__) from exc
        return b"".join(parts)

    def close(self) -> None:
        self._client.close()


def open_source(text: str) -> LogSource:
    """The log at `text`: an http(s) address, or the path of a folder.

    Raises:
        ConfigError: `cli.not_found` if it is neither.
    """
    if text.startswith(("http://", "https://")):
        return HttpSource(text)
    if not Path(text).is_dir():
        raise ConfigError(Reason.CLI_NOT_FOUND, "no address and no folder", hint="Give http://… or a folder.")
    return FolderSource(Path(text))


def _unreachable(path: str, detail: str) -> UndeterminedError:
    return UndeterminedError(Reason.LOG_UNREACHABLE, f"{path}: {detail}", hint="Try again later.")
