"""The employers: those of DOMAIN section 8 first, then as many as the city needs, all codes with right check digits."""

from __future__ import annotations

from typing import Final

import polars as pl

__all__ = ["employer_count", "make_employers"]

_KNOWN: Final = (
    ("91990000T0000001X7", "样例制造有限公司(测试)"),
    ("91990000T000000287", "示例贸易有限公司(测试)"),
    ("91990000T000000362", "示例银行(测试)"),
    ("12990000T00000116T", "示例学校(测试)"),
)
_TRADES: Final = ("制造", "贸易", "建筑", "物流", "餐饮", "软件", "纺织", "医药", "农业", "家政")
_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_PEOPLE_PER_EMPLOYER = 14


def employer_count(people: int) -> int:
    """How many employers a city of so many people has."""
    return max(len(_KNOWN), people // _PEOPLE_PER_EMPLOYER)


def make_employers(people: int) -> pl.DataFrame:
    """The table `employer`. Every fiftieth one has a parent; every ninetieth has no code."""
    rows = []
    for place in range(employer_count(people)):
        if place < len(_KNOWN):
            code, name = _KNOWN[place]
        else:
            code = _uscc(place)
            name = f"示例{_TRADES[place % len(_TRADES)]}{place}有限公司(测试)"
        rows.append(
            {
                "employer_no": f"99{place + 1:05d}",
                "employer_uscc": None if place % 90 == 89 else code,
                "employer_name": name,
                "parent_uscc": _KNOWN[0][0] if place % 50 == 49 else None,
                "region_code": "990102",
            }
        )
    schema = dict.fromkeys(
        ("employer_no", "employer_uscc", "employer_name", "parent_uscc", "region_code"), pl.String
    )
    return pl.DataFrame(rows, schema=schema)


def _uscc(place: int) -> str:
    """GB 32100 over an inner code of GB 11714 (DOMAIN section 7)."""
    inner = f"T{place:07d}"
    total = sum(
        _inner_value(letter) * weight for letter, weight in zip(inner, (3, 7, 9, 10, 5, 8, 4, 2), strict=True)
    )
    inner += "0123456789X0"[11 - total % 11]
    stem = f"91990000{inner}"
    check = -sum(_ALPHABET.index(letter) * pow(3, at, 31) for at, letter in enumerate(stem)) % 31
    return stem + _ALPHABET[check]


def _inner_value(letter: str) -> int:
    return int(letter) if letter.isdigit() else ord(letter) - 55
