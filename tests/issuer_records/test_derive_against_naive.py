"""The columnar derivation against the naive one, on random persons with everything that records can hold."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from issuer.records import memory
from issuer.records.memory import MemoryPlan
from ledger.workers import available_cores
from tests.issuer_records.exports import (
    Bureau,
    ExportWriter,
    Row,
    arrears,
    by_name,
    months,
    person_no,
    person_row,
    reversal,
    row,
    yearly,
)
from tests.issuer_records.naive import naive_claims

PEOPLE = 120
SETTLED = {"110": 202610, "120": 202609, "150": 202512, "310": 202608, "410": 202610}


def random_city(seed: int) -> tuple[list[Row], list[Row]]:
    rng = random.Random(seed)
    people = [
        person_row(
            at,
            deemed_months=rng.choice([0, 0, 37]),
            transferred_months=rng.choice([0, 12]),
            **({"account_balance_fen": 10**6 + at, "account_as_of": 20261031} if rng.random() < 0.5 else {}),
        )
        for at in range(PEOPLE)
    ]
    rows = [made for at in range(PEOPLE) for made in _person(rng, at)]
    rng.shuffle(rows)
    return rows, people


def _person(rng: random.Random, at: int) -> list[Row]:
    rows: list[Row] = []
    for code in rng.sample(["110", "120", "310", "410"], rng.randint(0, 4)):
        first = rng.choice([199001, 199512, 201503, 202201, 202512, 202609])
        last = rng.choice([202610, 202610, 202610, 202609, 202403])
        for month in months(first, max(first, last)):
            if rng.random() < 0.9:
                rows += _month(rng, at, code, month)
    if rng.random() < 0.4:
        for year in range(rng.choice([1996, 2012, 2024]), 2027):
            if rng.random() < 0.9:
                late = rng.random() < 0.2
                settle = (year + 1) * 100 + 2 if late else year * 100 + rng.randint(1, 12)
                rows.append(yearly(at, year, settle_period=settle, base_fen=rng.randint(1, 10**5)))
    return rows


def _month(rng: random.Random, at: int, code: str, month: int) -> list[Row]:
    employer = rng.choice(["9900001"] * 20 + ["9900002", "9900003"]) if at % 7 else None
    common: Row = {
        "kind_code": code,
        "employer_no": employer,
        "flexible": employer is None,
        "base_fen": rng.randint(1, 10**6),
    }
    if code == "410":
        common |= {"due_person_fen": 0, "paid_person_fen": 0}
    exempt = dict.fromkeys(("due_person_fen", "due_employer_fen", "paid_person_fen", "paid_employer_fen"), 0)
    draw = rng.random()
    if draw < 0.03:
        return [arrears(at, month, **(common | {"kind_code": code}))]
    if draw < 0.06:
        return [row(at, month, **common, charge_code="20")]
    if draw < 0.09:
        return [row(at, month, **common, settle_period=_later(month, rng.randint(1, 4)), charge_code="30")]
    if draw < 0.11:
        return [row(at, month, **(common | exempt))]
    if draw < 0.13:
        return [row(at, month, **(common | exempt | {"status": 2, "base_fen": None}))]
    paid = row(at, month, **common)
    if draw < 0.16:
        return [paid, reversal(paid)]
    if draw < 0.19:
        return [paid, reversal(paid), row(at, month, **common, settle_period=_later(month, 6))]
    if draw < 0.21:
        return [
            paid,
            reversal(paid)
            | {
                "due_employer_fen": -1000,
                "paid_employer_fen": -1000,
                "due_person_fen": 0,
                "paid_person_fen": 0,
            },
        ]
    if draw < 0.24 and employer:
        return [
            paid,
            row(at, month, **(common | {"employer_no": "9900003" if employer != "9900003" else "9900001"})),
        ]
    return [paid]


def _later(month: int, by: int) -> int:
    return months(month, 203012)[by]


@pytest.mark.parametrize("rows_per_part", [4_000_000, 2_000], ids=["in-memory", "on-disk"])
@pytest.mark.parametrize("seed", [1, 2])
def test_columns_agree_with_the_naive_derivation(
    bureau: Bureau, seed: int, rows_per_part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "DEFAULT_PLAN", MemoryPlan(500_000, rows_per_part))
    rows, people = random_city(seed)
    writer = ExportWriter(contributions=rows, people=people, settled=SETTLED)
    snapshot, summary = bureau.run(writer, "parquet")
    assert summary.persons == len(snapshot) == PEOPLE
    assert summary.rows == len(rows) > 8_000
    of_person: dict[str, list[Row]] = {person_no(at): [] for at in range(PEOPLE)}
    for made in rows:
        of_person[made["person_no"]].append(made)
    seen: set[str] = set()
    for person in people:
        number = person["person_no"]
        expected = naive_claims(of_person[number], person, settled=SETTLED, cut_off=202610)
        found = by_name(snapshot.claims(number))
        assert found == expected
        seen |= {name.split(".-")[0] for name in found}
    for name in (
        "employer",
        "spells.5",
        "balance.pension",
        "back.pension.res",
        "run.injury",
        "deemed.pension.civ",
    ):
        assert name in seen, "the city has all that is to be compared"
    assert list(_leftovers(bureau.tmp)) == []


def _leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_neither_order_nor_format_nor_batches_change_the_snapshot(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, people = random_city(3)
    first, one = bureau.run(ExportWriter(contributions=rows, people=people, settled=SETTLED), "parquet")
    random.Random(9).shuffle(rows)
    monkeypatch.setattr(memory, "DEFAULT_PLAN", MemoryPlan(batch_rows=1_201, part_rows=2_800))
    writer = ExportWriter(contributions=rows, people=people[::-1], settled=SETTLED)
    second, two = bureau.run(writer, "csv")
    assert one.digest == two.digest == first.digest == second.digest
    assert list(first.batches(len(first))) == list(second.batches(len(second)))
    rows[0]["base_fen"] = (rows[0]["base_fen"] or 0) + 1
    changed = next(
        r for r in rows if r["charge_code"] == "10" and r["full_paid"] and r["due_employer_fen"] > 0
    )
    changed["charge_code"] = "20"
    _, three = bureau.run(writer, "csv")
    assert three.digest != one.digest


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_several_processes_find_and_derive_what_one_does(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    rows, people = random_city(4)
    rows += [rows[10], rows[4_000] | {"status": 7}]  # one stands twice, one breaks a rule
    monkeypatch.setattr(memory, "DEFAULT_PLAN", MemoryPlan(batch_rows=2_400, part_rows=3_600))
    writer = ExportWriter(contributions=rows, people=people, settled=SETTLED)
    report = bureau.tmp / "report"
    first, one = bureau.run(writer, form, max_quarantined=5, report_path=report)
    told = report.read_bytes()
    monkeypatch.setattr(memory, "_WORTH_PROCESSES", 0)
    second, two = bureau.run(writer, form, max_quarantined=5, report_path=report)
    assert one == two
    assert one.quarantined == 2
    assert report.read_bytes() == told
    assert list(first.batches(len(first))) == list(second.batches(len(second)))


def test_processes_are_started_when_there_is_work_and_memory_for_them() -> None:
    assert memory.processes_for(None, rows=10**8) == available_cores()
    assert memory.processes_for(400 * 2**20, rows=10**8) == memory.processes_for(None, rows=1000) == 1
