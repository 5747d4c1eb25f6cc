"""The desk page over HTTP, with the standard library alone: static files, compressed, with the site's headers.

It answers GET and HEAD for the files it holds and nothing else, keeps no log, and on loopback answers to loopback's
own names only, so that no other site's name can be pointed at it.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from ledger.errors import ConfigError
from ledger.reasons import Reason
from verifier.desk_site import HEADERS, content_type, trust_file

__all__ = ["DeskServer", "serve_desk"]

_LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "::1")
_SMALL: Final = 512  # bytes below which compressing gains nothing
_PRESSED: Final = (".png",)


class DeskServer(ThreadingHTTPServer):
    """One running site. `url` is where it answers."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], files: Mapping[str, bytes], trust: Path) -> None:
        self.files = files
        self.trust = trust
        self._packed: dict[str, tuple[bytes, bytes]] = {}
        self.names = _LOCAL_NAMES if _is_loopback(address[0]) else None
        super().__init__(address, _Handler)

    def packed(self, path: str) -> bytes | None:
        """The file compressed, when it is first asked for; None where that gains nothing."""
        content = self.files[path]
        if len(content) <= _SMALL or path.endswith(_PRESSED):
            return None
        if self._packed.get(path, (b"", b""))[0] is not content:
            self._packed[path] = (content, gzip.compress(content, 9, mtime=0))
        return self._packed[path][1]

    @property
    def url(self) -> str:
        host = str(self.server_address[0])
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_port}/"


def serve_desk(files: Mapping[str, bytes], *, trust: Path, host: str, port: int) -> DeskServer:
    """A server that is bound but not yet running.

    Args:
        files: as `verifier.desk_site.desk_files` gives them.
        trust: folder of the bundle, read at each request.
    Raises:
        ConfigError: `cli.usage`: the address cannot be used.
    """
    try:
        return DeskServer((host, port), files, trust)
    except OSError as exc:
        hint = "choose another --port, or --host"
        raise ConfigError(Reason.CLI_USAGE, f"{host}:{port}: {exc.strerror}", hint=hint) from exc


class _Handler(BaseHTTPRequestHandler):
    server: DeskServer
    protocol_version = "HTTP/1.1"
    timeout = 30
    server_version = "desk"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Who verified when is nobody's business."""

    def _answer(self, *, with_body: bool) -> None:
        path = unquote(urlsplit(self.path).path).removeprefix("/") or "index.html"
        if not self._is_own_name():
            return self._send(421, "text/plain; charset=utf-8", b"not the name of this site\n", {}, with_body)
        content, more = self._content(path)
        if content is None:
            return self._send(404, "text/plain; charset=utf-8", b"no such file\n", {}, with_body)
        return self._send(200, content_type(path), content, more, with_body)

    def _content(self, path: str) -> tuple[bytes | None, dict[str, str]]:
        if path not in self.server.files:
            return trust_file(self.server.trust, path), {}
        packed = self.server.packed(path)
        if packed is None:
            return self.server.files[path], {}
        vary = {"Vary": "Accept-Encoding"}
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            return packed, {"Content-Encoding": "gzip", **vary}
        return self.server.files[path], vary

    def _is_own_name(self) -> bool:
        host = self.headers.get("Host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        return self.server.names is None or name.strip("[]").lower() in self.server.names

    def _send(self, code: int, kind: str, content: bytes, more: Mapping[str, str], with_body: bool) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in {**HEADERS, **more}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(content)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
