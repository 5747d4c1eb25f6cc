"""The synthetic city as files: same for the same seed, within the bureau's rules, dirty exactly where it says so."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from hashlib import sha256
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest

from issuer.profile import Profile, parse_profile
from issuer.records import import_export
from issuer.sample import OFFICES, write_sample
from issuer.snapshot import Snapshot
from ledger.errors import ConfigError, FormatError, IntegrityError
from ledger.reasons import Reason

KEY = bytes(range(32))
TABLES = ("contribution", "person", "employer")
KNOWN = frozenset(office[0] for office in OFFICES)


def profile() -> Profile:
    return parse_profile((files("issuer") / "profiles" / "example-city.toml").read_bytes())


def digests(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    tmp_path: Path, form: Literal["csv", "parquet"]
) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        write_sample(tmp_path / name, people=5000, seed=seed, file_format=form, dirty=0.002)
    a, b, c = (digests(tmp_path / name) for name in "abc")
    assert len(a) == 5
    assert a == b
    assert all(a[name] != c[name] for name in (f"person.{form}", f"contribution.{form}", "dirty.json"))


@pytest.mark.parametrize("dirty", [0.0, 0.05])
def test_csv_and_parquet_hold_the_same(tmp_path: Path, dirty: float) -> None:
    write_sample(tmp_path / "csv", people=200, seed=5, file_format="csv", dirty=dirty)
    write_sample(tmp_path / "parquet", people=200, seed=5, file_format="parquet", dirty=dirty)
    for table in TABLES:
        binary = pl.read_parquet(tmp_path / "parquet" / f"{table}.parquet")
        text = pl.read_csv(tmp_path / "csv" / f"{table}.csv", schema=binary.schema)
        assert binary.height >= 14
        assert text.equals(binary)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_manifest_fits_the_files(tmp_path: Path, form: Literal["csv", "parquet"]) -> None:
    made = write_sample(tmp_path / "city", people=100, seed=5, file_format=form)
    manifest = tomllib.loads((tmp_path / "city" / "manifest.toml").read_text("utf-8"))
    rows: dict[str, int] = {}
    for table in TABLES:
        said = manifest["files"][table]
        path = tmp_path / "city" / said["name"]
        assert said["sha256"] == sha256(path.read_bytes()).hexdigest()
        rows[table] = (pl.read_csv(path) if form == "csv" else pl.read_parquet(path)).height
        assert said["rows"] == rows[table]
    assert (made.rows, made.people, made.employers) == tuple(rows[table] for table in TABLES)
    assert manifest["settled"] == {
        **dict.fromkeys(("110", "120", "150", "170", "210", "390", "410", "510"), 202610),
        **dict.fromkeys(("180", "310"), 202609),
    }
    assert manifest["produced_at"] == "2026-11-01T02:00:00Z"
    assert manifest["agency"] in KNOWN


def imported(folder: Path, out: Path, **options: Any) -> Snapshot:
    import_export(folder, out, key=KEY, profile=profile(), known_offices=KNOWN, **options)
    return Snapshot.open(out, key=KEY)


@pytest.mark.parametrize(
    ("people", "cut_off", "years"),
    [
        (1, 202610, 10),
        (50, 202610, 10),
        (2500, 202610, 10),
        (300, 202612, 30),
        (300, 202701, 3),
        (300, 201401, 10),
        (300, 199201, 10),
    ],
)
def test_a_clean_city_is_imported_whole(tmp_path: Path, people: int, cut_off: int, years: int) -> None:
    write_sample(tmp_path / "city", people=people, seed=11, cut_off=cut_off, years=years)
    snapshot = imported(tmp_path / "city", tmp_path / "snapshot")
    assert len(snapshot) == people
    assert snapshot.cut_off == cut_off


@pytest.mark.parametrize(("dirty", "count"), [(0.03, 60), (1.0, 2000)])
def test_dirt_is_exactly_what_the_import_finds(tmp_path: Path, dirty: float, count: int) -> None:
    made = write_sample(tmp_path / "city", people=2000, seed=3, dirty=dirty)
    assert len(made.dirty) == count
    assert min(Counter(made.dirty.values()).values()) >= 2
    assert len(set(made.dirty.values())) == 17
    assert json.loads((tmp_path / "city" / "dirty.json").read_text("utf-8")) == made.dirty
    report = tmp_path / "report.jsonl"
    snapshot = imported(tmp_path / "city", tmp_path / "snapshot", max_quarantined=count, report_path=report)
    found: dict[str, set[str]] = {}
    for line in report.read_text("utf-8").splitlines():
        finding = json.loads(line)
        table = finding["file"].partition(".")[0]
        found.setdefault(finding["person_no"], set()).add(f"{table}.{finding['column']}")
    assert found == {person: {wrong.partition(":")[0]} for person, wrong in made.dirty.items()}
    assert len(snapshot) == 2000 - count
    assert not made.dirty.keys() & set(snapshot.person_nos())
    with pytest.raises(FormatError) as refusal:
        imported(tmp_path / "city", tmp_path / "again", max_quarantined=count - 1)
    assert refusal.value.reason is Reason.RECORDS_TOO_MANY_QUARANTINED


@pytest.mark.parametrize(("dirty", "count"), [(0.0001, 1), (0.3, 1500), (1.0, 5000)])
def test_any_share_can_be_dirty(tmp_path: Path, dirty: float, count: int) -> None:
    assert len(write_sample(tmp_path / "city", people=5000, seed=1, years=1, dirty=dirty).dirty) == count


def test_dirt_leaves_everybody_else_alone(tmp_path: Path) -> None:
    made = write_sample(tmp_path / "dirty", people=300, seed=3, dirty=0.05)
    write_sample(tmp_path / "clean", people=300, seed=3)
    for table in ("contribution", "person"):
        clean, dirty = (
            pl.read_parquet(tmp_path / name / f"{table}.parquet").filter(
                ~pl.col("person_no").is_in(list(made.dirty))
            )
            for name in ("clean", "dirty")
        )
        assert clean.height > 250
        assert clean.equals(dirty)


def test_progress_ends_with_everybody(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    write_sample(tmp_path / "city", people=5000, seed=1, years=1, progress=lambda *done: seen.append(done))
    assert len(seen) > 1
    assert all(before < after for before, after in pairwise(seen))
    assert seen[-1] == (5000, 5000)


def test_a_folder_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "city").mkdir()
    with pytest.raises(ConfigError) as refusal:
        write_sample(tmp_path / "city", people=10, seed=1)
    assert refusal.value.reason is Reason.CLI_EXISTS
    assert not list((tmp_path / "city").iterdir())


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IntegrityError) as refusal:
        write_sample(tmp_path / "file" / "city", people=10, seed=1)
    assert refusal.value.reason is Reason.STORE_IO_ERROR


@pytest.mark.parametrize(
    "wrong",
    [
        {"people": 0},
        {"people": 10_000_001},
        {"cut_off": 199112},
        {"cut_off": 202613},
        {"cut_off": 202600},
        {"years": 0},
        {"dirty": 1.5},
    ],
)
def test_arguments_out_of_range(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as refusal:
        write_sample(tmp_path / "city", **({"people": 10, "seed": 1} | wrong))
    assert refusal.value.reason is Reason.CLI_USAGE
    assert not (tmp_path / "city").exists()
