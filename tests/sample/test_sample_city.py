"""What is in the synthetic city: right numbers, sums that add up, and everything that real exports have."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from issuer.sample import OFFICES, write_sample
from issuer.sample.city import City
from issuer.sample.dirt import soil
from issuer.sample.people import make_people

PEOPLE = 3000
CUT_OFF = 202610
C = pl.col


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sample") / "city"
    write_sample(out, people=PEOPLE, seed=11)
    return out


@pytest.fixture(scope="module")
def rows(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "contribution.parquet")


@pytest.fixture(scope="module")
def people(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "person.parquet")


def test_citizen_numbers(people: pl.DataFrame) -> None:
    """Recomputed here from DOMAIN section 7."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    checked = 0
    for number, birth, sex in people.select("id_no", "birth_date", "sex").iter_rows():
        datetime.strptime(str(birth), "%Y%m%d").astimezone()
        if len(number) != 18:
            continue
        total = sum(int(digit) * weight for digit, weight in zip(number[:17], weights, strict=True))
        assert number[17] == "10X98765432"[total % 11]
        assert number.startswith("990000")
        assert int(number[6:14]) == birth
        assert (int(number[16]) % 2 == 1) == (sex == 1)
        checked += 1
    assert 0.95 * PEOPLE < checked < PEOPLE
    assert people["id_no"].n_unique() == PEOPLE


def test_no_two_people_of_a_large_city_share_a_birthday_and_a_number() -> None:
    city = City(seed=1, people=950_000, cut_off=CUT_OFF, years=10)
    made = make_people(city, 0, city.people)
    assert made.order.max() < 1000
    assert pl.Series(made.birth * 1000 + made.order).n_unique() == city.people


