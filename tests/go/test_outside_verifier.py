"""Go's own note and tlog packages follow our log, from files and over HTTP, and notice what was planted (issue 5)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.export import export_log
from ledger.http.log_app import create_log_app
from tests.go.conftest import Outsider
from tests.ledger_http.conftest import Published
from tests.ledger_http.serving import running


def export(world: Published, name: str = "out") -> Path:
    export_log(world.publication(), world.folder / name)
    return world.folder / name


@pytest.mark.parametrize("sizes", [(1, 2), (255, 256), (256, 257), (300, 1030)], ids=str)
def test_an_export_is_a_log_that_grows(world: Published, outsider: Outsider, sizes: tuple[int, int]) -> None:
    first, second = sizes
    world.grow(first)
    old = world.folder / "old"
    shutil.copy(export(world) / "checkpoint", old)
    world.grow(second)
    # By the log with both keys, then by three witnesses with the one, then with the other.
    kinds = "0x01 0x06 0x04 0x04 0x04 0x06 0x06 0x06"
    assert outsider.look(world, export(world), old=old) == f"ok: {second} entries, signed {kinds}"


def test_the_server_is_the_same_log(world: Published, outsider: Outsider) -> None:
    world.grow(300)
    old = export(world) / "checkpoint"
    world.grow(520)
    with running(create_log_app(world.store)) as url:
        assert outsider.look(world, url, old=old).startswith("ok: 520 entries")


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def other_text(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))


CORRUPTIONS: dict[str, Callable[[Path], object]] = {
    "a bit of an entry": lambda out: flip(out / "tile/entries/000", 47 * 44 + 3),
    "a bit of an entry of the partial bundle": lambda out: flip(out / "tile/entries/001.p/44", 20),
    "two entries swapped": lambda out: swap(out / "tile/entries/000", 44),
    "a leaf hash": lambda out: flip(out / "tile/0/000", 100 * 32),
    "a leaf hash of the partial tile": lambda out: flip(out / "tile/0/001.p/44", 0),
    "a node above": lambda out: flip(out / "tile/1/000.p/1", 5),
    "a tile cut short": lambda out: (out / "tile/0/000").write_bytes((out / "tile/0/000").read_bytes()[:-32]),
    "an entry left out": lambda out: (out / "tile/entries/001.p/44").write_bytes(
        (out / "tile/entries/001.p/44").read_bytes()[:-44]
    ),
    "a tile missing": lambda out: (out / "tile/0/000").unlink(),
    "another size": lambda out: other_text(out / "checkpoint", b"\n300\n", b"\n299\n"),
    "a bit of a signature": lambda out: flip_signature(out / "checkpoint"),
    "a signature by nobody known": lambda out: other_text(out / "checkpoint", b"\xe2\x80\x94 test.example/log1 ", b""),
}  # fmt: skip


def swap(path: Path, length: int) -> None:
    data = path.read_bytes()
    path.write_bytes(data[length : 2 * length] + data[:length] + data[2 * length :])


def flip_signature(path: Path) -> None:
    lines = path.read_bytes().split(b"\n")
    line = bytearray(lines[4])
    line[-10] = ord("A") if line[-10] != ord("A") else ord("B")
    lines[4] = bytes(line)
    path.write_bytes(b"\n".join(lines))


@pytest.fixture
def honest(world: Published) -> Path:
    world.grow(300)
    return export(world)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_it_notices_a_planted_corruption(
    world: Published, honest: Path, outsider: Outsider, name: str
) -> None:
    CORRUPTIONS[name](honest)
    assert outsider.look(world, honest).startswith("FAILED:")


def test_it_notices_a_second_history(
    world: Published, honest: Path, outsider: Outsider, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = Published(tmp_path / "other")
    ledger = other.open()
    ledger.append([other.entry(10_000 + number) for number in range(400)])
    ledger.checkpoint(other.now)
    out = export(other)
    other.close()
    assert outsider.look(world, out).startswith("ok: 400")
    assert "not an extension of size 300" in outsider.look(world, out, old=honest / "checkpoint")


def test_it_wants_as_many_witnesses_as_asked(world: Published, honest: Path, outsider: Outsider) -> None:
    assert outsider.look(world, honest, cosigned=4) == "FAILED: checkpoint: 3 of 4 witnesses"
