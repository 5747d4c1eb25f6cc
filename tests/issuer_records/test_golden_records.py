"""The golden answers of DOMAIN section 6 that need no policy, from real CSV and Parquet exports."""

from __future__ import annotations

import pytest

from certificate.slots import ClaimValue
from tests.issuer_records.exports import Bureau, Row, arrears, months, row

Facts = dict[str, ClaimValue]
FORMATS = pytest.mark.parametrize("file_format", ["csv", "parquet"])
FIVE_YEARS = months(202111, 202610)


def strips(facts: Facts, kind: str = "pension.emp") -> list[str]:
    """Strips in hex, newest first."""
    found: list[str] = []
    while isinstance(strip := facts.get(f"strip.{kind}.-{len(found)}"), bytes):
        found.append(strip.hex())
    return found


def counted(
    facts: Facts, first: int, last: int, *, states: str = "1", kind: str = "pension.emp", year: int = 2026
) -> int:
    """How many months of the window stand in the strips with one of `states`."""
    total = 0
    for month in months(first, last):
        strip = facts[f"strip.{kind}.-{year - month // 100}"]
        assert isinstance(strip, bytes)
        total += str(int.from_bytes(strip) >> 2 * (month % 100 - 1) & 3) in states
    return total


def on_time(*, without: tuple[int, ...] = (), first: int = 202111) -> list[Row]:
    return [row(0, month) for month in months(first, 202610) if month not in without]


@FORMATS
def test_sixty_months(bureau: Bureau, file_format: str) -> None:
    facts = bureau.facts(on_time(), file_format)
    assert facts["run.pension.emp"] == facts["months.pension.emp"] == 60
    assert strips(facts) == ["055555", "555555", "555555", "555555", "555555", "500000"]
    assert (facts["first.pension.emp"], facts["last.pension.emp"]) == (202111, 202610)
    assert facts["back.pension.emp"] == 0
    assert facts["paid_total.pension.emp"] == 60 * 64000
    assert facts["status.pension.emp"] == 1
    assert facts["settled.pension.emp"] == 202610


@FORMATS
def test_one_gap(bureau: Bureau, file_format: str) -> None:
    facts = bureau.facts(on_time(without=(202408,)), file_format)
    assert facts["run.pension.emp"] == 26
    assert facts["months.pension.emp"] == counted(facts, 202111, 202610) == 59
    assert strips(facts)[2] == "551555"


@FORMATS
@pytest.mark.parametrize(
    "late", [{"charge_code": "20"}, {"settle_period": 202410}], ids=["by-code", "by-lag"]
)
def test_the_gap_paid_later(bureau: Bureau, file_format: str, late: Row) -> None:
    facts = bureau.facts([*on_time(without=(202408,)), row(0, 202408, **late)], file_format)
    assert facts["run.pension.emp"] == 26
    assert facts["back.pension.emp"] == 1
    assert facts["months.pension.emp"] == counted(facts, 202111, 202610, states="12") == 60
    assert strips(facts)[2] == "559555"


def test_within_the_grace_it_is_on_time(bureau: Bureau) -> None:
    facts = bureau.facts([*on_time(without=(202408,)), row(0, 202408, settle_period=202409)])
    assert (facts["run.pension.emp"], facts["back.pension.emp"]) == (60, 0)


@FORMATS
def test_a_longer_gap(bureau: Bureau, file_format: str) -> None:
    facts = bureau.facts(on_time(without=(202401, 202402, 202403), first=202105), file_format)
    assert facts["run.pension.emp"] == 31
    assert counted(facts, 202111, 202610) == 57
    assert counted(facts, 202105, 202610) == facts["months.pension.emp"] == 63
    assert len(months(202105, 202610)) == 66


@FORMATS
@pytest.mark.parametrize(("settled", "run"), [(202610, 0), (202609, 59)])
def test_due_but_not_arrived(bureau: Bureau, file_format: str, settled: int, run: int) -> None:
    facts = bureau.facts(
        [*on_time(without=(202610,)), arrears(0, 202610)], file_format, settled={"110": settled}
    )
    assert facts["settled.pension.emp"] == settled
    assert facts["run.pension.emp"] == run
    assert counted(facts, 202111, 202609) == 59
    assert strips(facts)[0] == "015555"
    assert facts["status.pension.emp"] == 1, "in arrears, but still enrolled"
    assert facts["paid_total.pension.emp"] == 59 * 64000


def test_arrived_before_its_kind_is_settled(bureau: Bureau) -> None:
    facts = bureau.facts(on_time(), settled={"110": 202609})
    assert facts["run.pension.emp"] == 60


def test_months_not_posted_yet_do_not_end_a_run_but_gaps_do(bureau: Bureau) -> None:
    rows = on_time(without=(202609, 202610))
    assert bureau.facts(rows, settled={"110": 202608})["run.pension.emp"] == 58
    assert bureau.facts(rows, settled={"110": 202609})["run.pension.emp"] == 0


@FORMATS
def test_employers_that_overlap_three_months(bureau: Bureau, file_format: str) -> None:
    old = [row(0, month) for month in months(202111, 202406)]
    new = [row(0, month, employer_no="9900002", base_fen=900000) for month in months(202404, 202610)]
    facts = bureau.facts(new + old, file_format)
    assert facts["months.pension.emp"] == facts["run.pension.emp"] == counted(facts, 202111, 202610) == 60
    assert facts["paid_total.pension.emp"] == 63 * 64000, "all money counts, a month only once"
    assert facts["base.pension.emp"] == 900000
    assert facts["employer"] == ["91990000T000000287", "示例贸易有限公司(测试)", 202404, 31]
    assert facts["spells.0"] == ["示例贸易有限公司(测试)", 202404, 202610, 31]
    assert facts["spells.1"] == ["样例制造有限公司(测试)", 202111, 202406, 32]
    assert "spells.2" not in facts


def test_paid_to_an_older_cut_off(bureau: Bureau) -> None:
    rows = [row(0, month) for month in months(202111, 202607)]
    snapshot, summary = bureau.run_for(rows, cut_off=202607)
    assert summary.cut_off == snapshot.cut_off == 202607
    facts = bureau.facts(rows, cut_off=202607)
    assert facts["run.pension.emp"] == 57


@pytest.mark.parametrize(
    ("year_rows", "strip"),
    [
        ([row(0, m) for m in months(202501, 202512)], "555555"),
        (
            [row(0, m, **({"charge_code": "20"} if m == 202508 else {})) for m in months(202501, 202512)],
            "559555",
        ),
        ([row(0, m) for m in (202511, 202512)], "500000"),
        ([row(0, m) for m in months(202501, 202510)], "055555"),
    ],
)
def test_strips_read_as_in_domain(bureau: Bureau, year_rows: list[Row], strip: str) -> None:
    assert strips(bureau.facts(year_rows))[1] == strip
