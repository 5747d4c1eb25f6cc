"""What applicants show at a desk, one case for each verdict: bytes, request and trust folder, and what Python says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from certificate import template
from certificate.certificate import parse_certificate
from certificate.policy.asking import slots_for_policy
from certificate.policy.parsing import parse_policy
from certificate.request import PolicyItem
from certificate.slots import ClaimValue
from certificate.texts import Language
from tests.browser.town import DeskTown
from tests.policy.histories import History, months, policy_file
from tests.world import NOW, SLOTS_24, World
from verifier.expect import STATIC, Asked, Expectation
from verifier.render import report_json
from verifier.seen import MemorySeen
from verifier.trust import BUNDLE_NAME, DIRECTORY_NAME, parse_bundle
from verifier.trust_dir import ROOT_KEYS_NAME, format_root_keys
from verifier.verify import verify

__all__ = ["CASES", "Case", "case_of"]

CASES = ("valid", "met", "static", "not-met", "forged", "replaced", "not-posted", "too-old", "no-list")
_MADE = (BUNDLE_NAME, DIRECTORY_NAME, ROOT_KEYS_NAME)  # anew, by the world's root
_PENSION = "pension.emp"
_WORDED = {
    "测试规则": "连续缴费 24 个月（购房资格）",
    "a rule under test": "24 months in a row (home purchase)",
}
_RULE = policy_file(f"RUN({_PENSION}, months = 24)")
for _plain, _worded in _WORDED.items():
    _RULE = _RULE.replace(_plain.encode(), _worded.encode())


@dataclass(frozen=True, slots=True)
class Case:
    """One showing; `files` is the trust folder with root.keys."""

    shown: bytes
    request: bytes | None
    files: dict[str, bytes]

    def with_template(self, name: str) -> Case:
        """The same with a shipped form in the bundle."""
        path = Path(template.__file__).with_name("catalogue") / f"{name}.toml"
        others = {name: data for name, data in self.files.items() if name not in _MADE}
        files = World().bundle_files(templates=[path.read_bytes()], others=others)
        return Case(self.shown, self.request, files | {ROOT_KEYS_NAME: self.files[ROOT_KEYS_NAME]})

    def report(self, language: Language) -> dict[str, Any]:
        """What `tally verify --json` prints for it."""
        files = {name: data for name, data in self.files.items() if name != ROOT_KEYS_NAME}
        root = bytes.fromhex(self.files[ROOT_KEYS_NAME].decode().split()[0])
        expect: Expectation = STATIC if self.request is None else Asked(self.request)
        trust = parse_bundle(files, root_keys=[root])
        return report_json(
            verify(self.shown, trust=trust, now=NOW, expect=expect, seen=MemorySeen()), language
        )


@cache
def case_of(name: str) -> Case:
    """The case called `name` (one of CASES)."""
    if name in ("valid", "static", "forged", "no-list", "replaced"):
        return _slots_case(name)
    histories = {
        "met": History(202610).pay(_PENSION, months(202001, 202610)),
        "not-met": History(202610).pay(_PENSION, months(202501, 202610)),
        "too-old": History(202607).pay(_PENSION, months(202001, 202607)),
        "not-posted": History(202610).pay(_PENSION, months(202001, 202608)),
    }
    history = histories[name]
    if name == "not-posted":
        history.settled[_PENSION] = 202608
    posted = ("settled.{}", "strip.{}.-0", "strip.{}.-1", "strip.{}.-2") if name == "not-posted" else ()
    return _policy_case(history, [claim.format(_PENSION) for claim in posted])


def _slots_case(name: str) -> Case:
    town = DeskTown()
    request = town.request()
    answer = town.people[0].answer(request, sorted({0, 1, *SLOTS_24}))
    files = town.trust_files()
    if name == "forged":
        answer = answer[:-1] + bytes([answer[-1] ^ 1])
    if name in ("no-list", "replaced"):
        token = town.world.status_token(statuses={100: 3})
        files = _folder(
            town.world,
            town.world.bundle_files(
                others=town.world.log.held_files(), with_list=name == "replaced", token=token
            ),
        )
    return Case(town.paper, None, files) if name == "static" else Case(answer, request, files)


def _policy_case(history: History, claims_shown: Sequence[str]) -> Case:
    """An answer that shows `claims_shown`, or as little as decides the rule."""
    world, rule = World(), parse_policy(_RULE)
    registry = world.body().registry
    identity: dict[int, ClaimValue] = {0: "测试甲", 1: "0017"}
    claims = {registry.slot_of(claim): value for claim, value in history.claims().items()} | identity
    tree = world.tree(claims)
    full = world.certificate(world.body(claims_root=tree.root(), cut_off=history.cut_off), tree=tree)
    _, (least,) = slots_for_policy(rule, [parse_certificate(full)], today=date(2026, 11, 24))
    slots = [registry.slot_of(claim) for claim in claims_shown] or least
    request = world.request(
        items=(PolicyItem(rule.id, rule.digest),), registration=world.registration(policies=(rule.id,))
    )
    shown = world.presentation(certificate=full, request=request, slots=_with_identity(slots))
    return Case(shown, request, _folder(world, world.bundle_files(policies=[_RULE])))


def _with_identity(slots: Sequence[int]) -> list[int]:
    return sorted({0, 1, *slots})


def _folder(world: World, files: dict[str, bytes]) -> dict[str, bytes]:
    return files | {ROOT_KEYS_NAME: format_root_keys([world.root.public_key]).encode()}
