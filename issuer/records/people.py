"""The tables `person` and `employer`: read whole, checked, sorted by number, so that a row's place is its index."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from issuer.profile import Profile
from issuer.records.manifest import ExportFile, TableName
from issuer.records.rules import Finding, Findings, Rule, employer_rules, failing_rows, person_rules
from issuer.records.tables import ROW, SCHEMAS, read_batches
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["check_row_count", "load_employers", "load_people"]

_BATCH_ROWS = 500_000


def load_people(
    path: Path, file: ExportFile, profile: Profile, *, cut_off: int, findings: Findings
) -> pl.DataFrame:
    """All persons of the export without those found wrong, sorted by `person_no`.

    Raises:
        FormatError: `records.schema`, `records.manifest` (another number of rows).
    """
    frame, unreadable = _read(path, file, "person")
    frame = _mapped(frame, "name", profile)
    found = unreadable + failing_rows(frame, _rules(frame, profile, cut_off), file=file.name)
    findings.add(found)
    wrong = {finding.row for finding in found}
    kept = frame.filter(~pl.col(ROW).is_in(wrong)) if wrong else frame
    return kept.drop(ROW).sort("person_no")


def load_employers(path: Path, file: ExportFile, profile: Profile) -> pl.DataFrame:
    """All employers of the export, sorted by `employer_no`.

    An employer belongs to no single person, so a mistake here cannot be laid aside and stops the import.

    Raises:
        FormatError: `records.schema`, `records.manifest`, or the reason of the first mistake.
    """
    frame, unreadable = _read(path, file, "employer")
    frame = _mapped(frame, "employer_name", profile)
    found = unreadable or failing_rows(
        frame, employer_rules(profile, names=frame["employer_name"]), file=file.name
    )
    if found:
        first = min(found)
        hint = "correct the employer in the records and export again"
        raise FormatError(first.reason, f"{first}; {len(found)} mistakes in all", hint=hint)
    return frame.drop(ROW).sort("employer_no")


def _rules(frame: pl.DataFrame, profile: Profile, cut_off: int) -> list[Rule]:
    return person_rules(profile, cut_off=cut_off, names=frame["name"])


def _read(path: Path, file: ExportFile, table: TableName) -> tuple[pl.DataFrame, list[Finding]]:
    batches = list(read_batches(path, table, batch_rows=_BATCH_ROWS, encoding=file.encoding))
    unreadable = [
        Finding(file.name, row, column, "not readable as what the column holds", Reason.RECORDS_RULE, person)
        for batch in batches
        for row, person, column in batch.unreadable.iter_rows()
    ]
    frames = [batch.frame for batch in batches]
    frame = pl.concat(frames) if frames else _empty(table)
    check_row_count(file, frame.height)
    wrong = {finding.row for finding in unreadable}
    return (frame.filter(~pl.col(ROW).is_in(wrong)) if wrong else frame), unreadable


def check_row_count(file: ExportFile, rows: int) -> None:
    """Raise FormatError `records.manifest` unless the table has as many rows as the manifest says."""
    if rows != file.rows:
        detail = f"{file.name} has {rows} rows, the manifest says {file.rows}"
        raise FormatError(Reason.RECORDS_MANIFEST, detail, hint="export again")


def _mapped(frame: pl.DataFrame, column: str, profile: Profile) -> pl.DataFrame:
    """Replace the private-use characters of the bureau's font that the profile explains."""
    if not profile.characters:
        return frame
    return frame.with_columns(
        pl.col(column).str.replace_many(list(profile.characters), list(profile.characters.values()))
    )


def _empty(table: TableName) -> pl.DataFrame:
    types = {"TEXT": pl.String, "INT": pl.Int64, "BOOL": pl.Boolean}
    schema = {ROW: pl.UInt32} | {column.name: types[column.type.name] for column in SCHEMAS[table]}
    return pl.DataFrame(schema=schema)
