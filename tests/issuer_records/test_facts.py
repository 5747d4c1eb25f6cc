"""What the golden answers leave out: reversals, yearly kinds, employers, bases, status, what a person does not have."""

from __future__ import annotations

import pytest

from tests.issuer_records.exports import (
    Bureau,
    ExportWriter,
    Row,
    arrears,
    by_name,
    employer_row,
    months,
    person_no,
    person_row,
    reversal,
    row,
    yearly,
)

YEAR = months(202511, 202610)
NOTHING = dict.fromkeys(("due_person_fen", "due_employer_fen", "paid_person_fen", "paid_employer_fen"), 0)


def with_month(changed: list[Row], month: int = 202604) -> list[Row]:
    return [row(0, m) for m in YEAR if m != month] + changed


def test_a_reversed_month_does_not_count(bureau: Bureau) -> None:
    wrong = row(0, 202604)
    facts = bureau.facts(with_month([reversal(wrong, settle_period=202609), wrong]))
    assert (facts["months.pension.emp"], facts["run.pension.emp"]) == (11, 6)
    assert facts["paid_total.pension.emp"] == 11 * 64000
    assert facts["strip.pension.emp.-0"] == bytes.fromhex("055515")


def test_a_reversed_month_entered_again_is_what_it_is_now(bureau: Bureau) -> None:
    wrong = row(0, 202604)
    again = row(0, 202604, settle_period=202609, base_fen=700000)
    facts = bureau.facts(with_month([again, wrong, reversal(wrong, settle_period=202609)]))
    assert facts["back.pension.emp"] == 1
    assert (facts["months.pension.emp"], facts["run.pension.emp"]) == (12, 6)
    assert facts["paid_total.pension.emp"] == 12 * 64000
    assert facts["base_avg12.pension.emp"] == (11 * 800000 + 700000) // 12


def test_a_reversal_in_part_takes_money_but_not_the_month(bureau: Bureau) -> None:
    paid = row(0, 202604)
    part = reversal(
        paid, due_person_fen=-4000, due_employer_fen=0, paid_person_fen=-4000, paid_employer_fen=0
    )
    facts = bureau.facts(with_month([paid, part]))
    assert (facts["months.pension.emp"], facts["paid_total.pension.emp"]) == (12, 12 * 64000 - 4000)


def test_money_given_back_while_a_due_stays_is_arrears(bureau: Bureau) -> None:
    nothing_else = {"due_employer_fen": 0, "paid_employer_fen": 0}
    paid = row(0, 202604, paid_person_fen=32000, **nothing_else)
    refund = reversal(paid, due_person_fen=-32000)
    assert bureau.facts(with_month([paid]))["months.pension.emp"] == 12
    facts = bureau.facts(with_month([paid, refund]))
    assert (facts["months.pension.emp"], facts["paid_total.pension.emp"]) == (11, 11 * 64000)


def test_reversals_in_part_that_together_take_all(bureau: Bureau) -> None:
    paid = row(0, 202604, kind_code="310")
    person = reversal(paid, due_employer_fen=0, paid_employer_fen=0)
    employer = reversal(paid, due_person_fen=0, paid_person_fen=0)
    facts = bureau.facts([row(0, 202610), person, employer, paid])
    assert "months.medical.emp" not in facts


def test_paid_but_not_arrived_is_no_money_yet(bureau: Bureau) -> None:
    facts = bureau.facts(with_month([row(0, 202604, posted_on=None)]))
    assert (facts["months.pension.emp"], facts["paid_total.pension.emp"]) == (11, 11 * 64000)


def test_a_kind_that_was_reversed_altogether_is_not_there(bureau: Bureau) -> None:
    wrong = row(0, 202604, kind_code="310")
    facts = bureau.facts([row(0, 202610), wrong, reversal(wrong)])
    stated = {f"strip.medical.emp.-{back}": bytes(3) for back in range(3)}
    assert {name: value for name, value in facts.items() if "medical" in name} == {
        "settled.medical.emp": 202610,
        **stated,
    }


@pytest.mark.parametrize("settled", [202600, 202512, 202610])
def test_years_count_twelve_months(bureau: Bureau, settled: int) -> None:
    rows = [yearly(0, year) for year in range(2019, 2027)]
    facts = bureau.facts(rows, settled={"150": settled})
    assert facts["months.pension.res"] == facts["run.pension.res"] == 96
    assert (facts["first.pension.res"], facts["last.pension.res"]) == (201900, 202600)
    assert [facts[f"strip.pension.res.-{back}"] for back in range(8)] == [b"\0\0\1"] * 8
    assert "strip.pension.res.-8" not in facts
    assert facts["settled.pension.res"] == settled
    assert facts["base_avg12.pension.res"] == 30000
    assert "employer" not in facts
    assert "spells.0" not in facts


def test_a_year_is_on_time_until_the_grace_after_its_december(bureau: Bureau) -> None:
    rows = [yearly(0, 2024, settle_period=202501), yearly(0, 2025, settle_period=202602)]
    facts = bureau.facts(rows)
    assert facts["strip.pension.res.-2"] == b"\0\0\1"
    assert facts["strip.pension.res.-1"] == b"\0\0\2"
    assert (facts["back.pension.res"], facts["months.pension.res"], facts["run.pension.res"]) == (12, 24, 0)


