"""What answering a policy costs: each of the catalogue, and the most that a hostile one can.

    python -m benchmarks.policies

And what minting answers adds to one certificate. In microseconds of processor time; answering also as so many hashes of
64 bytes on the same machine in the same minute.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from hashlib import sha256
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.disclosures import NEWCOMER, SETTLED
from certificate.kinds import KINDS
from certificate.policy.evaluate import answer_policy, answer_to_mint
from certificate.policy.facts import Facts
from certificate.policy.language import Policy
from certificate.policy.shipped import shipped_policies
from cli.init import example_bureau
from issuer.answers import MintedAnswers
from issuer.sample import write_sample
from issuer.service import import_records
from issuer.setup import create_home
from issuer.signing import CHANCE_SIZE, CertificateSigning, Drawn, MintOrder, MintSettings
from issuer.snapshot import PersonClaims
from tests.policy.histories import History, months, policy
from tests.world import REGISTRY, SECONDS, signer

__all__ = ["HOSTILE", "cost_in_hashes", "everything_paid_by_halves"]

TODAY: Final = date(2026, 11, 24)
_ALL_MONTHLY: Final = ", ".join(kind.id for kind in KINDS if not kind.yearly)
_USCC: Final = "91990000T0000001X7"

HOSTILE: Final = {
    "three kinds for fifty years": "RUN(all(pension.emp, medical.emp, unemp), months = 600)",
    "limits of gaps, employers, a day": " or\n".join(
        ["COUNT(unemp, months = 599, window = 600, max_gap_total = 1, flexible = no, posted_by = 2020-01-01)"]
        * 3
    ),
    "an employer for fifty years": " or\n".join(
        [f'EMPLOYER(pension.emp, uscc = "{_USCC}", months = 600)'] * 3
    ),
    "as many primitives as go in": " or\n".join(
        ["COUNT(any(pension.emp, injury), months = 9, window = 28, flexible = no, end = 2010-01)"] * 32
    ),
    "totals of all kinds": " or\n".join([f"TOTAL(all({_ALL_MONTHLY}), months = 600, deemed = yes)"] * 32),
}
"""Rules at the limits of the grammar, each slow in its own way."""


def everything_paid_by_halves() -> Facts:
    """Thirty years of all monthly kinds with every other month missing, and 32 spells: all that is slow to judge."""
    history = History(202610)
    for kind in KINDS:
        if not kind.yearly:
            history.pay(kind.id, months(199701, 202610)[::2], 2)
            history.more[f"deemed.{kind.id}"] = 12
    history.more["employer"] = ["91990000T000000287", "示例贸易有限公司(测试)", 202601, 10]
    for at in range(32):
        history.more[f"spells.{at}"] = ["示例贸易有限公司(测试)", 199301 + 100 * at, 199303 + 100 * at, 3]
    return history.facts()


def cost_in_hashes(asked: Policy, facts: list[Facts], *, rounds: int = 7) -> tuple[float, float]:
    """Processor microseconds of one answer, and how many hashes the same machine makes meanwhile; medians."""
    shares = []
    for _ in range(rounds):
        answering = _microseconds(lambda: answer_policy(asked, facts, today=TODAY))
        hashing = _microseconds(_thousand_hashes) / 1000
        shares.append((answering, answering / hashing))
    return median(one for one, _ in shares), median(hashes for _, hashes in shares)


def _thousand_hashes() -> None:
    for _ in range(1000):
        sha256(bytes(64)).digest()


def _microseconds(work: Callable[[], object]) -> float:
    """Of one call, over as many as take two milliseconds; the first is not counted."""
    work()
    started, calls = time.process_time(), 0
    while (spent := time.process_time() - started) < 0.002 or not calls:
        work()
        calls += 1
    return 1e6 * spent / calls


def main() -> None:
    for name, asked in shipped_policies().items():
        for who, history in (("has everything", SETTLED), ("newcomer", NEWCOMER)):
            print(
                "{:18} {:16} {:7.0f} us {:7.0f} hashes".format(
                    name, who, *cost_in_hashes(asked, [history.facts()])
                )
            )
    for name, rule in HOSTILE.items():
        for count in (1, 4):
            facts = [everything_paid_by_halves()] * count
            print(
                "{:34} {} {:7.0f} us {:7.0f} hashes".format(name, count, *cost_in_hashes(policy(rule), facts))
            )
    _print_minting()
    _print_minted_city()


def _print_minting() -> None:
    """One certificate with no answer, one, those of the whole catalogue; and with two threshold commitments."""
    claims = {REGISTRY.slot_of(name): value for name, value in SETTLED.claims().items()}
    claims |= {REGISTRY.slot_of("run.pension.emp"): 300}
    order = MintOrder(PersonClaims("1", 990102, "9901", claims))
    catalogue = tuple(shipped_policies().values())
    one = (shipped_policies()["housing.24"],)
    thresholds = ("ge.total.pension.emp", "ge.run.pension.emp")
    for policies, names in (((), ()), (one, ()), (catalogue, ()), ((), thresholds)):
        settings = MintSettings(1, 1, 1, 90, 202610, bytes(32), answers=policies, thresholds=names)
        signing = CertificateSigning(
            signer=signer("office"), seal_key=bytes(32), settings=settings, now=SECONDS
        )
        sign = partial(signing.sign, order, Drawn(bytes(CHANCE_SIZE), 0, 0))
        cost, sealed = median(_microseconds(sign) for _ in range(15)), sign().sealed or b""
        what = f"{len(policies):2} answers, {len(names)} commitments"
        print(f"minting with {what}: {cost:5.0f} us, {len(sealed)} sealed bytes in the register")


def _print_minted_city(people: int = 2000) -> None:
    """Answers of the whole catalogue for a synthetic city: each certificate judged alone, and each history once."""
    with TemporaryDirectory(prefix="tally-minted-") as folder:
        home = create_home(
            Path(folder) / "home", example_bureau(), passphrase=b"benchmark", random=os.urandom, now=SECONDS
        )
        write_sample(Path(folder) / "export", people=people, seed=5)
        import_records(home, Path(folder) / "export", now=SECONDS)
        snapshot = home.snapshot()
        everybody = [snapshot.claims(number) for number in snapshot.person_nos()]
    catalogue = tuple(shipped_policies().values())
    for policies in (catalogue[1:2], catalogue):
        started = time.process_time()
        for person in everybody:
            claims = {REGISTRY.by_slot[slot].name: value for slot, value in person.claims.items()}
            for asked in policies:
                answer_to_mint(asked, Facts(300, person.region, 202610, claims))
        between, once = time.process_time(), MintedAnswers(policies, 300, 202610)
        for person in everybody:
            once.of(person)
        spent = [1e6 * part / len(everybody) for part in (between - started, time.process_time() - between)]
        print(
            f"minting {len(policies):2} answers for {len(everybody):,} people: {spent[0]:5.0f} us a certificate judged "
            f"alone, {spent[1]:5.0f} us with each history judged once"
        )


if __name__ == "__main__":
    main()
