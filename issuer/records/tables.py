"""Reading a table of an export: by column name, in batches of rows, CSV or Parquet, one outcome for both.

A table is cut into pieces, which can be read in any process. CSV cells are read as text and then taken for integers
and booleans in one spelling only; a cell that is none is a finding of its row, not of the file. Whatever Polars says
about a broken file may quote rows of it, so it stays here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final

import polars as pl

from issuer.records.manifest import Encoding, TableName
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["ROW", "SCHEMAS", "Batch", "Column", "Piece", "Type", "read_batches", "read_piece", "table_pieces"]

_BYTES_PER_ROW: Final = 100
_WHOLE: Final = -1
_MAX_HEADER: Final = 4096
ROW: Final = "row"  # number of a data row, the first one is 1


class Type(Enum):
    """What a column holds."""

    TEXT = auto()
    INT = auto()
    BOOL = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """One column of DOMAIN section 3."""

    name: str
    type: Type
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows with all columns of the table, typed, and the cells that could not be read (row, column, person_no)."""

    frame: pl.DataFrame
    unreadable: pl.DataFrame


@dataclass(frozen=True, slots=True)
class _ParquetPiece:
    """`rows` rows of a Parquet file behind the first `start` ones, still to be read."""

    path: Path
    table: TableName
    start: int
    rows: int

    def read(self) -> Batch:
        # One slice after the other holds less in memory than Polars' own batches, and is no slower.
        return Batch(_scanned(self.path, self.table).slice(self.start, self.rows).collect(), _NOTHING)


@dataclass(frozen=True, slots=True)
class _CsvPiece:
    """Rows of a CSV file, all cells still text. Where they end is only known once they are read."""

    path: Path
    table: TableName
    cells: pl.DataFrame

    def read(self) -> Batch:
        return _typed(self.cells, self.table)


Piece = _ParquetPiece | _CsvPiece


def _columns(text: str) -> tuple[Column, ...]:
    types = {"s": Type.TEXT, "i": Type.INT, "b": Type.BOOL}
    return tuple(
        Column(name, types[code[0]], optional=code.endswith("?"))
        for name, code in (item.split(":") for item in text.split())
    )


SCHEMAS: Final[dict[TableName, tuple[Column, ...]]] = {
    "contribution": _columns(
        "agency_code:s region_code:s person_no:s kind_code:s flexible:b employer_no:s? period:i settle_period:i "
        "posted_on:i? charge_code:s full_paid:b status:i base_fen:i? rate_person_bp:i rate_employer_bp:i "
        "due_person_fen:i due_employer_fen:i paid_person_fen:i paid_employer_fen:i updated_on:i"
    ),
    "person": _columns(
        "person_no:s id_type:s id_no:s name:s sex:i birth_date:i region_code:s deemed_months:i transferred_months:i "
        "account_balance_fen:i? account_as_of:i? updated_on:i"
    ),
    "employer": _columns("employer_no:s employer_uscc:s? employer_name:s parent_uscc:s? region_code:s"),
}


def read_batches(
    path: Path, table: TableName, *, batch_rows: int, encoding: Encoding = "utf-8"
) -> Iterator[Batch]:
    """The rows of a table in batches of about `batch_rows`, in order, with their number in the column `row`.

    Args:
        encoding: of a CSV file.

    Raises:
        FormatError: `records.schema` when columns are missing, unknown, doubled or of another type, or when the file
            is broken.
    """
    return map(read_piece, table_pieces(path, table, batch_rows=batch_rows, encoding=encoding))


def table_pieces(
    path: Path, table: TableName, *, batch_rows: int, encoding: Encoding = "utf-8"
) -> Iterator[Piece]:
    """The pieces of a table for `read_piece`, in order, each of about `batch_rows`. Raises as `read_batches`."""
    with _own_words(path):
        if path.suffix == ".csv":
            # Where nothing may be quoted a line is a row, so that the file can be cut anywhere between lines.
            block = batch_rows * _BYTES_PER_ROW if table == "contribution" else _WHOLE
            yield from (_CsvPiece(path, table, frame) for frame in _csv_frames(path, table, block, encoding))
        else:
            rows = _checked_rows(path, table)
            yield from (
                _ParquetPiece(path, table, start, min(batch_rows, rows - start))
                for start in range(0, rows, batch_rows)
            )


def read_piece(piece: Piece) -> Batch:
    """The rows of a piece. Raises FormatError `records.schema` when the file is broken there."""
    with _own_words(piece.path):
        return piece.read()


