"""The log as files: layout, order, what is never rewritten, and what stops an export (issue 5, publication)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.checkpoint import parse_checkpoint_note
from ledger.errors import ConfigError, ConflictError, IntegrityError
from ledger.export import export_log
from ledger.merkle import leaf_hash, root_from_leaf_hashes
from ledger.reasons import Reason
from tests.ledger_http.conftest import Published


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_small_log_lies_where_the_specification_says(world: Published) -> None:
    world.grow(258)
    done = export_log(world.publication(), world.folder / "out")
    found = files(world.folder / "out")
    assert sorted(found) == [
        "checkpoint", "tile/0/000", "tile/0/001.p/2", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/2",
    ]  # fmt: skip
    assert (done.old_size, done.size, done.written) == (0, 258, 5)
    entries = [world.entry(number) for number in range(258)]
    assert found["tile/entries/001.p/2"] == b"".join(len(e).to_bytes(2) + e for e in entries[256:])
    assert found["tile/0/000"] == b"".join(leaf_hash(entry) for entry in entries[:256])
    assert found["tile/1/000.p/1"] == root_from_leaf_hashes([leaf_hash(entry) for entry in entries[:256]])
    assert parse_checkpoint_note(found["checkpoint"])[0].size == 258
    assert (world.folder / "out/tile/0/000").stat().st_mode & 0o777 == 0o644


def test_an_export_goes_on_and_rewrites_nothing(world: Published) -> None:
    out = world.folder / "out"
    world.grow(250)
    export_log(world.publication(), out)
    before = {path: path.stat().st_ino for path in out.rglob("*") if path.is_file()}
    world.grow(600)
    done = export_log(world.publication(), out)
    assert (done.old_size, done.size) == (250, 600)
    changed = {path.name for path, inode in before.items() if path.stat().st_ino != inode}
    assert changed == {"checkpoint"}
    assert "tile/entries/002.p/88" in files(out)
    assert export_log(world.publication(), out).written == 0


def test_a_killed_export_left_no_checkpoint_and_is_completed(
    world: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.grow(300)
    out, real, count = world.folder / "out", os.replace, 0

    def dying(*args: object) -> None:
        nonlocal count
        count += 1
        if count == 4:
            raise OSError(5, "the disk died")
        real(*args)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(os, "replace", dying)
    with pytest.raises(IntegrityError) as caught:
        export_log(world.publication(), out)
    assert caught.value.reason is Reason.STORE_IO_ERROR
    monkeypatch.undo()
    left = files(out)
    assert len(left) == 3
    assert "checkpoint" not in left
    assert export_log(world.publication(), out).size == 300
    assert left.items() <= files(out).items()


def test_tiles_are_durable_before_the_checkpoint(world: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    world.grow(300)
    out, real_replace, real_sync, order = world.folder / "out", os.replace, os.fsync, []

    def replacing(source: str, target: Path) -> None:
        order.append(f"name {target.name}")
        real_replace(source, target)

    def syncing(descriptor: int) -> None:
        order.append(f"sync {Path(os.readlink(f'/proc/self/fd/{descriptor}')).name.split('.')[0]}")
        real_sync(descriptor)

    monkeypatch.setattr(os, "replace", replacing)
    monkeypatch.setattr(os, "fsync", syncing)
    export_log(world.publication(), out)
    at = order.index("name checkpoint")
    synced = set(order[:at])
    assert {"sync 0", "sync 1", "sync entries", "sync tile", "sync out"} <= synced
    assert sum(step.startswith("name ") for step in order[:at]) == 5
    assert order[at + 1 :] == ["sync out"]


def test_a_folder_with_another_history_stops_the_export(
    make_world: Callable[[str], Published], tmp_path: Path
) -> None:
    one, other = make_world("one"), make_world("other")
    one.grow(40)
    export_log(one.publication(), tmp_path / "out")
    ledger = other.open()
    ledger.append([other.entry(number) for number in range(1000, 1060)])
    ledger.checkpoint(other.now)
    with pytest.raises(IntegrityError) as caught:
        export_log(other.publication(), tmp_path / "out")
    assert caught.value.reason is Reason.STORE_FORK_DETECTED


def test_a_folder_ahead_of_the_ledger_stops_the_export(
    make_world: Callable[[str], Published], tmp_path: Path
) -> None:
    one, restored = make_world("one"), make_world("restored")
    one.grow(40)
    export_log(one.publication(), tmp_path / "out")
    restored.grow(30)
    with pytest.raises(IntegrityError) as caught:
        export_log(restored.publication(), tmp_path / "out")
    assert caught.value.reason is Reason.LOG_ROLLBACK_DETECTED


def test_an_exported_tile_that_changed_is_not_papered_over(world: Published) -> None:
    out = world.folder / "out"
    world.grow(300)
    export_log(world.publication(), out)
    (out / "checkpoint").unlink()
    tile = out / "tile/0/000"
    tile.write_bytes(bytes(tile.stat().st_size))
    with pytest.raises(IntegrityError) as caught:
        export_log(world.publication(), out)
    assert caught.value.reason is Reason.STORE_FORK_DETECTED


def test_what_is_no_copy_of_a_log_is_left_alone(world: Published, tmp_path: Path) -> None:
    world.open()
    with pytest.raises(ConflictError):
        export_log(world.publication(), tmp_path / "early")
    world.grow(3)
    out = tmp_path / "out"
    out.mkdir()
    (out / "checkpoint").write_text("my notes\n")
    with pytest.raises(ConfigError) as caught:
        export_log(world.publication(), out)
    assert caught.value.reason is Reason.CLI_PATH_UNSAFE
    assert (out / "checkpoint").read_text() == "my notes\n"
