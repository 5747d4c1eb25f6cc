"""The employers: those of DOMAIN section 8 first, then as many as the city needs, all codes with right check digits."""

from __future__ import annotations

from typing import Final

import polars as pl

from issuer.sample.city import City
from issuer.sample.offices import REGIONS

__all__ = ["PUBLIC_EMPLOYERS", "employer_numbers", "make_employers"]

_KNOWN: Final = (
    ("91990000T0000001X7", "样例制造有限公司(测试)"),
    ("91990000T000000287", "示例贸易有限公司(测试)"),
    ("91990000T000000362", "示例银行(测试)"),
    ("12990000T00000116T", "示例学校(测试)"),
    ("11990000T000001083", "示例市社保局(测试)"),
)
PUBLIC_EMPLOYERS: Final = (3, 4)  # places of those that employ civil servants
_TRADES: Final = ("制造", "贸易", "建筑", "物流", "餐饮", "软件", "纺织", "医药", "农业", "家政")
_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_FACTORS: Final = tuple(pow(3, at, 31) for at in range(17))
_FIRST_OWN: Final = 100  # inner codes below belong to DOMAIN section 8


def employer_numbers(count: int) -> list[str]:
    """The column employer_no."""
    return [f"99{place + 1:05d}" for place in range(count)]


def make_employers(city: City) -> pl.DataFrame:
    """The table `employer`. Every fiftieth one is a branch of the first; every ninetieth has no code."""
    places = range(city.employers)
    names = [
        _KNOWN[place][1] if place < len(_KNOWN) else f"示例{_TRADES[place % 10]}{place}有限公司(测试)"
        for place in places
    ]
    codes = [_KNOWN[place][0] if place < len(_KNOWN) else _uscc(place + _FIRST_OWN) for place in places]
    return pl.DataFrame(
        {
            "employer_no": employer_numbers(city.employers),
            "employer_uscc": [None if place % 90 == 89 else code for place, code in enumerate(codes)],
            "employer_name": names,
            "parent_uscc": [_KNOWN[0][0] if place % 50 == 49 else None for place in places],
            "region_code": [REGIONS[place % len(REGIONS)][0] for place in places],
        },
        schema_overrides={"employer_uscc": pl.String, "parent_uscc": pl.String},
    )


def _uscc(number: int) -> str:
    """GB 32100 over an inner code of GB 11714 (DOMAIN section 7): `T`, seven digits, check character."""
    inner = f"T{number:07d}"
    values = (29, *map(int, inner[1:]))  # letters count from A = 10
    total = sum(value * weight for value, weight in zip(values, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    stem = f"91990000{inner}{'0123456789X0'[11 - total % 11]}"
    total = sum(_ALPHABET.index(letter) * factor for letter, factor in zip(stem, _FACTORS, strict=True))
    return stem + _ALPHABET[-total % 31]
