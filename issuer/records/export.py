"""An opened export: manifest and files checked, persons and employers in memory, contributions ready to stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from issuer.derive import Settled
from issuer.profile import Profile
from issuer.records.manifest import Manifest, check_file, load_manifest
from issuer.records.partitions import Stretches
from issuer.records.people import check_row_count, load_employers, load_people
from issuer.records.reading import Reading
from issuer.records.rules import Findings
from issuer.records.tables import Piece, table_pieces
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["Export", "load_export"]


@dataclass(frozen=True, slots=True)
class Export:
    """A bureau's export. `people` and `employers` are sorted by number; `findings` grows while rows are read."""

    folder: Path
    profile: Profile
    manifest: Manifest
    known_offices: frozenset[str]
    people: pl.DataFrame
    employers: pl.DataFrame
    findings: Findings
    contributions: Path

    @property
    def rows(self) -> int:
        """Number of contribution rows."""
        return self.manifest.files["contribution"].rows

    @property
    def agencies(self) -> list[str]:
        """Known offices, sorted: what the agency indices of compact rows mean."""
        return sorted(self.known_offices)

    def reading(self, stretches: Stretches) -> Reading:
        """What a process needs for reading pieces of the contribution rows."""
        return Reading(
            file=self.manifest.files["contribution"],
            cut_off=self.manifest.cut_off,
            profile=self.profile,
            known_offices=self.known_offices,
            person_nos=self.people["person_no"],
            employer_nos=self.employers["employer_no"],
            # Whose row in the table person is wrong would otherwise be unknown in each of its contribution rows.
            laid_aside=pl.Series(sorted(self.findings.persons), dtype=pl.String),
            stretches=stretches,
        )

    def pieces(self, batch_rows: int) -> Iterator[Piece]:
        """The contribution rows in pieces of about `batch_rows`. Raises FormatError `records.schema`."""
        encoding = self.manifest.files["contribution"].encoding
        return table_pieces(self.contributions, "contribution", batch_rows=batch_rows, encoding=encoding)

    def require_complete(self, rows: int, kind_codes: Iterable[str]) -> None:
        """Hold what was read against the manifest.

        Raises:
            FormatError: `records.manifest` (number of rows, or a kind without a settled month).
        """
        check_row_count(self.manifest.files["contribution"], rows)
        settled = self.settled().months
        for code in sorted(kind_codes):
            if self.profile.kinds[code].number not in settled:
                detail = f"manifest: kind code {code} has rows but no settled month"
                raise FormatError(Reason.RECORDS_MANIFEST, detail, hint="add it to [settled] of the manifest")

    def settled(self) -> Settled:
        """Settled months by kind number; of several codes of one kind the earliest."""
        months: dict[int, int] = {}
        for code, month in self.manifest.settled.items():
            number = self.profile.kinds[code].number
            months[number] = min(month, months.get(number, month))
        return Settled(self.manifest.cut_off, months)


def load_export(folder: Path, profile: Profile, known_offices: frozenset[str]) -> Export:
    """Open the export in `folder`: check manifest and digests, read persons and employers.

    Args:
        known_offices: the agency codes of the directory.
    Raises:
        FormatError: `records.manifest`, `records.schema`, `records.unmapped_code`, or for the table employer the
            reason of its first mistake. Mistakes in single persons are in `findings` instead.
    """
    manifest = load_manifest(folder, profile, known_offices)
    paths = {table: check_file(folder, file) for table, file in manifest.files.items()}
    findings = Findings()
    people = load_people(
        paths["person"], manifest.files["person"], profile, cut_off=manifest.cut_off, findings=findings
    )
    employers = load_employers(paths["employer"], manifest.files["employer"], profile)
    return Export(
        folder=folder,
        profile=profile,
        manifest=manifest,
        known_offices=known_offices,
        people=people,
        employers=employers,
        findings=findings,
        contributions=paths["contribution"],
    )
