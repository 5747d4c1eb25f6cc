"""The bureau mints the answers that its profile lists, and none without."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from certificate.certificate import parse_certificate
from certificate.policy.asking import facts_of_certificate
from certificate.policy.evaluate import answer_policy
from certificate.policy.shipped import shipped_policies
from issuer.export import find_row, full_certificate
from issuer.service import mint_all
from ledger.errors import ConfigError
from ledger.reasons import Reason
from tests.issuer.conftest import PEOPLE, Bureau
from tests.world import SECONDS
from verifier.expect import STATIC
from verifier.report import Outcome
from verifier.seen import MemorySeen
from verifier.trust_dir import load_trust
from verifier.verify import verify

ASKED = ("housing.24", "retire.2026")


def list_in_profile(bureau: Bureau, setting: str) -> None:
    path = bureau.home.path / "profiles" / f"{bureau.home.settings.profile}.toml"
    text = path.read_text("utf-8")
    assert text.count("minted_answers = []\n") == 1
    path.write_text(text.replace("minted_answers = []", setting), "utf-8")


def test_listed_answers_are_minted_and_the_certificate_verifies(bureau: Bureau) -> None:
    """Worker processes sign them, the register keeps them, and the tree is found again from it."""
    list_in_profile(bureau, f"minted_answers = {list(ASKED)}")
    assert mint_all(bureau.home, bureau.ledger, now=SECONDS).minted == PEOPLE
    trust, seen = load_trust(bureau.home.trust_dir), []
    day = datetime.fromtimestamp(SECONDS, UTC)
    for person in bureau.persons:
        data = full_certificate(bureau.home, bureau.ledger, find_row(bureau.home, person))
        report = verify(data, trust=trust, now=day, expect=STATIC, seen=MemorySeen())
        assert report.outcome is Outcome.VALID
        facts = facts_of_certificate(parse_certificate(data))
        for at, policy in enumerate(map(shipped_policies().__getitem__, ASKED)):
            minted = facts.claims.get(f"pol.{at}")
            answer = answer_policy(policy, [facts], today=day.date()).value
            assert minted == (None if answer is None else (policy.digest, answer))
            seen.append(answer)
    assert {True, False, None} == set(seen)


def test_none_is_minted_unless_the_profile_lists_it(bureau: Bureau) -> None:
    mint_all(bureau.home, bureau.ledger, now=SECONDS)
    data = full_certificate(bureau.home, bureau.ledger, find_row(bureau.home, bureau.persons[0]))
    names = facts_of_certificate(parse_certificate(data)).claims
    assert not any(name.startswith(("pol.", "ge.")) for name in names)


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ('minted_answers = ["housing.25"]', Reason.CLI_NOT_FOUND),
        ('minted_answers = ["housing.24", "housing.24"]', Reason.RECORDS_SCHEMA),
        ("minted_answers = [24]", Reason.RECORDS_SCHEMA),
        ('minted_answers = "housing.24"', Reason.RECORDS_SCHEMA),
        (f"minted_answers = {[f'a.{at}' for at in range(33)]}", Reason.RECORDS_SCHEMA),
    ],
)
def test_a_wrong_list_mints_nothing(bureau: Bureau, setting: str, reason: Reason) -> None:
    list_in_profile(bureau, setting)
    with pytest.raises(ConfigError) as refused:
        mint_all(bureau.home, bureau.ledger, now=SECONDS)
    assert refused.value.reason is reason
