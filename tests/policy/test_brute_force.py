"""Random records and rules against a judge that knows everything, written month by month from DOMAIN section 6.

The judge tries every state that a month not posted yet may still get. Where all of them agree that is the answer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from itertools import product

import pytest

from certificate.policy.evaluate import answer_policy
from certificate.policy.facts import Facts
from certificate.policy.language import Policy
from certificate.policy.least import least_claims, relevant_claims
from tests.policy.histories import History, months, policy

KINDS = ("pension.emp", "medical.emp", "injury")
CUT_OFF = 202610
TODAY = date(2026, 11, 3)
Records = Mapping[str, Mapping[int, int]]
Judge = Callable[[Records], bool]


def back(month: int, count: int) -> int:
    index = month // 100 * 12 + month % 100 - 1 - count
    return index // 12 * 100 + index % 12 + 1


def random_history(rng: random.Random) -> History:
    """A few years with holes, back payments and other states, settled up to two months before the cut-off."""
    history = History(CUT_OFF)
    for kind in KINDS:
        first = back(CUT_OFF, rng.randrange(1, 40))
        states = rng.choices(
            [0, 1, 2, 3], weights=rng.choice([(1, 30, 1, 1), (1, 4, 2, 1), (0, 1, 0, 0)]), k=40
        )
        history.pay(kind, [])
        for month, state in zip(months(first, CUT_OFF), states, strict=False):
            history.states[kind][month] = state
        history.settled[kind] = back(CUT_OFF, rng.choice([0, 0, 1, 2]))
        for at in (0, 1):
            month = back(CUT_OFF, at)
            if month > history.settled[kind] and rng.random() < 0.7:
                history.states[kind][month] = 0
    return history


def random_kinds(rng: random.Random) -> tuple[str, list[str], int]:
    kinds = rng.sample(KINDS, rng.randrange(1, 4))
    count = rng.randrange(1, len(kinds) + 1)
    return f"{count} of ({', '.join(kinds)})", kinds, count


def random_primitive(rng: random.Random) -> tuple[str, Judge]:
    text, kinds, count = random_kinds(rng)
    allowed = rng.choice([0, 0, 1, 2, 99])
    otherwise = rng.random() < 0.3
    spelled = {0: "exclude", 99: "include"}.get(allowed, str(allowed))
    options = f"back = {spelled}, otherwise = {'yes' if otherwise else 'no'}"
    if rng.random() < 0.3:
        last = back(CUT_OFF, rng.randrange(0, 14))
        options += f", end = {last // 100}-{last % 100:02d}"
    else:
        lag = rng.choice([0, 1, 1, 2])
        last = back(CUT_OFF, lag)
        options += f", lag = {lag}"

    def paid(records: Records, month: int, states: set[int]) -> bool:
        return sum(records[kind].get(month, 0) in states for kind in kinds) >= count

    sure = {1, 3} if otherwise else {1}

    if rng.random() < 0.5:
        n = rng.randrange(1, 30)

        def unbroken(records: Records) -> bool:
            wanted = [back(last, at) for at in range(n)]
            late = [month for month in wanted if not paid(records, month, sure)]
            return len(late) <= allowed and all(paid(records, month, sure | {2}) for month in late)

        return f"RUN({text}, months = {n}, {options})", unbroken
    window = rng.randrange(1, 36)
    n = rng.randrange(1, window + 1)
    gaps = rng.randrange(0, 6) if allowed in (0, 99) and rng.random() < 0.5 else None
    single = rng.randrange(0, 4) if gaps is not None and rng.random() < 0.5 else None

    def often_enough(records: Records) -> bool:
        wanted = [back(last, at) for at in range(window)]
        on_time = [month for month in wanted if paid(records, month, sure)]
        late = [month for month in wanted if month not in on_time and paid(records, month, sure | {2})]
        if len(on_time) + min(len(late), allowed) < n:
            return False
        there = "".join("x" if month in on_time or (allowed and month in late) else "." for month in wanted)
        longest = max(map(len, there.split("x")))
        return (gaps is None or there.count(".") <= gaps) and (single is None or longest <= single)

    limits = "" if gaps is None else f", max_gap_total = {gaps}"
    limits += "" if single is None else f", max_gap_single = {single}"
    return f"COUNT({text}, months = {n}, window = {window}, {options}{limits})", often_enough


def random_rule(rng: random.Random) -> tuple[str, Judge]:
    parts = [random_primitive(rng) for _ in range(rng.choice([1, 1, 2, 3]))]
    if len(parts) == 1:
        return parts[0]
    need = rng.randrange(1, len(parts) + 1)
    text = f"{need} of ({', '.join(text for text, _ in parts)})"
    return text, lambda records: sum(judge(records) for _, judge in parts) >= need


def truth(history: History, judge: Judge) -> bool | None:
    """The one answer under every state that months not posted yet may get."""
    open_ = [
        (kind, month)
        for kind in KINDS
        for month in months(back(history.settled[kind], -1), CUT_OFF)
        if history.states[kind].get(month, 0) == 0
    ]
    found = set()
    for states in product(range(4), repeat=len(open_)):
        records = {kind: dict(history.states[kind]) for kind in KINDS}
        for (kind, month), state in zip(open_, states, strict=True):
            records[kind][month] = state
        found.add(judge(records))
        if len(found) == 2:
            return None
    return found.pop()


def case(seed: int) -> tuple[Policy, History, Judge]:
    rng = random.Random(seed)
    history = random_history(rng)
    text, judge = random_rule(rng)
    return policy(text), history, judge


@pytest.mark.parametrize("part", range(8))
def test_whatever_is_said_is_true(part: int, full: bool) -> None:
    """True and false are always right, and undetermined is said only when the records leave it open.

    With several primitives the records may settle together what none of them settles alone; Kleene's logic does not
    see that, so only for single primitives the other direction is asked.
    """
    said = 0
    count = 25_000 if full else 80
    for seed in range(part * count, (part + 1) * count):
        asked, history, judge = case(seed)
        answer = answer_policy(asked, [history.facts()], today=TODAY).value
        expected = truth(history, judge)
        assert answer is None or answer is expected, seed
        said += answer is not None
    assert said > count // 2


@pytest.mark.parametrize("part", range(2))
def test_the_least_claims_decide_alike_and_none_of_them_is_too_much(part: int, full: bool) -> None:
    decided = 0
    count = 2_000 if full else 25
    for seed in range(part * count, (part + 1) * count):
        asked, history, _ = case(seed)
        facts = history.facts()
        answer, (names,) = least_claims(asked, [facts], today=TODAY)
        assert answer.value is answer_policy(asked, [facts], today=TODAY).value, seed
        if answer.value is None:
            assert names == frozenset()
            continue
        decided += 1
        assert names <= relevant_claims(asked, facts)
        assert answer_policy(asked, [showing(facts, names)], today=TODAY).value is answer.value
        for name in names:
            assert answer_policy(asked, [showing(facts, names - {name})], today=TODAY).value is None, (
                seed,
                name,
            )
    assert decided > count // 2


def showing(facts: Facts, names: frozenset[str]) -> Facts:
    return replace(facts, claims={name: facts.claims[name] for name in names})


def test_showing_more_never_turns_an_answer() -> None:
    rng = random.Random(7)
    for seed in range(100):
        asked, history, _ = case(seed)
        facts = history.facts()
        names = sorted(relevant_claims(asked, facts))
        few = frozenset(rng.sample(names, len(names) // 2))
        more = few | frozenset(rng.sample(names, len(names) // 2))
        first, second = (
            answer_policy(asked, [showing(facts, shown)], today=TODAY).value for shown in (few, more)
        )
        assert first is None or first is second, seed
