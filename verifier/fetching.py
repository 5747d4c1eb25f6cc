"""Where a TUF client reads a repository from: a folder (a stick, a share) or HTTP, each with a limit of time."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tuf.api.exceptions import DownloadError, DownloadHTTPError, SlowRetrievalError
from tuf.ngclient import FetcherInterface
from tuf.ngclient.urllib3_fetcher import Urllib3Fetcher
from urllib3.exceptions import HTTPError

__all__ = ["SECONDS", "Fetcher", "base_url", "fetcher_for"]

SECONDS = 300
"""How long all of one sync may take."""

_SILENCE = 20  # seconds without a byte
_CHUNK = 1 << 16


class Fetcher(FetcherInterface):
    """A fetcher with a deadline that remembers the last file asked for, so that a refusal can name it."""

    def __init__(self, inner: FetcherInterface, seconds: float) -> None:
        self.asked = ""
        self._inner = inner
        self._until = time.monotonic() + seconds

    def _fetch(self, url: str) -> Iterator[bytes]:
        self.asked = unquote(url.rpartition("/")[2])
        try:
            for chunk in self._inner.fetch(url):
                if time.monotonic() > self._until:
                    raise SlowRetrievalError("the whole took too long")
                yield chunk
        except (OSError, HTTPError) as exc:  # a connection that breaks off
            raise DownloadError("broken off") from exc


class _FolderFetcher(FetcherInterface):
    def _fetch(self, url: str) -> Iterator[bytes]:
        path = Path(unquote(urlsplit(url).path))
        try:
            with path.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    yield chunk
        except FileNotFoundError as exc:
            raise DownloadHTTPError("no such file", 404) from exc
        except OSError as exc:
            raise DownloadError("unreadable") from exc


def base_url(source: str) -> str:
    """The address of a repository: `source` itself, or that of a folder."""
    if re.match(r"https?://[^/]", source):
        return source.rstrip("/") + "/"
    return Path(source).resolve().as_uri() + "/"


def fetcher_for(source: str, *, seconds: float = SECONDS) -> Fetcher:
    if base_url(source).startswith("file:"):
        return Fetcher(_FolderFetcher(), seconds)
    return Fetcher(Urllib3Fetcher(socket_timeout=_SILENCE, chunk_size=_CHUNK), seconds)
