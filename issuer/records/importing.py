"""The import of an export as one act: everything is checked, derived and written, or nothing is there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

from issuer.profile import Profile
from issuer.records.deriving import DerivedStretch, Deriving, StretchTask, deriving
from issuer.records.export import Export, load_export
from issuer.records.memory import MemoryPlan, plan_for, processes_for
from issuer.records.partitions import Partitions, Stretches
from issuer.records.reading import reading
from issuer.records.rules import Findings
from issuer.snapshot import SnapshotWriter
from ledger.errors import FormatError, IntegrityError
from ledger.reasons import Reason
from ledger.workers import Workers

__all__ = ["ImportSummary", "import_export"]

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import did: persons in the snapshot, contribution rows read, persons laid aside, digest and cut-off.

    `report` is SHA-256 of the report file, None where none was asked for.
    """

    persons: int
    rows: int
    quarantined: int
    findings: int
    digest: bytes
    cut_off: int
    agency: str
    profile_id: int
    report: bytes | None = None


def import_export(
    folder: Path,
    out_path: Path,
    *,
    key: bytes,
    profile: Profile,
    known_offices: frozenset[str],
    max_quarantined: int = 0,
    report_path: Path | None = None,
    memory_limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ImportSummary:
    """Import the export in `folder` into a new snapshot at `out_path`.

    Args:
        key: the home's key for snapshots, 32 bytes.
        known_offices: the agency codes of the directory.
        max_quarantined: so many persons with mistakes are left out; one more, and there is no snapshot.
        report_path: all findings, one JSON object a line; written whether or not the import succeeds.
        memory_limit: bytes that the process may take at its peak; None takes what is quickest.
        progress: called with contribution rows done and in all; the second half of the work counts as rows again.
    Raises:
        ConfigError: `cli.usage` when the memory limit is too low for so many persons.
        FormatError: what `load_export` raises, or `records.too_many_quarantined`.
        IntegrityError: `store.full`, `store.io_error`.
    """
    export = load_export(folder, profile, frozenset(known_offices))
    report: bytes | None = None
    try:
        plan = plan_for(memory_limit, persons=export.manifest.files["person"].rows)
        processes = processes_for(memory_limit, rows=export.rows)
        summary = _import(export, out_path, key, plan, processes, max_quarantined, progress)
    finally:
        if report_path is not None:
            report = _write_report(report_path, export.findings)
    return replace(summary, report=report)


def _import(
    export: Export,
    out_path: Path,
    key: bytes,
    plan: MemoryPlan,
    processes: int,
    max_quarantined: int,
    progress: Callable[[int, int], None] | None,
) -> ImportSummary:
    stretches = Stretches.of(export.people.height, export.rows, rows_each=plan.part_rows)
    steps = _Progress(2 * export.rows, progress)
    with Partitions(out_path.parent) as partitions:
        for read in _read(export, partitions, stretches, plan, processes):
            steps.advance(read)
            _check_ceiling(export.findings, max_quarantined + _SLACK)
        _check_ceiling(export.findings, max_quarantined)
        with SnapshotWriter(out_path, key=key) as writer:
            for derived in _derived(export, partitions, stretches, processes):
                export.findings.add(derived.found)
                for number, blob in derived.persons:
                    if number not in export.findings.persons:
                        writer.add(number, blob)
                steps.advance(derived.rows)
            _check_ceiling(export.findings, max_quarantined)
            return _finish(writer, export)


def _read(
    export: Export, partitions: Partitions, stretches: Stretches, plan: MemoryPlan, processes: int
) -> Iterator[int]:
    """Lay the right rows into `partitions` and note what is wrong; yields how many rows were read each time."""
    rows, kind_codes = 0, set[str]()
    with Workers(reading, (export.reading(stretches),), count=processes) as workers:
        for piece in workers.map(export.pieces(plan.batch_rows)):
            partitions.add(piece.packed)
            export.findings.add(piece.found)
            kind_codes |= piece.kind_codes
            rows += piece.rows
            yield piece.rows
    export.require_complete(rows, kind_codes)


def _derived(
    export: Export, partitions: Partitions, stretches: Stretches, processes: int
) -> Iterator[DerivedStretch]:
    file = export.manifest.files["contribution"].name
    same = Deriving(export.settled(), export.agencies, export.manifest.agency, file)
    bounds = ((at, *stretches.bounds(at)) for at in range(len(stretches)))
    tasks = (StretchTask(first, export.people[first:last], partitions.take(at)) for at, first, last in bounds)
    with Workers(deriving, (same,), count=processes) as workers:
        yield from workers.map(tasks)


# So many persons beyond the ceiling are still listed in the report; a thoroughly wrong export is not read to its end.
_SLACK = 10_000


class _Progress:
    def __init__(self, total: int, report: Callable[[int, int], None] | None) -> None:
        self._done = 0
        self._total = total
        self._report = report

    def advance(self, rows: int) -> None:
        self._done += rows
        if self._report is not None:
            self._report(self._done // 2, self._total // 2)


def _finish(writer: SnapshotWriter, export: Export) -> ImportSummary:
    manifest, settled = export.manifest, export.settled()
    employers = export.employers.select("employer_uscc", "employer_name").rows()
    digest = writer.finish(
        profile=export.profile.id,
        agency=manifest.agency,
        cut_off=manifest.cut_off,
        settled=settled.months,
        employers=employers,
    )
    return ImportSummary(
        persons=len(writer),
        rows=export.rows,
        quarantined=len(export.findings.persons),
        findings=export.findings.count,
        digest=digest,
        cut_off=manifest.cut_off,
        agency=manifest.agency,
        profile_id=export.profile.id,
    )


def _check_ceiling(findings: Findings, ceiling: int) -> None:
    if len(findings.persons) <= ceiling or not findings.items:
        return
    shown = "; ".join(str(finding) for finding in sorted(findings.items)[:_SHOWN])
    detail = f"{len(findings.persons)} persons with mistakes, {findings.count} mistakes in all: {shown}"
    hint = "correct the records (the report lists all mistakes), or raise --max-quarantined"
    raise FormatError(Reason.RECORDS_TOO_MANY_QUARANTINED, detail, hint=hint)


def _write_report(path: Path, findings: Findings) -> bytes:
    """One finding a line; returns SHA-256 of what was written."""
    lines = "".join(
        json.dumps(asdict(finding), ensure_ascii=False) + "\n" for finding in sorted(findings.items)
    ).encode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(lines)
    except OSError as exc:
        raise IntegrityError(Reason.STORE_IO_ERROR, "the report could not be written") from exc
    return sha256(lines).digest()
