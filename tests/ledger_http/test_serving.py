"""The log over HTTP: bytes as in the export, content types, caching, and what is not there (issue 5, publication)."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from ledger.errors import ConflictError, FormatError
from ledger.export import export_log
from ledger.http.log_app import create_log_app
from ledger.reasons import Reason
from ledger.tile_paths import ENTRIES, TilePath, parse_tile_path
from tests.ledger.tampering import tamper
from tests.ledger_http.conftest import Published
from tests.ledger_http.serving import running


@pytest.fixture
def client(world: Published) -> Iterator[httpx.Client]:
    world.grow(300)
    with running(create_log_app(world.store)) as url, httpx.Client(base_url=url) as client:
        yield client


def test_http_and_export_give_the_same_bytes(world: Published, client: httpx.Client) -> None:
    export_log(world.publication(), world.folder / "out")
    paths = [path for path in (world.folder / "out").rglob("*") if path.is_file()]
    assert len(paths) == 6
    for path in paths:
        response = client.get(f"/{path.relative_to(world.folder / 'out')}")
        assert response.status_code == 200
        assert response.content == path.read_bytes()


def test_types_and_caching(client: httpx.Client) -> None:
    checkpoint = client.get("/checkpoint")
    assert checkpoint.headers["content-type"] == "text/plain; charset=utf-8"
    assert checkpoint.headers["cache-control"] == "public, max-age=1"
    for path in ("/tile/0/000", "/tile/0/001.p/44", "/tile/entries/000"):
        tile = client.get(path)
        assert tile.headers["content-type"] == "application/octet-stream"
        assert tile.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert client.head("/tile/0/000").headers["content-length"] == "8192"


def test_older_partial_tiles_are_still_there(client: httpx.Client) -> None:
    assert len(client.get("/tile/0/000.p/17").content) == 17 * 32
    assert len(client.get("/tile/0/001.p/1").content) == 32


@pytest.mark.parametrize(
    "path",
    [
        "/tile/0/001", "/tile/0/001.p/45", "/tile/0/001.p/0", "/tile/0/001.p/256", "/tile/1/000", "/tile/2/000.p/1",
        "/tile/0/0", "/tile/00/000", "/tile/0/x000/000", "/tile/0/000.p/044", "/tile/64/000", "/tile/0/-01",
        "/tile/0/000/", "/tile/0/../../etc", "/tile/0/%2e%2e/%2e%2e/checkpoint", "/tile/0/٠٠٠", "/tile/entries/001",
        "/tile/x/000", "/", "/openapi.json",
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_found_and_not_cached(client: httpx.Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert "immutable" not in response.headers.get("cache-control", "")


def test_nothing_beyond_the_cosigned_checkpoint_is_shown(world: Published, client: httpx.Client) -> None:
    ledger = world.open(witnesses=[])
    ledger.append([world.entry(number) for number in range(300, 600)])
    assert client.get("/status").json()["state"] == "awaiting a checkpoint"
    with pytest.raises(ConflictError) as caught:
        ledger.checkpoint(world.now)
    assert caught.value.reason is Reason.CKPT_QUORUM_UNMET
    status = client.get("/status").json()
    assert status == {
        "origin": world.origin, "logged": 600, "signed": 600, "published": 300, "state": "awaiting witnesses",
    }  # fmt: skip
    assert client.get("/tile/0/001").status_code == 404
    assert b"\n300\n" in client.get("/checkpoint").content
    world.grow(600)
    assert client.get("/tile/0/001").status_code == 200
    assert client.get("/status").json()["state"] == "published"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ("UPDATE entries SET entry = x'00' WHERE idx = 290", "/tile/entries/001.p/44"),
        ("UPDATE entries SET leaf_hash = zeroblob(32) WHERE idx = 290", "/tile/0/001.p/44"),
        ("UPDATE tiles SET hashes = zeroblob(8192)", "/tile/0/000"),
        ("UPDATE tiles SET root = zeroblob(32)", "/tile/0/000"),
    ],
    ids=["entry", "leaf hash", "hashes", "root"],
)
def test_a_row_changed_in_the_store_never_leaves(
    world: Published, client: httpx.Client, change: str, path: str
) -> None:
    tamper(world.path, change)
    response = client.get(path)
    assert response.status_code == 503
    assert response.text == "store.hash_mismatch\n"


def test_an_empty_log_has_no_checkpoint_yet(world: Published) -> None:
    world.open()
    with running(create_log_app(world.store)) as url:
        assert httpx.get(f"{url}/checkpoint").status_code == 404
        assert httpx.get(f"{url}/tile/0/000.p/1").status_code == 404


def test_paths_are_spelled_in_one_way() -> None:
    assert str(TilePath(0, 1234067)) == "tile/0/x001/x234/067"
    assert str(TilePath(ENTRIES, 273, 112)) == "tile/entries/273.p/112"
    for path in (TilePath(0, 0), TilePath(3, 999), TilePath(0, 1000, 1), TilePath(ENTRIES, 10**9, 255)):
        assert parse_tile_path(str(path)) == path
    with pytest.raises(FormatError):
        parse_tile_path("tile/0/x999/x999/x999/x999/x999/x999/999")
