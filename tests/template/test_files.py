"""Template files: what is shipped loads and fits the policies, what is broken is refused on its line."""

from __future__ import annotations

import re
from datetime import date
from hashlib import sha256

import pytest

from certificate.policy.shipped import shipped_policies
from certificate.request import PolicyItem, SlotsItem
from certificate.template.language import CertificateFact, Source, template_items
from certificate.template.parsing import MAX_TEMPLATE_SIZE, parse_template
from certificate.template.retirement import retired_template
from certificate.template.shipped import shipped_template_files, shipped_templates
from ledger.errors import FormatError
from ledger.reasons import Reason

GOOD = """schema = 1
id = "school.6"
version = 1
title_zh = "入学申请表"
title_en = "application for a school place"
purpose = "随迁子女入学审核"
legal_basis = "示例市入学办法第五条"
policies = ["housing.24"]
ask = ["birth_date"]
fields = [
    ["姓名", "Name", "name"],
    ["出生日期", "Born", "birth_date"],
    ["结论", "Answer", "answer housing.24"],
    ["逐月", "Months", "strips"],
    ["完整至", "Complete up to", "settled.pension.emp"],
    ["编号", "Number", "certificate number"],
]
"""
# What is replaced by what, and the line that the refusal must name.
BROKEN = [
    ("schema = 1", "schema = 2", 1),
    ("schema = 1\n", "", 1),
    ('id = "school.6"', 'id = "School"', 2),
    ('id = "school.6"', f'id = "{"a" * 33}"', 2),
    ('id = "school.6"', 'id = "../a"', 2),
    ("version = 1", "version = 0", 3),
    ("version = 1", 'version = "1"', 3),
    ('title_zh = "入学申请表"', 'title_zh = ""', 4),
    ('title_zh = "入学申请表"', 'title_zh = "a\\u202eb"', 4),
    ('title_en = "application for a school place"', f'title_en = "{"a" * 200}"', 5),
    ('purpose = "随迁子女入学审核"', "purpose = 1", 6),
    ('legal_basis = "示例市入学办法第五条"\n', "", 1),
    ('policies = ["housing.24"]', 'policies = "housing.24"', 8),
    ('policies = ["housing.24"]', 'policies = ["Housing"]', 8),
    ('policies = ["housing.24"]', 'policies = ["housing.24", "housing.24"]', 8),
    ('policies = ["housing.24"]', 'policies = ["housing.24", "housing.25"]', 8),
    ('ask = ["birth_date"]', 'ask = ["birthday"]', 9),
    ('ask = ["birth_date"]', "ask = [1]", 9),
    ('ask = ["birth_date"]', 'colour = "red"', 9),
    ('"Name", "name"]', '"Name", "nam"]', 11),
    ('"Name", "name"]', '"Name"]', 11),
    ('"Name", "name"]', '"Name", 1]', 11),
    ('"Name", "name"]', '"Na\\u200bme", "name"]', 11),
    ('"Name", "name"]', f'"{"N" * 65}", "name"]', 11),
    ('"Born", "birth_date"]', '"Born", "name"]', 12),
    ("answer housing.24", "answer housing.36", 13),
    ("answer housing.24", "answer", 13),
    ('"strips"', '"strips pension.emp"', 14),
    ('"settled.pension.emp"', '"employer"', 15),
    ('"settled.pension.emp"', '"base.injury"', 15),
    ("certificate number", "certificate salary", 16),
    ("certificate number", "certificate", 16),
]


def broken(at: int) -> tuple[str, int]:
    old, new, line = BROKEN[at]
    assert old in GOOD
    return GOOD.replace(old, new, 1), line


@pytest.mark.parametrize("at", range(len(BROKEN)))
def test_broken_files(at: int) -> None:
    text, line = broken(at)
    with pytest.raises(FormatError) as refused:
        parse_template(text.encode(), policies=shipped_policies())
    assert refused.value.reason is Reason.TEMPLATE_MALFORMED
    named = re.match(r"line ([0-9]+): .+", refused.value.detail)
    assert named is not None
    assert int(named[1]) == line, refused.value.detail
    assert refused.value.hint


@pytest.mark.parametrize(
    "more",
    [
        "retired_since = 2026-07-01\n",
        'retired_basis = "某法"\n',
        'retired_since = "2026"\nretired_basis = "某法"\n',
    ],
)
def test_a_retirement_has_day_and_basis(more: str) -> None:
    with pytest.raises(FormatError) as refused:
        parse_template((GOOD + more).encode())
    assert refused.value.detail.startswith("line 18")


def test_hostile_files() -> None:
    nested = b"fields = " + b"[" * 8000
    for data in (b"", b"\xff" + GOOD.encode(), GOOD.encode() + b"#" * MAX_TEMPLATE_SIZE, nested):
        with pytest.raises(FormatError) as refused:
            parse_template(data)
        assert refused.value.reason is Reason.TEMPLATE_MALFORMED


def test_the_good_one_is_good() -> None:
    read = parse_template(GOOD.encode(), policies=shipped_policies())
    assert (read.id, read.digest, len(read.fields)) == ("school.6", sha256(GOOD.encode()).digest(), 6)
    kinds = [one.source for one in read.fields]
    assert kinds == [
        Source.CLAIM,
        Source.CLAIM,
        Source.ANSWER,
        Source.STRIPS,
        Source.CLAIM,
        Source.CERTIFICATE,
    ]
    policy, claims = template_items(read, shipped_policies())
    assert policy == PolicyItem("housing.24", shipped_policies()["housing.24"].digest)
    assert isinstance(claims, SlotsItem)


def test_the_shipped_ones_fit_the_shipped_policies() -> None:
    assert {f"{name}.toml" for name in shipped_templates()} == set(shipped_template_files())
    for content in shipped_template_files().values():
        parse_template(content, policies=shipped_policies())
    assert len([one for one in shipped_templates().values() if one.policies]) == 17
    facts = {
        one.name
        for form in shipped_templates().values()
        for one in form.fields
        if one.source == "certificate"
    }
    assert facts <= set(CertificateFact)


def test_an_item_is_retired_with_the_last_template_that_asks_it() -> None:
    day = date(2026, 12, 1)
    item = PolicyItem("housing.24", bytes(32))
    live = parse_template(GOOD.encode())
    gone = parse_template((GOOD + 'retired_since = 2026-12-01\nretired_basis = "某法"\n').encode())
    assert retired_template(item, {"a": live}, today=day) is None
    assert retired_template(item, {"a": live, "b": gone}, today=day) is None
    assert retired_template(item, {"b": gone}, today=day) is gone
    assert retired_template(item, {"b": gone}, today=date(2026, 11, 30)) is None
    assert retired_template(item, {}, today=day) is None
