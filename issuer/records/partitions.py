"""Compact rows sorted into stretches of persons: in memory while they are few, else in files of a private folder."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import Final

import polars as pl

from issuer.derive import MAX_STRETCH
from issuer.records.rows import COMPACT_SCHEMA
from ledger.errors import IntegrityError
from ledger.reasons import Reason

__all__ = ["Partitions"]

_ROWS_PER_PART: Final = 2_000_000


class Partitions:
    """Stretches of persons of about equal length, each with its rows."""

    def __init__(self, people: int, rows: int, folder: Path) -> None:
        """`folder` is where a temporary folder may be made when the rows are too many for memory."""
        parts = max(1, -(-rows // _ROWS_PER_PART))
        self.stretch = max(1, min(-(-people // parts), MAX_STRETCH))
        self.count = -(-people // self.stretch)
        self._people = people
        self._kept: dict[int, list[pl.DataFrame]] = defaultdict(list)
        self._files: dict[int, list[Path]] = defaultdict(list)
        self._folder = None
        if parts > 1:
            self._folder = tempfile.TemporaryDirectory(prefix=".import-", dir=folder)

    def __enter__(self) -> Partitions:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def add(self, rows: pl.DataFrame) -> None:
        """Lay the rows of one batch with the persons they belong to."""
        if self.count <= 1:
            self._kept[0].append(rows)
            return
        parts = rows.with_columns(part=pl.col("person") // self.stretch).partition_by(
            "part", include_key=False, as_dict=True
        )
        for (part,), frame in parts.items():
            self._keep(int(str(part)), frame)

    def take(self, part: int) -> tuple[int, int, pl.DataFrame]:
        """First person of a stretch, the one behind its last, and its rows, which are forgotten here."""
        frames = self._kept.pop(part, [])
        for path in self._files.pop(part, []):
            frames.append(pl.read_ipc(path))
            path.unlink()
        rows = pl.concat(frames) if frames else pl.DataFrame(schema=dict(COMPACT_SCHEMA))
        first = part * self.stretch
        return first, min(first + self.stretch, self._people), rows

    def _keep(self, part: int, frame: pl.DataFrame) -> None:
        if self._folder is None:
            self._kept[part].append(frame)
            return
        path = Path(self._folder.name) / f"{part}-{len(self._files[part])}"
        try:
            frame.write_ipc(path, compression="lz4")
        except (OSError, pl.exceptions.PolarsError) as exc:
            raise IntegrityError(Reason.STORE_IO_ERROR, "rows could not be laid aside on disk") from exc
        self._files[part].append(path)
