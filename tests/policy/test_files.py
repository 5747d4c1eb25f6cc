"""Policy files: what is shipped loads, what is broken is refused on the line where it is broken."""

from __future__ import annotations

import re
import time
import tracemalloc
from datetime import date
from hashlib import sha256

import pytest

from certificate.numbers import CertificateType
from certificate.policy.evaluate import answer_policy
from certificate.policy.language import leaves
from certificate.policy.parsing import MAX_POLICY_SIZE, parse_policy
from certificate.policy.shipped import shipped_files, shipped_policies
from certificate.slots import REGISTRIES
from ledger.errors import FormatError
from ledger.reasons import Reason
from tests.policy.histories import History, months

GOOD = """schema = 1
id = "housing.24"
version = 1
title_zh = "连续缴费"
title_en = "months in a row"
purpose = "购房资格审核"
legal_basis = "本市规定"
valid_from = 2026-01-01
valid_to = 2027-12-31
records = "this authority"
show = ["name"]
regions = ["9901"]
retention_days = 30
max_age = 2
at_counter = true
rule = \"\"\"
RUN(pension.emp, months = 24)
and STATUS(pension.emp, value = 1)
\"\"\"
"""
RUN, STATUS = "RUN(pension.emp, months = 24)", "STATUS(pension.emp, value = 1)"
# What is replaced by what, and the line that the refusal must name.
BROKEN = [
    ("schema = 1", "schema = 2", 1),
    ("schema = 1", 'schema = "1"', 1),
    ("schema = 1\n", "", 1),
    ('id = "housing.24"', 'id = "Housing"', 2),
    ('id = "housing.24"', 'id = "a..b"', 2),
    ('id = "housing.24"', f'id = "{"a" * 33}"', 2),
    ('id = "housing.24"', "id = 24", 2),
    ("version = 1", "version = 0", 3),
    ("version = 1", "version = 1.0", 3),
    ("version = 1", "version = true", 3),
    ("version = 1", "version = 1\nversion = 2", 4),
    ('title_zh = "连续缴费"', 'title_zh = ""', 4),
    ('title_zh = "连续缴费"', 'title_zh = "a\\u202eb"', 4),
    ('title_zh = "连续缴费"', 'title_zh = "\\ue000"', 4),
    ('title_en = "months in a row"', "title_en = ['a']", 5),
    ('title_en = "months in a row"', f'title_en = "{"a" * 200}"', 5),
    ('legal_basis = "本市规定"\n', "", 1),
    ("valid_from = 2026-01-01", 'valid_from = "2026-01-01"', 8),
    ("valid_from = 2026-01-01", "valid_from = 2026-01-01T00:00:00Z", 8),
    ("valid_from = 2026-01-01", "valid_from = 2026-02-30", 8),
    ("valid_to = 2027-12-31", "valid_to = 2025-12-31", 9),
    ('records = "this authority"', 'records = "here"', 10),
    ('records = "this authority"', "records = true", 10),
    ('show = ["name"]', 'show = ["nme"]', 11),
    ('show = ["name"]', 'show = ["name", "name"]', 11),
    ('show = ["name"]', "show = [1]", 11),
    ('show = ["name"]', 'show = "name"', 11),
    ('regions = ["9901"]', "regions = [9901]", 12),
    ('regions = ["9901"]', 'regions = ["9901020"]', 12),
    ('regions = ["9901"]', 'regions = [""]', 12),
    ("retention_days = 30", "retention_days = -1", 13),
    ("retention_days = 30", "retention_days = 36501", 13),
    ("max_age = 2", "max_age = 601", 14),
    ("at_counter = true", "at_counter = 1", 15),
    ("at_counter = true", "color = 1", 15),
    ("at_counter = true", "at_counter = tru", 15),
    (RUN, "RUN(pension.emp)", 17),
    (RUN, "RUN(pension.emp, months = 0)", 17),
    (RUN, "RUN(pension.emp, months = 601)", 17),
    (RUN, "RUN(pension.emp, months = 024)", 17),
    (RUN, "RUN(pension.emp, months = 24.5)", 17),
    (RUN, 'RUN(pension.emp, months = "24")', 17),
    (RUN, "RUN(pension.emp, months = 24, months = 25)", 17),
    (RUN, "RUN(pension.emp, window = 24)", 17),
    (RUN, "RUN(pension, months = 24)", 17),
    (RUN, "RUN(months = 24)", 17),
    (RUN, "RUN(any(), months = 24)", 17),
    (RUN, "RUN(any(pension.emp, pension.emp), months = 24)", 17),
    (RUN, "RUN(0 of (pension.emp), months = 24)", 17),
    (RUN, "RUN(2 of (pension.emp), months = 24)", 17),
    (RUN, "RUN(pension.emp, months = 24, back = some)", 17),
    (RUN, "RUN(pension.emp, months = 24, back = 0)", 17),
    (RUN, "RUN(pension.emp, months = 24, flexible = 1)", 17),
    (RUN, "RUN(pension.emp, months = 24, end = 2026-13)", 17),
    (RUN, "RUN(pension.emp, months = 24, end = 24)", 17),
    (RUN, "RUN(pension.emp, months = 24, end = 2026-10, lag = 1)", 17),
    (RUN, "RUN(pension.emp, months = 24, posted_by = 2026-10)", 17),
    (RUN, "RUN(pension.emp, months = 24, posted_by = 2026-02-30)", 17),
    (RUN, "COUNT(pension.emp, months = 24)", 17),
    (RUN, "COUNT(pension.emp, months = 25, window = 24)", 17),
    (RUN, "COUNT(pension.emp, months = 2, window = 4, gap_window = 4)", 17),
    (RUN, "COUNT(pension.emp, months = 2, window = 4, back = 1, max_gap_total = 1)", 17),
    (RUN, "TOTAL(pension.emp, months = 24, lag = 1)", 17),
    (RUN, "EMPLOYER(pension.emp, months = 24)", 17),
    (RUN, 'EMPLOYER(pension.emp, months = 24, uscc = "9199")', 17),
    (RUN, 'EMPLOYER(pension.emp, months = 24, uscc = "91990000T0000001I7")', 17),
    (RUN, "run(pension.emp, months = 24)", 17),
    (RUN, "__import__(pension.emp)", 17),
    (RUN, "RUN(all(pension.emp, medical.emp, unemp), months = 600) and RUN(injury, months = 1)", 17),
    (RUN, "RUN(pension.emp; months = 24)", 17),
    (RUN, "RUN(pension.emp, months = 24) RUN(pension.emp, months = 24)", 17),
    (RUN, f"({RUN}", 19),
    (STATUS, "STATUS(pension.emp, value = 4)", 18),
    (STATUS, "STATUS(pension.emp, value = 1) and", 19),
    (STATUS, "BASE(pension.emp, average = 0)", 18),
    (STATUS, "BASE(pension.emp, months = 12)", 18),
    (STATUS, "3 of (STATUS(pension.emp, value = 1), STATUS(unemp, value = 1))", 18),
    (STATUS, "(" * 9 + STATUS + ")" * 9, 18),
    (STATUS, " and ".join([STATUS] * 40), 18),
    (STATUS, STATUS + " " * 1100, 18),
    (STATUS, ("\n" + STATUS + " " * 900) * 5, 17),
    ("records", "[records]\nx", 10),
]