def test_organisation_codes(folder: Path) -> None:
    """Recomputed here from DOMAIN section 7."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    factors = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
    employers = pl.read_parquet(folder / "employer.parquet")
    codes = employers["employer_uscc"].drop_nulls().to_list()
    assert codes[:3] == ["91990000T0000001X7", "91990000T000000287", "91990000T000000362"]
    assert len({code[8:17] for code in codes}) == len(codes) > 200
    assert employers["employer_uscc"].null_count() > 0
    parents = set(employers["parent_uscc"].drop_nulls())
    assert parents <= set(codes)
    assert parents
    for code in codes:
        total = sum(alphabet.index(a) * f for a, f in zip(code[:17], factors, strict=True))
        assert code[17] == alphabet[(31 - total % 31) % 31]
        inner = [int(letter, 36) for letter in code[8:16]]
        total = sum(value * weight for value, weight in zip(inner, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
        assert code[16] == {10: "X", 11: "0"}.get(11 - total % 11, str(11 - total % 11))
    assert employers["employer_name"].str.contains("(测试)", literal=True).all()


def test_nothing_is_real(folder: Path, rows: pl.DataFrame, people: pl.DataFrame) -> None:
    employers = pl.read_parquet(folder / "employer.parquet")
    for table in (rows, people, employers):
        assert table["region_code"].str.starts_with("99").all()
    assert people["name"].str.contains("^(测试|试样|示例|Test |Ťest )").all()
    offices = {office[0]: office[3] for office in OFFICES}
    assert len(offices) == len(OFFICES)
    assert all(parent is None or parent in offices for parent in offices.values())
    assert set(rows["agency_code"]) <= offices.keys()


def test_documents_and_names_of_all_sorts(people: pl.DataFrame) -> None:
    kinds = people.group_by("id_type").len().sort("id_type")
    assert kinds["id_type"].to_list() == ["01", "07", "08", "17", "99"]
    assert kinds["len"].min() > 5  # type: ignore[operator]  # a number, as the column is one
    residence = people.filter(C("id_type") == "07")["id_no"].str.len_chars().unique().sort().to_list()
    assert residence == [15, 18]
    latin = people.filter(C("name").str.contains("[A-Za-z]"))["id_type"].unique().sort().to_list()
    assert latin == ["07", "08"]
    rare = people["name"].str.contains("[\u3400-\u4dbf\U00020000-\U0002ffff]").sum()
    assert rare > 50
    assert not people["name"].str.contains("[\ue000-\uf8ff]").any()


def test_amounts_add_up(rows: pl.DataFrame) -> None:
    """Due is base times rate; bases lie between a floor and a ceiling that rise every July."""
    monthly = rows.filter(C("period") % 100 != 0)
    paying = monthly.filter(C("status") == 1, C("base_fen") > 0)
    for who in ("person", "employer"):
        wrong = C(f"due_{who}_fen") != C("base_fen") * C(f"rate_{who}_bp").cast(pl.Int64) // 10_000
        assert paying.filter(wrong).height == 0
        assert rows.filter(C(f"paid_{who}_fen").abs() > C(f"due_{who}_fen").abs()).height == 0
    year = C("period") // 100 - pl.when(C("period") % 100 < 7).then(1).otherwise(0)
    floor = 150_000 + 15_000 * (year - 1996).clip(0)
    assert paying.filter(~C("base_fen").is_between(floor, 5 * floor) | (C("base_fen") % 100 != 0)).height == 0
    assert paying.filter(C("base_fen") == floor).height > 0
    assert paying.filter(C("base_fen") > 3 * floor).height > 0
    assert monthly.filter((C("status") != 1) & C("base_fen").is_not_null()).height == 0


def test_nothing_happened_after_the_cut_off(rows: pl.DataFrame) -> None:
    for column, most in (("period", CUT_OFF), ("settle_period", CUT_OFF), ("posted_on", CUT_OFF * 100 + 31)):
        assert rows[column].max() == most or column == "posted_on"
        assert rows.filter(C(column) > most).height == 0
    lagging = rows.filter(C("period") == CUT_OFF).group_by("kind_code").len()
    counts = dict(lagging.iter_rows())
    assert 0 < counts["310"] < 0.1 * counts["110"]
    assert counts["510"] > 0.8 * counts["110"] / 1.15


def share(rows: pl.DataFrame, *conditions: pl.Expr) -> float:
    """Share of the people of whom at least one row fulfils all conditions."""
    return rows.filter(*conditions)["person_no"].n_unique() / PEOPLE


def test_everything_that_real_exports_have_occurs(rows: pl.DataFrame) -> None:
    monthly = C("period") % 100 != 0
    lag = (
        C("settle_period") // 100 * 12
        + C("settle_period") % 100
        - C("period") // 100 * 12
        - C("period") % 100
    )
    shares = {
        "five branches": share(rows, C("kind_code") == "510"),
        "civil servants": share(rows, C("kind_code") == "120"),
        "annuity": share(rows, C("kind_code") == "180"),
        "resident pension": share(rows, C("kind_code") == "150"),
        "rural pension": share(rows, C("kind_code") == "170"),
        "paid in advance": share(rows, C("settle_period") < C("period"), C("kind_code") == "390"),
        "flexible": share(rows, C("flexible"), monthly),
        "back-paid by charge": share(rows, C("charge_code") == "20", monthly),
        "back-paid by the year": share(rows, C("charge_code") == "20", ~monthly),
        "back-paid by lag": share(
            rows, C("charge_code") == "10", monthly, C("full_paid"), lag > 1, C("base_fen") > 0
        ),
        "deferred": share(rows, C("charge_code") == "30"),
        "late within the grace": share(rows, C("kind_code") == "110", lag == 1),
        "in arrears": share(rows, ~C("full_paid"), C("posted_on").is_null(), C("period") < 202600),
        "due and not arrived": share(rows, ~C("full_paid"), C("posted_on").is_null(), C("period") == CUT_OFF),
        "paid in part": share(
            rows,
            ~C("full_paid"),
            C("posted_on").is_not_null(),
            C("paid_person_fen") > 0,
            C("paid_employer_fen") < C("due_employer_fen"),
        ),
        "taken back": share(rows, C("due_employer_fen") < 0),
        "booked early": share(rows, C("kind_code") == "310", C("period") == CUT_OFF),
        "booked a month later": share(rows, C("kind_code") == "310", lag == 1),
        "paused": share(rows, C("status") == 2),
        "ended": share(rows, C("status") == 3),
        "exempt": share(rows, C("status") == 1, C("due_employer_fen") == 0, C("kind_code") == "410"),
    }
    assert {name: found for name, found in shares.items() if found < 0.005} == {}
    assert shares["booked early"] < 0.1
    assert shares["due and not arrived"] < 0.1
    regions = rows.group_by("person_no").agg(C("region_code").n_unique().alias("regions"))["regions"]
    assert (regions == 2).sum() > 50


def test_what_is_taken_back_was_there_and_half_of_it_is_corrected(rows: pl.DataFrame) -> None:
    key = ["person_no", "kind_code", "period", "employer_no"]
    amounts = ["base_fen", "due_person_fen", "due_employer_fen", "paid_person_fen", "paid_employer_fen"]
    negative = rows.filter(C("base_fen") < 0).with_columns(-C(name) for name in amounts)
    positive = rows.filter(C("base_fen") > 0)
    assert negative.height > 200
    found = negative.join(positive, on=key + amounts, how="semi", nulls_equal=True)
    assert found.height == negative.height
    rest = positive.join(negative, on=key, how="semi", nulls_equal=True).group_by(key).len()
    assert rest["len"].max() == 2
    corrected = (rest["len"] == 2).sum() / negative.height
    assert 0.4 < corrected < 0.6


def test_careers_differ(rows: pl.DataFrame, people: pl.DataFrame) -> None:
    pension = rows.filter(C("kind_code") == "110", C("due_person_fen") > 0)
    of_person = pension.group_by("person_no").agg(
        C("period").n_unique().alias("months"),
        C("period").max().alias("last"),
        C("employer_no").n_unique().alias("payers"),
    )
    months, holders = of_person["months"], of_person.height
    assert (months == 1).sum() > 20  # joined last month
    assert (months >= 300).sum() > 10  # thirty years
    assert holders / 2 < (months >= 24).sum() < 0.9 * holders
    assert (of_person["payers"] >= 3).sum() > 50
    young = people.filter(C("birth_date") > 19750000).select("person_no")
    left = of_person.join(young, on="person_no").filter(C("last") < 202601).height
    assert left > 30  # some left long before they retire
    jobs = pension.group_by("person_no", "period").agg(C("employer_no").n_unique().alias("jobs"))
    two = jobs.filter(C("jobs") == 2)
    assert two.height > 200  # two employers in one month
    assert two["person_no"].n_unique() > 30
    assert 120 < rows.height / PEOPLE < 180


def test_accounts_fit_what_was_paid(rows: pl.DataFrame, people: pl.DataFrame) -> None:
    paid = (
        rows.filter(C("kind_code") == "110")
        .group_by("person_no")
        .agg(C("paid_person_fen").sum().alias("paid"))
    )
    both = people.join(paid, on="person_no", how="left").with_columns(C("paid").fill_null(0))
    with_account = both.filter(C("account_balance_fen").is_not_null())
    assert with_account.height > PEOPLE / 2
    assert with_account.filter(C("account_balance_fen") != C("paid") + C("paid") // 7).height == 0
    assert both.filter(C("account_balance_fen").is_null(), C("paid") > 0).height == 0
    assert people.filter(C("account_balance_fen").is_null() != C("account_as_of").is_null()).height == 0
    for column in ("deemed_months", "transferred_months"):
        assert 0.02 < people.filter(C(column) > 0).height / PEOPLE < 0.3


def test_the_next_month_tells_the_same_story_one_month_further(folder: Path, tmp_path: Path) -> None:
    write_sample(tmp_path / "next", people=PEOPLE, seed=11, cut_off=202611)
    before, after = (pl.read_parquet(path / "contribution.parquet") for path in (folder, tmp_path / "next"))
    done = before.filter(C("full_paid"))
    assert done.join(after, on=before.columns, how="anti", nulls_equal=True).height == 0
    new = after.join(before, on=before.columns, how="anti", nulls_equal=True)
    assert new.filter(C("period") == 202611, C("kind_code") == "110").height > PEOPLE / 3
    assert new.filter(C("period") == 202610, C("kind_code") == "310").height > PEOPLE / 3
    late = new.filter(C("period") < 202610)
    assert late.height > 50
    assert set(late["settle_period"]) == {202611}
    people = (pl.read_parquet(path / "person.parquet") for path in (folder, tmp_path / "next"))
    columns = ("person_no", "id_type", "id_no", "name", "sex", "birth_date", "region_code", "deemed_months")
    first, second = (table.select(columns) for table in people)
    assert first.equals(second)


def test_a_row_that_was_taken_back_is_never_the_dirty_one(rows: pl.DataFrame, people: pl.DataFrame) -> None:
    key = ("person_no", "kind_code", "period", "employer_no")
    only = rows.join(rows.filter(C("base_fen") < 0), on=key, how="semi")
    chosen = only.filter(C("paid_person_fen") > 0, C("paid_employer_fen") > 0)["person_no"].unique().sort()
    assert chosen.len() > 50
    _, same, wrong = soil(people, only, chosen.to_list(), soiled={})
    assert wrong.keys() == set(chosen)
    assert {name.partition(".")[0] for name in wrong.values()} == {"person"}
    assert same.equals(only)
