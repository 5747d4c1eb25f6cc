"""Rules, and what one or more certificates show, from a seed: all primitives, all options, claims held back.

A case goes to the page as JSON, bytes in hex, and comes back as what is answered there.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from typing import Any

from playwright.sync_api import Page

from certificate.policy.evaluate import answer_policy
from certificate.policy.facts import Facts
from certificate.policy.language import Policy
from certificate.policy.parsing import parse_policy
from certificate.policy.wording import answer_word, finding_sentences
from certificate.slots import ClaimValue
from certificate.texts import LANGUAGES
from tests.browser.pages import run
from tests.browser.site import Site
from tests.policy.histories import History, months, policy_file
from tests.policy.test_brute_force import back

__all__ = ["Case", "ask_page", "edge_cases", "plain", "random_case", "told"]

TODAY = date(2026, 11, 3)
NEWEST = 202610
_NAMES = ("pension.emp", "medical.emp", "injury", "unemp", "medical.res")
_DAYS = ("2019-12-31", "2020-01-01", "2026-12-31", "2027-03-01", "2030-12-31", "2031-01-01")
_USCCS = ("91990000T0000001X7", "91990000T000000287")

_ASK = """async ({ parsePolicy }, { answerPolicy }, { answerWord, findingSentences }, { fromHex }, cases) => {
  const claim = (value) =>
    Array.isArray(value) ? value.map(claim) : value !== null && typeof value === "object" ? fromHex(value.hex) : value;
  const facts = ({ claims, ...rest }) =>
    ({ ...rest, claims: new Map(claims.map(([name, value]) => [name, claim(value)])) });
  const found = [];
  for (const { policy, shown, today } of JSON.parse(cases)) {
    const answer = answerPolicy(await parsePolicy(fromHex(policy)), shown.map(facts), { today });
    const words = (language) => [answerWord(answer.value, language), ...findingSentences(answer, language)];
    found.push({ value: answer.value, findings: answer.findings, zh: words("zh"), en: words("en") });
  }
  return JSON.stringify(found);
}"""
_MODULES = [f"/certificate/policy/{name}.js" for name in ("parsing", "evaluate", "wording")]


@dataclass(frozen=True)
class Case:
    """A policy, what is shown, and the day of the question."""

    policy: Policy
    shown: Sequence[Facts]
    today: date = TODAY


def ask_page(page: Page, site: Site, cases: Sequence[Case]) -> list[Any]:
    """What the page says to each case, in the form of `told`."""
    # As one text each way: the driver takes seconds to carry so many small values.
    data = json.dumps([_asked(case) for case in cases])
    said: list[Any] = json.loads(run(page, site, [*_MODULES, "/ledger/digest.js"], _ASK, data))
    return said


def _asked(case: Case) -> dict[str, Any]:
    """The case as the page takes it."""
    return {
        "policy": case.policy.source.hex(),
        "today": case.today.isoformat(),
        "shown": [
            {
                "authority": facts.authority,
                "region": facts.region,
                "cutOff": facts.cut_off,
                "claims": [[name, plain(value)] for name, value in facts.claims.items()],
            }
            for facts in case.shown
        ],
    }


def told(case: Case) -> dict[str, Any]:
    """What the page must say: value, findings, and the sentences in both languages."""
    answer = answer_policy(case.policy, case.shown, today=case.today)
    findings = [
        {
            "cause": one.cause.value,
            "kind": one.kind,
            "month": one.month,
            "need": one.need,
            "have": one.have,
        }
        for one in answer.findings
    ]
    sentences: dict[str, Any] = {
        language: [answer_word(answer.value, language), *finding_sentences(answer, language)]
        for language in LANGUAGES
    }
    return {"value": answer.value, "findings": findings, **sentences}


def random_case(seed: int) -> Case:
    rng = random.Random(seed)
    more = rng.choice(["", "max_age = 6", "max_age = 6", 'regions = ["9901"]', 'regions = ["9902", "990"]'])
    records = rng.choice(["this authority", "anywhere"])
    rule = _rule(rng, rng.choice([0, 0, 0, 0, 1, 2]))
    policy = parse_policy(policy_file(rule, records=records, more=more))
    first = _history(rng)
    others = [
        _seen_again(rng, first) if rng.random() < 0.5 else _history(rng)
        for _ in range(rng.choice([0, 0, 1, 2]))
    ]
    shown = [_shown(rng, policy, history) for history in (first, *others)]
    today = rng.choice([*[TODAY] * 20, *map(date.fromisoformat, _DAYS)])
    return Case(policy, shown, today)


def edge_cases() -> list[Case]:
    """Two certificates of one person that say different things of the same months, in both orders."""
    kind, when = "pension.emp", months(202601, 202606)
    counting = f"RUN({kind}, months = 3, end = 2026-06, "
    rules = [
        policy_file(
            counting + f"back = {back_paid}, otherwise = {otherwise}, posted_by = 2026-08-31)",
            records=records,
            more="max_age = 6",
        )
        for back_paid in ("exclude", "include")
        for otherwise in ("no", "yes")
        for records in ("this authority", "anywhere")
    ]
    cases = []
    for policy in map(parse_policy, rules):
        for first, second in product((0, 1, 2, 3), repeat=2):
            old, new = (
                History(cut_off).pay(kind, when, state)
                for cut_off, state in ((202608, first), (202610, second))
            )
            for minted in (old, new):
                minted.more = {"pol.3": [policy.digest, True]} if first == second == 0 else {}
                shown = [old.facts(), new.facts()]
                cases += [Case(policy, shown), Case(policy, shown[::-1])]
                minted.more = {}
    return cases


def plain(value: ClaimValue | None) -> Any:
    """A claim's value in JSON, bytes as an object with their hex."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value


