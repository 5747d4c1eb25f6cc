"""The synthetic city: the same for the same seed, within the bureau's rules, with everything real exports have."""

from __future__ import annotations

import json
import tomllib
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest

from issuer.profile import Profile, parse_profile
from issuer.records import import_export
from issuer.sample import OFFICES, SampleSummary, write_sample
from issuer.snapshot import Snapshot
from ledger.errors import ConfigError, FormatError
from ledger.reasons import Reason

TABLES = ("contribution", "person", "employer")
KNOWN = frozenset(office[0] for office in OFFICES)
PEOPLE = 3000


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sample") / "city"
    write_sample(out, people=PEOPLE, seed=11)
    return out


@pytest.fixture(scope="module")
def rows(city: Path) -> pl.DataFrame:
    return pl.read_parquet(city / "contribution.parquet")


def profile() -> Profile:
    return parse_profile((files("issuer") / "profiles" / "example-city.toml").read_bytes())


def digests(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path, form: str) -> None:
    file_format = "csv" if form == "csv" else "parquet"
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        write_sample(tmp_path / name, people=300, seed=seed, file_format=file_format)  # type: ignore[arg-type]  # csv or parquet
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert digests(tmp_path / "a")[f"person.{form}"] != digests(tmp_path / "c")[f"person.{form}"]


def test_csv_and_parquet_hold_the_same(tmp_path: Path) -> None:
    write_sample(tmp_path / "csv", people=200, seed=5, file_format="csv")
    write_sample(tmp_path / "parquet", people=200, seed=5, file_format="parquet")
    for table in TABLES:
        binary = pl.read_parquet(tmp_path / "parquet" / f"{table}.parquet")
        text = pl.read_csv(tmp_path / "csv" / f"{table}.csv", schema=binary.schema)
        assert text.equals(binary)


def test_the_manifest_fits_the_files(city: Path) -> None:
    manifest = tomllib.loads((city / "manifest.toml").read_text("utf-8"))
    for table in TABLES:
        said = manifest["files"][table]
        content = (city / said["name"]).read_bytes()
        assert said["sha256"] == sha256(content).hexdigest()
        assert said["rows"] == pl.read_parquet(content).height
    assert manifest["settled"]["310"] == 202609
    assert manifest["settled"]["110"] == 202610


def imported(folder: Path, out: Path, max_quarantined: int = 0) -> Snapshot:
    import_export(folder, out, profile=profile(), known_offices=KNOWN, max_quarantined=max_quarantined)
    return Snapshot.open(out)


def test_a_clean_city_is_imported_whole(city: Path, tmp_path: Path) -> None:
    assert len(imported(city, tmp_path / "snapshot")) == PEOPLE


def test_dirt_is_exactly_what_the_import_finds(tmp_path: Path) -> None:
    made: SampleSummary = write_sample(tmp_path / "dirty", people=1000, seed=3, dirty=0.03)
    assert len(made.dirty) == 30
    assert len(set(made.dirty.values())) == 10
    assert json.loads((tmp_path / "dirty" / "dirty.json").read_text("utf-8")) == made.dirty
    snapshot = imported(tmp_path / "dirty", tmp_path / "snapshot", max_quarantined=30)
    people = set(pl.read_parquet(tmp_path / "dirty" / "person.parquet")["person_no"])
    assert people - set(snapshot.person_nos()) == set(made.dirty)
    with pytest.raises(FormatError) as refusal:
        imported(tmp_path / "dirty", tmp_path / "again", max_quarantined=29)
    assert refusal.value.reason is Reason.RECORDS_TOO_MANY_QUARANTINED


def test_a_folder_is_never_overwritten(city: Path) -> None:
    with pytest.raises(ConfigError) as refusal:
        write_sample(city, people=10, seed=1)
    assert refusal.value.reason is Reason.CLI_EXISTS


def test_numbers_have_right_check_digits(city: Path) -> None:
    """Recomputed here from DOMAIN section 7."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    people = pl.read_parquet(city / "person.parquet")
    citizens = people.filter(pl.col("id_type") == "01")
    assert citizens.height > 0.9 * PEOPLE
    for number, birth, sex in citizens.select("id_no", "birth_date", "sex").iter_rows():
        total = sum(int(digit) * weight for digit, weight in zip(number[:17], weights, strict=True))
        assert number[17] == "10X98765432"[total % 11]
        assert number.startswith("990000")
        assert int(number[6:14]) == birth
        assert (int(number[16]) % 2 == 1) == (sex == 1)
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    factors = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
    codes = pl.read_parquet(city / "employer.parquet")["employer_uscc"].drop_nulls().to_list()
    assert len(set(codes)) == len(codes) > 100
    for code in codes:
        total = sum(
            alphabet.index(letter) * factor for letter, factor in zip(code[:17], factors, strict=True)
        )
        assert code[17] == alphabet[(31 - total % 31) % 31]


def share(rows: pl.DataFrame, condition: pl.Expr) -> float:
    """Share of the people of whom at least one row fulfils `condition`."""
    return rows.filter(condition)["person_no"].n_unique() / PEOPLE


def test_everything_that_real_exports_have_occurs(rows: pl.DataFrame) -> None:
    c = pl.col
    yearly = c("period") % 100 == 0
    features = {
        "five branches": share(rows, c("kind_code") == "510"),
        "civil servants": share(rows, c("kind_code") == "120"),
        "annuity": share(rows, c("kind_code") == "180"),
        "residents": share(rows, c("kind_code") == "150"),
        "paid in advance": share(rows, yearly & (c("settle_period") < c("period"))),
        "flexible": share(rows, c("flexible") & ~yearly),
        "back-paid": share(rows, c("charge_code") == "20"),
        "deferred": share(rows, c("charge_code") == "30"),
        "late by a month": share(
            rows, ~yearly & (c("settle_period") > c("period")) & (c("charge_code") == "10")
        ),
        "in arrears": share(rows, ~c("full_paid") & c("posted_on").is_null()),
        "taken back": share(rows, c("due_employer_fen") < 0),
        "posted early": share(rows, (c("kind_code") == "310") & (c("period") == 202610)),
    }
    assert {name: found for name, found in features.items() if found < 0.005} == {}
    assert features["posted early"] < 0.2


def test_careers_differ(rows: pl.DataFrame) -> None:
    pension = rows.filter((pl.col("kind_code") == "110") & (pl.col("due_person_fen") > 0))
    months = pension.group_by("person_no").agg(pl.col("period").n_unique().alias("months"))["months"]
    assert (months == 1).sum() > 20  # just joined
    assert (months >= 300).sum() > 10  # thirty years
    assert (months >= 24).sum() > len(months) / 2
    jobs = pension.group_by("person_no", "period").agg(pl.col("employer_no").n_unique().alias("jobs"))
    assert (jobs["jobs"] == 2).sum() > 50  # two employers in one month
    payers = pension.group_by("person_no").agg(pl.col("employer_no").n_unique().alias("payers"))["payers"]
    assert (payers >= 3).sum() > 50
    last = pension.group_by("person_no").agg(pl.col("period").max().alias("last"))["last"]
    assert (last < 202607).sum() > 50  # some left
    assert 90 < rows.height / PEOPLE < 220
