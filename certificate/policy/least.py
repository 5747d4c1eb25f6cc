"""The smallest set of claims that decides a policy, for the holder's side.

Showing more can decide an answer and never turn it, so claims are taken away one by one, those that tell most first,
for as long as the answer stands. What remains is minimal: without any one of it the answer would be undetermined.
"""

from __future__ import annotations

from bisect import bisect_left
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
from certificate.slots import SPELL_SLOTS, STRIP_YEARS, ClaimValue

__all__ = ["least_claims", "least_months", "readable_claims", "relevant_claims"]

# What tells most about a person goes first, when the answer stands without it; threshold proofs go after all of these,
# and a minted answer, which tells least, goes last.
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
    names |= readable_claims(policy, facts.cut_off, strips_of_totals=False)
    return frozenset(names & facts.claims.keys())


def readable_claims(policy: Policy, cut_off: int, *, strips_of_totals: bool) -> frozenset[str]:
    """The names of all claims that an answer may depend on, whatever a certificate with this cut-off holds.

    Args:
        strips_of_totals: a total is no less than the months that strips say were paid, however many years back; who
            shows a total need not look.
    """
    names: set[str] = set()
    for leaf in leaves(policy.rule):
        for kind in leaf.kinds.kinds:
            match leaf:
                case Run() | Employer():
                    names |= _strips(cut_off, kind, leaf.end.month, leaf.end.lag, leaf.months)
                case Count():
                    size = max(leaf.window, leaf.gap_window)
                    names |= _strips(cut_off, kind, leaf.end.month, leaf.end.lag, size)
                case Total():
                    names |= {f"months.{kind}", f"ge.total.{kind}"}
                    names |= {f"{name}.{kind}" for name in ("deemed", "moved") if getattr(leaf, name)}
                    if strips_of_totals:
                        names |= {f"strip.{kind}.-{back}" for back in range(STRIP_YEARS)}
                case Status():
                    names.add(f"status.{kind}")
                case BaseAverage():
                    names.add(f"base_avg12.{kind}")
        if isinstance(leaf, Employer):
            names.add("employer")
        elif isinstance(leaf, Run | Count) and not leaf.counting.flexible:
            names |= {"employer", *(f"spells.{at}" for at in range(SPELL_SLOTS))}
    return frozenset(names)


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


def least_months(
    asked: Sequence[tuple[Policy, Sequence[Facts]]], facts: Facts, *, today: date
) -> dict[str, int]:
    """How few months each threshold proof that is shown may show: all answer as before, with one fewer not.

    Args:
        asked: policies, each with what other certificates show beside this one to answer it.
        facts: what is shown of one certificate, with all the months that its holder can show.
    """
    answers = [answer_policy(policy, [facts, *beside], today=today).value for policy, beside in asked]
    for name in sorted(name for name in facts.claims if name.startswith("ge.")):

        def stands(months: int, name: str = name, fewest: Facts = facts) -> bool:
            less = replace(fewest, claims={**fewest.claims, name: months})
            return [
                answer_policy(policy, [less, *beside], today=today).value for policy, beside in asked
            ] == answers

        most = cast(int, facts.claims[name])
        enough = bisect_left(range(1, most), True, key=stands) + 1
        facts = replace(facts, claims={**facts.claims, name: enough})
    return {name: cast(int, value) for name, value in facts.claims.items() if name.startswith("ge.")}


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


def _strips(cut_off: int, kind: str, fixed: int | None, lag: int, size: int) -> set[str]:
    """The strips of a window, the settled month, and the proved run that may stand in their place."""
    if KIND_BY_ID[kind].yearly:
        return {f"ge.run.{kind}"}
    # Another certificate's cut-off may set the end, so strips after this one's own end belong to it too.
    last = fixed if fixed is not None else month_index(cut_off)
    first = (fixed if fixed is not None else last - lag) - size + 1
    newest = cut_off // 100
    years = range(first // 12, min(last // 12, newest) + 1)
    return {f"settled.{kind}", f"ge.run.{kind}"} | {f"strip.{kind}.-{newest - year}" for year in years}
