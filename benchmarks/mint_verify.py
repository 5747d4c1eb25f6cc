"""Minting and verifying, each as a share of the bound of its own primitives in the same run.

    python -m benchmarks.mint_verify [--people 200] [--rounds 15]

The bound of minting one certificate: one Ed25519 signature and the SHA-256 calls of its tree, raw. The bound of
verifying: the signature checks that it makes, raw. Minting is measured over the people of a sample, from their claims
to the register's row and the digest that is logged; verifying from the QR text, with all signatures to be checked, and
with checkpoint, status list and request known to the bundle.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from nacl import bindings

from benchmarks.ratios import Measured, measure
from certificate.holding import disclose
from certificate.qr_text import encode_qr_text
from certificate.slots import registry_of
from certificate.tree_plan import plan_tree
from cli.init import example_bureau
from issuer.sample import write_sample
from issuer.service import import_records
from issuer.setup import create_home
from issuer.signing import CHANCE_SIZE, CertificateSigning, Drawn, MintOrder, MintSettings
from issuer.snapshot import PersonClaims
from tests.world import NOW, SECONDS, SLOTS_24, World
from verifier.expect import STATIC, Asked, Expectation
from verifier.report import Outcome
from verifier.seen import MemorySeen
from verifier.verify import verify

__all__ = ["main", "measure_minting", "measure_verifying"]

_CHECKPOINT = 1 + 3  # the log and three witnesses


def measure_minting(people: int, *, rounds: int) -> Measured:
    """One certificate of a sample, on average."""
    with tempfile.TemporaryDirectory() as folder:
        persons, signing = _sample(Path(folder), people)
    drawn = Drawn(os.urandom(CHANCE_SIZE), 0, 1234)
    calls = [_hash_calls(person) for person in persons]
    _, secret = bindings.crypto_sign_seed_keypair(b"k" * 32)

    def stage() -> None:
        for person in persons:
            signing.sign(MintOrder(person), drawn)

    def bound() -> None:
        for leaves, nodes, empty in calls:
            for _ in range(leaves):
                sha256(b"l" * 28).digest()
            for _ in range(nodes):
                sha256(b"n" * 65).digest()
            for _ in range(empty):
                sha256(b"e" * 36).digest()
            bindings.crypto_sign(b"m" * 140, secret)

    found = measure(stage, bound, calls=1, rounds=rounds)
    return Measured(found.each / people, found.bound / people, found.share)


def _sample(folder: Path, people: int) -> tuple[list[PersonClaims], CertificateSigning]:
    home = create_home(
        folder / "home", example_bureau(), passphrase=b"benchmark", random=os.urandom, now=SECONDS
    )
    write_sample(folder / "city", people=people, seed=7)
    import_records(home, folder / "city", now=SECONDS)
    snapshot = home.snapshot()
    settings = MintSettings(1, home.settings.office, 1, 90, snapshot.cut_off, snapshot.digest)
    signing = CertificateSigning(
        signer=home.signer(f"office-{home.settings.office}"),
        seal_key=home.seal_key(),
        settings=settings,
        now=SECONDS,
    )
    return [snapshot.person_at(at) for at in range(len(snapshot))], signing


def _hash_calls(person: PersonClaims) -> tuple[int, int, int]:
    """How many leaves, inner nodes and empty subtrees the tree of these claims has."""
    registry, leaves = registry_of(1), len(person.claims)
    plan = plan_tree(registry.identity_depth, registry.fact_depth, tuple(sorted(person.claims)))
    return leaves, len(plan.nodes) - leaves - len(plan.hidden), len(plan.hidden)


def measure_verifying(*, rounds: int) -> dict[str, Measured]:
    """A presentation with 24 months and a paper certificate with name and 24 months, cold and with a warm bundle."""
    world = World()
    presented = encode_qr_text(world.presentation()).encode()
    paper = disclose(world.certificate(world.body(paper=True)), (0, 1, *SLOTS_24))
    printed = encode_qr_text(paper).encode()
    asked = Asked(world.request())
    return {
        # certificate, checkpoint, list, holder, and registrar and organisation of the request
        "presentation, all signatures": _verifying(
            world, presented, asked, 1 + _CHECKPOINT + 1 + 1 + 2, rounds
        ),
        "presentation, the rest known": _verifying(world, presented, asked, 2, rounds, known=True),
        "paper, all signatures": _verifying(world, printed, STATIC, 1 + _CHECKPOINT + 1, rounds),
        "paper, the rest known": _verifying(world, printed, STATIC, 1, rounds, known=True),
    }


def _verifying(
    world: World, text: bytes, expect: Expectation, signatures: int, rounds: int, *, known: bool = False
) -> Measured:
    bundle = world.bundle()

    def check() -> None:
        # A bundle made anew from another one knows nothing yet.
        trust = bundle if known else replace(bundle)
        report = verify(text, trust=trust, now=NOW, expect=expect, seen=MemorySeen())
        assert report.outcome is Outcome.VALID

    return measure(check, _signature_checks(signatures), calls=40, rounds=rounds)


def _signature_checks(count: int) -> Callable[[], None]:
    public, secret = bindings.crypto_sign_seed_keypair(b"k" * 32)
    signed = bindings.crypto_sign(b"m" * 160, secret)

    def bound() -> None:
        for _ in range(count):
            bindings.crypto_sign_open(signed, public)

    return bound


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    print(f"mint, claims to signed row: {measure_minting(arguments.people, rounds=arguments.rounds)}")
    for name, measured in measure_verifying(rounds=arguments.rounds).items():
        print(f"verify, {name}: {measured}")


if __name__ == "__main__":
    main()
