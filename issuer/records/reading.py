"""What one process does with a piece of the table `contribution`: read, checked, compact, packed by stretch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from issuer.profile import Profile
from issuer.records.manifest import ExportFile
from issuer.records.partitions import PackedRows, Stretches
from issuer.records.rows import RowReader
from issuer.records.rules import Finding
from issuer.records.tables import Piece, read_piece

__all__ = ["ReadPiece", "Reading", "reading"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What is the same for all pieces: see `RowReader`."""

    file: ExportFile
    cut_off: int
    profile: Profile
    known_offices: frozenset[str]
    person_nos: pl.Series
    employer_nos: pl.Series
    laid_aside: pl.Series
    stretches: Stretches


@dataclass(frozen=True, slots=True)
class ReadPiece:
    """How many rows a piece had, the right ones packed, what is wrong in the others, which kind codes there were."""

    rows: int
    packed: list[PackedRows]
    found: list[Finding]
    kind_codes: set[str]


def reading(same: Reading) -> Callable[[Piece], ReadPiece]:
    """What a worker does. The work raises as `read_piece` and `RowReader.compact`."""
    reader = RowReader(
        file=same.file,
        cut_off=same.cut_off,
        profile=same.profile,
        known_offices=same.known_offices,
        person_nos=same.person_nos,
        employer_nos=same.employer_nos,
        laid_aside=same.laid_aside,
    )

    def work(piece: Piece) -> ReadPiece:
        done = reader.compact(read_piece(piece))
        return ReadPiece(done.rows, same.stretches.pack(done.frame), done.found, done.kind_codes)

    return work