def test_the_good_one_is_good() -> None:
    read = parse_policy(GOOD.encode())
    assert (read.id, read.digest, len(leaves(read.rule))) == ("housing.24", sha256(GOOD.encode()).digest(), 2)


@pytest.mark.parametrize("at", range(len(BROKEN)))
def test_broken_files(at: int) -> None:
    old, new, line = BROKEN[at]
    assert GOOD.count(old) == 1 or old == "records"
    with pytest.raises(FormatError) as refused:
        parse_policy(GOOD.replace(old, new, 1).encode())
    assert refused.value.reason is Reason.POLICY_MALFORMED
    named = re.match(r"line ([0-9]+): .+", refused.value.detail)
    assert named is not None
    assert int(named[1]) == line, refused.value.detail
    assert refused.value.hint


def test_there_are_enough_of_them() -> None:
    assert len(BROKEN) >= 60


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe" + GOOD.encode(),
        b"x = " + b"[" * 8000,
        b"x = " + b"{a=" * 4000,
        GOOD.encode() + b"#" * MAX_POLICY_SIZE,
        GOOD.replace(RUN, "(" * 4000).encode(),
        GOOD.replace(RUN, "not " * 1000).encode(),
        b'x = "' + b"\\u0041" * 2600 + b'"',
        b"a." * 8000 + b"a = 1",
        b"",
    ],
)
def test_hostile_files_cost_next_to_nothing(data: bytes) -> None:
    tracemalloc.start()
    started = time.process_time()
    with pytest.raises(FormatError):
        parse_policy(data)
    spent, (_, peak) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * 2**20
    assert spent < 1.0  # tracing slows it down some tenfold; benchmarks hold the figure


def test_the_catalogue_is_whole() -> None:
    policies = shipped_policies()
    assert {f"{name}.toml" for name in policies} == set(shipped_files())
    wanted = {
        "housing.24", "housing.36", "housing.60", "housing.forgiving", "vehicle.24", "points.84", "permit.6of12",
        "school.12", "bid.staff.6", "title.6", "qual.1", "qual.3", "loan.24", "unemp.12", "retire.2026",
    }  # fmt: skip
    assert wanted <= set(policies)
    registry = REGISTRIES[CertificateType.CONTRIBUTION]
    assert all(name in registry.by_name for policy in policies.values() for name in policy.show)


@pytest.mark.parametrize("name", sorted(shipped_policies()))
def test_somebody_with_everything_meets_every_policy_of_the_catalogue(name: str) -> None:
    """And somebody with nothing shown is never told no."""
    history = History(202610)
    for kind in ("pension.emp", "medical.emp", "unemp", "injury", "maternity"):
        history.pay(kind, months(199901, 202610))
        history.more |= {f"status.{kind}": 1, f"base_avg12.{kind}": 900000, f"deemed.{kind}": 12}
    history.more["employer"] = ["91990000T0000001X7", "样例制造有限公司(测试)", 201501, 130]
    policy, today = shipped_policies()[name], date(2026, 11, 3)
    assert answer_policy(policy, [history.facts()], today=today).value is True
    bare = History(202610)
    assert answer_policy(policy, [bare.facts()], today=today).value is None