def _rule(rng: random.Random, depth: int) -> str:
    if depth == 0:
        return _primitive(rng)
    parts = [_rule(rng, depth - 1) for _ in range(rng.randrange(1, 4))]
    how = rng.choice(["and", "or", "of"])
    if how == "of":
        return f"{rng.randrange(1, len(parts) + 1)} of ({', '.join(parts)})"
    return "(" + f" {how} ".join(parts) + ")"


def _primitive(rng: random.Random) -> str:
    kinds, few = _kinds(rng), rng.choice([1, 2, 2, 3, 3, 4, 6, 9, 12, 24, 36])
    match rng.choice(["RUN", "RUN", "COUNT", "COUNT", "TOTAL", "TOTAL", "EMPLOYER", "STATUS", "BASE"]):
        case "RUN":
            return f"RUN({kinds}, months = {few}{_monthly(rng)})"
        case "COUNT":
            return f"COUNT({kinds}, months = {few}, window = {few + rng.randrange(24)}{_gaps(rng)})"
        case "TOTAL":
            extra = "".join(f", {name} = {rng.choice(['yes', 'no'])}" for name in ("deemed", "moved"))
            return f"TOTAL({kinds}, months = {few * rng.choice([1, 5])}{extra})"
        case "EMPLOYER":
            codes = rng.choice([f'"{_USCCS[0]}"', f'["{_USCCS[0]}", "{_USCCS[1]}"]'])
            return f"EMPLOYER({kinds}, uscc = {codes}, months = {few}{_monthly(rng)})"
        case "STATUS":
            return f"STATUS({kinds}, value = {rng.randrange(1, 4)})"
    return f"BASE({kinds}, average = {rng.choice([400000, 800000])})"


def _kinds(rng: random.Random) -> str:
    kinds = rng.sample(_NAMES, rng.choice([1, 1, 1, 2, 3]))
    if len(kinds) == 1:
        return kinds[0]
    how = rng.choice(["any", "all", f"{rng.randrange(1, len(kinds) + 1)} of "])
    return f"{how}({', '.join(kinds)})"


