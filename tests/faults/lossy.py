"""A file system that forgets what was not synced (FUSE), cut off at a chosen operation.

    python -m tests.faults.lossy SOURCE MOUNT IMAGE AT SEED

holds the files of SOURCE in memory and shows them at MOUNT. Before the AT-th operation that changes or syncs something
the power goes: what a disk would hold then is written to IMAGE, and every later call fails with EIO. Without a cut
(AT 0) IMAGE is what is there in the end, and IMAGE.operations says how many operations there were.

What survives: the bytes of a file as of its last sync, and of each 512 bytes written since, chance decides; the names
in a folder as of its last sync, and a chance number of the changes since, in their order.
"""

from __future__ import annotations

import errno
import os
import random
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from mfusepy import FUSE, FuseOSError, Operations

__all__ = ["Disk"]

_SECTOR = 512


@dataclass(eq=False)
class _File:
    """A file's bytes now and as of the last sync; `loose` are the pieces written, or lengths cut to, since."""

    mode: int
    now: bytearray = field(default_factory=bytearray)
    synced: bytes = b""
    loose: list[tuple[int, bytes] | int] = field(default_factory=list)

    def write(self, data: bytes, offset: int) -> None:
        _put(self.now, data, offset)
        self.loose.append((offset, data))

    def cut_to(self, length: int) -> None:
        _resize(self.now, length)
        self.loose.append(length)

    def sync(self) -> None:
        self.synced, self.loose = bytes(self.now), []

    def after_power_cut(self, chance: random.Random, kept: float) -> bytes:
        data = bytearray(self.synced)
        for change in self.loose:
            if isinstance(change, int):
                if chance.random() < kept:
                    _resize(data, change)
                continue
            offset, written = change
            for at in range(0, len(written), _SECTOR):
                if chance.random() < kept:
                    _put(data, written[at : at + _SECTOR], offset + at)
        return bytes(data)


def _put(data: bytearray, piece: bytes, offset: int) -> None:
    if len(data) < offset:
        _resize(data, offset)
    data[offset : offset + len(piece)] = piece


def _resize(data: bytearray, length: int) -> None:
    del data[length:]
    data.extend(bytes(length - len(data)))


Change = tuple[str, _File | None]
"""A name and what it stands for from now on; None: nothing."""


class Disk:
    """Names, files, and what of both is durable. `changes` are those of each folder since its last sync."""

    def __init__(self, source: Path) -> None:
        self.names: dict[str, _File] = {"/": _File(stat.S_IFDIR | 0o755)}
        for path in sorted(source.rglob("*")):
            made = _File(path.stat().st_mode)
            if path.is_file():
                made.now[:] = path.read_bytes()
                made.sync()
            self.names[f"/{path.relative_to(source)}"] = made
        self.durable = dict(self.names)
        self.changes: dict[str, list[list[Change]]] = {}

    def change(self, *changes: Change) -> None:
        """One step that survives as a whole or not at all, if it is within one folder."""
        for name, target in changes:
            if target is None:
                self.names.pop(name, None)
            else:
                self.names[name] = target
        folders = {_folder(name) for name, _ in changes}
        for folder in folders:
            own = [change for change in changes if _folder(change[0]) == folder]
            self.changes.setdefault(folder, []).append(own)

    def sync_folder(self, folder: str) -> None:
        for step in self.changes.pop(folder, []):
            _apply(self.durable, step)

    def after_power_cut(self, seed: int) -> dict[str, tuple[int, bytes]]:
        """Mode and bytes by name."""
        chance = random.Random(seed)
        kept = chance.choice((0.0, 0.5, 0.9, 1.0))
        names = dict(self.durable)
        for steps in self.changes.values():
            for step in steps[: chance.randint(0, len(steps))]:
                _apply(names, step)
        return {name: (file.mode, file.after_power_cut(chance, kept)) for name, file in names.items()}


def _apply(names: dict[str, _File], step: list[Change]) -> None:
    for name, target in step:
        if target is None:
            names.pop(name, None)
        else:
            names[name] = target


