"""Step 11: what the asked policies answer to what was shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from certificate.policy.asking import day_of_question, policy_asked
from certificate.policy.evaluate import Answer, answer_policy
from certificate.policy.facts import Facts
from certificate.policy.language import Policy
from certificate.policy.months import Cause
from certificate.request import PolicyItem, RequestBody
from ledger.errors import ProjectError, UndeterminedError, VerificationError
from ledger.reasons import Reason

__all__ = ["JudgedPolicy", "judge_policies", "refusal_of"]

_CANNOT_TELL: Mapping[Cause, Reason] = {
    Cause.TOO_OLD: Reason.POLICY_DATA_TOO_OLD,
    Cause.NOT_SETTLED: Reason.POLICY_NOT_SETTLED,
    Cause.NOT_VALID: Reason.POLICY_RETIRED,
}


@dataclass(frozen=True, slots=True)
class JudgedPolicy:
    """A policy that was asked and what it answers."""

    policy: Policy
    answer: Answer


def judge_policies(
    request: RequestBody, facts: Sequence[Facts], policies: Mapping[str, Policy], *, now: int
) -> tuple[JudgedPolicy, ...]:
    """Answer every policy that `request` asks from everything that was shown.

    Args:
        facts: of certificates of one holder whose disclosures lead to their signed roots.
        now: POSIX seconds.
    Raises:
        UndeterminedError, VerificationError: as `policy_asked`.
    """
    today, printed = day_of_question(now), request.nonce is None
    asked = [
        policy_asked(item, policies, printed=printed)
        for item in request.items
        if isinstance(item, PolicyItem)
    ]
    return tuple(JudgedPolicy(policy, answer_policy(policy, facts, today=today)) for policy in asked)


def refusal_of(judged: Sequence[JudgedPolicy]) -> ProjectError | None:
    """The error of step 11: a policy that is not met, else one that cannot be told; None when all are met."""
    for policy in judged:
        if policy.answer.value is False:
            return VerificationError(Reason.POLICY_NOT_MET, policy.policy.id)
    for policy in judged:
        if policy.answer.value is None:
            causes = [finding.cause for finding in policy.answer.findings]
            reason = next((_CANNOT_TELL[cause] for cause in causes if cause in _CANNOT_TELL), None)
            return UndeterminedError(reason or Reason.POLICY_UNDETERMINED, policy.policy.id)
    return None
