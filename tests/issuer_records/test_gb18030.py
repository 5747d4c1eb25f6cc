"""CSV in GB 18030, as older systems export it, when the manifest says so; and characters of the bureau's own font."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ledger.errors import FormatError, ProjectError
from ledger.reasons import Reason
from tests.issuer_records.exports import (
    Bureau,
    ExportWriter,
    by_name,
    employer_row,
    months,
    person_no,
    person_row,
    row,
)

TABLES = ("contribution", "person", "employer")
RARE = "\u4dae\U00020bb7"  # two characters of names that GBK lacks: four bytes each in GB 18030
OLD_FONT = (
    b"\xfe\x59"  # stands for U+9FB4, and still reads as U+E81E of the private use area in most software
)


def writer(**parts: Any) -> ExportWriter:
    rows = [row(at, month) for at in range(2) for month in months(202601, 202610)]
    employers = [employer_row(0, employer_name="示例贸易\uff0c有限公司")] + [
        employer_row(at) for at in (1, 2)
    ]
    people = [person_row(0, name=f"测试{RARE}"), person_row(1)]
    return ExportWriter(contributions=rows, people=people, employers=employers, **parts)


def in_gb18030() -> ExportWriter:
    return writer(
        spoil=lambda _, data: data.decode().encode("gb18030"),
        file_changes={table: {"encoding": "gb18030"} for table in TABLES},
    )


def test_both_encodings_are_one_snapshot(bureau: Bureau) -> None:
    plain, gb = bureau.run(writer())[1], bureau.run(in_gb18030())
    assert plain.digest == gb[1].digest
    assert by_name(gb[0].claims(person_no(0)))["name"] == f"测试{RARE}"


def test_an_encoding_that_is_not_said_is_refused(bureau: Bureau) -> None:
    """It is never guessed: bytes in GB 18030 taken for UTF-8 are a broken file, not another name."""
    unsaid = replace(in_gb18030(), file_changes={})
    with pytest.raises(FormatError) as refusal:
        bureau.run(unsaid)
    assert refusal.value.reason is Reason.RECORDS_SCHEMA


@pytest.mark.parametrize("bad", [b"\xff\xff", b"\x81", b"\x84\x31\xa4\x3f", b"\x80"])
def test_bytes_that_are_no_character_are_refused(bureau: Bureau, bad: bytes) -> None:
    def spoil(table: str, data: bytes) -> bytes:
        data = data.decode().encode("gb18030")
        return data.replace("测试".encode("gb18030"), bad, 1) if table == "person" else data

    with pytest.raises(ProjectError) as refusal:
        bureau.run(replace(in_gb18030(), spoil=spoil), max_quarantined=9)
    assert refusal.value.reason in (Reason.RECORDS_SCHEMA, Reason.RECORDS_TOO_MANY_QUARANTINED)


@pytest.mark.parametrize("encoding", ["gbk", "GB18030", "utf-16", "", 1])
def test_other_encodings_are_no_manifest(bureau: Bureau, encoding: object) -> None:
    with pytest.raises(FormatError) as refusal:
        bureau.run(writer(file_changes={"person": {"encoding": encoding}}))
    assert refusal.value.reason is Reason.RECORDS_MANIFEST


def test_parquet_has_no_encoding(bureau: Bureau) -> None:
    with pytest.raises(FormatError) as refusal:
        bureau.run(writer(file_changes={"person": {"encoding": "utf-8"}}), "parquet")
    assert refusal.value.reason is Reason.RECORDS_MANIFEST


def _old_font(table: str, data: bytes) -> bytes:
    data = data.decode().encode("gb18030")
    return data.replace(RARE.encode("gb18030"), OLD_FONT) if table == "person" else data


def test_a_private_character_is_mapped_by_the_profile_or_its_person_laid_aside(bureau: Bureau) -> None:
    made = replace(in_gb18030(), spoil=_old_font)
    snapshot, summary = bureau.run(made, max_quarantined=1)
    assert (summary.persons, summary.quarantined) == (1, 1)
    assert person_no(0) not in snapshot
    bureau.profile = replace(bureau.profile, characters={"\ue81e": "\u9fb4"})
    snapshot, summary = bureau.run(made)
    assert (summary.persons, summary.quarantined) == (2, 0)
    assert by_name(snapshot.claims(person_no(0)))["name"] == "测试\u9fb4"
