"""Answering a policy costs little, whoever wrote it: measured in hashes that the same machine makes meanwhile.

A hash of 64 bytes takes some half a microsecond where nobody else is at work.
"""

from __future__ import annotations

import tracemalloc

import pytest

from benchmarks.disclosures import NEWCOMER, SETTLED
from benchmarks.policies import HOSTILE, TODAY, cost_in_hashes, everything_paid_by_halves
from certificate.policy.evaluate import answer_policy
from certificate.policy.shipped import shipped_policies
from tests.policy.histories import policy

MILLISECOND = 2000  # hashes


@pytest.mark.parametrize("name", sorted(shipped_policies()))
def test_a_policy_of_the_catalogue_takes_less_than_a_millisecond(name: str) -> None:
    for history in (SETTLED, NEWCOMER):
        _, hashes = cost_in_hashes(shipped_policies()[name], [history.facts()])
        assert hashes < MILLISECOND


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_policy_takes_less_than_ten_milliseconds_and_ten_mib(name: str) -> None:
    asked, facts = policy(HOSTILE[name]), [everything_paid_by_halves()] * 2
    _, hashes = cost_in_hashes(asked, facts, rounds=3)
    assert hashes < 10 * MILLISECOND
    tracemalloc.start()
    answer_policy(asked, facts, today=TODAY)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * 2**20
