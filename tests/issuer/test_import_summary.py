"""The signed summary of an import: what it says, who signed it, and that a supervisor notices every change."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from issuer.import_summary import parse_import_summary, sign_import_summary, verify_import_summary
from issuer.sample import write_sample
from issuer.service import import_records, mint_all, signed_summary
from ledger.errors import ConfigError, FormatError, ProjectError, VerificationError
from ledger.reasons import Reason
from tests.issuer.conftest import PEOPLE, Bureau
from tests.issuer.summaries import SUMMARY
from tests.world import SECONDS, signer

KEY = signer("office")


def test_it_says_what_was_signed() -> None:
    for body in (SUMMARY, replace(SUMMARY, report=None)):
        assert verify_import_summary(sign_import_summary(KEY, body), office_key=KEY.public_key) == body


def test_every_flipped_bit_is_noticed() -> None:
    data = sign_import_summary(KEY, SUMMARY)
    for at in range(len(data) * 8):
        changed = bytearray(data)
        changed[at // 8] ^= 1 << at % 8
        with pytest.raises(ProjectError):
            verify_import_summary(bytes(changed), office_key=KEY.public_key)


def test_another_office_is_refused() -> None:
    with pytest.raises(VerificationError) as refusal:
        verify_import_summary(sign_import_summary(signer("other"), SUMMARY), office_key=KEY.public_key)
    assert refusal.value.reason is Reason.KEY_UNKNOWN


@pytest.mark.parametrize(
    "changes",
    [{"persons": -1}, {"cut_off": 2026}, {"snapshot": b"short"}, {"report": b""}, {"agency": "x" * 17}],
)
def test_what_cannot_be_is_not_signed(changes: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        sign_import_summary(KEY, replace(SUMMARY, **changes))  # type: ignore[arg-type]  # wrong on purpose


def test_the_persons_laid_aside_are_named_counted_and_the_rest_is_minted(
    bureau: Bureau, tmp_path: Path
) -> None:
    """Acceptance 1: dirty persons are quarantined and named; the summary counts them and pins the report."""
    write_sample(tmp_path / "dirty", people=60, seed=5, dirty=0.05)
    report = tmp_path / "report.jsonl"
    done = import_records(
        bureau.home, tmp_path / "dirty", now=SECONDS + 9, max_quarantined=10, report_path=report
    )
    named = {json.loads(line)["person_no"] for line in report.read_text("utf-8").splitlines()}
    assert len(named) == done.quarantined == 3
    body = verify_import_summary(
        signed_summary(bureau.home, done.digest), office_key=bureau.home.signer("office-1").public_key
    )
    assert (body.persons, body.quarantined, body.rows) == (57, 3, done.rows)
    assert (body.snapshot, body.imported) == (done.digest, SECONDS + 9)
    assert body.report == sha256(report.read_bytes()).digest()
    snapshot = bureau.home.snapshot()
    assert not named & set(snapshot.person_nos())
    assert mint_all(bureau.home, bureau.ledger, now=SECONDS + 10).minted == 57 != PEOPLE


def test_an_unknown_import_has_no_summary(bureau: Bureau) -> None:
    with pytest.raises(ConfigError) as refusal:
        signed_summary(bureau.home, bytes(32))
    assert refusal.value.reason is Reason.HOME_NOT_FOUND
    digest = bureau.home.snapshot().digest
    assert parse_import_summary(signed_summary(bureau.home, digest)).body.report is None
