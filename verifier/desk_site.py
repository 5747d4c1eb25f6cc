"""The desk page as a folder that any host can serve: its files, the list the offline copy is checked by, and what an
organisation lays beside them.

    index.html, desk/, ...      the page, as it is in this package
    precache.js                 every file of the page with its SHA-256, for the service worker
    trust/                      the trust bundle with root.keys
    requests/                   requests of the organisation as QR text, and index.json naming them
    settings.json               on which day of the month a kind of insurance usually posts

Nothing here is signed by us: who can change these files can change the page. Trust bundle and requests carry their own
signatures, which the page checks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from certificate.kinds import KIND_BY_ID
from certificate.qr_text import encode_request_text
from certificate.request import matching_digits, parse_request
from ledger.errors import ConfigError
from ledger.reasons import Reason
from verifier.trust_dir import ROOT_KEYS_NAME, load_bundle_files, load_root_keys, load_trust, replace_bundle

__all__ = ["HEADERS", "content_type", "desk_files", "export_desk", "trust_file"]

# `index.html` says the same, but for the last of them, which only a header can say.
_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types default"
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": f"{_POLICY}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
_WEB: Final = Path(__file__).with_name("web")
_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".toml": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
_BYTES: Final = "application/octet-stream"
_LATER: Final = ("vendor/pdfjs/", "vendor/zxing/")  # large, and not needed to show the page
_NOT_KEPT: Final = (".md", ".txt")
_ENTRY: Final = "precache.js"  # what tells an exported desk from any other folder
_WORKER: Final = "sw.js"
_BUNDLE_FILE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.(?:cbor|cose|cwt|json|toml|txt)")
_TRUST, _REQUESTS = "trust", "requests"


def desk_files(*, requests: Sequence[bytes] = (), posts: Mapping[str, int] | None = None) -> dict[str, bytes]:
    """The site without the trust bundle: path with slashes to content.

    Args:
        requests: the tagged bytes of signed requests.
        posts: kind of insurance to the day of the month on which it usually posts, 1...31.
    Raises:
        FormatError: what `parse_request` raises. ConfigError: `cli.usage` for a kind or day that is none.
    """
    page = _page_files()
    laid = {**_request_files(requests), "settings.json": _settings(posts or {})}
    return {**page, _ENTRY: _precache(page), **laid}


def export_desk(
    out: Path, *, trust: Path, requests: Sequence[bytes] = (), posts: Mapping[str, int] | None = None
) -> int:
    """Write the site with the bundle of `trust` into `out`; an earlier export there is brought up to date.

    The service worker comes last: a page that is opened meanwhile keeps its old copy.

    Returns:
        the number of files.
    Raises:
        ConfigError: `cli.exists`: the folder holds something else; `store.io_error`.
        ProjectError: what `load_trust` raises: a bundle that does not open is not handed on.
    """
    load_trust(trust)
    files = desk_files(requests=requests, posts=posts)
    if out.exists() and not (out / _ENTRY).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(Reason.CLI_EXISTS, out.name, hint="choose an empty folder or an earlier export")
    bundle = load_bundle_files(trust)
    replace_bundle(out / _TRUST, bundle, root_keys=load_root_keys(trust))
    try:
        _remove_stale(out, files)
        for path in sorted(files, key=lambda path: (path in (_ENTRY, _WORKER), path == _WORKER)):
            _write(out / path, files[path])
    except OSError as exc:
        raise ConfigError(Reason.STORE_IO_ERROR, f"writing the desk: {exc.strerror}") from exc
    return len(files) + len(bundle) + 1


def trust_file(trust: Path, path: str) -> bytes | None:
    """The bundle's file that the site serves as `path`, read now, so that a bundle that was replaced is served."""
    folder, _, name = path.partition("/")
    if folder != _TRUST or not (name == ROOT_KEYS_NAME or _BUNDLE_FILE.fullmatch(name)):
        return None
    try:
        return (trust / name).read_bytes()
    except OSError:
        return None


def content_type(path: str) -> str:
    """The media type of a file of the site."""
    return _TYPES.get(Path(path).suffix, _BYTES)


def _page_files() -> dict[str, bytes]:
    return {
        path.relative_to(_WEB).as_posix(): path.read_bytes()
        for path in sorted(_WEB.rglob("*"))
        if path.is_file() and path.name != "package.json" and not path.name.startswith(".")
    }


def _precache(page: Mapping[str, bytes]) -> bytes:
    kept = {
        path: sha256(content).hexdigest()
        for path, content in page.items()
        if path != _WORKER and content_type(path) != _BYTES and not path.endswith(_NOT_KEPT)
    }
    later = {path: digest for path, digest in kept.items() if path.startswith(_LATER)}
    first = {path: digest for path, digest in kept.items() if path not in later}
    version = sha256(json.dumps([first, later, HEADERS["Content-Security-Policy"]]).encode()).hexdigest()[:16]
    listing = {
        "version": version,
        "policy": HEADERS["Content-Security-Policy"],
        "files": first,
        "later": later,
    }
    return f"self.PRECACHE = {json.dumps(listing, indent=1)};\n".encode()


def _request_files(requests: Sequence[bytes]) -> dict[str, bytes]:
    rows, files = [], {}
    for data in requests:
        digest = parse_request(data).digest()
        name = f"{digest.hex()[:16]}.txt"
        files[f"{_REQUESTS}/{name}"] = encode_request_text(data).encode("ascii")
        rows.append({"file": name, "digits": matching_digits(digest)})
    return {**files, f"{_REQUESTS}/index.json": _json({"requests": rows})}


def _settings(posts: Mapping[str, int]) -> bytes:
    for kind, day in posts.items():
        if kind not in KIND_BY_ID or not 1 <= day <= 31:
            raise ConfigError(Reason.CLI_USAGE, f"{kind}={day}", hint="name a kind and a day: medical.emp=20")
    return _json({"posts": dict(posts)})


def _remove_stale(out: Path, files: Mapping[str, bytes]) -> None:
    """What the earlier export there listed and this one does not; what others laid beside it stays."""
    for name in _listed_before(out):
        path = out / name
        if name not in files and path.is_file() and path.resolve().is_relative_to(out.resolve()):
            path.unlink()


def _listed_before(out: Path) -> list[str]:
    entry = out / _ENTRY
    if not entry.is_file():
        return []
    listed = re.findall(r'(?m)^  "([A-Za-z0-9._/-]+)": "[0-9a-f]{64}"', entry.read_text("utf-8"))
    return [*listed, *(f"{_REQUESTS}/{path.name}" for path in (out / _REQUESTS).glob("*.txt"))]


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_bytes(content)
    temporary.replace(path)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()
