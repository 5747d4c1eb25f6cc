"""Writing a sample: stretches of people one after another, so that memory stays the same for any size of city."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from issuer.sample.city import City
from issuer.sample.dirt import dirty_places, soil
from issuer.sample.employers import employer_numbers, make_employers
from issuer.sample.files import FileFormat, write_manifest, write_stream, write_table
from issuer.sample.payments import COLUMNS, LAGGING, monthly_rows
from issuer.sample.people import MOST_PEOPLE, make_people, person_numbers, person_table
from issuer.sample.residents import yearly_rows
from ledger.errors import ConfigError, IntegrityError
from ledger.reasons import Reason

__all__ = ["FileFormat", "SampleSummary", "write_sample"]

_AGENCY: Final = "99010200"
_KIND_CODES: Final = ("110", "120", "150", "170", "180", "210", "310", "390", "410", "510")
_STRETCH: Final = 4096
_TYPES: Final = (
    dict.fromkeys(("flexible", "full_paid"), pl.Boolean)
    | dict.fromkeys(("agency_code", "region_code", "person_no"), pl.String)
    | dict.fromkeys(("kind_code", "employer_no", "charge_code"), pl.String)
    # Sums of 32 bits of fen would overflow within one career.
    | {name: pl.Int64 for name in COLUMNS if name.endswith("_fen")}
)
_SCHEMA: Final = pl.Schema({name: _TYPES.get(name, pl.Int32) for name in COLUMNS})

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class SampleSummary:
    """What was written. `dirty` names, for each person with an error, what is wrong; it stands in dirty.json too.

    An error is spelled `table.column: what`. `people` counts also the one or other whom dirt keeps out of its table.
    """

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
    progress: Progress | None = None,
) -> SampleSummary:
    """Write a city's export to the new folder `out`: three tables and manifest.toml, and dirty.json if asked for dirt.

    The same arguments give the same bytes. From 202610 on a later cut-off is the same city that much later: the same
    people, nothing of the past changed but what was settled or taken back since. The manifest is written last: a
    folder without one was left unfinished.

    Args:
        people: how many, at most MOST_PEOPLE.
        cut_off: YYYYMM, 199201 to 209911.
        years: the usual greatest length of a record; a few have up to thirty.
        dirty: share of the people with one error each, 0 to 1.
        progress: called with people done and people in all.
    Raises:
        ConfigError: `cli.exists` when `out` exists, `cli.usage` for arguments out of range.
        IntegrityError: `store.io_error`.
    """
    _check(people, cut_off, years, dirty)
    _make_folder(out)
    city = City(seed=seed, people=people, cut_off=cut_off, years=years)
    made = _Stretches(city, dirty, progress)
    tables = {"contribution": write_stream(out, "contribution", made.frames(), _SCHEMA, file_format)}
    tables["person"] = write_table(out, "person", pl.concat(made.persons), file_format)
    tables["employer"] = write_table(out, "employer", make_employers(city), file_format)
    if dirty:
        _write_dirt(out / "dirty.json", made.soiled)
    write_manifest(out, agency=_AGENCY, cut_off=cut_off, settled=_settled(city), tables=tables)
    return SampleSummary(people, tables["contribution"].rows, tables["employer"].rows, made.soiled)


@dataclass(slots=True)
class _Stretches:
    """Makes the rows of one stretch of people after another; keeps what is small: persons, and who has an error."""

    city: City
    dirty: float
    progress: Progress | None
    persons: list[pl.DataFrame] = field(default_factory=list)
    soiled: dict[str, str] = field(default_factory=dict)

    def frames(self) -> Iterator[pl.DataFrame]:
        """All contribution rows, in frames of any size."""
        dirty = dirty_places(self.city, self.dirty)
        employers = pl.Series(employer_numbers(self.city.employers))
        for first in range(0, self.city.people, _STRETCH):
            count = min(_STRETCH, self.city.people - first)
            chosen = dirty[(dirty >= first) & (dirty < first + count)]
            yield from self._stretch(first, count, employers, person_numbers(chosen).to_list())
            if self.progress is not None:
                self.progress(first + count, self.city.people)

    def _stretch(
        self, first: int, count: int, employers: pl.Series, chosen: list[str]
    ) -> Iterator[pl.DataFrame]:
        people = make_people(self.city, first, count)
        frames, account = monthly_rows(self.city, people, employers)
        frames += yearly_rows(self.city, people)
        persons = person_table(self.city, people, account + account // 7)  # with interest
        if chosen:
            persons, rows, wrong = soil(persons, pl.concat(frames), chosen, soiled=self.soiled)
            frames = [rows]
            self.soiled |= wrong
        self.persons.append(persons)
        yield from (frame for frame in frames if frame.height)


def _settled(city: City) -> dict[str, int]:
    """Up to which month each kind is complete: those that are booked a month later lag behind."""
    before = city.cut_off - 1 if city.cut_off % 100 > 1 else city.cut_off - 89
    return {code: before if code in LAGGING else city.cut_off for code in _KIND_CODES}


def _check(people: int, cut_off: int, years: int, dirty: float) -> None:
    rules = {
        f"people: 1 to {MOST_PEOPLE}": 1 <= people <= MOST_PEOPLE,
        "cut_off: a month YYYYMM from 199201 to 209911": 199201 <= cut_off <= 209911
        and 1 <= cut_off % 100 <= 12,
        "years: 1 to 60": 1 <= years <= 60,
        "dirty: 0 to 1": 0 <= dirty <= 1,
    }
    if wrong := [rule for rule, holds in rules.items() if not holds]:
        raise ConfigError(Reason.CLI_USAGE, "; ".join(wrong), hint="choose a value within the range")


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True)
    except FileExistsError as exc:
        raise ConfigError(Reason.CLI_EXISTS, out.name, hint="name a folder that does not exist yet") from exc
    except OSError as exc:
        raise IntegrityError(Reason.STORE_IO_ERROR, f"the folder {out.name} cannot be made") from exc


def _write_dirt(path: Path, soiled: dict[str, str]) -> None:
    try:
        path.write_text(json.dumps(soiled, ensure_ascii=False, indent=1) + "\n", "utf-8")
    except OSError as exc:
        raise IntegrityError(Reason.STORE_IO_ERROR, f"{path.name} was not written") from exc