def test_the_running_year_is_no_gap_before_it_ends(bureau: Bureau) -> None:
    rows = [yearly(0, year) for year in (2023, 2024, 2025)]
    assert bureau.facts(rows, settled={"150": 202609})["run.pension.res"] == 36
    assert bureau.facts(rows, settled={"150": 202600})["run.pension.res"] == 0


def test_two_codes_of_one_kind_are_one(bureau: Bureau) -> None:
    rows = [yearly(0, 2024), yearly(0, 2025, kind_code="170"), yearly(0, 2026)]
    facts = bureau.facts(rows, settled={"150": 202512, "170": 202412})
    assert (facts["run.pension.res"], facts["settled.pension.res"]) == (36, 202412)


def test_two_employers_in_one_month(bureau: Bureau) -> None:
    second = {"employer_no": "9900002", "base_fen": 500000}
    rows = [row(0, m) for m in YEAR] + [row(0, m, **second) for m in YEAR]
    late = [row(0, m, **second, charge_code="20") for m in months(202501, 202510)]
    facts = bureau.facts(rows + late)
    assert (facts["months.pension.emp"], facts["back.pension.emp"], facts["run.pension.emp"]) == (22, 10, 12)
    assert facts["base.pension.emp"] == 800000, "the larger base, once"
    assert facts["employer"] == ["91990000T0000001X7", "样例制造有限公司(测试)", 202511, 12]
    assert facts["paid_total.pension.emp"] == 34 * 64000


def test_late_at_one_employer_and_on_time_at_the_other_is_on_time(bureau: Bureau) -> None:
    late = row(0, 202604, employer_no="9900002", charge_code="20")
    facts = bureau.facts([*(row(0, m) for m in YEAR), late])
    assert (facts["run.pension.emp"], facts["back.pension.emp"]) == (12, 0)


def test_exempt_months_are_state_three(bureau: Bureau) -> None:
    facts = bureau.facts(with_month([row(0, 202604, **NOTHING)]))
    assert facts["strip.pension.emp.-0"] == bytes.fromhex("0555d5")
    assert (facts["months.pension.emp"], facts["run.pension.emp"]) == (11, 6)
    paused = row(0, 202604, **NOTHING, status=2, base_fen=None)
    assert bureau.facts(with_month([paused]))["strip.pension.emp.-0"] == bytes.fromhex("055515")


def test_deferred_charges_are_judged_by_when_they_settle(bureau: Bureau) -> None:
    soon = row(0, 202604, charge_code="30", settle_period=202605)
    assert bureau.facts(with_month([soon]))["run.pension.emp"] == 12
    late = row(0, 202604, charge_code="30", settle_period=202608)
    assert bureau.facts(with_month([late]))["back.pension.emp"] == 1


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([row(0, m) for m in YEAR], 1),
        ([row(0, m) for m in YEAR[:-1]] + [arrears(0, 202610)], 1),
        ([row(0, m) for m in YEAR[:-1]], 2),
        ([row(0, m) for m in YEAR[:-1]] + [row(0, 202610, **NOTHING, status=3, base_fen=None)], 3),
        ([row(0, 202510), row(0, 202511, **NOTHING, status=2, base_fen=None)], 2),
    ],
)
def test_status(bureau: Bureau, rows: list[Row], status: int) -> None:
    assert bureau.facts(rows)["status.pension.emp"] == status


def test_who_stopped_has_spells_but_no_current_employer(bureau: Bureau) -> None:
    facts = bureau.facts([row(0, m) for m in months(202301, 202412)])
    assert "employer" not in facts
    assert facts["spells.0"] == ["样例制造有限公司(测试)", 202301, 202412, 24]


def test_an_employer_in_arrears_is_still_the_employer(bureau: Bureau) -> None:
    facts = bureau.facts([*(row(0, m) for m in YEAR[:-2]), arrears(0, 202609), arrears(0, 202610)])
    assert facts["employer"] == ["91990000T0000001X7", "样例制造有限公司(测试)", 202511, 10]


def test_who_pays_for_himself_now_has_no_current_employer(bureau: Bureau) -> None:
    own = [row(0, m, flexible=True, employer_no=None) for m in months(202605, 202610)]
    facts = bureau.facts([row(0, m) for m in months(202511, 202604)] + own)
    assert "employer" not in facts
    assert facts["run.pension.emp"] == 12
    assert facts["spells.0"] == ["样例制造有限公司(测试)", 202511, 202604, 6]


def test_the_employer_is_that_of_the_pension(bureau: Bureau) -> None:
    injury = [
        row(0, m, kind_code="410", employer_no="9900002", due_person_fen=0, paid_person_fen=0) for m in YEAR
    ]
    facts = bureau.facts([*(row(0, m) for m in YEAR), *injury])
    assert facts["employer"] == ["91990000T0000001X7", "样例制造有限公司(测试)", 202511, 12]
    assert "paid_total.injury" not in facts, "nobody pays for himself there"
    facts = bureau.facts(injury)
    assert facts["employer"] == ["91990000T000000287", "示例贸易有限公司(测试)", 202511, 12]