def _monthly(rng: random.Random, *, backs: Sequence[str] = ("exclude", "include", "1", "3")) -> str:
    options = [f"lag = {rng.randrange(3)}", f"end = 202{rng.randrange(4, 7)}-{rng.randrange(1, 13):02d}", ""]
    found = [rng.choice(options)]
    if rng.random() < 0.5:
        found.append(f"back = {rng.choice(backs)}")
    if rng.random() < 0.4:
        found.append("otherwise = yes")
    if rng.random() < 0.3:
        found.append(f"posted_by = 2026-{rng.choice([5, 7, 8, 9, 10]):02d}-15")
    if rng.random() < 0.2:
        found.append("flexible = no")
    return "".join(f", {option}" for option in found if option)


def _gaps(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return _monthly(rng)
    limits = [f", gap_window = {rng.randrange(1, 40)}", f", max_gap_single = {rng.randrange(4)}"]
    chosen = "".join(rng.sample(limits, rng.randrange(3)))
    return f", max_gap_total = {rng.randrange(6)}{chosen}" + _monthly(rng, backs=("exclude", "include"))


def _history(rng: random.Random) -> History:
    cut_off = rng.choice([*[NEWEST] * 6, 202609, 202608, 202605])
    authority, region = rng.choice([(300, 990102), (300, 990102), (301, 990201), (302, 980101)])
    history = History(cut_off, authority=authority, region=region)
    for kind in _NAMES:
        _pay(rng, history, kind)
    return history


def _seen_again(rng: random.Random, history: History) -> History:
    """The same records as another bureau or an older certificate has them: cut off elsewhere, some months otherwise."""
    again = History(rng.choice([history.cut_off, 202610, 202608, 202605]), authority=rng.choice([300, 301]))
    for kind, states in history.states.items():
        again.states[kind] = {
            month: state if rng.random() < 0.9 else rng.randrange(4)
            for month, state in states.items()
            if month <= again.cut_off
        }
        again.settled[kind] = back(again.cut_off, rng.randrange(2))
    return again


def _shown(rng: random.Random, policy: Policy, history: History) -> Facts:
    claims = {name: value for name, value in _claims(rng, history, policy) if rng.random() < 0.95}
    return replace(history.facts(), claims=claims)


def _pay(rng: random.Random, history: History, kind: str) -> None:
    first = back(history.cut_off, rng.randrange(1, 60))
    weights = rng.choice([(1, 30, 1, 1), (1, 4, 2, 1), (0, 1, 0, 0), (0, 1, 0, 0)])
    history.pay(kind, [])
    for month in months(first, history.cut_off):
        history.states[kind][month] = rng.choices([0, 1, 2, 3], weights=weights)[0]
    history.settled[kind] = back(history.cut_off, rng.choice([0, 0, 1, 2]))
    for month in months(back(history.settled[kind], -1), history.cut_off):
        history.states[kind][month] = rng.choice([0, 0, 1])


def _claims(rng: random.Random, history: History, policy: Policy) -> list[tuple[str, ClaimValue]]:
    found: dict[str, ClaimValue] = {
        name: value
        for name, value in history.claims().items()
        if not name.startswith("strip.") or rng.random() < 0.95
    }
    for kind in _NAMES:
        found[f"status.{kind}"] = rng.randrange(1, 4)
        found[f"base_avg12.{kind}"] = rng.choice([300000, 500000, 900000])
        for name, low, high in (("deemed", 0, 20), ("moved", 0, 20), ("ge.total", 1, 200), ("ge.run", 1, 40)):
            if rng.random() < (0.8 if name in ("deemed", "moved") else 0.2):
                found[f"{name}.{kind}"] = rng.randrange(low, high)
    since = back(history.cut_off, rng.randrange(30))
    found["employer"] = [rng.choice([*_USCCS, None]), "样例制造有限公司(测试)", since, 3]
    for at in range(rng.randrange(3)):
        first = back(history.cut_off, rng.randrange(20, 60))
        found[f"spells.{at}"] = ["样例商贸有限公司(测试)", first, back(first, -rng.randrange(20)), 5]
    if rng.random() < 0.1:
        found["pol.3"] = [rng.choice([policy.digest, bytes(32)]), rng.random() < 0.5]
    return [(kind, value) for kind, value in found.items() if rng.random() < 0.97]
