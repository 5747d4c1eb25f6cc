"""The list as people's spreadsheets write it: what is read, what is put right, what is refused and how that is said."""

from __future__ import annotations

import csv
import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import FormatError
from ledger.reasons import Reason
from verifier.bulk.people import MAX_PEOPLE, parse_people
from verifier.bulk.sheet import encode_sheet

ZH = "姓名,身份证后四位,工号\n测试甲,0017,A1\n测试乙,002X,\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_way_a_spreadsheet_saves_it(encoding: str, separator: str, line_end: str) -> None:
    text = ZH.replace(",", separator).replace("\n", line_end)
    people = parse_people(text.encode(encoding))
    assert [(p.row, p.name, p.id_tail, p.ref) for p in people.people] == [
        (2, "测试甲", "0017", "A1"),
        (3, "测试乙", "002X", ""),
    ]
    assert people.faults == ()


@pytest.mark.parametrize(
    "header", ["name,id_tail", "Name,ID Tail", " ＮＡＭＥ ,后四位", "姓名,身份证号后四位"]
)
def test_columns_in_both_languages(header: str) -> None:
    assert parse_people(f"{header}\n测试甲,0017\n".encode()).people[0].id_tail == "0017"
    swapped = ",".join(reversed(header.split(",")))
    assert parse_people(f"{swapped}\n0017,测试甲\n".encode()).people[0].name == "测试甲"


@pytest.mark.parametrize(
    ("cell", "read", "said"),
    [
        ("００１７", "0017", "full-width characters narrowed"),
        ('"=""0017"""', "0017", "the mark of a text cell removed"),
        ("'0017", "0017", "the mark of a text cell removed"),
        (" 0017 ", "0017", "spaces removed"),
        ("\u30000017\u00a0", "0017", "spaces removed"),
        ("002x", "002X", "x written as X"),
    ],
)
def test_what_has_one_reading_is_put_right_and_said(cell: str, read: str, said: str) -> None:
    people = parse_people(f"name,id_tail\n测试甲,{cell}\n".encode())
    assert (people.people[0].id_tail, people.faults) == (read, ())
    (note,) = people.notes
    assert (note.row, note.column, note.text) == (2, "id_tail", said)


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [
        ("测试甲,17", "id_tail", "zeros at the start may be lost"),
        ("测试甲,", "id_tail", "empty"),
        ("测试甲,17.0", "id_tail", "a fraction"),
        ("测试甲,1.7E+01", "id_tail", "an exponent"),
        ("测试甲,990000199001010017", "id_tail", "a whole ID number"),
        ("测试甲,X017", "id_tail", "not three digits"),
        ("测试甲,٠٠١٧", "id_tail", "not three digits"),
        (",0017", "name", "empty"),
        ("测试\u202e甲,0017", "name", "cannot be shown"),
        (f"{'测' * 65},0017", "name", "too long"),
        ("测试甲,0017,3", "", "3 cells where the header has 2"),
        ("测试甲", "", "1 cells where the header has 2"),
    ],
)
def test_a_bad_row_is_named_and_not_repeated(row: str, column: str, said: str) -> None:
    people = parse_people(f"name,id_tail\n测试丙,1175\n{row}\n".encode())
    (fault,) = people.faults
    assert (fault.row, fault.column) == (3, column)
    assert said in fault.text
    assert "测试" not in fault.text
    assert "0017" not in fault.text
    assert [p.row for p in people.people] == [2]


def test_all_bad_rows_are_told_at_once() -> None:
    rows = "".join(f"测试{n},{n}\n" for n in range(1, 50))
    people = parse_people(f"name,id_tail\n{rows}".encode())
    assert [fault.row for fault in people.faults] == list(range(2, 51))


def test_rows_count_as_a_spreadsheet_counts_them() -> None:
    people = parse_people('name,id_tail,ref\n"测试\n甲",0017,"a\nb"\n\n测试乙,1,\n'.encode())
    assert [p.row for p in people.people] == [2]
    assert people.people[0].name == "测试 甲"
    assert [fault.row for fault in people.faults] == [6]


def test_the_same_person_twice() -> None:
    people = parse_people("name,id_tail\n测试甲,0017\n测试甲,0017\n测试甲,0025\n".encode())
    assert [(fault.row, fault.text) for fault in people.faults] == [(3, "the same person as in row 2")]
    assert len(people.people) == 2


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.SCHEMA_FIELD_MISSING),
        (b"name,id_tail\n", Reason.SCHEMA_FIELD_MISSING),
        (b"name\nx\n", Reason.SCHEMA_FIELD_MISSING),
        (b"name,id_tail,salary\nx,0017,1\n", Reason.CLI_TEMPLATE_UNKNOWN_FIELD),
        ("name,姓名,id_tail\nx,y,0017\n".encode(), Reason.CLI_DUPLICATE_ID),
        (b'name,id_tail\n"x,0017\n', Reason.CLI_BATCH_INVALID),
        (b"\xff\xff\xff", Reason.ENC_UTF8_INVALID),
        (b"x" * (2**20 + 1), Reason.ENC_TOO_LARGE),
        (
            b"name,id_tail\n" + b"".join(b"p%d,0017\n" % n for n in range(MAX_PEOPLE + 1)),
            Reason.ENC_TOO_LARGE,
        ),
    ],
)
def test_a_file_that_is_no_list(data: bytes, reason: Reason) -> None:
    with pytest.raises(FormatError) as caught:
        parse_people(data)
    assert caught.value.reason is reason


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: f"name,id_tail\n{text}".encode()))
def test_whatever_it_is_it_reads_or_is_refused(data: bytes) -> None:
    with suppress(FormatError):
        parse_people(data)


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\u3000=1", "＝1", "|calc", "%x", "\r=1", "\n=1"]
)
def test_no_cell_is_run_as_a_formula(cell: str) -> None:
    data = encode_sheet(("a", "b"), [[cell, "测试"]])
    assert data.startswith(b"\xef\xbb\xbf")
    (_, row) = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert row == [f"'{cell}", "测试"]
