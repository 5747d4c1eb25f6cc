"""Records of one person, month by month, and what a certificate would show of them; for the tests of policies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from certificate.policy.facts import Facts
from certificate.policy.language import Policy
from certificate.policy.parsing import parse_policy
from certificate.slots import ClaimValue

HEAD = """schema = 1
id = "test.rule"
version = 1
title_zh = "测试规则"
title_en = "a rule under test"
purpose = "测试"
legal_basis = "测试规定"
valid_from = 2020-01-01
valid_to = 2030-12-31
"""


def policy_file(rule: str, *, records: str = "this authority", more: str = "") -> bytes:
    """A policy file with this rule."""
    return f'{HEAD}records = "{records}"\n{more}\nrule = """\n{rule}\n"""\n'.encode()


def policy(rule: str, *, records: str = "this authority", more: str = "") -> Policy:
    return parse_policy(policy_file(rule, records=records, more=more))


def months(first: int, last: int) -> list[int]:
    """All months YYYYMM from `first` to `last`."""
    at, found = first, []
    while at <= last:
        found.append(at)
        at = at + 1 if at % 100 < 12 else at + 89
    return found


@dataclass
class History:
    """States of DOMAIN section 4 by kind and month; months not named are 0."""

    cut_off: int
    states: dict[str, dict[int, int]] = field(default_factory=dict)
    settled: dict[str, int] = field(default_factory=dict)
    more: dict[str, ClaimValue] = field(default_factory=dict)
    authority: int = 300
    region: int = 990102

    def pay(self, kind: str, when: Iterable[int], state: int = 1) -> History:
        self.states.setdefault(kind, {}).update(dict.fromkeys(when, state))
        self.settled.setdefault(kind, self.cut_off)
        return self

    def claims(self) -> Mapping[str, ClaimValue]:
        found: dict[str, Any] = dict(self.more)
        for kind, states in self.states.items():
            found[f"settled.{kind}"] = self.settled[kind]
            found[f"months.{kind}"] = sum(state in (1, 2) for state in states.values())
            for back in range(31):
                year = self.cut_off // 100 - back
                bits = sum(
                    states.get(year * 100 + month + 1, 0) << 2 * month
                    for month in range(12)
                    if year * 100 + month + 1 <= self.cut_off
                )
                if bits or back < 6:
                    found[f"strip.{kind}.-{back}"] = bits.to_bytes(3)
        return found

    def facts(self) -> Facts:
        return Facts(self.authority, self.region, self.cut_off, self.claims())
