"""Check digits against the values of DOMAIN section 8, and the column form against the scalar one."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from issuer.identifiers import (
    check_citizen_id,
    check_uscc,
    citizen_id_check_char,
    citizen_id_is_right,
    date_is_real,
    is_real_date,
    organisation_code_check_char,
    uscc_check_char,
    uscc_is_right,
)
from ledger.errors import FormatError
from ledger.reasons import Reason

IDS = [
    "990000199001010017",
    "990000199001010025",
    "990000198512311175",
    "990000200002290044",
    "990000197206159908",
    "99000019880808002X",
]
USCCS = [
    "91990000T0000001X7",
    "91990000T000000287",
    "91990000T000000362",
    "12990000T00000116T",
    "11990000T000001083",
]
BROKEN_IDS = [
    "990000199001010018",
    "990000199002300016",
    "99000019880808002x",
    "９90000199001010017",
    "99000019900101001",
    "9900001990010100177",
    "990000199001010017\n",
    "",
    "000000199001010017",
]
BROKEN_USCCS = [
    "91990000T0000001X8",
    "91990000T000000187",
    *(f"91990000{letter}0000001X7" for letter in "IOSVZ"),
    "91990000t0000001X7",
    "91990000T0000001X",
    "91990000T0000001X7 ",
    "",
]


def _refusal(check: Callable[[], None]) -> FormatError | None:
    try:
        check()
    except FormatError as error:
        return error
    return None


def _scalar_id(text: str, *, test: bool, foreign: bool) -> bool:
    error = _refusal(lambda: check_citizen_id(text, allow_test_region=test, foreign_resident=foreign))
    assert error is None or error.reason is Reason.RECORDS_CHECK_DIGIT
    assert text == "" or text not in str(error), "a message never holds the number"
    return error is None


def _scalar_uscc(text: str, *, test: bool) -> bool:
    error = _refusal(lambda: check_uscc(text, allow_test_region=test))
    assert error is None or error.reason is Reason.RECORDS_CHECK_DIGIT
    return error is None


def _column_ids(texts: list[str], *, test: bool, foreign: bool) -> list[bool]:
    right = citizen_id_is_right(pl.col("t"), allow_test_region=test, foreign_resident=pl.lit(foreign))
    return pl.DataFrame({"t": texts}, schema={"t": pl.String}).select(right.alias("ok"))["ok"].to_list()


def _column_usccs(texts: list[str], *, test: bool) -> list[bool]:
    right = uscc_is_right(pl.col("t"), allow_test_region=test)
    return pl.DataFrame({"t": texts}, schema={"t": pl.String}).select(right.alias("ok"))["ok"].to_list()


@pytest.mark.parametrize("number", IDS)
def test_published_ids_are_right_in_test_records_only(number: str) -> None:
    assert _scalar_id(number, test=True, foreign=False)
    assert not _scalar_id(number, test=False, foreign=False)
    assert not _scalar_id(number, test=False, foreign=True)


@pytest.mark.parametrize("number", BROKEN_IDS)
def test_broken_ids(number: str) -> None:
    assert not _scalar_id(number, test=True, foreign=False)


def test_why_the_broken_ids_are_broken() -> None:
    with pytest.raises(FormatError, match="check character"):
        check_citizen_id("990000199001010018", allow_test_region=True)
    assert citizen_id_check_char("99000019900230001") == "6", "its check digit is right, its date is not"
    with pytest.raises(FormatError, match="birth date"):
        check_citizen_id("990000199002300016", allow_test_region=True)


@pytest.mark.parametrize("code", USCCS)
def test_published_usccs_are_right_in_test_records_only(code: str) -> None:
    assert _scalar_uscc(code, test=True)
    assert not _scalar_uscc(code, test=False)


@pytest.mark.parametrize("code", BROKEN_USCCS)
def test_broken_usccs(code: str) -> None:
    assert not _scalar_uscc(code, test=True)


def test_inner_code_is_checked_on_its_own() -> None:
    body = "91990000T00000019"  # inner check character X changed to 9, outer one recomputed
    with pytest.raises(FormatError, match="inside"):
        check_uscc(body + uscc_check_char(body), allow_test_region=True)
    assert organisation_code_check_char("T0000001") == "X"


def test_columns_agree_on_the_listed_values() -> None:
    for test in (False, True):
        for foreign in (False, True):
            texts = IDS + BROKEN_IDS
            assert _column_ids(texts, test=test, foreign=foreign) == [
                _scalar_id(text, test=test, foreign=foreign) for text in texts
            ]
        texts = USCCS + BROKEN_USCCS
        assert _column_usccs(texts, test=test) == [_scalar_uscc(text, test=test) for text in texts]
    assert _column_ids(IDS, test=True, foreign=False) == [True] * len(IDS)
    assert _column_usccs(USCCS, test=True) == [True] * len(USCCS)


_ALMOST_ID = st.builds(
    lambda head, check: head + (check or citizen_id_check_char(head)),
    st.from_regex(
        r"(99|9[0-8]|[1-8][0-9])[0-9]{4}(19|20)[0-9]{2}(0[0-9]|1[0-3])[0-3][0-9]{4}", fullmatch=True
    ),
    st.sampled_from(["", "", "", "0", "X"]),
)
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ALMOST_USCC = st.builds(
    lambda head, inner, fix, check: (lambda body: body + (check or uscc_check_char(body)))(
        head + inner + (organisation_code_check_char(inner) if fix else "7")
    ),
    st.from_regex(r"[19][123](99|37)[0-9]{4}", fullmatch=True),
    st.text(alphabet=_ALPHABET, min_size=8, max_size=8),
    st.booleans(),
    st.sampled_from(["", "", "", "0", "Y"]),
)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(_ALMOST_ID, min_size=20, max_size=60),
    st.lists(_ALMOST_USCC, min_size=20, max_size=60),
    st.booleans(),
    st.booleans(),
)
def test_columns_agree_on_random_values(ids: list[str], usccs: list[str], test: bool, foreign: bool) -> None:
    scalar = [_scalar_id(text, test=test, foreign=foreign) for text in ids]
    assert _column_ids(ids, test=test, foreign=foreign) == scalar
    assert _column_usccs(usccs, test=test) == [_scalar_uscc(text, test=test) for text in usccs]


def test_every_day_of_four_centuries() -> None:
    dates = [
        y * 10000 + m * 100 + d
        for y in range(1899, 2302)
        for m in range(14)
        for d in (0, 1, 28, 29, 30, 31, 32)
    ]
    column = pl.DataFrame({"d": dates}).select(date_is_real(pl.col("d")).alias("ok"))["ok"].to_list()
    assert column == [is_real_date(d) for d in dates]
    assert sum(column) > 20_000
    assert not is_real_date(30000101)