def _folder(name: str) -> str:
    return str(PurePosixPath(name).parent)


class _Lossy(Operations):  # type: ignore[misc]  # the package has no types
    use_ns = True

    def __init__(self, disk: Disk, image: Path, at: int, seed: int) -> None:
        self._disk, self._image, self._at, self._seed = disk, image, at, seed
        self._operations, self._handles = 0, dict[int, _File]()
        self._dead = False

    def _step(self) -> None:
        """Before each change and each sync."""
        self._operations += 1
        if self._operations == self._at:
            self._dead = True
            _write_image(self._image, self._disk.after_power_cut(self._seed))
        self._alive()

    def _alive(self) -> None:
        if self._dead:
            raise FuseOSError(errno.EIO)

    def _file(self, name: str) -> _File:
        self._alive()
        try:
            return self._disk.names[name]
        except KeyError:
            raise FuseOSError(errno.ENOENT) from None

    def _opened(self, file: _File) -> int:
        handle = len(self._handles) + 1
        self._handles[handle] = file
        return handle

    def destroy(self, path: str) -> None:
        self._image.with_suffix(".operations").write_text(str(self._operations))
        if not self._dead:
            whole = {name: (file.mode, bytes(file.now)) for name, file in self._disk.names.items()}
            _write_image(self._image, whole)

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        file = self._file(path)
        return {
            "st_mode": file.mode,
            "st_size": len(file.now),
            "st_nlink": 1,
            "st_uid": os.getuid(),
            "st_gid": os.getgid(),
        }

    def readdir(self, path: str, fh: int) -> Iterator[str]:
        self._file(path)
        yield from (".", "..")
        for name in list(self._disk.names):
            if name != "/" and _folder(name) == path:
                yield PurePosixPath(name).name

    def open(self, path: str, flags: int) -> int:
        return self._opened(self._file(path))

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        self._step()
        file = _File(stat.S_IFREG | (mode & 0o7777))
        self._disk.change((path, file))
        return self._opened(file)

    def mkdir(self, path: str, mode: int) -> int:
        self._step()
        self._disk.change((path, _File(stat.S_IFDIR | (mode & 0o7777))))
        return 0

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        self._alive()
        return bytes(self._handles[fh].now[offset : offset + size])

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        self._step()
        self._handles[fh].write(bytes(data), offset)
        return len(data)

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        self._step()
        self._file(path).cut_to(length)
        return 0

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        self._step()
        self._handles[fh].sync()
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        self._step()
        self._disk.sync_folder(path)
        return 0

    def rename(self, old: str, new: str) -> int:
        self._step()
        self._disk.change((new, self._file(old)), (old, None))
        return 0

    def link(self, target: str, source: str) -> int:
        self._step()
        self._disk.change((target, self._file(source)))
        return 0

    def unlink(self, path: str) -> int:
        self._step()
        self._disk.change((path, None))
        return 0

    def rmdir(self, path: str) -> int:
        return self.unlink(path)

    def chmod(self, path: str, mode: int) -> int:
        file = self._file(path)
        file.mode = stat.S_IFMT(file.mode) | stat.S_IMODE(mode)
        return 0

    def statfs(self, path: str) -> dict[str, int]:
        self._alive()
        return {"f_bsize": 4096, "f_frsize": 4096, "f_blocks": 2**20, "f_bfree": 2**20, "f_bavail": 2**20}


def _write_image(image: Path, files: dict[str, tuple[int, bytes]]) -> None:
    for name, (mode, data) in sorted(files.items()):
        path = image / name.lstrip("/")
        if stat.S_ISDIR(mode):
            path.mkdir(parents=True, exist_ok=True)
        elif path.parent.is_dir():  # else its folder's name did not survive
            path.write_bytes(data)
            path.chmod(stat.S_IMODE(mode))


def _main(source: str, mount: str, image: str, at: str, seed: str) -> None:
    operations = _Lossy(Disk(Path(source)), Path(image), int(at), int(seed))
    FUSE(operations, mount, foreground=True, nothreads=True, fsname="lossy")


if __name__ == "__main__":
    _main(*sys.argv[1:])
