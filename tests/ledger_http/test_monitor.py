"""Following a log from its tiles: growth, forks with evidence, stale copies, planted tiles (L12, L15, issue 5)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.errors import ProjectError, UndeterminedError, VerificationError
from ledger.export import export_log
from ledger.http.log_app import create_log_app
from ledger.log_source import FolderSource, open_source
from ledger.monitor import Followed, follow_log
from ledger.reasons import Reason
from ledger.tile_paths import new_pieces
from tests.ledger.tampering import reason_of
from tests.ledger_http.conftest import Published
from tests.ledger_http.serving import running


def exported(world: Published, size: int, name: str) -> Path:
    world.grow(size)
    export_log(world.publication(), world.folder / name)
    return world.folder / name


def follow(world: Published, source: Path, state: Path) -> Followed:
    return follow_log(FolderSource(source), policy=world.policy, folder=state, now=world.now)


def evidence(state: Path) -> list[bytes]:
    folder = state / "evidence"
    return [path.read_bytes() for path in sorted(folder.iterdir())] if folder.exists() else []


def test_a_growing_log(world: Published, tmp_path: Path) -> None:
    state = tmp_path / "seen"
    for old_size, size in ((0, 40), (40, 40), (40, 256), (256, 700)):
        seen = follow(world, exported(world, size, "out"), state)
        assert (seen.old_size, seen.size) == (old_size, size)
        assert seen.cosigned_by[:3] == ("w0", "w1", "w2")
        assert seen.entries == ({(1, 1): size - old_size} if size > old_size else {})


def test_over_http(world: Published, tmp_path: Path) -> None:
    world.grow(300)
    with running(create_log_app(world.store)) as url:
        for size in (300, 520):
            world.grow(size)
            source = open_source(url)
            assert (
                follow_log(source, policy=world.policy, folder=tmp_path / "seen", now=world.now).size == size
            )
            source.close()
        source = open_source(f"{url}/elsewhere")
        reason = reason_of(
            lambda: follow_log(source, policy=world.policy, folder=tmp_path / "no", now=world.now),
            UndeterminedError,
        )
        source.close()
        assert reason == Reason.LOG_UNREACHABLE


@pytest.mark.parametrize("size", [40, 30, 300], ids=["same size", "smaller", "larger"])
def test_a_fork_is_kept(
    make_world: Callable[[str], Published], tmp_path: Path, size: int
) -> None:  # L12, L15
    one, other = make_world("one"), make_world("other")
    state = tmp_path / "seen"
    seen = exported(one, 40, "out")
    follow(one, seen, state)
    ledger = other.open()
    ledger.append([other.entry(number) for number in range(1000, 1000 + size)])
    ledger.checkpoint(other.now)
    export_log(other.publication(), other.folder / "out")
    if size < 40:  # what the larger tree is judged by, as a log would serve it that shows both
        for piece in new_pieces(0, 40):
            path = other.folder / "out" / str(piece)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((seen / str(piece)).read_bytes())
    reason = reason_of(lambda: follow(other, other.folder / "out", state), VerificationError)
    assert reason == Reason.LOG_FORK_DETECTED
    kept = [(one.folder / "out/checkpoint").read_bytes(), (other.folder / "out/checkpoint").read_bytes()]
    assert evidence(state) == kept[::-1] or evidence(state) == kept
    follow(one, seen, state)  # what was seen before still counts


def test_an_old_copy_is_merely_stale(make_world: Callable[[str], Published], tmp_path: Path) -> None:
    world, early = make_world("world"), make_world("early")
    out = exported(world, 300, "out")
    follow(world, out, tmp_path / "seen")
    (out / "checkpoint").write_bytes((exported(early, 40, "out") / "checkpoint").read_bytes())
    early_tiles = early.folder / "out" / "tile"
    for path in early_tiles.rglob("*"):
        if path.is_file():
            target = out / "tile" / path.relative_to(early_tiles)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    reason = reason_of(lambda: follow(world, out, tmp_path / "seen"), UndeterminedError)
    assert reason == Reason.CKPT_STALE
    assert evidence(tmp_path / "seen") == []


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("tile/0/000", Reason.LOG_CONSISTENCY_INVALID),
        ("tile/0/001.p/44", Reason.LOG_CONSISTENCY_INVALID),
        ("tile/1/000.p/1", Reason.LOG_CONSISTENCY_INVALID),
        ("tile/entries/001.p/44", Reason.LOG_CONSISTENCY_INVALID),
        ("tile/entries/000", Reason.LOG_CONSISTENCY_INVALID),
    ],
)
def test_planted_bytes_convict_nobody(world: Published, tmp_path: Path, path: str, reason: Reason) -> None:
    out = exported(world, 40, "out")
    follow(world, out, tmp_path / "seen")
    exported(world, 300, "out")
    data = bytearray((out / path).read_bytes())
    data[-1] ^= 1
    (out / path).write_bytes(data)
    assert reason_of(lambda: follow(world, out, tmp_path / "seen"), VerificationError) == reason
    assert evidence(tmp_path / "seen") == []
    export_log(world.publication(), tmp_path / "good")
    assert follow(world, tmp_path / "good", tmp_path / "seen").old_size == 40


def test_dropped_partial_tiles_are_found_in_full_ones(world: Published, tmp_path: Path) -> None:
    """A log may drop a partial tile once the full one is there, though an older checkpoint is still served."""
    out = exported(world, 300, "out")
    old = (out / "checkpoint").read_bytes()
    exported(world, 600, "out")
    (out / "checkpoint").write_bytes(old)
    for name in ("tile/0/001.p/44", "tile/entries/001.p/44"):
        (out / name).unlink()
    assert follow(world, out, tmp_path / "seen").size == 300


def test_too_few_witnesses(world: Published, tmp_path: Path) -> None:
    out = exported(world, 40, "out")
    lines = (out / "checkpoint").read_bytes().split(b"\n")
    (out / "checkpoint").write_bytes(b"\n".join(line for line in lines if b"/w2 " not in line))
    with pytest.raises(ProjectError) as caught:
        follow(world, out, tmp_path / "seen")
    assert caught.value.reason == Reason.CKPT_QUORUM_UNMET
