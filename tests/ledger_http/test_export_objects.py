"""The log in an object store: order, what is never rewritten, what stops an export (issue 5, publication).

The server speaks as much of S3 as an export needs, among it `If-None-Match: *`, and remembers in which order it was
written to.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from ledger.errors import ConfigError, IntegrityError
from ledger.export import export_log
from ledger.export_target import FolderTarget, ObjectTarget, open_target
from ledger.reasons import Reason
from tests.ledger_http.conftest import Published
from tests.ledger_http.test_export import files


@dataclass
class Bucket:
    """Objects by key, and all writes in their order; after `writes_left` of them it answers 500."""

    objects: dict[str, bytes] = field(default_factory=dict)
    kinds: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    writes_left: int = 1_000_000

    def put(self, key: str, data: bytes, only_new: bool) -> int:
        if only_new and key in self.objects:
            return 412
        if not self.writes_left:
            return 500
        self.writes_left -= 1
        self.writes.append(key)
        self.objects[key] = data
        return 200


@contextmanager
def serving(bucket: Bucket) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_PUT(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            status = bucket.put(self.path, data, self.headers.get("If-None-Match") == "*")
            bucket.kinds[self.path] = (self.headers.get("Content-Type"), self.headers.get("Cache-Control"))
            self._answer(status, b"")

        def do_GET(self) -> None:
            data = bucket.objects.get(self.path)
            self._answer(404 if data is None else 200, data or b"")

        def _answer(self, status: int, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("ETag", '"x"')
            self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    bucket = Bucket()
    with serving(bucket) as url:
        for name, value in {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "test-1",
            "AWS_ALLOW_HTTP": "true",
        }.items():
            monkeypatch.setenv(name, value)
        yield bucket


def test_the_same_pieces_as_in_a_folder_and_the_checkpoint_last(world: Published, bucket: Bucket) -> None:
    for size in (250, 600):
        world.grow(size)
        done = export_log(world.publication(), open_target("s3://bucket/log"))
        assert done.size == size
        assert bucket.writes[-1] == "/bucket/log/checkpoint"
        assert export_log(world.publication(), open_target("s3://bucket/log")).written == 0
        assert export_log(world.publication(), FolderTarget(world.folder / "out")).size == size
    assert {
        f"/bucket/log/{path}": data for path, data in files(world.folder / "out").items()
    } == bucket.objects
    twice = {key for key in bucket.writes if bucket.writes.count(key) > 1}
    assert twice == {"/bucket/log/checkpoint"}
    assert bucket.kinds["/bucket/log/tile/0/000"] == (
        "application/octet-stream",
        "public, max-age=31536000, immutable",
    )
    assert bucket.kinds["/bucket/log/checkpoint"] == ("text/plain; charset=utf-8", "public, max-age=1")


def test_an_export_that_broke_off_has_no_checkpoint_and_is_completed(
    world: Published, bucket: Bucket
) -> None:
    world.grow(300)
    bucket.writes_left = 3
    with pytest.raises(IntegrityError) as caught:
        export_log(world.publication(), open_target("s3://bucket"))
    assert caught.value.reason is Reason.STORE_IO_ERROR
    assert len(bucket.objects) == 3
    assert "/bucket/checkpoint" not in bucket.objects
    bucket.writes_left = 100
    done = export_log(world.publication(), open_target("s3://bucket"))
    assert (done.written, done.kept) == (2, 3)


def test_another_object_is_not_rewritten(world: Published, bucket: Bucket) -> None:
    world.grow(300)
    bucket.objects["/bucket/tile/0/000"] = b"another history"
    with pytest.raises(IntegrityError) as caught:
        export_log(world.publication(), open_target("s3://bucket"))
    assert caught.value.reason is Reason.STORE_FORK_DETECTED
    assert bucket.objects["/bucket/tile/0/000"] == b"another history"
    assert "/bucket/checkpoint" not in bucket.objects


def test_a_bucket_ahead_of_the_ledger(world: Published, tmp_path: Path) -> None:
    target = ObjectTarget(MemoryStore())
    world.grow(300)
    export_log(world.publication(), target)
    folder = tmp_path / "restored"
    folder.mkdir()
    restored = Published(folder)
    restored.grow(30)
    with pytest.raises(IntegrityError) as caught:
        export_log(restored.publication(), target)
    restored.close()
    assert caught.value.reason is Reason.LOG_ROLLBACK_DETECTED


def test_addresses(tmp_path: Path) -> None:
    assert isinstance(open_target(str(tmp_path)), FolderTarget)
    assert isinstance(open_target(f"file://{tmp_path}"), FolderTarget)
    for text in ("gopher://bucket", "s3://", "memory://bucket"):
        with pytest.raises(ConfigError) as caught:
            open_target(text)
        assert caught.value.reason is Reason.CLI_USAGE
