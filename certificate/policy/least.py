"""The smallest set of claims that decides a policy, for the holder's side.

Showing more can decide an answer and never turn it, so claims are taken away one by one, those that tell most first,
for as long as the answer stands. What remains is minimal: without any one of it the answer would be undetermined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final, cast

from certificate.kinds import KIND_BY_ID
from certificate.policy.evaluate import Answer, answer_policy
from certificate.policy.facts import Facts
from certificate.policy.language import (
    BaseAverage,
    Count,
    Employer,
    Policy,
    Run,
    Status,
    Total,
    leaves,
    month_index,
)
from certificate.slots import ClaimValue

__all__ = ["least_claims", "relevant_claims"]

# What tells most about a person goes first, when the answer stands without it; a minted answer tells least.
_TELLING: Final = (
    "base_avg12",
    "employer",
    "spells",
    "deemed",
    "moved",
    "months",
    "status",
    "strip",
    "settled",
)


def relevant_claims(policy: Policy, facts: Facts) -> frozenset[str]:
    """The names of those claims of one certificate that `policy` may look at at all, without what it shows besides."""
    names = {name for name, value in facts.claims.items() if _is_minted_for(policy, name, value)}
    for leaf in leaves(policy.rule):
        for kind in leaf.kinds.kinds:
            match leaf:
                case Run() | Employer():
                    names |= _strips(facts, kind, leaf.end.month, leaf.end.lag, leaf.months)
                case Count():
                    size = max(leaf.window, leaf.gap_window)
                    names |= _strips(facts, kind, leaf.end.month, leaf.end.lag, size)
                case Total():
                    names.add(f"months.{kind}")
                    names |= {f"{name}.{kind}" for name in ("deemed", "moved") if getattr(leaf, name)}
                case Status():
                    names.add(f"status.{kind}")
                case BaseAverage():
                    names.add(f"base_avg12.{kind}")
        if isinstance(leaf, Employer):
            names.add("employer")
        elif isinstance(leaf, Run | Count) and not leaf.counting.flexible:
            names |= {name for name in facts.claims if name == "employer" or name.startswith("spells.")}
    return frozenset(names & facts.claims.keys())


def least_claims(
    policy: Policy, facts: Sequence[Facts], *, today: date
) -> tuple[Answer, list[frozenset[str]]]:
    """The answer, and per certificate the names of the fewest claims that give it; none while it is undetermined.

    Args:
        facts: everything the holder has, one per certificate.
    """
    shown = [set(relevant_claims(policy, one)) for one in facts]
    answer = answer_policy(policy, _only(facts, shown), today=today)
    if answer.value is None:
        return answer, [frozenset() for _ in facts]
    candidates = sorted(
        ((at, name) for at, names in enumerate(shown) for name in names), key=lambda found: _order(*found)
    )
    for at, name in candidates:
        shown[at].discard(name)
        if answer_policy(policy, _only(facts, shown), today=today).value is not answer.value:
            shown[at].add(name)
    return answer, [frozenset(names) for names in shown]


def _is_minted_for(policy: Policy, name: str, value: ClaimValue) -> bool:
    return name.startswith("pol.") and cast(Sequence[object], value)[0] == policy.digest


def _only(facts: Sequence[Facts], shown: Sequence[set[str]]) -> list[Facts]:
    """A certificate of which nothing is shown is not laid on the table."""
    return [
        replace(one, claims={name: one.claims[name] for name in names})
        for one, names in zip(facts, shown, strict=True)
        if names
    ]


def _order(at: int, name: str) -> tuple[int, int, str]:
    kind = next((place for place, prefix in enumerate(_TELLING) if name.startswith(prefix)), len(_TELLING))
    return kind, -at, name


def _strips(facts: Facts, kind: str, fixed: int | None, lag: int, size: int) -> set[str]:
    if KIND_BY_ID[kind].yearly:
        return set()
    # Another certificate's cut-off may set the end, so strips after this one's own end belong to it too.
    last = fixed if fixed is not None else month_index(facts.cut_off)
    first = (fixed if fixed is not None else last - lag) - size + 1
    newest = facts.cut_off // 100
    years = range(first // 12, min(last // 12, newest) + 1)
    return {f"settled.{kind}"} | {f"strip.{kind}.-{newest - year}" for year in years}
