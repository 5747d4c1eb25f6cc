"""Small durable files: old or new, never half, and every failure has its reason (ATTACKS D01, D02)."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.durable import create_durably, replace_durably
from ledger.errors import ConfigError, IntegrityError
from ledger.reasons import Reason


def failing(code: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


def test_replace(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for data in (b"one", b"two" * 10_000, b""):
        replace_durably(path, data)
        assert path.read_bytes() == data
        assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.EIO, Reason.STORE_IO_ERROR),
        (errno.ENOSPC, Reason.STORE_FULL),
        (errno.EDQUOT, Reason.STORE_FULL),
        (errno.EROFS, Reason.STORE_READONLY),
        (errno.EACCES, Reason.STORE_READONLY),
    ],
)
@pytest.mark.parametrize("call", ["fsync", "replace", "write", "open"])
def test_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int, reason: Reason
) -> None:
    path = tmp_path / "file"
    replace_durably(path, b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing(code))
        with pytest.raises(IntegrityError) as caught:
            replace_durably(path, b"new")
    assert caught.value.reason == reason
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_create(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    create_durably(path, b"one")
    with pytest.raises(ConfigError) as exists:
        create_durably(path, b"two")
    assert exists.value.reason == Reason.CLI_EXISTS
    assert path.read_bytes() == b"one"
    monkeypatch.setattr(os, "link", failing(errno.ENOSPC))
    with pytest.raises(IntegrityError) as full:
        create_durably(tmp_path / "other", b"x")
    assert full.value.reason == Reason.STORE_FULL
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("write", [replace_durably, create_durably])
def test_the_bytes_and_the_name_are_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, bytes], None]
) -> None:
    synced: list[str] = []
    real = os.fsync

    def record(descriptor: int) -> None:
        synced.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    write(tmp_path / "file", b"data")
    assert synced == ["file", "folder"]
