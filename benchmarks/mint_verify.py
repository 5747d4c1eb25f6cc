"""Minting and verifying, each as a ratio to the bound of its own primitives in the same run.

    python -m benchmarks.mint_verify [--count N]

The bound of minting one certificate: one Ed25519 signature and the SHA-256 calls of its tree. The bound of verifying:
the signature checks of steps 4, 5 and 10, raw.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from hashlib import sha256

from nacl import bindings

from certificate.certificate import issue_certificate
from certificate.qr_text import encode_qr_text
from certificate.slot_tree import ClaimsTree
from tests.world import NOW, REGISTRY, World, claims_of_60_months
from verifier.expect import Asked
from verifier.report import Outcome
from verifier.seen import MemorySeen
from verifier.verify import verify

_VERIFY_SIGNATURES = (
    1 + 4 + 1 + 3
)  # certificate, log and three witnesses, holder, request with registration and list


def seconds_each(work: Callable[[], object], count: int) -> float:
    """Mean seconds of one call."""
    started = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - started) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    count = parser.parse_args().count
    _mint(count)
    _verify(count)


def _mint(count: int) -> None:
    world, claims = World(), claims_of_60_months()
    body = world.body()

    def mint() -> None:
        ClaimsTree.from_seed(REGISTRY, b"s" * 32, claims).root()
        issue_certificate(world.office, body)

    _, secret = bindings.crypto_sign_seed_keypair(b"k" * 32)
    leaves, nodes, empty = _hash_calls(claims)

    def bound() -> None:
        for _ in range(leaves):
            sha256(b"l" * 28).digest()
        for _ in range(nodes):
            sha256(b"n" * 65).digest()
        for _ in range(empty):
            sha256(b"e" * 36).digest()
        bindings.crypto_sign(b"m" * 140, secret)

    _print("mint (tree and signature)", seconds_each(mint, count), seconds_each(bound, count))


def _hash_calls(claims: Mapping[int, object]) -> tuple[int, int, int]:
    """How many leaves, inner nodes and empty subtrees the tree of these claims has."""

    def walk(first: int, width: int) -> tuple[int, int, int]:
        if not any(first <= slot < first + width for slot in claims):
            return 0, 0, 1
        if width == 1:
            return 1, 0, 0
        left, right = walk(first, width // 2), walk(first + width // 2, width // 2)
        return left[0] + right[0], left[1] + right[1] + 1, left[2] + right[2]

    identity, facts = walk(0, 16), walk(16, 512)
    return identity[0] + facts[0], identity[1] + facts[1] + 1, identity[2] + facts[2]


def _verify(count: int) -> None:
    world = World()
    text = encode_qr_text(world.presentation()).encode()
    trust, expect = world.bundle(), Asked(world.request())

    def check() -> None:
        report = verify(text, trust=trust, now=NOW, expect=expect, seen=MemorySeen())
        assert report.outcome is Outcome.VALID

    public, secret = bindings.crypto_sign_seed_keypair(b"k" * 32)
    signed = bindings.crypto_sign(b"m" * 160, secret)

    def bound() -> None:
        for _ in range(_VERIFY_SIGNATURES):
            bindings.crypto_sign_open(signed, public)

    _print("verify from QR text, all signatures", seconds_each(check, count), seconds_each(bound, count))


def _print(name: str, each: float, bound: float) -> None:
    print(
        f"{name}: {1 / each:,.0f} per second, {bound / each:.0%} of the bound of its primitives ({1 / bound:,.0f}/s)"
    )


if __name__ == "__main__":
    main()
