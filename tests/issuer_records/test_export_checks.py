"""What concerns a whole export stops it: manifest, digests, columns, and what hostile CSV brings along."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from certificate.kinds import KIND_BY_ID
from issuer.profile import Charge, Profile, load_profile, parse_profile
from issuer.records import import_export, load_export
from ledger.errors import ConfigError, FormatError, ProjectError
from ledger.reasons import Reason
from tests.attacks.marking import attack
from tests.issuer_records.exports import (
    KEY,
    OFFICES,
    Bureau,
    ExportWriter,
    csv_bytes,
    months,
    parquet_bytes,
    person_no,
    person_row,
    row,
)

FORMATS = pytest.mark.parametrize("file_format", ["csv", "parquet"])
ROWS = [row(at % 3, month) for at, month in enumerate(months(202601, 202610))]
PEOPLE = [person_row(at) for at in range(3)]


def writer(**parts: object) -> ExportWriter:
    made = ExportWriter(contributions=list(ROWS), people=list(PEOPLE))
    for name, value in parts.items():
        setattr(made, name, value)
    return made


def refusal(bureau: Bureau, made: ExportWriter, file_format: str = "csv") -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        bureau.run(made, file_format, max_quarantined=99)
    assert not list(bureau.tmp.glob("*snapshot*")), "nothing half-done"
    assert caught.value.hint
    return caught.value


def test_a_right_export_loads(bureau: Bureau) -> None:
    export = load_export(writer().write(bureau.tmp / "in"), bureau.profile, OFFICES)
    assert export.manifest.produced_at == datetime(2026, 11, 1, 2, tzinfo=UTC)
    assert (export.rows, export.people.height, export.employers.height) == (10, 3, 3)
    assert export.manifest.settled["150"] == 202512


@pytest.mark.parametrize(
    "changes",
    [
        {"schema_version": 2},
        {"schema_version": True},
        {"profile": "another-city"},
        {"agency": "99999999"},
        {"agency": "99/01"},
        {"cut_off": 202613},
        {"cut_off": 202600},
        {"cut_off": "202610"},
        {"produced_at": "2026-11-01T02:00:00"},
        {"produced_at": "2026-11-01T02:00:00+08:00"},
        {"produced_at": "yesterday"},
        {"test": False},
        {"test": 1},
        {"test": None},
        {"more": 1},
    ],
)
def test_manifest_settings(bureau: Bureau, changes: dict[str, object]) -> None:
    assert refusal(bureau, writer(manifest=changes)).reason is Reason.RECORDS_MANIFEST


@pytest.mark.parametrize("table", ["contribution", "person", "employer"])
@pytest.mark.parametrize(
    "changes",
    [
        {"rows": 11},
        {"rows": 2},
        {"rows": -1},
        {"rows": True},
        {"sha256": "0" * 64},
        {"sha256": "short"},
        {"name": "absent.csv"},
        {"name": "../person.csv"},
        {"name": "/etc/person.csv"},
        {"name": "person.txt"},
        {"more": 1},
    ],
)
def test_manifest_files(bureau: Bureau, table: str, changes: dict[str, object]) -> None:
    for file_format in ("csv", "parquet"):
        error = refusal(bureau, writer(file_changes={table: changes}), file_format)
        assert error.reason is Reason.RECORDS_MANIFEST


def test_settled_months(bureau: Bureau) -> None:
    for month in (202600, 202513, 194912, -1):
        assert refusal(bureau, writer(settled={"110": month})).reason is Reason.RECORDS_MANIFEST
    assert refusal(bureau, writer(settled={"999": 202610})).reason is Reason.RECORDS_UNMAPPED_CODE
    error = refusal(bureau, writer(settled={"310": 202610}))
    assert error.reason is Reason.RECORDS_MANIFEST
    assert "kind code 110 has rows but no settled month" in error.detail


def test_settled_after_the_cut_off(bureau: Bureau) -> None:
    folder = writer().write(bureau.tmp / "in")
    manifest = folder / "manifest.toml"
    manifest.write_text(manifest.read_text("utf-8").replace('"110" = 202610', '"110" = 202611'), "utf-8")
    with pytest.raises(FormatError) as caught:
        load_export(folder, bureau.profile, OFFICES)
    assert caught.value.reason is Reason.RECORDS_MANIFEST


def test_no_manifest_and_a_broken_one(bureau: Bureau) -> None:
    folder = writer().write(bureau.tmp / "in")
    for content in (b"\xff", b"schema_version = 1\nschema_version = 1", b"[", b"#" * 300_000):
        (folder / "manifest.toml").write_bytes(content)
        with pytest.raises(FormatError) as caught:
            load_export(folder, bureau.profile, OFFICES)
        assert caught.value.reason is Reason.RECORDS_MANIFEST
    (folder / "manifest.toml").unlink()
    with pytest.raises(FormatError) as caught:
        load_export(folder, bureau.profile, OFFICES)
    assert caught.value.reason is Reason.RECORDS_MANIFEST


def test_a_json_manifest_says_the_same(bureau: Bureau) -> None:
    folder = writer().write(bureau.tmp / "in")
    given = tomllib.loads((folder / "manifest.toml").read_text("utf-8"))
    expected = load_export(folder, bureau.profile, OFFICES).manifest
    (folder / "manifest.toml").unlink()
    text = json.dumps(given)
    (folder / "manifest.json").write_text(text, "utf-8")
    assert load_export(folder, bureau.profile, OFFICES).manifest == expected
    for wrong in (text[:-1] + ', "test": true}', "[]", "[" * 100_000, text.replace("202610", "NaN", 1)):
        (folder / "manifest.json").write_text(wrong, "utf-8")
        with pytest.raises(FormatError) as caught:
            load_export(folder, bureau.profile, OFFICES)
        assert caught.value.reason is Reason.RECORDS_MANIFEST


def _spoil(table: str, change: bytes | None = None, old: bytes = b"", new: bytes = b"") -> object:
    def spoil(name: str, data: bytes) -> bytes:
        if name != table:
            return data
        changed = change if change is not None else data.replace(old, new, 1)
        assert changed != data
        return changed

    return spoil


CSV = csv_bytes("contribution", ROWS)


@attack("K08", Reason.RECORDS_SCHEMA)
@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + CSV,
        CSV.replace(b"\n", b"\r\n"),
        CSV.replace(b"99010200", b"9901\r0200", 1),
        CSV.replace(b"99010200", b"9901\x000200", 1),
        CSV.replace(b"updated_on", b"updated_on,more", 1),
        CSV.replace(b"updated_on", b"status", 1),
        CSV.replace(b"updated_on", b"updated", 1),
        CSV.replace(b",updated_on", b"", 1),
        CSV.replace(b"agency_code", b"Agency_Code", 1),
        CSV.replace(b"\n", b",1\n", 2).replace(b"updated_on,1", b"updated_on", 1),
        CSV.replace(b"99010200", b"99\xff10200", 1),
        b"",
        b"\n",
        b"agency_code",
    ],
)
def test_csv_that_is_no_such_table(bureau: Bureau, data: bytes) -> None:
    error = refusal(bureau, writer(spoil=_spoil("contribution", data)))
    assert error.reason is Reason.RECORDS_SCHEMA
    assert "contribution.csv" in error.detail


@attack("K08", Reason.RECORDS_TOO_MANY_QUARANTINED)
@pytest.mark.parametrize(
    "data",
    [
        CSV.replace(b"99010200", b'"99010200', 1),
        CSV.replace(b"990102,", b'"990102",', 1),
        CSV.replace(b"202601,", b"+202601,", 1),
        CSV.replace(b"202601,", b"0202601,", 1),
        CSV.replace(b"202601,", b" 202601,", 1),
        CSV.replace(b"202601,", b"202601.0,", 1),
        CSV.replace(b"202601,", b"2e5,", 1),
        CSV.replace(b"202601,", "٢٠٢٦٠١,".encode(), 1),
        CSV.replace(b"202601,", b"99999999999999999999,", 1),
        CSV.replace(b"true", b"TRUE", 1),
        CSV.replace(b"true", b"1", 1),
        CSV.replace(b"9900000001", b"=9900000001", 1),
    ],
)
def test_csv_cells_with_another_spelling_lay_one_person_aside(bureau: Bureau, data: bytes) -> None:
    made = writer(spoil=_spoil("contribution", data))
    with pytest.raises(FormatError) as caught:
        bureau.run(made)
    assert caught.value.reason is Reason.RECORDS_TOO_MANY_QUARANTINED
    assert "contribution.csv row 1 column" in caught.value.detail
    snapshot, summary = bureau.run(made, max_quarantined=1)
    assert summary.quarantined == 1
    expected, _ = bureau.run(writer())
    for number in snapshot.person_nos():
        if number != person_no(0):
            assert snapshot.claims(number) == expected.claims(number)


@pytest.mark.parametrize("at", [0, 4, 9])
def test_a_row_with_too_few_cells(bureau: Bureau, at: int) -> None:
    lines = CSV.splitlines(keepends=True)
    lines[at + 1] = lines[at + 1].replace(b",20261101\n", b"\n")
    made = writer(spoil=_spoil("contribution", b"".join(lines)))
    with pytest.raises(FormatError) as caught:
        bureau.run(made)
    assert caught.value.reason in (Reason.RECORDS_SCHEMA, Reason.RECORDS_TOO_MANY_QUARANTINED)
    if at:
        assert f"row {at + 1} column updated_on: must not be empty" in caught.value.detail


@attack("K08")
def test_a_shuffled_header_is_read_by_name(bureau: Bureau) -> None:
    def shuffled(table: str, data: bytes) -> bytes:
        lines = [line.split(",") for line in data.decode().splitlines()]
        return "".join(",".join(reversed(line)) + "\n" for line in lines).encode()

    assert bureau.run(writer(spoil=shuffled))[1].digest == bureau.run(writer())[1].digest


@attack("K08")
def test_an_open_quote_in_a_name_swallows_nothing(bureau: Bureau) -> None:
    people = csv_bytes("person", PEOPLE)
    for broken in (
        people.replace("测试乙".encode(), '"测试乙'.encode()),
        people.replace("乙".encode(), b'x"y'),
    ):
        error = refusal(bureau, writer(spoil=_spoil("person", broken)))
        assert error.reason in (Reason.RECORDS_SCHEMA, Reason.RECORDS_MANIFEST)
        assert "测试" not in str(error)
        assert error.__cause__ is None, "the library's message quotes the row"


def test_a_name_with_a_line_break_is_refused(bureau: Bureau) -> None:
    made = writer(people=[person_row(0), person_row(1, name="测试\n乙"), person_row(2)])
    snapshot, summary = bureau.run(made, max_quarantined=1)
    assert summary.quarantined == 1
    assert list(snapshot.person_nos()) == [person_no(0), person_no(2)]


def test_a_blank_line_is_a_row_too_many(bureau: Bureau) -> None:
    error = refusal(bureau, writer(spoil=_spoil("contribution", CSV + b"\n")))
    assert error.reason is Reason.RECORDS_MANIFEST


def test_a_last_line_without_its_end(bureau: Bureau) -> None:
    assert (
        bureau.run(writer(spoil=_spoil("contribution", CSV[:-1])))[1].digest == bureau.run(writer())[1].digest
    )


def test_parquet_that_is_no_such_table(bureau: Bureau) -> None:
    whole = parquet_bytes("contribution", ROWS)
    frame = pl.read_parquet(whole)
    wrong = [
        frame.with_columns(pl.col("period").cast(pl.Float64)),
        frame.with_columns(pl.col("period").cast(pl.String)),
        frame.with_columns(pl.col("kind_code").cast(pl.Int64)),
        frame.with_columns(pl.col("full_paid").cast(pl.Int32)),
        frame.drop("base_fen"),
        frame.with_columns(more=1),
        frame.rename({"base_fen": "Base_fen"}),
    ]
    datas = [_parquet(bureau.tmp, changed) for changed in wrong]
    for data in [*datas, whole[:-20], b"PAR1", b"", whole[:400] + b"\xff" * 400 + whole[800:]]:
        error = refusal(bureau, writer(spoil=_spoil("contribution", data)), "parquet")
        assert error.reason is Reason.RECORDS_SCHEMA
        assert error.__cause__ is None


def test_parquet_with_short_integers(bureau: Bureau) -> None:
    frame = pl.read_parquet(parquet_bytes("contribution", ROWS))
    short = frame.with_columns(pl.col(pl.Int64).cast(pl.Int32)).select(reversed(frame.columns))
    made = writer(spoil=_spoil("contribution", _parquet(bureau.tmp, short)))
    assert bureau.run(made, "parquet")[1].digest == bureau.run(writer(), "parquet")[1].digest


def _parquet(folder: Path, frame: pl.DataFrame) -> bytes:
    path = folder / "made.parquet"
    frame.write_parquet(path)
    return path.read_bytes()


def test_a_file_changed_after_the_export(bureau: Bureau) -> None:
    folder = writer().write(bureau.tmp / "in")
    path = folder / "contribution.csv"
    path.write_bytes(path.read_bytes().replace(b"64000", b"65000", 1))
    with pytest.raises(FormatError) as caught:
        import_export(folder, bureau.tmp / "snapshot", key=KEY, profile=bureau.profile, known_offices=OFFICES)
    assert caught.value.reason is Reason.RECORDS_MANIFEST
    assert "contribution.csv has another SHA-256" in caught.value.detail


def test_an_empty_export_is_a_snapshot_of_nobody(bureau: Bureau) -> None:
    for file_format in ("csv", "parquet"):
        made = ExportWriter(contributions=[], people=[], employers=[])
        snapshot, summary = bureau.run(made, file_format)
        assert (len(snapshot), summary.persons, summary.rows) == (0, 0, 0)
        assert list(snapshot.batches(10)) == []


def test_progress_ends_at_all_rows(bureau: Bureau) -> None:
    seen: list[tuple[int, int]] = []
    bureau.run(writer(), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (10, 10)
    assert seen == sorted(seen)


def test_the_example_profile(profile: Profile) -> None:
    assert (profile.id, profile.test, profile.late_grace, profile.validity_days) == (1, True, 1, 90)
    assert {kind.id for kind in profile.kinds.values()} == set(KIND_BY_ID)
    assert profile.charges == {"10": Charge.NORMAL, "20": Charge.BACK, "30": Charge.DEFERRED}


EXAMPLE = """id = 7
name = "x"
test = false
late_grace = 2
utc_offset_hours = 8
validity_days = 30
[kinds]
"110" = "pension.emp"
[charges]
"10" = "normal"
"""


def test_a_profile_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(EXAMPLE + '[characters]\nE001 = "㐁"\n', "utf-8")
    assert load_profile(path).characters == {"\ue001": "㐁"}
    with pytest.raises(ConfigError):
        load_profile(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("id = 7", "id = 0"),
        ("id = 7", 'id = "7"'),
        ("id = 7", ""),
        ("test = false", "test = 0"),
        ('name = "x"', 'name = "../x"'),
        ("late_grace = 2", "late_grace = -1"),
        ("late_grace = 2", "late_grace = 2\nmore = 1"),
        ('"pension.emp"', '"pension"'),
        ('"110"', '"1100"'),
        ('"normal"', '"usual"'),
        ('[kinds]\n"110" = "pension.emp"', "[kinds]"),
        ('"10" = "normal"', '"10" = "normal"\n[characters]\n4E00 = "x"'),
        ('"10" = "normal"', '"10" = "normal"\n[characters]\nE000 = ""'),
        ("id = 7", "id = = 7"),
    ],
)
def test_a_profile_that_is_none(old: str, new: str) -> None:
    assert parse_profile(EXAMPLE.encode()).id == 7
    changed = EXAMPLE.replace(old, new)
    assert changed != EXAMPLE
    with pytest.raises(ConfigError) as caught:
        parse_profile(changed.encode())
    assert caught.value.reason is Reason.RECORDS_SCHEMA


def test_digests_in_manifests_are_of_the_files(bureau: Bureau) -> None:
    folder = writer().write(bureau.tmp / "in")
    manifest = tomllib.loads((folder / "manifest.toml").read_text("utf-8"))
    for about in manifest["files"].values():
        assert sha256((folder / about["name"]).read_bytes()).hexdigest() == about["sha256"]
