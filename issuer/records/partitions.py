"""Compact rows sorted into stretches of persons, packed, in one file without a name until their stretch is derived.

Nobody else can open that file, and a killed import leaves nothing of it: its name is gone before a row is in it.
"""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import TracebackType

import polars as pl

from issuer.derive import MAX_STRETCH
from issuer.records.rows import COMPACT_SCHEMA
from ledger.durable import map_os_error

__all__ = ["PackedRows", "Partitions", "Stretches", "unpack_rows"]


@dataclass(frozen=True, slots=True)
class PackedRows:
    """Rows of one stretch, by its number, as one compressed block of Arrow IPC."""

    stretch: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Stretches:
    """Persons cut into stretches of about equal length: how many there are in all, and how many in each."""

    people: int
    length: int

    @classmethod
    def of(cls, people: int, rows: int, *, rows_each: int) -> Stretches:
        """Stretches that have some `rows_each` rows if all persons have equally many."""
        count = max(1, -(-rows // rows_each))
        return cls(people, max(1, min(-(-people // count), MAX_STRETCH)))

    def __len__(self) -> int:
        return -(-self.people // self.length)

    def bounds(self, stretch: int) -> tuple[int, int]:
        """First person of a stretch and the one behind its last."""
        first = stretch * self.length
        return first, min(first + self.length, self.people)

    def pack(self, rows: pl.DataFrame) -> list[PackedRows]:
        """Compact rows of any persons, each with its stretch."""
        if rows.height == 0:
            return []
        parts = rows.with_columns(part=pl.col("person") // self.length).partition_by(
            "part", include_key=False, as_dict=True
        )
        return [PackedRows(int(str(part)), _packed(frame)) for (part,), frame in parts.items()]


def _packed(frame: pl.DataFrame) -> bytes:
    stream = BytesIO()
    frame.write_ipc(stream, compression="lz4")
    return stream.getvalue()


def unpack_rows(packed: Sequence[bytes]) -> pl.DataFrame:
    """The rows that were packed, one block after the other."""
    frames = [pl.read_ipc(BytesIO(data)) for data in packed]
    return pl.concat(frames) if frames else pl.DataFrame(schema=dict(COMPACT_SCHEMA))


class Partitions:
    """The file. Raises IntegrityError `store.…` wherever it is written or read."""

    def __init__(self, folder: Path) -> None:
        """`folder` is on the disk that takes the rows."""
        self._places: dict[int, list[tuple[int, int]]] = defaultdict(
            list
        )  # stretch to (offset, size) of its blocks
        self._size = 0
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by __exit__
        except OSError as exc:
            raise map_os_error(exc) from exc

    def __enter__(self) -> Partitions:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, blocks: Iterable[PackedRows]) -> None:
        """Lay blocks with the others of their stretches."""
        for block in blocks:
            self._places[block.stretch].append((self._size, len(block.data)))
            self._size += len(block.data)
            self._write(block.data)

    def take(self, stretch: int) -> list[bytes]:
        """The blocks of a stretch in the order they came, which are forgotten here."""
        try:
            return [os.pread(self._file.fileno(), size, at) for at, size in self._places.pop(stretch, [])]
        except OSError as exc:
            raise map_os_error(exc) from exc

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._file.fileno(), view) :]
        except OSError as exc:
            raise map_os_error(exc) from exc
