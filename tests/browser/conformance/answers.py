"""Cases of step 11: rules from a seed and the shipped ones, asked of random records, answered with more or less."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime

from certificate.certificate import encode_certificate, parse_certificate
from certificate.policy.asking import slots_for_policy
from certificate.policy.parsing import parse_policy
from certificate.policy.shipped import shipped_files
from certificate.request import PolicyItem, SlotsItem
from certificate.slots import ClaimValue
from certificate.template.shipped import shipped_template_files
from issuer.answers import COMMITMENTS, commitments, openings
from ledger.errors import ProjectError
from tests.browser.conformance.bench import Bench, Opened
from tests.policy.histories import History, months, policy_file
from tests.policy.test_brute_force import CUT_OFF, back, random_history, random_rule
from tests.world import NOW, REGISTRY, World
from verifier.expect import Asked

__all__ = ["add_policies"]

_RULES_A_BUNDLE = 40
_KINDS = ("pension.emp", "medical.emp", "unemp", "injury", "maternity")
_SEED = b"s" * 32


@dataclass
class _Asking:
    """A bundle with the shipped policies and templates, and rules that nobody ever shipped."""

    world: World
    rules: list[bytes]
    opened: Opened
    ids: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.ids = tuple(sorted({parse_policy(rule).id for rule in self.rules}))


def add_policies(bench: Bench, count: int, *, seed: int) -> None:
    """`count` answers; each bundle serves some."""
    chance = random.Random(seed)
    asking = None
    for number in range(count):
        if asking is None or number % _RULES_A_BUNDLE == 0:
            asking = _asking(bench, chance)
        try:
            _answer(bench, chance, asking, number)
        except ProjectError:
            continue  # the holder's side refuses to make it


def _asking(bench: Bench, chance: random.Random) -> _Asking:
    world = World()
    rules = []
    for number in range(_RULES_A_BUNDLE):
        text = policy_file(
            random_rule(chance)[0], records=chance.choice(("this authority", "anywhere"))
        ).decode()
        text = text.replace('"test.rule"', f'"test.rule{number}"')
        if chance.random() < 0.1:
            text = text.replace("2030-12-31", "2026-11-23")
        rules.append(text.encode())
    rules += [shipped_files()[name] for name in sorted(shipped_files())]
    templates = [shipped_template_files()[name] for name in sorted(shipped_template_files())]
    return _Asking(world, rules, bench.open(world.bundle_files(policies=rules, templates=templates)))


def _answer(bench: Bench, chance: random.Random, asking: _Asking, number: int) -> None:
    world, rule = asking.world, parse_policy(chance.choice(asking.rules))
    history = random_history(chance) if chance.random() < 0.6 else _long_history(chance)
    claims = _claims(chance, history)
    proved = chance.random() < 0.3
    if proved:
        claims |= commitments(tuple(COMMITMENTS), claims, _SEED)
    tree = world.tree(claims)
    body = world.body(
        claims_root=tree.root(), cut_off=chance.choice((history.cut_off, history.cut_off, back(CUT_OFF, 3))),
        region=chance.choice((990102, 990102, 990103)),
    )  # fmt: skip
    whole = world.certificate(body, tree=tree, neighbours=20)
    if proved:
        parsed = parse_certificate(whole)
        tops = openings(claims, _SEED)
        whole = encode_certificate(parsed.sign1, parsed.disclosures, parsed.multiproof, parsed.proof, tops)
    _, (least,) = slots_for_policy(rule, [parse_certificate(whole)], today=_day(NOW))
    show = [slot for slot in least if chance.random() > 0.04] if chance.random() < 0.7 else list(tree.slots)
    digest = rule.digest if chance.random() > 0.03 else bytes(32)
    items: tuple[PolicyItem | SlotsItem, ...] = (PolicyItem(rule.id, digest),)
    if chance.random() < 0.2:
        items = (*items, SlotsItem(REGISTRY.type, (0,)))
    if chance.random() < 0.2:
        other = parse_policy(chance.choice(asking.rules))
        items = (PolicyItem(other.id, other.digest), *items)
    printed = {"nonce": None, "desk": "窗口三"} if chance.random() < 0.15 else {}
    request = world.request(items=items, registration=world.registration(policies=asking.ids), **printed)
    shown = world.presentation(certificate=whole, request=request, slots=show)
    bench.judge(f"policy {rule.id}", shown, asking.opened, Asked(request))


def _long_history(chance: random.Random) -> History:
    """Decades, whole or with a hole, as the rules about retirement want them."""
    history = History(CUT_OFF)
    for kind in _KINDS:
        whole = months(chance.choice((199901, 200601, 201101, 202001)), CUT_OFF)
        hole = chance.randrange(len(whole))
        history.pay(kind, whole if chance.random() < 0.5 else [m for m in whole if m != whole[hole]])
        history.more |= {
            f"status.{kind}": chance.choice((1, 2, 3)),
            f"base_avg12.{kind}": chance.choice((1, 900000)),
        }
    history.more["deemed.pension.emp"] = chance.choice((0, 12, 240))
    history.more["employer"] = ["91990000T0000001X7", "样例制造有限公司(测试)", 201501, 130]
    return history


def _claims(chance: random.Random, history: History) -> dict[int, ClaimValue]:
    who: dict[str, ClaimValue] = {
        "name": "测试甲", "id_tail": "0017", "id_no": "990000199001010017", "birth_date": 19900101,
    }  # fmt: skip
    claims = {REGISTRY.slot_of(name): value for name, value in (dict(history.claims()) | who).items()}
    paid, run = history.states.get("pension.emp", {}), 0
    while paid.get(back(CUT_OFF, run), 0) == 1:
        run += 1
    claims[REGISTRY.slot_of("run.pension.emp")] = run
    return claims


def _day(moment: datetime) -> date:
    return moment.date()
