"""Writes docs/DISCLOSURES.md: what each policy of the catalogue makes a citizen show, and what it costs in bytes.

    python -m benchmarks.disclosures > docs/DISCLOSURES.md

Two people answer: one who has everything that is asked, and one who came half a year ago and stopped paying.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from certificate.certificate import encode_certificate, parse_certificate
from certificate.policy.asking import slots_for_policy
from certificate.policy.evaluate import answer_to_mint
from certificate.policy.language import Policy
from certificate.policy.shipped import shipped_policies
from certificate.policy.wording import answer_word
from certificate.slots import ClaimValue
from tests.policy.histories import History, months
from tests.world import REGISTRY, World

__all__ = ["NEWCOMER", "SETTLED", "Shown", "render", "shown_for"]

TODAY = date(2026, 11, 24)
_CUT_OFF = 202610
_BRANCHES = ("pension.emp", "medical.emp", "unemp", "injury", "maternity")
_SETTLED_FROM, _NEWCOMER_PAID = 199901, (202603, 202605)
_IDENTITY: dict[str, ClaimValue] = {
    "name": "测试甲",
    "id_tail": "0017",
    "id_no": "990000199001010017",
    "birth_date": 19900101,
}
_HEAD = """# What a policy makes you show

For each policy of the catalogue: the least set of claims that gives the answer, with what the policy wants shown
beside it, and by how many bytes the presentation grows over one that shows nothing. Last, by how many it grows where
the bureau minted the answer, which then stands in the place of what decides; it tells less than any month, so it is
shown wherever it exists. Made by `python -m benchmarks.disclosures`; a test compares.

The first person has 27 years of every branch and one employer since 2015; the second was paid for from March to May of
the year and not before or after. Strips count years back: `strip.medical.emp.-1` is last year's. Where the answer is
*cannot tell*, nothing is proved, and only what the policy wants shown beside it would be laid down.
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What one person shows for one policy. `names` is without what the policy wants shown `besides`."""

    answer: bool | None
    names: tuple[str, ...]
    besides: tuple[str, ...]
    extra_bytes: int


def _person(first: int, last: int, status: int, employer: list[str | int], base: int) -> History:
    history = History(_CUT_OFF)
    for branch in _BRANCHES:
        history.pay(branch, months(first, last))
        history.more |= {f"status.{branch}": status, f"base_avg12.{branch}": base, f"deemed.{branch}": 0}
        history.more |= {f"base.{branch}": base, f"paid_total.{branch}": 8 * base}
    history.more |= _IDENTITY | {"employer": employer, "spells.0": [*employer[1:3], last, employer[3]]}
    return history


SETTLED = _person(
    _SETTLED_FROM, _CUT_OFF, 1, ["91990000T0000001X7", "样例制造有限公司(测试)", 201501, 142], 900_000
)
NEWCOMER = _person(*_NEWCOMER_PAID, 2, ["91990000T000000287", "示例贸易有限公司(测试)", 202603, 3], 400_000)


def shown_for(policy: Policy, history: History) -> Shown:
    """What `history`'s holder lays down for `policy`, who holds a certificate of everything in it."""
    world = World()
    tree = world.tree({REGISTRY.slot_of(name): value for name, value in history.claims().items()})
    body = world.body(claims_root=tree.root(), cut_off=history.cut_off)
    whole = parse_certificate(world.certificate(body, tree=tree, logged=False))
    answer, (slots,) = slots_for_policy(policy, [whole], today=TODAY)
    names = [REGISTRY.claim_at(slot).name for slot in slots]
    sizes = [
        len(encode_certificate(whole.sign1, *tree.disclose(shown), whole.proof)) for shown in ((), slots)
    ]
    return Shown(
        answer.value,
        tuple(name for name in names if name not in policy.show),
        tuple(name for name in names if name in policy.show),
        sizes[1] - sizes[0],
    )


def render() -> str:
    """The whole page."""
    lines = [_HEAD]
    for title, history in (("Has everything", SETTLED), ("Came in March, stopped in May", NEWCOMER)):
        lines += [
            f"## {title}",
            "",
            "| policy | answer | decided by | shown beside it | bytes | minted |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        lines += [_row(policy, history) for policy in shipped_policies().values()]
        lines.append("")
    return "\n".join(lines)


def _row(policy: Policy, history: History) -> str:
    shown = shown_for(policy, history)
    names = (", ".join(map("`{}`".format, _short(names))) or "–" for names in (shown.names, shown.besides))
    cells = [
        policy.id,
        answer_word(shown.answer, "en"),
        *names,
        str(shown.extra_bytes),
        _minted(policy, history),
    ]
    return f"| {' | '.join(cells)} |"


def _minted(policy: Policy, history: History) -> str:
    """Bytes where the answer was minted; policies without an answer to mint have none."""
    answer = answer_to_mint(policy, history.facts())
    if answer is None:
        return "–"
    minted = replace(history, more={**history.more, "pol.0": [policy.digest, answer]})
    shown = shown_for(policy, minted)
    assert (shown.answer, shown.names) == (answer, ("pol.0",))
    return str(shown.extra_bytes)


def _short(names: tuple[str, ...]) -> list[str]:
    """Strips of a branch that follow each other as one: `strip.unemp.-0...-6`."""
    found: list[tuple[str, int, int]] = []
    rest = []
    for name in names:
        stem, _, back = name.rpartition(".-")
        if not stem:
            rest.append(name)
        elif found and (stem, int(back)) == (found[-1][0], found[-1][2] + 1):
            found[-1] = (stem, found[-1][1], int(back))
        else:
            found.append((stem, int(back), int(back)))
    strips = [f"{stem}.-{first}" + (f"...-{last}" if last > first else "") for stem, first, last in found]
    return rest + strips


if __name__ == "__main__":
    print(render(), end="")
