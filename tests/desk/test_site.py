"""`tally desk export` and `tally desk serve`: the installed program, its folder, and its answers over HTTP."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from certificate.qr_text import decode_any_request, encode_request_text
from tests.browser.town import DeskTown
from tests.cli.conftest import TALLY, ok, tally
from verifier.desk_site import HEADERS

WEB = Path(__file__).parents[2] / "verifier" / "web"


@pytest.fixture(scope="module")
def town() -> DeskTown:
    return DeskTown()


@pytest.fixture
def trust(town: DeskTown, tmp_path: Path) -> Path:
    town.save_trust(tmp_path / "trust")
    return tmp_path / "trust"


@pytest.fixture
def request_file(town: DeskTown, tmp_path: Path) -> Path:
    file = tmp_path / "R.txt"
    file.write_text(encode_request_text(town.request()))
    return file


@contextmanager
def served(*arguments: object, cwd: Path | None = None) -> Iterator[str]:
    """The address of a running `tally desk serve`."""
    command = [str(TALLY), "desk", "serve", "--port", "0", *map(str, arguments)]
    environment = {**os.environ, "LANG": "en_US.UTF-8"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, cwd=cwd) as process:
        assert process.stderr is not None
        try:
            found = re.match(r"(http://\S+)", process.stderr.readline())
            assert found is not None
            yield found[1]
        finally:
            process.terminate()
            process.wait(timeout=10)


def get(url: str, path: str, *, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers in small letters, and body."""
    at = urlsplit(url)
    connection = http.client.HTTPConnection(at.hostname or "", at.port or 0, timeout=10)
    connection.request(
        method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


def test_an_export_holds_page_bundle_requests_and_a_true_list(
    trust: Path, request_file: Path, tmp_path: Path, town: DeskTown
) -> None:
    out = tmp_path / "desk"
    ran = ok(
        "desk", "export", "--out", out, "--trust", trust, "--request", request_file, "--posts", "medical.emp=20",
        "--json",
    )  # fmt: skip
    files = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert ran.json["files"] == len(files)
    for name, data in town.trust_files().items():
        assert files[f"trust/{name}"] == data
    listing = json.loads(files["precache.js"].decode().removeprefix("self.PRECACHE = ").removesuffix(";\n"))
    named = listing["files"] | listing["later"]
    assert {path: sha256(files[path]).hexdigest() for path in named} == named
    assert {"index.html", "desk/app.js", "design/tokens.css", "poster.html"} <= set(listing["files"])
    assert not any(
        path.startswith(("trust/", "requests/", "vendor/zxing", "vendor/pdfjs")) for path in listing["files"]
    )
    assert json.loads(files["settings.json"]) == {"posts": {"medical.emp": 20}}
    (row,) = json.loads(files["requests/index.json"])["requests"]
    assert decode_any_request(files[f"requests/{row['file']}"]) == town.request()


def test_an_export_is_brought_up_to_date_and_leaves_what_is_not_its_own(
    trust: Path, request_file: Path, tmp_path: Path, town: DeskTown
) -> None:
    out = tmp_path / "desk"
    export = ("desk", "export", "--out", out, "--trust", trust)
    ok(*export, "--request", request_file)
    version = (out / "precache.js").read_bytes()
    (out / "robots.txt").write_text("theirs")
    town.save_trust(trust, version=2)
    ok(*export)
    assert (out / "precache.js").read_bytes() == version, "the page is the same; only the bundle is another"
    assert (out / "trust" / "bundle.cose").read_bytes() == (trust / "bundle.cose").read_bytes()
    assert list((out / "requests").glob("*.txt")) == []
    assert (out / "robots.txt").read_text() == "theirs"


def test_another_folder_and_a_broken_bundle_are_refused(trust: Path, tmp_path: Path) -> None:
    taken = tmp_path / "photos"
    taken.mkdir()
    (taken / "a.jpg").write_bytes(b"x")
    ran = tally("desk", "export", "--out", taken, "--trust", trust, "--json")
    assert (ran.code, ran.json["error"]["reason"]) == (2, "cli.exists")
    assert [path.name for path in taken.iterdir()] == ["a.jpg"]
    (trust / "policy.txt").write_bytes(b"changed")
    ran = tally("desk", "export", "--out", tmp_path / "desk", "--trust", trust, "--json")
    assert (ran.code, ran.json["error"]["reason"]) == (3, "trust.bundle_sig_invalid")
    assert not (tmp_path / "desk").exists()


@pytest.mark.parametrize(
    "posts", ["medical.emp", "medical.emp=0", "medical.emp=32", "dental=3", "medical.emp=\u0663"]
)
def test_a_posting_day_that_is_none_is_refused(trust: Path, tmp_path: Path, posts: str) -> None:
    ran = tally("desk", "export", "--out", tmp_path / "desk", "--trust", trust, "--posts", posts, "--json")
    assert (ran.code, ran.json["error"]["reason"]) == (2, "cli.usage")


def test_the_server_sends_right_types_headers_and_compressed_files(trust: Path) -> None:
    with served("--trust", trust) as url:
        status, headers, body = get(url, "/", Accept_Encoding="gzip")
        assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert gzip.decompress(body) == (WEB / "index.html").read_bytes()
        assert {name.lower(): value for name, value in HEADERS.items()}.items() <= headers.items()
        assert get(url, "/")[2] == (WEB / "index.html").read_bytes()
        assert get(url, "/desk/app.js")[1]["content-type"] == "text/javascript; charset=utf-8"
        assert get(url, "/manifest.webmanifest")[1]["content-type"] == "application/manifest+json"
        assert get(url, "/", method="HEAD")[2] == b""


def test_the_page_and_the_header_state_the_same_policy() -> None:
    """But for frame-ancestors, which a page cannot say of itself."""
    page = (WEB / "index.html").read_text("utf-8")
    stated = re.search(r'Content-Security-Policy"\s+content="([^"]+)"', page)
    assert stated is not None
    assert HEADERS["Content-Security-Policy"] == f"{stated[1]}; frame-ancestors 'none'"


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml",
        "/%2e%2e/x",
        "/trust/../R.txt",
        "/trust/seen.db",
        "/trust/%2e%2e/R.txt",
        "/trust/",
        "/x",
    ],
)
def test_nothing_else_is_served(trust: Path, request_file: Path, path: str) -> None:
    (trust / "seen.db").write_bytes(b"used answers")
    with served("--trust", trust, "--request", request_file) as url:
        assert get(url, path)[0] == 404


def test_other_names_and_methods_are_refused(trust: Path) -> None:
    with served("--trust", trust) as url:
        assert get(url, "/", Host="evil.example:80")[0] == 421
        assert get(url, "/", Host=f"localhost:{urlsplit(url).port}")[0] == 200
        assert get(url, "/", method="POST")[0] == 501


def test_a_bundle_replaced_beneath_the_server_is_served(trust: Path, town: DeskTown) -> None:
    with served("--trust", trust) as url:
        before = get(url, "/trust/bundle.cose")[2]
        town.save_trust(trust, version=2)
        after = get(url, "/trust/bundle.cose")[2]
    assert before != after == (trust / "bundle.cose").read_bytes()


def test_a_taken_port_is_said(trust: Path) -> None:
    with served("--trust", trust) as url:
        ran = tally("desk", "serve", "--trust", trust, "--port", urlsplit(url).port)
    assert ran.code == 2
    assert "choose another --port" in ran.err


def test_the_desk_needs_no_web_framework() -> None:
    code = (
        "import sys, cli.desk, cli.desk_server, verifier.desk_site\n"
        "print([name for name in ('starlette', 'fastapi', 'uvicorn', 'httpx', 'tuf') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
