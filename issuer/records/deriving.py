"""What one process does with a stretch of persons: their packed rows in, the blobs of a snapshot out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from issuer.derive import Derived, Settled, derive
from issuer.records.partitions import unpack_rows
from issuer.records.rules import Finding

__all__ = ["DerivedStretch", "Deriving", "StretchTask", "deriving"]


@dataclass(frozen=True, slots=True)
class Deriving:
    """What is the same for all stretches of an import: settled months, sorted agencies, the exporting one, the file."""

    settled: Settled
    agencies: Sequence[str]
    agency: str
    file: str


@dataclass(frozen=True, slots=True)
class StretchTask:
    """One stretch: its first person, the rows of its persons in the table person, their contribution rows, packed."""

    first: int
    people: pl.DataFrame
    packed: list[bytes]


@dataclass(frozen=True, slots=True)
class DerivedStretch:
    """How many rows there were, number and blob of each person, and what is wrong: of whom, the blob means nothing."""

    rows: int
    persons: list[tuple[str, bytes]]
    found: list[Finding]


def deriving(same: Deriving) -> Callable[[StretchTask], DerivedStretch]:
    """What a worker does."""

    def work(task: StretchTask) -> DerivedStretch:
        rows = unpack_rows(task.packed)
        agency = same.agencies.index(same.agency)
        derived = derive(rows, task.people, first=task.first, settled=same.settled, agency=agency)
        numbers: list[str] = task.people["person_no"].to_list()
        found = [
            Finding(same.file, p.row, p.column, p.rule, p.reason, numbers[p.person]) for p in derived.problems
        ]
        persons = list(zip(numbers, _blobs(derived, task.people, same.agencies), strict=True))
        return DerivedStretch(rows.height, persons, found)

    return work


def _blobs(derived: Derived, people: pl.DataFrame, agencies: Sequence[str]) -> list[bytes]:
    agency = pl.Series(agencies).gather(derived.agencies).alias("agency")
    texts = people.select(
        pl.concat_str("name", "id_no", "id_type", agency, pl.lit(""), separator="\0")
    ).to_series()
    encoded = [text.encode() for text in texts.to_list()]
    heads = derived.heads
    heads["text_size"] = [len(text) for text in encoded]
    head_bytes, size = heads.tobytes(), heads.dtype.itemsize
    kinds, spells = derived.kinds, derived.spells
    kind_at, spell_at = derived.kind_bounds.tolist(), derived.spell_bounds.tolist()
    return [
        b"".join(
            (
                head_bytes[at * size : (at + 1) * size],
                text,
                kinds[kind_at[at] : kind_at[at + 1]],
                spells[spell_at[at] : spell_at[at + 1]],
            )
        )
        for at, text in enumerate(encoded)
    ]