@contextmanager
def _own_words(path: Path) -> Iterator[None]:
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, UnicodeError):
        # Polars panics, with a BaseException, at some broken Parquet files.
        # `from None`: the message of the library may quote a row, and a row holds a person.
        raise _schema(path.name, "broken file, or a row with more cells than columns") from None


def _csv_frames(path: Path, table: TableName, block: int, encoding: Encoding) -> Iterator[pl.DataFrame]:
    rows = 1
    with path.open("rb") as stream:
        header = stream.readline(_MAX_HEADER)
        if not header.endswith(b"\n"):
            raise _schema(path.name, "no header line")
        names = header.decode(encoding).rstrip("\n").split(",")
        _check_names(path.name, table, names)
        while data := stream.read(block):
            frame = pl.read_csv(
                _as_utf8(data + stream.readline(), encoding),
                has_header=False,
                schema=dict.fromkeys(names, pl.String),
                # Only names may hold a comma. Elsewhere a quote would be a way to swallow the rows that follow.
                quote_char=None if table == "contribution" else '"',
                row_index_name=ROW,
                row_index_offset=rows,
            )
            rows += frame.height
            yield frame.select(ROW, *(column.name for column in SCHEMAS[table]))


def _as_utf8(lines: bytes, encoding: Encoding) -> bytes:
    """Whole lines in UTF-8. No line end, comma or quote is ever a part of a longer character of GB 18030."""
    return lines if encoding == "utf-8" else lines.decode(encoding).encode("utf-8")


def _checked_rows(path: Path, table: TableName) -> int:
    """How many rows a Parquet file has, its columns checked."""
    lazy = _lazy(path)
    schema = lazy.collect_schema()
    _check_names(path.name, table, [name for name in schema.names() if name != ROW])
    for column in SCHEMAS[table]:
        dtype = schema[column.name]
        fits = {
            Type.TEXT: dtype == pl.String,
            Type.INT: dtype in (pl.Int64, pl.Int32),
            Type.BOOL: dtype == pl.Boolean,
        }
        if not fits[column.type]:
            raise _schema(path.name, f"column {column.name} is not of type {column.type.name.lower()}")
    return int(lazy.select(pl.len()).collect().item())


def _scanned(path: Path, table: TableName) -> pl.LazyFrame:
    integers = [pl.col(c.name).cast(pl.Int64) for c in SCHEMAS[table] if c.type is Type.INT]
    return _lazy(path).select(ROW, *(column.name for column in SCHEMAS[table])).with_columns(integers)


def _lazy(path: Path) -> pl.LazyFrame:
    return pl.scan_parquet(path, row_index_name=ROW, row_index_offset=1, glob=False, hive_partitioning=False)


def _check_names(file: str, table: TableName, names: list[str]) -> None:
    expected = [column.name for column in SCHEMAS[table]]
    if len(set(names)) != len(names):
        raise _schema(file, "a column stands twice")
    if missing := [name for name in expected if name not in names]:
        raise _schema(file, f"columns missing: {', '.join(missing)}")
    if len(names) != len(expected):
        raise _schema(file, f"{len(names) - len(expected)} unknown columns")


def _typed(frame: pl.DataFrame, table: TableName) -> Batch:
    """Take text cells for what their column holds; cells that are none become null and are listed."""
    typed = [column for column in SCHEMAS[table] if column.type is not Type.TEXT]
    read = frame.with_columns(_parsed(column) for column in typed)
    bad = [
        frame.select(ROW, person_no=_person_of(table), column=pl.lit(c.name)).filter(
            frame[c.name].is_not_null() & read[c.name].is_null()
        )
        for c in typed
        if read[c.name].null_count() != frame[c.name].null_count()
    ]
    return Batch(read, pl.concat(bad) if bad else _NOTHING)


def _parsed(column: Column) -> pl.Expr:
    cell = pl.col(column.name)
    if column.type is Type.BOOL:
        return cell.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
    number = cell.cast(pl.Int64, strict=False)
    # `+1`, `007` and ` 1` are further spellings of numbers that have one already.
    return pl.when(number.cast(pl.String) == cell).then(number).alias(column.name)


def _person_of(table: TableName) -> pl.Expr:
    return pl.lit(None, pl.String) if table == "employer" else pl.col("person_no")


_NOTHING: Final = pl.DataFrame(schema={ROW: pl.UInt32, "person_no": pl.String, "column": pl.String})


def _schema(file: str, detail: str) -> FormatError:
    hint = "export the columns of schema version 1 with their names and types"
    return FormatError(Reason.RECORDS_SCHEMA, f"{file}: {detail}", hint=hint)
