"""The people: numbers with right check digits in region 99, invented names, and who they are to the bureau."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import gcd
from typing import Final

import numpy as np
import polars as pl

from issuer.sample.city import Bools, City, Ints, below, share
from issuer.sample.offices import REGIONS

__all__ = [
    "CIVIL",
    "EMPLOYED",
    "FLEXIBLE",
    "MOST_PEOPLE",
    "NOBODY",
    "RESIDENT",
    "People",
    "make_people",
    "person_table",
]

EMPLOYED, FLEXIBLE, RESIDENT, CIVIL, NOBODY = range(5)
MOST_PEOPLE: Final = 10_000_000

# Of a hundred people below sixty, and of a hundred older ones, so many are each; pensioners were employed once.
_GROUPS: Final = np.repeat(range(5), (72, 9, 13, 5, 1))
_GROUPS_OLD: Final = np.repeat(range(5), (34, 4, 58, 3, 1))
_REGION_OF_HUNDRED: Final = np.repeat(range(len(REGIONS)), (60, 30, 10))
_TYPE_OF_THOUSAND: Final = np.repeat(range(5), (967, 8, 10, 10, 5))
_TYPES: Final = ("01", "07", "08", "17", "99")
_OLDEST, _YOUNGEST, _RETIRED = 85, 18, 60
# Numbers that exist of the thousand that one birthday has, younger and older people.
_NUMBERS_A_DAY, _NUMBERS_A_DAY_OLD = 700, 350
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK: Final = pl.Series(list("10X98765432"))
_FAMILY: Final = pl.Series(["测试", "试样", "示例", "测试·"])
_GIVEN: Final = pl.Series(
    [
        *"甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥一二三四五六七八九十东南西北春夏秋冬梅兰竹菊",
        *"䶮㛃㭎㸌𬭩𫍯",  # rare characters that real exports hold
    ]
)
_LATIN: Final = pl.Series(
    ["Test Alpha", "Test Beta", "Test Gamma", "Test Delta", "Test O’Epsilon", "Test Zêta", "Ťest Éta"]
)


@dataclass(frozen=True, slots=True)
class People:
    """Columns of one stretch of people; `first` is the place of the first one in the city."""

    first: int
    place: Ints
    birth: Ints  # YYYYMMDD
    order: Ints  # the last three digits of a citizen number before its check character, odd for men
    group: Ints
    region: Ints  # index into REGIONS
    former_region: Ints
    moved_in: Ints  # month count from which `region` holds

    def __len__(self) -> int:
        return len(self.place)

    @property
    def men(self) -> Bools:
        men: Bools = self.order % 2 == 1
        return men

    @property
    def birth_month(self) -> Ints:
        """Month count of the birth."""
        return self.birth // 10000 * 12 + self.birth // 100 % 100 - 1


def make_people(city: City, first: int, count: int) -> People:
    """People number `first` to `first + count - 1` of `city`."""
    place = np.arange(first, first + count)
    birth, order = _births(city, place)
    old = city.reference // 12 - birth // 10000 > _RETIRED
    chance = below(city.draw("group", place), 100)
    region, former = (
        _REGION_OF_HUNDRED[below(city.draw(purpose, place), 100)] for purpose in ("region", "former")
    )
    moves = share(city.draw("moves", place), 120)
    return People(
        first=first,
        place=place,
        birth=birth,
        order=order,
        group=np.where(old, _GROUPS_OLD[chance], _GROUPS[chance]),
        region=region,
        former_region=np.where(moves, former, region),
        moved_in=city.reference - below(city.draw("moved", place), 100),
    )


def _births(city: City, place: Ints) -> tuple[Ints, Ints]:
    """Birthday and order number of each place: no two people of a city share both."""
    days, ends = _calendar(city.reference // 12)
    size = int(ends[-1])
    step = int(size * 0.6180339887)  # goes round evenly, so that a small city has all ages as well
    while gcd(step, size) > 1:
        step += 1
    start = int(below(city.draw("births", np.zeros(1, np.int64)), size)[0])
    at = (place * step + start) % size
    day = np.searchsorted(ends, at, side="right")
    return days[day], at - np.where(day > 0, ends[day - 1], 0)


@cache
def _calendar(year: int) -> tuple[Ints, Ints]:
    """All birthdays YYYYMMDD of people aged 18 to 85 in `year`; up to each, how many numbers there are."""
    bounds = (f"{year - age:04d}-01-01" for age in (_OLDEST, _YOUNGEST))
    days = np.arange(*(np.datetime64(bound, "D") for bound in bounds))
    months = days.astype("datetime64[M]")
    of_year = months.astype(np.int64) + 1970 * 12
    of_month = (days - months).astype(np.int64) + 1
    old = year - of_year // 12 > _RETIRED
    numbers = np.where(old, _NUMBERS_A_DAY_OLD, _NUMBERS_A_DAY)
    return of_year // 12 * 10000 + (of_year % 12 + 1) * 100 + of_month, np.cumsum(numbers)


def person_table(city: City, people: People, balance: Ints) -> pl.DataFrame:
    """The table `person`; a `balance` of 0 means that there is no account."""
    place = people.place
    contributing = (people.group == EMPLOYED) | (people.group == FLEXIBLE)
    older = contributing & (city.reference // 12 - people.birth // 10000 > 48)
    deemed = older & share(city.draw("deemed", place), 300)
    transferred = contributing & share(city.draw("transferred", place), 40)
    kind = _TYPE_OF_THOUSAND[below(city.draw("id_type", place), 1000)]
    as_of = city.cut_off * 100 + 28
    integers = {
        "sex": np.where(people.men, 1, 2),
        "birth_date": people.birth,
        "deemed_months": np.where(deemed, 12 + below(city.draw("deemed months", place), 188), 0),
        "transferred_months": np.where(transferred, 1 + below(city.draw("moved months", place), 89), 0),
        "account_as_of": np.full(len(people), as_of),
        "updated_on": np.full(len(people), as_of),
    }
    frame = pl.DataFrame({name: column.astype(np.int32) for name, column in integers.items()})
    has_account = pl.col("account_balance_fen") > 0
    return (
        frame.with_columns(
            person_numbers(place),
            pl.Series("id_type", _TYPES).gather(kind),
            _documents(people, kind),
            _names(city, people, kind),
            pl.Series("region_code", [code for code, _ in REGIONS]).gather(people.region),
            pl.Series("account_balance_fen", balance),
        )
        .with_columns(
            pl.when(has_account).then(pl.col(name)).alias(name)
            for name in ("account_balance_fen", "account_as_of")
        )
        .select(
            "person_no", "id_type", "id_no", "name", "sex", "birth_date", "region_code", "deemed_months",
            "transferred_months", "account_balance_fen", "account_as_of", "updated_on",
        )
    )  # fmt: skip


def person_numbers(place: Ints) -> pl.Series:
    return pl.Series("person_no", place + 9_900_000_001).cast(pl.String)


def _documents(people: People, kind: Ints) -> pl.Series:
    """Nearly all have a citizen number with prefix 990000; half of the residence cards have the form of it too."""
    stem = 990_000 * 10**11 + people.birth * 1000 + people.order
    digits = (stem // 10 ** np.arange(16, -1, -1)[:, None]) % 10
    check = _CHECK.gather((np.array(_WEIGHTS) @ digits) % 11)
    number = pl.Series(people.place).cast(pl.String).str.zfill(8)
    old_card = (kind == 1) & (people.place % 2 == 0)
    form = np.where(old_card, 1, np.where(kind > 1, kind, 0))
    forms = pl.DataFrame({"form": form, "own": pl.Series(stem).cast(pl.String) + check, "number": number})
    numbered = [
        pl.when(pl.col("form") == which).then(pl.lit(prefix) + pl.col("number"))
        for which, prefix in ((1, "AAA9900"), (2, "E"), (3, "H"), (4, "TEST"))
    ]
    return forms.select(pl.coalesce(*numbered, pl.col("own")).alias("id_no")).to_series()


def _names(city: City, people: People, kind: Ints) -> pl.Series:
    family, given, latin = (
        names.gather(below(city.draw(purpose, people.place), len(names)))
        for purpose, names in (("family", _FAMILY), ("given", _GIVEN), ("latin", _LATIN))
    )
    foreign = (kind == 1) | (kind == 2)
    return (family + given).zip_with(pl.Series(~foreign), latin).alias("name")
