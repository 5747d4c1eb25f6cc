"""Names that people would take for one another, and names that they would not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certificate.look_alike import name_skeleton


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("示例银行(测试)", "示例银行\uff08测试\uff09"),
        ("示例银行", "示例 银行"),
        ("示例银行", "示例·银行"),
        ("示例银行", "示例锒行"),
        ("示例土木", "示例士木"),
        ("自己人", "自已人"),
        ("自己人", "自巳人"),
        ("未来科技", "末来科技"),
        ("明日物流", "明曰物流"),
        ("工商银行", "エ商银行"),
        ("ICBC", "lCBC"),
        ("ICBC", "1CBC"),
        ("Example Bank", "EXAMPLE BANK"),
        ("Example Bank", "Ex\u0430mple B\u0430nk"),
        ("BANK", "\u0412\u0410\u039dK"),
        ("Bank 10", "Bank IO"),
        ("Bänk", "Bank"),
        ("Modern Co", "Modem Co"),
        ("Example\u200bBank", "ExampleBank"),
        ("\uff21\uff22\uff23", "ABC"),
    ],
)
def test_they_look_alike(left: str, right: str) -> None:
    assert left != right
    assert name_skeleton(left) == name_skeleton(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("示例银行", "示例学校"),
        ("示例银行", "示例市银行"),
        ("甲公司", "乙公司"),
        ("Bank A", "Bank B"),
        ("Bank 1", "Bank 2"),
        ("Example Bank", "Example Band"),
        ("样例制造", "样例制药"),
    ],
)
def test_they_do_not(left: str, right: str) -> None:
    assert name_skeleton(left) != name_skeleton(right)


@given(st.text(max_size=40))
def test_any_text_has_a_skeleton_that_looks_like_itself(text: str) -> None:
    skeleton = name_skeleton(text)
    assert name_skeleton(text) == skeleton
    assert name_skeleton(f" {text} ") == skeleton
