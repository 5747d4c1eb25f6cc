"""Writing a sample: stretches of people one after another, so that memory stays the same for any size of city."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Final, Literal

import numpy as np
import polars as pl
import tomlkit

from issuer.sample.careers import SETTLED_LAG, make_contributions
from issuer.sample.dirt import soil
from issuer.sample.employers import employer_count, make_employers
from issuer.sample.offices import REGIONS
from issuer.sample.people import make_people
from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = ["FileFormat", "SampleSummary", "write_sample"]

FileFormat = Literal["csv", "parquet"]
_STRETCH = 20_000
_EMPTY_WHEN_ZERO: Final = ("posted_on",)
_COLUMNS: Final = (
    "agency_code", "region_code", "person_no", "kind_code", "flexible", "employer_no", "period", "settle_period",
    "posted_on", "charge_code", "full_paid", "status", "base_fen", "rate_person_bp", "rate_employer_bp",
    "due_person_fen", "due_employer_fen", "paid_person_fen", "paid_employer_fen", "updated_on",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SampleSummary:
    """What was written. `dirty` names, for each person with an error, what is wrong; it stands in dirty.json too."""

    people: int
    rows: int
    employers: int
    dirty: dict[str, str]


def write_sample(
    out: Path,
    *,
    people: int,
    seed: int,
    file_format: FileFormat = "parquet",
    cut_off: int = 202610,
    years: int = 10,
    dirty: float = 0.0,
    progress: Callable[[int, int], None] | None = None,
) -> SampleSummary:
    """Write a city's export to the new folder `out`: three tables and manifest.toml, and dirty.json if asked for dirt.

    The same arguments give the same bytes.

    Args:
        people: how many; dirty: share of them with one error each; years: usual length of a record.
        progress: called with people done and people in all.
    Raises:
        ConfigError: `cli.exists` when `out` exists.
    """
    if out.exists():
        raise ConfigError(Reason.CLI_EXISTS, out.name, hint="name a folder that does not exist yet")
    out.mkdir(parents=True)
    written = {name: _Table(out, name, file_format) for name in ("contribution", "person", "employer")}
    written["employer"].add(make_employers(people))
    soiled: dict[str, str] = {}
    for first in range(0, people, _STRETCH):
        count = min(_STRETCH, people - first)
        persons, rows = _stretch(first, count, seed, people, cut_off, years)
        if dirty:
            persons, rows, wrong = soil(persons, rows, dirty, np.random.default_rng((seed, first, 2)))
            soiled |= wrong
        written["person"].add(persons)
        written["contribution"].add(rows)
        if progress is not None:
            progress(first + count, people)
    for table in written.values():
        table.finish()
    _write_manifest(out, written, cut_off)
    if dirty:
        (out / "dirty.json").write_text(json.dumps(soiled, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return SampleSummary(people, written["contribution"].rows, written["employer"].rows, soiled)


def _stretch(
    first: int, count: int, seed: int, people: int, cut_off: int, years: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The tables of people number `first` on, from a random stream of their own: no stretch depends on another."""
    rng = np.random.default_rng((seed, first, 1))
    made = make_people(first, count, cut_off=cut_off, rng=rng)
    raw = make_contributions(made, employers=employer_count(people), cut_off=cut_off, years=years, rng=rng)
    regions, agencies = (pl.Series(names) for names in zip(*REGIONS, strict=True))
    employer_no = pl.Series([f"99{place + 1:05d}" for place in range(employer_count(people))])
    person_no = made.table["person_no"]
    employer = raw["employer"]
    return made.table, raw.with_columns(
        agencies.gather(raw["agency"]).alias("agency_code"),
        regions.gather(raw["region"]).alias("region_code"),
        person_no.gather(raw["person"] - first).alias("person_no"),
        (employer < 0).alias("flexible"),
        pl.when(employer >= 0).then(employer_no.gather(employer.clip(0))).alias("employer_no"),
        *(pl.when(pl.col(name) > 0).then(pl.col(name)).alias(name) for name in _EMPTY_WHEN_ZERO),
    ).select(_COLUMNS)


class _Table:
    """One table of the export, written in pieces: CSV by appending, Parquet in parts that are joined at the end."""

    def __init__(self, folder: Path, name: str, file_format: FileFormat) -> None:
        self.path = folder / f"{name}.{file_format}"
        self.rows = 0
        self._parts: list[Path] = []
        self._format = file_format

    def add(self, frame: pl.DataFrame) -> None:
        if self._format == "csv":
            with self.path.open("ab") as stream:
                frame.write_csv(stream, include_header=self.rows == 0)
        else:
            part = self.path.with_suffix(f".part{len(self._parts)}")
            frame.write_parquet(part)
            self._parts.append(part)
        self.rows += frame.height

    def finish(self) -> None:
        if len(self._parts) == 1:
            self._parts[0].rename(self.path)
        elif self._parts:
            pl.scan_parquet(self._parts).sink_parquet(self.path, row_group_size=1_000_000)
            for part in self._parts:
                part.unlink()

    def sha256(self) -> str:
        with self.path.open("rb") as stream:
            return file_digest(stream, "sha256").hexdigest()


def _write_manifest(out: Path, written: dict[str, _Table], cut_off: int) -> None:
    document = tomlkit.document()
    document["schema_version"] = 1
    document["profile"] = "example-city"
    document["agency"] = "99010200"
    document["cut_off"] = cut_off
    year, month = (cut_off // 100, cut_off % 100 + 1) if cut_off % 100 < 12 else (cut_off // 100 + 1, 1)
    document["produced_at"] = f"{year}-{month:02d}-01T02:00:00Z"
    document["test"] = True
    settled = tomlkit.table()
    for code, lag in SETTLED_LAG.items():
        settled[code] = cut_off - lag if cut_off % 100 > lag else cut_off - lag - 88
    document["settled"] = settled
    files = tomlkit.table(is_super_table=True)
    for name, table in written.items():
        files[name] = {"name": table.path.name, "rows": table.rows, "sha256": table.sha256()}
    document["files"] = files
    (out / "manifest.toml").write_text(tomlkit.dumps(document), "utf-8")
