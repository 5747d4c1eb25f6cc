"""Check digits of identity numbers: citizen ID (GB 11643), organisation code (GB 32100 with GB 11714 inside).

General libraries refuse region 99, which no real place has and all synthetic values use; hence our own check, which
accepts it for test profiles only (DOMAIN section 7). Each check exists twice: for one text, and as Polars expressions
for a whole column; a test holds them together.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

import polars as pl

from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = [
    "check_citizen_id",
    "check_uscc",
    "citizen_id_check_char",
    "citizen_id_is_right",
    "date_is_real",
    "is_real_date",
    "organisation_code_check_char",
    "uscc_check_char",
    "uscc_is_right",
]

_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK_CHARS: Final = "10X98765432"
_ID_FORM: Final = r"^[1-9][0-9]{16}[0-9X]$"

_USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS: Final = tuple(pow(3, i, 31) for i in range(17))
_USCC_FORM: Final = rf"^[{_USCC_ALPHABET}]{{2}}[0-9]{{6}}[{_USCC_ALPHABET}]{{10}}$"

_INNER_VALUES: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_INNER_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_INNER_AT: Final = 8  # the organisation code stands in characters 9 to 17

_TEST_REGION: Final = "99"


def check_citizen_id(text: str, *, allow_test_region: bool, foreign_resident: bool = False) -> None:
    """Check an 18-character citizen ID number.

    Args:
        text: 17 digits and a check character, `X` in upper case.
        allow_test_region: whether region 99 is accepted, that is whether the profile is a test profile.
        foreign_resident: a number that begins with 9 is right (permanent residence card) instead of 1 to 8.
    Raises:
        FormatError: `records.check_digit`; the detail says which part is wrong, never the number.
    """
    if re.fullmatch(_ID_FORM, text) is None:
        raise _wrong("not 17 digits and a check character")
    if text.startswith(_TEST_REGION):
        if not allow_test_region:
            raise _wrong("region 99 outside of test records")
    elif (text[0] == "9") != foreign_resident:
        raise _wrong("first digit does not fit the type of document")
    if not is_real_date(int(text[6:14])):
        raise _wrong("birth date in it does not exist")
    if citizen_id_check_char(text[:17]) != text[17]:
        raise _wrong("check character")


def citizen_id_check_char(digits: str) -> str:
    """The check character of 17 `digits` (GB 11643)."""
    return _ID_CHECK_CHARS[sum(int(d) * w for d, w in zip(digits, _ID_WEIGHTS, strict=True)) % 11]


def citizen_id_is_right(number: pl.Expr, *, allow_test_region: bool, foreign_resident: pl.Expr) -> pl.Expr:
    """`check_citizen_id` for a column: a boolean expression, null where `number` is null."""
    form = number.str.contains(_ID_FORM)
    safe = pl.when(form).then(number).otherwise(pl.lit("1" * 18))
    test = safe.str.starts_with(_TEST_REGION)
    first = (safe.str.starts_with("9") == foreign_resident) & ~test
    region = (test | first) if allow_test_region else first
    total = pl.sum_horizontal(
        safe.str.slice(at, 1).cast(pl.Int32) * weight for at, weight in enumerate(_ID_WEIGHTS)
    )
    check = _char_of(_ID_CHECK_CHARS, total % 11)
    birth = date_is_real(safe.str.slice(6, 8).cast(pl.Int32))
    return form & region & birth & (check == safe.str.slice(17, 1))


def check_uscc(text: str, *, allow_test_region: bool) -> None:
    """Check an 18-character organisation code with the organisation code inside it.

    Raises:
        FormatError: `records.check_digit`.
    """
    if re.fullmatch(_USCC_FORM, text) is None:
        raise _wrong("not 18 characters of the alphabet without I, O, S, V and Z")
    if text[2:4] == _TEST_REGION and not allow_test_region:
        raise _wrong("region 99 outside of test records")
    if organisation_code_check_char(text[_INNER_AT:16]) != text[16]:
        raise _wrong("check character of the organisation code inside")
    if uscc_check_char(text[:17]) != text[17]:
        raise _wrong("check character")


def organisation_code_check_char(code: str) -> str:
    """The check character of the 8 characters of an organisation code (GB 11714)."""
    total = sum(_INNER_VALUES.index(c) * w for c, w in zip(code, _INNER_WEIGHTS, strict=True))
    return "0X987654321"[total % 11]


def uscc_check_char(body: str) -> str:
    """The check character of the first 17 characters of an organisation code (GB 32100)."""
    total = sum(_USCC_ALPHABET.index(c) * w for c, w in zip(body, _USCC_WEIGHTS, strict=True))
    return _USCC_ALPHABET[-total % 31]


def uscc_is_right(code: pl.Expr, *, allow_test_region: bool) -> pl.Expr:
    """`check_uscc` for a column: a boolean expression, null where `code` is null."""
    form = code.str.contains(_USCC_FORM)
    safe = pl.when(form).then(code).otherwise(pl.lit("0" * 18))
    region = pl.lit(True) if allow_test_region else safe.str.slice(2, 2) != _TEST_REGION
    inner = _weighted(safe, _INNER_VALUES, _INNER_WEIGHTS, offset=_INNER_AT)
    total = _weighted(safe, _USCC_ALPHABET, _USCC_WEIGHTS, offset=0)
    inner_check = _char_of("0X987654321", inner % 11)
    check = _char_of(_USCC_ALPHABET, (31 - total % 31) % 31)
    return form & region & (inner_check == safe.str.slice(16, 1)) & (check == safe.str.slice(17, 1))


def is_real_date(yyyymmdd: int) -> bool:
    """Whether the integer is a day of the calendar, from 1900 on."""
    year, month, day = yyyymmdd // 10000, yyyymmdd // 100 % 100, yyyymmdd % 100
    if not 1900 <= year <= 2999:
        return False
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def date_is_real(yyyymmdd: pl.Expr) -> pl.Expr:
    """`is_real_date` for a column of integers: a boolean expression, null where the integer is null."""
    year, month, day = yyyymmdd // 10000, yyyymmdd // 100 % 100, yyyymmdd % 100
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    length = (
        pl.when(month == 2).then(pl.lit(28) + leap.cast(pl.Int8)).otherwise(30 + (month + month // 8) % 2)
    )
    return (
        year.is_between(1900, 2999) & month.is_between(1, 12) & (day >= 1) & ((day <= 28) | (day <= length))
    )


def _weighted(text: pl.Expr, alphabet: str, weights: tuple[int, ...], *, offset: int) -> pl.Expr:
    values = {char: value for value, char in enumerate(alphabet)}
    return pl.sum_horizontal(
        text.str.slice(offset + at, 1).replace_strict(values, default=0, return_dtype=pl.Int32) * weight
        for at, weight in enumerate(weights)
    )


def _char_of(chars: str, index: pl.Expr) -> pl.Expr:
    return index.replace_strict(dict(enumerate(chars)), return_dtype=pl.String)


def _wrong(detail: str) -> FormatError:
    hint = "compare the number with the document and correct it in the records"
    return FormatError(Reason.RECORDS_CHECK_DIGIT, detail, hint=hint)
