"""docs/DISCLOSURES.md is what the code makes today, and no policy shows employer or money that it does not ask for."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks.disclosures import NEWCOMER, SETTLED, render, shown_for
from certificate.policy.language import BaseAverage, Count, Employer, Policy, Run, leaves
from certificate.policy.shipped import shipped_policies
from certificate.slots import ValueType
from tests.policy.histories import History, months
from tests.world import REGISTRY

MONEY = {ValueType.FEN, ValueType.BALANCE}
POLICIES = shipped_policies()


def test_the_disclosures_page_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "DISCLOSURES.md"
    assert page.read_text("utf-8") == render(), "run: python -m benchmarks.disclosures > docs/DISCLOSURES.md"


def telling(names: tuple[str, ...]) -> set[str]:
    """What of it is about the employer or money."""
    claims = [REGISTRY.by_name[name] for name in names]
    return {
        "money" if claim.value_type in MONEY else "employer"
        for claim in claims
        if claim.value_type in MONEY or claim.group == "employer"
    }


def asked_for(policy: Policy) -> set[str]:
    rules = leaves(policy.rule)
    asked = telling(policy.show)
    if any(
        isinstance(leaf, Employer) or (isinstance(leaf, Run | Count) and not leaf.counting.flexible)
        for leaf in rules
    ):
        asked.add("employer")
    if any(isinstance(leaf, BaseAverage) for leaf in rules):
        asked.add("money")
    return asked


def test_most_policies_ask_for_neither() -> None:
    assert {name for name, policy in POLICIES.items() if asked_for(policy)} == {
        "bid.staff.6", "title.6", "qual.1", "qual.3", "loan.24",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_nothing_else_reveals_employer_or_money(name: str) -> None:
    """Neither the two people of the page nor people with other records."""
    policy, rng = POLICIES[name], random.Random(name)
    people = [SETTLED, NEWCOMER, *(somebody(rng) for _ in range(12))]
    for history in people:
        shown = shown_for(policy, history)
        assert telling(shown.names + shown.besides) <= asked_for(policy)
        if shown.answer is None:
            assert shown.names == ()


def somebody(rng: random.Random) -> History:
    history = History(202610, more=dict(SETTLED.more))
    for kind in ("pension.emp", "medical.emp", "unemp", "injury", "maternity"):
        paid = [
            month for month in months(rng.choice([200101, 202001, 202504]), 202610) if rng.random() < 0.97
        ]
        history.pay(kind, paid, rng.choice([1, 1, 2]))
        history.more[f"status.{kind}"] = rng.choice([1, 2, 3])
    return history
