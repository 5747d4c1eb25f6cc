"""Valid answers and copies with bits, bytes, letters or whole structures changed, as `make torture` changes them."""

from __future__ import annotations

import random
from dataclasses import dataclass

from certificate.qr_text import encode_file_text, encode_qr_text
from tests.attacks.forging import paper
from tests.browser.conformance.bench import Bench
from tests.torture.mutating import mutate_bytes, mutate_structure, mutate_text
from tests.verifier.judging import P256Holder
from tests.world import World, signer
from verifier.expect import STATIC, Asked, Expectation
from verifier.report import Outcome

__all__ = ["PAPER", "add_mutated"]

PAPER = "mutated paper"


@dataclass(frozen=True, slots=True)
class _Valid:
    name: str
    data: bytes
    others: tuple[bytes, ...]
    expect: Expectation


def add_mutated(bench: Bench, count: int, *, seed: int) -> None:
    """`count` changed ones of three kinds of valid answers, as bytes, as QR text and as file text in turn."""
    chance, valid = random.Random(seed), _valid()
    opened = bench.open(World().bundle_files())
    for each in valid:
        assert bench.judge(f"valid {each.name}", each.data, opened, each.expect).outcome is Outcome.VALID
    for number in range(count):
        each = valid[number % len(valid)]
        bench.judge(each.name, _changed(each, chance), opened, each.expect)


def _changed(each: _Valid, chance: random.Random) -> bytes:
    """Bytes that are no honest object."""
    while True:
        try:
            data = _one_change(each, chance)
        except TypeError:
            continue  # a hash that reads as a tag of CBOR by chance
        if data != each.data and data not in each.others:
            return data


def _one_change(each: _Valid, chance: random.Random) -> bytes:
    way = chance.randrange(10)
    if way < 4:
        return mutate_structure(each.data, each.others, chance)
    if way < 7:
        return mutate_bytes(each.data, each.others, chance)
    spell = encode_qr_text if way < 9 else encode_file_text
    texts = [spell(data) for data in (each.data, *each.others)]
    changed = mutate_text(texts[0], texts[1:], chance)
    return each.data if changed in texts else changed.encode()


def _valid() -> list[_Valid]:
    world, phone = World(), World(holder=P256Holder())
    answers = (
        world.presentation(),
        phone.presentation(),
        World(holder=signer("other holder")).presentation(),
    )
    copies = tuple(paper(World(), status_index=index) for index in (1, 2, 3))
    asked = Asked(world.request())
    return [
        _Valid("mutated answer", answers[0], answers[1:], asked),
        _Valid("mutated answer of a P-256 holder", answers[1], (answers[0], answers[2]), asked),
        _Valid(PAPER, copies[0], copies[1:], STATIC),
    ]
