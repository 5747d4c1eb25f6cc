"""The files of an export: a table too large for memory, tables that fit, and the manifest over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Final, Literal

import polars as pl
import tomlkit
from polars.io.plugins import register_io_source

from ledger.errors import IntegrityError
from ledger.reasons import Reason

__all__ = ["FileFormat", "WrittenTable", "write_manifest", "write_stream", "write_table"]

FileFormat = Literal["csv", "parquet"]
# The bytes depend on it, and whoever reads slices of so many rows opens each group once.
_ROW_GROUP: Final = 500_000


@dataclass(frozen=True, slots=True)
class WrittenTable:
    """A written file, its rows and its SHA-256 in hex."""

    name: str
    rows: int
    sha256: str


def write_table(folder: Path, table: str, frame: pl.DataFrame, file_format: FileFormat) -> WrittenTable:
    """Write `frame` as the file of `table`. Raises IntegrityError `store.io_error`."""
    return write_stream(folder, table, iter([frame]), frame.schema, file_format)


def write_stream(
    folder: Path, table: str, frames: Iterator[pl.DataFrame], schema: pl.Schema, file_format: FileFormat
) -> WrittenTable:
    """Write `frames`, one after another, as the file of `table`, holding few of them at a time.

    Raises:
        IntegrityError: `store.io_error`.
    """
    path = folder / f"{table}.{file_format}"
    counted = _Counted(frames)
    try:
        if file_format == "csv":
            _write_csv(path, counted, schema)
        else:
            _write_parquet(path, counted, schema)
        with path.open("rb") as stream:
            digest = file_digest(stream, "sha256").hexdigest()
    except (OSError, pl.exceptions.PolarsError) as exc:
        hint = "look at the free space and the rights of the folder"
        raise IntegrityError(Reason.STORE_IO_ERROR, f"{path.name} was not written", hint=hint) from exc
    return WrittenTable(path.name, counted.rows, digest)


class _Counted:
    def __init__(self, frames: Iterator[pl.DataFrame]) -> None:
        self._frames = frames
        self.rows = 0

    def __iter__(self) -> Iterator[pl.DataFrame]:
        for frame in self._frames:
            self.rows += frame.height
            yield frame


def _write_csv(path: Path, frames: _Counted, schema: pl.Schema) -> None:
    with path.open("xb") as stream:
        pl.DataFrame(schema=schema).write_csv(stream)
        for frame in frames:
            frame.write_csv(stream, include_header=False)


def _write_parquet(path: Path, frames: _Counted, schema: pl.Schema) -> None:
    def source(
        columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, batch: int | None
    ) -> Iterator[pl.DataFrame]:
        """All of it: a sink asks for nothing less."""
        return iter(frames)

    # Frames are made on one core while Polars encodes the ones before on the other.
    lazy = register_io_source(source, schema=schema)
    lazy.sink_parquet(path, row_group_size=_ROW_GROUP, statistics=False, compression_level=1)


def write_manifest(
    folder: Path, *, agency: str, cut_off: int, settled: Mapping[str, int], tables: Mapping[str, WrittenTable]
) -> None:
    """Write manifest.toml: what the export says about itself. Raises IntegrityError `store.io_error`."""
    year, month = (cut_off // 100, cut_off % 100 + 1) if cut_off % 100 < 12 else (cut_off // 100 + 1, 1)
    document = tomlkit.document()
    document["schema_version"] = 1
    document["profile"] = "example-city"
    document["agency"] = agency
    document["cut_off"] = cut_off
    document["produced_at"] = f"{year}-{month:02d}-01T02:00:00Z"
    document["test"] = True
    document["settled"] = dict(settled)
    files = tomlkit.table(is_super_table=True)
    for name, table in tables.items():
        files[name] = {"name": table.name, "rows": table.rows, "sha256": table.sha256}
    document["files"] = files
    try:
        (folder / "manifest.toml").write_text(tomlkit.dumps(document), "utf-8")
    except OSError as exc:
        raise IntegrityError(Reason.STORE_IO_ERROR, "manifest.toml was not written") from exc
