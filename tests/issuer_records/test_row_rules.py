"""Every rule of DOMAIN section 3, and each error names file, row, column and rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from issuer.records import import_export, memory
from issuer.records.memory import MemoryPlan
from issuer.records.rules import Findings, contribution_rules, employer_rules, failing_rows, person_rules
from issuer.records.tables import SCHEMAS
from ledger.errors import ConfigError, FormatError
from ledger.reasons import Reason
from tests.attacks.marking import attack
from tests.issuer_records.exports import (
    IDS,
    KEY,
    OFFICES,
    Bureau,
    ExportWriter,
    Row,
    arrears,
    employer_row,
    months,
    person_no,
    person_row,
    reversal,
    row,
    yearly,
)

RULE, DIGIT, DOUBLE = Reason.RECORDS_RULE, Reason.RECORDS_CHECK_DIGIT, Reason.RECORDS_DUPLICATE
NEGATIVE = {"due_person_fen": -1, "due_employer_fen": -1, "paid_person_fen": 0, "paid_employer_fen": 0}

CONTRIBUTION: list[tuple[Row, str, str]] = [
    ({"agency_code": "99010299"}, "agency_code", "not a known office"),
    ({"region_code": "99010"}, "region_code", "not a region code"),
    ({"region_code": "090102"}, "region_code", "not a region code"),
    ({"person_no": "9900000099"}, "person_no", "not in the table person"),
    ({"flexible": True}, "flexible", "true but an employer is named"),
    ({"employer_no": "9900099"}, "employer_no", "not in the table employer"),
    ({"period": 202613, "settle_period": 202613}, "period", "not a month YYYYMM"),
    ({"period": 202600}, "period", "not a month YYYYMM"),
    ({"period": 202611}, "period", "after the cut-off"),
    ({"period": 2**31, "settle_period": 202610}, "period", "after the cut-off"),
    ({"period": 194912}, "period", "before 1950"),
    ({"period": -202610}, "period", "before 1950"),
    ({"settle_period": 202613}, "settle_period", "not a month YYYYMM"),
    ({"settle_period": 999912}, "settle_period", "out of range"),
    ({"settle_period": 202609, "posted_on": 20261012}, "settle_period", "before the period and not prepaid"),
    ({"settle_period": 202609, "posted_on": None}, "settle_period", "before the period and not prepaid"),
    ({"posted_on": 20260230}, "posted_on", "not a day YYYYMMDD"),
    ({"posted_on": 0}, "posted_on", "not a day YYYYMMDD"),
    ({"status": 0}, "status", "not 1, 2 or 3"),
    ({"status": 4, "base_fen": None}, "status", "not 1, 2 or 3"),
    ({"base_fen": None}, "base_fen", "empty or not positive with status 1"),
    ({"base_fen": 0}, "base_fen", "empty or not positive with status 1"),
    ({"base_fen": -5}, "base_fen", "empty or not positive with status 1"),
    ({"status": 2}, "base_fen", "given with a status other than 1"),
    ({"base_fen": 10**9 + 1}, "base_fen", "out of range"),
    ({"rate_person_bp": 10001}, "rate_person_bp", "not in 0 to 10000"),
    ({"rate_employer_bp": -1}, "rate_employer_bp", "not in 0 to 10000"),
    ({"due_person_fen": -1}, "due_person_fen", "negative beside positive amounts"),
    ({"due_employer_fen": -1}, "due_employer_fen", "negative beside positive amounts"),
    ({"paid_person_fen": -1}, "paid_person_fen", "negative beside positive amounts"),
    ({"paid_employer_fen": -1}, "paid_employer_fen", "negative beside positive amounts"),
    ({"due_person_fen": 2 * 10**9}, "due_person_fen", "out of range"),
    ({"paid_person_fen": 64001}, "paid_person_fen", "more than due"),
    ({"paid_employer_fen": 128001}, "paid_employer_fen", "more than due"),
    ({**NEGATIVE, "paid_person_fen": -2}, "paid_person_fen", "more than due"),
    ({"updated_on": 20261131}, "updated_on", "not a day YYYYMMDD"),
    *(
        ({column.name: None}, column.name, "must not be empty")
        for column in SCHEMAS["contribution"]
        if not column.optional
    ),
]

PERSON: list[tuple[Row, str, str, Reason]] = [
    ({"person_no": "99 00"}, "person_no", "not 1 to 20 letters and digits", RULE),
    ({"person_no": "9" * 21}, "person_no", "not 1 to 20 letters and digits", RULE),
    ({"id_type": "02"}, "id_type", "not 01, 07, 08, 17 or 99", RULE),
    ({"id_no": "990000199001010018"}, "id_no", "check digit", DIGIT),
    ({"id_no": "990000199002300016"}, "id_no", "check digit", DIGIT),
    ({"id_no": "99000019880808002x"}, "id_no", "not 4 to 32 of 0-9 and A-Z", RULE),
    ({"id_type": "08", "id_no": "A12"}, "id_no", "not 4 to 32 of 0-9 and A-Z", RULE),
    ({"id_type": "07", "id_no": "990000199001010018"}, "id_no", "check digit", DIGIT),
    ({"name": "测试\ue000"}, "name", "not fit to be shown", RULE),
    ({"name": "测试\u202e甲"}, "name", "not fit to be shown", RULE),
    ({"name": " 测试甲"}, "name", "not fit to be shown", RULE),
    ({"name": "测试" * 33}, "name", "not fit to be shown", RULE),
    ({"sex": 0}, "sex", "not 1 or 2", RULE),
    ({"birth_date": 19900230}, "birth_date", "not a day YYYYMMDD", RULE),
    ({"birth_date": 20261101}, "birth_date", "after the cut-off", RULE),
    ({"region_code": "9901020"}, "region_code", "not a region code", RULE),
    ({"deemed_months": -1}, "deemed_months", "out of range", RULE),
    ({"transferred_months": 1201}, "transferred_months", "out of range", RULE),
    ({"account_balance_fen": -1, "account_as_of": 20261031}, "account_balance_fen", "out of range", RULE),
    ({"account_balance_fen": 1}, "account_as_of", "balance and its date go together", RULE),
    ({"account_balance_fen": 1, "account_as_of": 20261032}, "account_as_of", "not a day YYYYMMDD", RULE),
    ({"updated_on": 1}, "updated_on", "not a day YYYYMMDD", RULE),
    *(
        ({column.name: None}, column.name, "must not be empty", RULE)
        for column in SCHEMAS["person"]
        if not column.optional
    ),
]

EMPLOYER: list[tuple[Row, str, str, Reason]] = [
    ({"employer_uscc": "91990000T0000001X8"}, "employer_uscc", "check digit", DIGIT),
    *(({"employer_uscc": f"91990000{c}0000001X7"}, "employer_uscc", "check digit", DIGIT) for c in "IOSVZ"),
    ({"parent_uscc": "12990000T00000116U"}, "parent_uscc", "check digit", DIGIT),
    ({"employer_name": "示例\u0007"}, "employer_name", "not fit to be shown", RULE),
    ({"employer_no": "9" * 17}, "employer_no", "not 1 to 16 letters and digits", RULE),
    ({"employer_no": "9900001"}, "employer_no", "stands twice", DOUBLE),
    ({"region_code": "x"}, "region_code", "not a region code", RULE),
    *(
        ({column.name: None}, column.name, "must not be empty", RULE)
        for column in SCHEMAS["employer"]
        if not column.optional
    ),
]

FORMATS = pytest.mark.parametrize("file_format", ["csv", "parquet"])


def refusal(bureau: Bureau, writer: ExportWriter, file_format: str, **options: Any) -> FormatError:
    with pytest.raises(FormatError) as caught:
        bureau.run(writer, file_format, **options)
    assert not list(bureau.tmp.glob("*snapshot*")), "nothing half-done"
    assert caught.value.hint
    return caught.value


def spoiled(rows: list[Row], at: int, changes: Row) -> list[Row]:
    return [{**r, **changes} if place == at else r for place, r in enumerate(rows)]


@FORMATS
@pytest.mark.parametrize(("changes", "column", "rule"), CONTRIBUTION)
def test_a_contribution_row(bureau: Bureau, file_format: str, changes: Row, column: str, rule: str) -> None:
    rows = [row(0, month) for month in months(202608, 202610)]
    writer = ExportWriter(contributions=spoiled(rows, 2, changes))
    error = refusal(bureau, writer, file_format)
    assert error.reason is Reason.RECORDS_TOO_MANY_QUARANTINED
    assert f"contribution.{file_format} row 3 column {column}: {rule} (records.rule)" in error.detail


@FORMATS
@pytest.mark.parametrize(("changes", "column", "rule", "reason"), PERSON)
def test_a_person_row(
    bureau: Bureau, file_format: str, changes: Row, column: str, rule: str, reason: Reason
) -> None:
    people = [person_row(0), person_row(1), person_row(2)]
    writer = ExportWriter(people=spoiled(people, 1, changes))
    error = refusal(bureau, writer, file_format)
    assert error.reason is Reason.RECORDS_TOO_MANY_QUARANTINED
    found = error.detail.split(f"person.{file_format} row 2 column {column}: {rule}")
    assert len(found) == 2
    assert f"({reason.value})" in found[1]


@FORMATS
@pytest.mark.parametrize(("changes", "column", "rule", "reason"), EMPLOYER)
def test_an_employer_row_stops_the_import(
    bureau: Bureau, file_format: str, changes: Row, column: str, rule: str, reason: Reason
) -> None:
    employers = [employer_row(0), employer_row(1) | changes, employer_row(2)]
    error = refusal(bureau, ExportWriter(employers=employers), file_format, max_quarantined=99)
    assert error.reason is reason
    row_number = 1 if rule == "stands twice" else 2
    assert f"employer.{file_format} row {row_number} column {column}: {rule}" in error.detail


def test_no_rule_is_left_untested(bureau: Bureau) -> None:
    import polars as pl

    names = pl.Series(["测试\ue000"])
    listed = {(column, rule.split(":")[0]) for _, column, rule in CONTRIBUTION}
    rules = contribution_rules(bureau.profile, cut_off=202610, known_offices=OFFICES)
    yearly_only = {("period", "not a year YYYY00")}
    missing = {(r.column, r.name) for r in rules} - listed - yearly_only
    # The same bound on each amount: one case stands for the four.
    assert missing == {
        (name, "out of range") for name in ("due_employer_fen", "paid_person_fen", "paid_employer_fen")
    }
    for rule_set, cases, twice in (
        (person_rules(bureau.profile, cut_off=202610, names=names), PERSON, {("person_no", "stands twice")}),
        (employer_rules(bureau.profile, names=names), EMPLOYER, set()),
    ):
        listed = {(column, rule.split(":")[0]) for _, column, rule, _ in cases}
        assert {(r.column, r.name.split(":")[0]) for r in rule_set} - listed == twice


@FORMATS
def test_codes_without_a_meaning_stop_the_import(bureau: Bureau, file_format: str) -> None:
    for column, code in (("kind_code", "999"), ("charge_code", "99")):
        rows = spoiled([row(0, month) for month in months(202601, 202610)], 4, {column: code})
        writer = ExportWriter(contributions=rows)
        error = refusal(bureau, writer, file_format, max_quarantined=99)
        assert error.reason is Reason.RECORDS_UNMAPPED_CODE
        assert f"contribution.{file_format} row 5 column {column}" in error.detail
        assert code in error.detail


def test_what_is_no_code_is_not_repeated(bureau: Bureau) -> None:
    error = refusal(bureau, ExportWriter(contributions=[row(0, 202610, kind_code=IDS[0])]), "csv")
    assert error.reason is Reason.RECORDS_UNMAPPED_CODE
    assert IDS[0] not in str(error)


@FORMATS
def test_messages_hold_neither_names_nor_numbers(bureau: Bureau, file_format: str) -> None:
    people = [person_row(0, id_no="990000199001010018", name="测试\ue000")]
    error = refusal(bureau, ExportWriter(people=people), file_format)
    for secret in ("990000199001010018", "测试", person_no(0)):
        assert secret not in str(error) + error.hint


def test_a_year_of_a_yearly_kind(bureau: Bureau) -> None:
    for period, rule in ((202601, "not a year YYYY00"), (202700, "after the cut-off")):
        error = refusal(bureau, ExportWriter(contributions=[yearly(0, 2026, period=period)]), "csv")
        assert f"row 1 column period: {rule}" in error.detail


def test_prepaid_months_and_years_are_right(bureau: Bureau) -> None:
    prepaid = row(0, 202610, settle_period=202609, posted_on=20260912)
    year = yearly(0, 2026, settle_period=202511, posted_on=20251120)
    facts = bureau.facts([prepaid, year])
    assert facts["run.pension.emp"] == 1
    assert facts["run.pension.res"] == 12


def test_doubles(bureau: Bureau) -> None:
    rows = [row(0, 202609), row(0, 202610), row(0, 202610)]
    error = refusal(bureau, ExportWriter(contributions=rows), "csv")
    assert "contribution.csv row 3 column period: stands twice (records.duplicate)" in error.detail
    error = refusal(bureau, ExportWriter(people=[person_row(0), person_row(1), person_row(0)]), "csv")
    assert "person.csv row 1 column person_no: stands twice (records.duplicate)" in error.detail
    assert "person.csv row 3 column person_no: stands twice (records.duplicate)" in error.detail


def test_reversals_that_do_not_fit(bureau: Bureau) -> None:
    paid = row(0, 202610)
    half = reversal(paid, paid_person_fen=-32000, due_person_fen=-32000)
    for rows, rule in (
        ([reversal(paid)], "reversal of a row that is not there"),
        ([paid, reversal(paid), reversal(paid)], "reversal of a row that is not there"),
        ([paid, reversal(paid, employer_no="9900002")], "reversal of a row that is not there"),
        ([paid, half, half], "reversal of more than the row has"),
    ):
        error = refusal(bureau, ExportWriter(contributions=rows), "csv")
        assert f"column period: {rule} (records.rule)" in error.detail


def test_region_99_needs_a_test_profile(bureau: Bureau) -> None:
    from dataclasses import replace

    bureau.profile = replace(bureau.profile, test=False)
    writer = ExportWriter(manifest={"test": False}, employers=[])
    error = refusal(bureau, writer, "csv")
    assert "person.csv row 1 column id_no: check digit" in error.detail
    assert "person.csv row 1 column region_code: not a region code" in error.detail
    writer = ExportWriter(manifest={"test": False})
    assert refusal(bureau, writer, "csv").reason is DIGIT


def test_documents_of_foreign_residents(bureau: Bureau) -> None:
    people = [
        person_row(0, id_type="08", id_no="X1234567", name="Ada Example"),
        person_row(1, id_type="17", id_no="H01234567"),
        person_row(2, id_type="07", id_no="XYZ990000000000"),
        person_row(3, id_type="07", id_no=IDS[0]),
    ]
    snapshot, _ = bureau.run(ExportWriter(people=people))
    assert [snapshot.claims(person_no(at)).claims[1] for at in range(4)] == ["4567", "4567", "0000", "0017"]


def test_quarantine_up_to_the_ceiling(bureau: Bureau, tmp_path: Path) -> None:
    people = [person_row(at) for at in range(6)]
    people[1]["id_no"] = "990000199001010018"
    rows = [row(at, month) for at in range(6) for month in months(202601, 202610)]
    rows[35]["base_fen"] = -1  # person 3
    rows[37]["status"] = 9  # person 3 again
    rows.append(rows[40])  # person 4: a double
    writer = ExportWriter(contributions=rows, people=people)
    report = tmp_path / "report"
    snapshot, summary = bureau.run(writer, max_quarantined=3, report_path=report)
    assert (summary.persons, summary.quarantined, summary.findings) == (3, 3, 5)
    assert list(snapshot.person_nos()) == [person_no(at) for at in (0, 2, 5)]
    with pytest.raises(ConfigError) as caught:
        snapshot.claims(person_no(1))
    assert caught.value.reason is Reason.PERSON_NOT_FOUND
    lines = [json.loads(line) for line in report.read_text("utf-8").splitlines()]
    found = [(line["file"], line["row"], line["column"], line["person_no"]) for line in lines]
    assert found == [
        ("contribution.csv", 36, "base_fen", person_no(3)),
        ("contribution.csv", 38, "base_fen", person_no(3)),
        ("contribution.csv", 38, "status", person_no(3)),
        ("contribution.csv", 61, "period", person_no(4)),
        ("person.csv", 2, "id_no", person_no(1)),
    ]
    assert report.stat().st_mode & 0o777 == 0o600
    others = ExportWriter(
        contributions=[r for r in rows if r["person_no"] in {person_no(at) for at in (0, 2, 5)}],
        people=[people[at] for at in (0, 2, 5)],
    )
    assert bureau.run(others)[1].digest == summary.digest, "the laid aside leave no trace"
    with pytest.raises(FormatError, match="3 persons with mistakes, 5 mistakes") as refused:
        bureau.run(writer, max_quarantined=2, report_path=report)
    assert refused.value.reason is Reason.RECORDS_TOO_MANY_QUARANTINED
    assert len(report.read_text("utf-8").splitlines()) == 5
    assert len(list(tmp_path.glob("snapshot-*"))) == 2


def test_a_profile_maps_the_characters_of_its_font(bureau: Bureau) -> None:
    from dataclasses import replace

    bureau.profile = replace(bureau.profile, characters={"\ue000": "㐀"})
    facts = bureau.facts([], people=[person_row(0, name="测试\ue000")])
    assert facts["name"] == "测试㐀"


@attack("K08")
def test_formula_quotes_and_commas_in_a_name_are_text(bureau: Bureau) -> None:
    names = ["=1+1", '=HYPERLINK("x","y")', "Example, Ada", '"', "@sum"]
    people = [person_row(at, name=name) for at, name in enumerate(names)]
    for file_format in ("csv", "parquet"):
        snapshot, _ = bureau.run(ExportWriter(people=people), file_format)
        assert [snapshot.claims(person_no(at)).claims[0] for at in range(len(names))] == names


def test_arrears_paid_in_part_count_as_money_only(bureau: Bureau) -> None:
    part = arrears(0, 202610, posted_on=20261012, paid_person_fen=1000)
    facts = bureau.facts([row(0, 202609), part])
    assert facts["months.pension.emp"] == 1
    assert facts["paid_total.pension.emp"] == 65000


def test_findings_are_bounded_but_persons_are_not() -> None:
    import polars as pl

    findings = Findings(limit=3)
    frame = pl.DataFrame(
        {"row": range(1, 11), "person_no": [str(n) for n in range(10)], "region_code": ["x"] * 10}
    )
    from issuer.records.rules import Rule

    findings.add(failing_rows(frame, [Rule("region_code", "bad", pl.col("region_code") == "x")], file="f"))
    assert (len(findings.items), findings.count, len(findings.persons)) == (3, 10, 10)


@FORMATS
def test_rows_keep_their_number_across_batches(
    bureau: Bureau, file_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "DEFAULT_PLAN", MemoryPlan(batch_rows=3, part_rows=100))
    rows = [row(0, month) for month in months(202001, 202412)]
    rows[47]["status"] = 9
    error = refusal(bureau, ExportWriter(contributions=rows), file_format)
    assert f"contribution.{file_format} row 48 column status" in error.detail


def test_the_ceiling_also_counts_rows_without_a_person(bureau: Bureau) -> None:
    rows = [row(0, 202610, person_no=None), row(0, 202609, person_no=None)]
    writer = ExportWriter(contributions=rows)
    with pytest.raises(FormatError, match="2 persons"):
        import_export(
            writer.write(bureau.tmp / "in"),
            bureau.tmp / "out",
            key=KEY,
            profile=bureau.profile,
            known_offices=OFFICES,
            max_quarantined=1,
        )
