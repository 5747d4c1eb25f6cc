"""A static site on loopback: verifier/web at its root, what a test lays beside it, and all requests written down."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

__all__ = ["CSP", "WEB", "Site", "served_site"]

WEB = Path(__file__).parents[2] / "verifier" / "web"
# What docs/DESK.md tells a host to send. WebAssembly is compiled from a file of the site, no text is ever run as code.
CSP = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".toml": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
_BLANK = b'<!doctype html><html lang="en"><meta charset="utf-8"><title>blank</title></html>\n'


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # an offline copy asks for all files of the page at once


class Site:
    """One origin. `put` lays a file beside those of the product; `stop` ends the server, as a cut cable would."""

    def __init__(self, root: Path = WEB, headers: Mapping[str, str] = _HEADERS) -> None:
        self.requests: list[str] = []
        self._root = root.resolve()
        self.headers = headers
        self._laid: dict[str, bytes] = {"/blank.html": _BLANK, "/favicon.ico": b""}
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self._running = True

    @property
    def url(self) -> str:
        """The origin, without a slash at its end; a secure context, since it is loopback."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def put(self, path: str, data: bytes) -> None:
        """Serve `data` under `path` (with a slash at its start), in place of what was there."""
        self._laid[path] = data

    def remove(self, path: str) -> None:
        """Serve it no more."""
        del self._laid[path]

    def stop(self) -> None:
        """Nobody answers at this address any more."""
        if self._running:
            self._running = False
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def file(self, path: str) -> bytes | None:
        """What is served under `path`."""
        if path in self._laid:
            return self._laid[path]
        wanted = (self._root / path.lstrip("/")).resolve()
        if path.endswith("/"):
            wanted /= "index.html"
        return wanted.read_bytes() if wanted.is_relative_to(self._root) and wanted.is_file() else None


@contextmanager
def served_site(root: Path = WEB, headers: Mapping[str, str] = _HEADERS) -> Iterator[Site]:
    """A running site; stopped at the end if the test did not do it."""
    site = Site(root, headers)
    try:
        yield site
    finally:
        site.stop()


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        # HTTP/1.0: no connection is kept open, so that a stopped site is silent at once.
        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            site.requests.append(self.path)
            content = site.file(path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Type", _type_of(path))
            self.send_header("Content-Length", str(len(content or b"")))
            for name, value in site.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the name of the base class
            """Nothing is written to the terminal."""

    return Handler


def _type_of(path: str) -> str:
    name = "index.html" if path.endswith("/") else path
    return _TYPES.get(Path(name).suffix, "application/octet-stream")
