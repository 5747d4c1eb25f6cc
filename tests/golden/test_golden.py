"""6,258 golden and broken cases of three bureaus: no wrong accept, no wrong reject, the same from library and CLI.

No network: the bundle lies in a folder, and everything shown lies in a list. `make test` takes 1,140 of them.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certificate.qr_text import encode_request_text
from tests.golden.cases import KINDS, Case, cases
from tests.golden.province import Province
from tests.program import tally
from tests.world import signer
from verifier.expect import STATIC, Asked
from verifier.report import Outcome
from verifier.seen import MemorySeen
from verifier.trust import parse_bundle
from verifier.trust_dir import ROOT_KEYS_NAME, save_bundle_files
from verifier.verify import verify

COUNT, FULL_COUNT = 1_140, 6_258


@pytest.fixture(scope="module")
def province() -> Province:
    return Province(6_258, int(time.time()))


@pytest.fixture(scope="module")
def request_bytes(province: Province) -> bytes:
    return province.request()


@pytest.fixture(scope="module")
def shown(province: Province, request_bytes: bytes, full: bool) -> list[Case]:
    return list(cases(province, request_bytes, FULL_COUNT if full else COUNT, seed=6_258))


def test_the_library_is_right_about_each(
    province: Province, request_bytes: bytes, shown: Sequence[Case]
) -> None:
    trust = parse_bundle(province.files(), root_keys=[signer("root").public_key])
    now, seen = datetime.fromtimestamp(province.now, UTC), MemorySeen()
    wrong = []
    for case in shown:
        expect = Asked(request_bytes) if case.answers else STATIC
        report = verify(case.data, trust=trust, now=now, expect=expect, seen=seen)
        if (report.outcome, report.reason) != (case.outcome, case.reason):
            wrong.append((case.kind, report.outcome, report.reason))
    assert not wrong, Counter(wrong).most_common(10)
    counted = Counter(case.outcome for case in shown)
    assert sum(counted.values()) == len(shown) in (COUNT, FULL_COUNT)
    assert len({case.kind for case in shown}) == len(KINDS) == 38
    assert min(counted[outcome] for outcome in Outcome) * 25 > len(shown), counted


@pytest.mark.parametrize("answers", [False, True])
def test_the_command_line_says_the_same(
    province: Province, request_bytes: bytes, shown: Sequence[Case], tmp_path: Path, answers: bool
) -> None:
    save_bundle_files(tmp_path / "trust", province.files())
    (tmp_path / "trust" / ROOT_KEYS_NAME).write_text(signer("root").public_key.hex() + "\n")
    (tmp_path / "R").write_text(encode_request_text(request_bytes))
    picked = [case for case in shown if case.answers is answers]
    (tmp_path / "list").write_bytes(b"".join(case.data + b"\n" for case in picked))
    expect = ("--request", tmp_path / "R") if answers else ("--static",)
    ran = tally(
        "verify",
        "--list",
        tmp_path / "list",
        "--trust",
        tmp_path / "trust",
        "--seen",
        tmp_path / "seen",
        *expect,
    )
    assert ran.code == 3, ran.err
    said = [json.loads(line) for line in ran.out.splitlines()]
    assert len(said) == len(picked)
    wrong = Counter(
        (case.kind, line["outcome"], line["reason"])
        for case, line in zip(picked, said, strict=True)
        if (line["outcome"], line["reason"]) != (case.outcome.value, case.reason and case.reason.value)
    )
    assert not wrong, wrong.most_common(10)
