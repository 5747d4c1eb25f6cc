"""Compact rows sorted into stretches of persons: in memory while they are few, else in one file without a name.

Nobody else can open that file, and a killed import leaves nothing of it: its name is gone before a row is in it.
"""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import IO

import polars as pl

from issuer.derive import MAX_STRETCH
from issuer.records.rows import COMPACT_SCHEMA
from ledger.durable import map_os_error

__all__ = ["Partitions"]


class Partitions:
    """Stretches of persons of about equal length, each with its rows."""

    def __init__(self, people: int, rows: int, folder: Path, *, rows_per_part: int) -> None:
        """`folder` is on the disk that takes rows too many for memory. Raises IntegrityError `store.…`."""
        parts = max(1, -(-rows // rows_per_part))
        self.stretch = max(1, min(-(-people // parts), MAX_STRETCH))
        self.count = -(-people // self.stretch)
        self._people = people
        self._kept: list[pl.DataFrame] = []
        self._places: dict[int, list[tuple[int, int]]] = defaultdict(
            list
        )  # part to (offset, size) of its pieces
        self._size = 0
        self._file: IO[bytes] | None = None
        if self.count > 1:
            try:
                self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by __exit__
            except OSError as exc:
                raise map_os_error(exc) from exc

    def __enter__(self) -> Partitions:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, rows: pl.DataFrame) -> None:
        """Lay the rows of one batch with the persons they belong to. Raises IntegrityError `store.…`."""
        if self._file is None:
            self._kept.append(rows)
            return
        parts = rows.with_columns(part=pl.col("person") // self.stretch).partition_by(
            "part", include_key=False, as_dict=True
        )
        for (part,), frame in parts.items():
            self._lay_aside(self._file, int(str(part)), frame)

    def take(self, part: int) -> tuple[int, int, pl.DataFrame]:
        """First person of a stretch, the one behind its last, and its rows, which are forgotten here."""
        frames, self._kept = self._kept, []
        if self._file is not None:
            frames = [self._piece(self._file, *place) for place in self._places.pop(part, [])]
        rows = pl.concat(frames) if frames else pl.DataFrame(schema=dict(COMPACT_SCHEMA))
        first = part * self.stretch
        return first, min(first + self.stretch, self._people), rows

    def _lay_aside(self, file: IO[bytes], part: int, frame: pl.DataFrame) -> None:
        packed = BytesIO()
        frame.write_ipc(packed, compression="lz4")
        view = packed.getbuffer()
        self._places[part].append((self._size, len(view)))
        self._size += len(view)
        try:
            while view:
                view = view[os.write(file.fileno(), view) :]
        except OSError as exc:
            raise map_os_error(exc) from exc

    def _piece(self, file: IO[bytes], offset: int, size: int) -> pl.DataFrame:
        try:
            return pl.read_ipc(BytesIO(os.pread(file.fileno(), size, offset)))
        except OSError as exc:
            raise map_os_error(exc) from exc