def test_an_employer_without_code(bureau: Bureau) -> None:
    facts = bureau.facts([row(0, 202610)], employers=[employer_row(0, employer_uscc=None)])
    assert facts["employer"] == [None, "样例制造有限公司(测试)", 202610, 1]


def test_spells_bridge_short_gaps_and_only_those(bureau: Bureau) -> None:
    facts = bureau.facts([row(0, m) for m in (202501, 202505, 202510)])
    assert facts["spells.0"] == ["样例制造有限公司(测试)", 202510, 202510, 1]
    assert facts["spells.1"] == ["样例制造有限公司(测试)", 202501, 202505, 2]


def test_at_most_thirty_two_spells_the_newest(bureau: Bureau) -> None:
    employers = [employer_row(at) for at in range(40)]
    rows = [row(0, 202001 + at % 12 + at // 12 * 100, employer_no=f"{9900001 + at}") for at in range(40)]
    facts = bureau.facts(rows, employers=employers)
    assert facts["spells.0"] == ["示例第39有限公司(测试)", 202304, 202304, 1]
    assert facts["spells.31"] == ["示例第8有限公司(测试)", 202009, 202009, 1]


def test_thirty_one_years_of_strips(bureau: Bureau) -> None:
    facts = bureau.facts([row(0, m) for m in months(199001, 202610)])
    assert facts["months.pension.emp"] == facts["run.pension.emp"] == 442
    assert facts["first.pension.emp"] == 199001
    assert facts["strip.pension.emp.-30"] == bytes.fromhex("555555")
    assert len([name for name in facts if name.startswith("strip.pension.emp")]) == 31


def test_gap_years_have_a_strip_of_their_own(bureau: Bureau) -> None:
    facts = bureau.facts([row(0, 202201), row(0, 202610)])
    assert [facts[f"strip.pension.emp.-{back}"] for back in range(5)] == [
        bytes.fromhex(strip) for strip in ("040000", "000000", "000000", "000000", "000001")
    ]


def test_months_before_are_with_the_first_pension_only(bureau: Bureau) -> None:
    person = person_row(0, deemed_months=120, transferred_months=30)
    civil = row(0, 202610, kind_code="120")
    facts = bureau.facts([civil, row(0, 202609)], people=[person])
    assert (facts["deemed.pension.emp"], facts["moved.pension.emp"]) == (120, 30)
    assert "deemed.pension.civ" not in facts
    assert bureau.facts([civil], people=[person])["deemed.pension.civ"] == 120
    medical = row(0, 202610, kind_code="310")
    assert not [n for n in bureau.facts([medical], people=[person]) if n.startswith(("deemed", "moved"))]


def test_a_person_without_rows(bureau: Bureau) -> None:
    person = person_row(0, account_balance_fen=12345, account_as_of=20261031)
    facts = bureau.facts([], people=[person])
    assert facts == {
        "name": "测试甲",
        "id_tail": "0017",
        "id_no": "990000199001010017",
        "id_type": "01",
        "birth_date": 19900101,
        "balance.pension": [12345, 20261031],
        **{f"settled.{kind}": 202610 for kind in ("pension.emp", "medical.emp")},
        **{f"strip.{kind}.-{back}": bytes(3) for kind in ("pension.emp", "medical.emp") for back in range(3)},
    }


def test_region_and_agency(bureau: Bureau) -> None:
    rows = [row(0, 202609, agency_code="99010201", region_code="990103"), row(0, 202610), row(1, 202610)]
    rows[2]["agency_code"] = "99010201"
    people = [person_row(0), person_row(1, region_code="990104"), person_row(2)]
    snapshot, _ = bureau.run(ExportWriter(contributions=rows, people=people))
    found = [(p.region, p.agency_code) for p in (snapshot.claims(person_no(at)) for at in range(3))]
    assert found == [(990102, "99010200"), (990104, "99010201"), (990102, "99010200")]


def test_base_average_over_the_newest_twelve_that_count(bureau: Bureau) -> None:
    rows = [row(0, m, base_fen=100 + at) for at, m in enumerate(months(202501, 202606))]
    facts = bureau.facts([*rows, arrears(0, 202607, base_fen=10**6)])
    assert facts["base.pension.emp"] == 117
    assert facts["base_avg12.pension.emp"] == sum(range(106, 118)) // 12


def test_every_value_has_the_shape_of_its_slot(bureau: Bureau) -> None:
    rows = [
        row(0, m, kind_code=code) for code in ("110", "120", "180", "210", "310", "410", "510") for m in YEAR
    ]
    rows += [yearly(0, 2025), yearly(0, 2025, kind_code="390")]
    snapshot, _ = bureau.run(ExportWriter(contributions=rows))
    assert len(by_name(snapshot.claims(person_no(0)))) > 100
