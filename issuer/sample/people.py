"""The people: numbers with right check digits in region 99, invented names, and who they are to the bureau."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from issuer.sample.offices import REGIONS

__all__ = ["CIVIL", "EMPLOYED", "FLEXIBLE", "NOBODY", "RESIDENT", "People", "make_people"]

Ints = npt.NDArray[np.int64]

EMPLOYED, FLEXIBLE, RESIDENT, CIVIL, NOBODY = range(5)
_SHARES: Final = (0.70, 0.08, 0.17, 0.04, 0.01)
_WEIGHTS: Final = np.array((7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2))
_CHECK: Final = np.array(list("10X98765432"))
_GIVEN: Final = (
    *"甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥一二三四五六七八九十东南西北春夏秋冬梅兰竹菊",
    *"䶮㛃㭎㸌𬭩𫍯",  # rare characters that real exports hold
)
_FAMILY: Final = ("测试", "试样", "示例")
_LATIN: Final = ("Test Alpha", "Test Beta", "Test Gamma", "Test Delta", "Test O’Epsilon", "Test Zêta")


@dataclass(frozen=True, slots=True)
class People:
    """Columns of one stretch of people, and the table `person` as it is exported."""

    first: int
    group: Ints
    adult_month: Ints  # months since year 0 of the eighteenth birthday
    region: Ints  # index into REGIONS
    table: pl.DataFrame

    def __len__(self) -> int:
        return len(self.group)


def make_people(first: int, count: int, *, cut_off: int, rng: np.random.Generator) -> People:
    """People number `first` to `first + count - 1`; `cut_off` is YYYYMM."""
    place = np.arange(first, first + count)
    group = rng.choice(5, count, p=_SHARES)
    year = cut_off // 100
    age = np.where(group == RESIDENT, rng.integers(18, 85, count), rng.integers(19, 60, count))
    birth_year, birth_month = year - age, rng.integers(1, 13, count)
    birth = birth_year * 10000 + birth_month * 100 + rng.integers(1, 29, count)
    sex = rng.integers(1, 3, count)
    region = rng.choice(len(REGIONS), count, p=(0.6, 0.3, 0.1))
    id_type, id_no = _identities(place, birth, sex, rng)
    as_of = cut_off // 100 * 10000 + cut_off % 100 * 100 + 28
    holds = (group == EMPLOYED) | (group == FLEXIBLE)
    balance = np.where(holds & (rng.random(count) < 0.7), rng.integers(10_000, 30_000_000, count), -1)
    older = (age > 48) & holds
    table = pl.DataFrame(
        {
            "person_no": _numbers(place),
            "id_type": id_type,
            "id_no": id_no,
            "name": _names(id_type, rng),
            "sex": sex,
            "birth_date": birth,
            "region_code": pl.Series([code for code, _ in REGIONS]).gather(region),
            "deemed_months": np.where(older & (rng.random(count) < 0.3), rng.integers(12, 200, count), 0),
            "transferred_months": np.where(holds & (rng.random(count) < 0.04), rng.integers(1, 90, count), 0),
            "account_balance_fen": balance,
            "account_as_of": np.full(count, as_of),
            "updated_on": np.full(count, as_of),
        }
    ).with_columns(
        pl.when(pl.col("account_balance_fen") >= 0)
        .then(pl.col("account_balance_fen"))
        .alias("account_balance_fen"),
        pl.when(pl.col("account_balance_fen") >= 0).then(pl.col("account_as_of")).alias("account_as_of"),
    )
    return People(first, group, (birth_year + 18) * 12 + birth_month, region, table)


def _numbers(place: Ints) -> list[str]:
    return [f"99{number:08d}" for number in (place + 1).tolist()]


def _identities(place: Ints, birth: Ints, sex: Ints, rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """Document types and numbers: nearly all have a citizen number with prefix 990000 and a right check digit."""
    order = place % 500 * 2 + sex % 2  # the seventeenth digit is odd for men
    stems = [f"990000{day}{number:03d}" for day, number in zip(birth.tolist(), order.tolist(), strict=True)]
    digits = np.array([list(map(int, stem)) for stem in stems])
    checks = _CHECK[(digits @ _WEIGHTS) % 11]
    kinds = rng.choice(4, len(place), p=(0.975, 0.005, 0.01, 0.01))
    types, numbers = [], []
    for kind, stem, check, number in zip(kinds.tolist(), stems, checks.tolist(), place.tolist(), strict=True):
        types.append(("01", "07", "08", "17")[kind])
        numbers.append((stem + check, f"AAA{number:012d}", f"E{number:08d}", f"H{number:08d}")[kind])
    return types, numbers


def _names(id_type: list[str], rng: np.random.Generator) -> list[str]:
    family, given, latin = (rng.integers(0, len(t), len(id_type)).tolist() for t in (_FAMILY, _GIVEN, _LATIN))
    return [
        _LATIN[z] if kind in ("07", "08") else _FAMILY[x] + _GIVEN[y]
        for kind, x, y, z in zip(id_type, family, given, latin, strict=True)
    ]
