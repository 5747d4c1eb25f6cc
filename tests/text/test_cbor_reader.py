"""The reader of our CBOR has one spelling for a value: it accepts what decoding, encoding and comparing accepts."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from certificate.holding import disclose
from ledger.cbor import COSE_SIGN1_TAG, Tag, decode_cbor, encode_cbor, encode_head
from ledger.errors import FormatError
from ledger.reasons import Reason
from tests.text.cbor_oracle import RefusedError, decode_and_compare, described
from tests.world import SLOTS_24, World

EDGES = [0, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**63, 2**64 - 1]
NUMBERS = st.one_of(
    st.sampled_from(EDGES + [-1 - edge for edge in EDGES]),
    st.integers(-(2**64), 2**64 - 1),
    st.integers(-30, 30),
)
LEAVES = st.one_of(NUMBERS, st.binary(max_size=70), st.text(max_size=30), st.booleans(), st.none())
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.lists(NUMBERS, min_size=22, max_size=26),
        st.dictionaries(
            st.one_of(st.integers(-24, 30), st.text(max_size=3), st.booleans()), inner, max_size=4
        ),
        inner.map(lambda value: Tag(COSE_SIGN1_TAG, value)),
    ),
    max_leaves=12,
)


def agrees(data: bytes) -> bool:
    """Whether `data` is read; reader and oracle say the same of it, value by value and type by type."""
    try:
        expected = decode_and_compare(data)
    except RefusedError:
        with pytest.raises(FormatError):
            decode_cbor(data)
        return False
    assert described(decode_cbor(data)) == described(expected)
    return True


class Speller:
    """Another encoder: of each choice that CBOR leaves, chance takes one, the right one most of the time."""

    def __init__(self, rng: random.Random, mistakes: float) -> None:
        self.rng = rng
        self.mistakes = mistakes

    def errs(self) -> bool:
        return self.rng.random() < self.mistakes

    def head(self, major: int, number: int) -> bytes:
        if self.errs():
            wider = [width for width in (1, 2, 4, 8) if number < 1 << 8 * width]
            width = self.rng.choice(wider)
            return bytes((major << 5 | 23 + width.bit_length(),)) + number.to_bytes(width)
        return encode_head(major, number)

    def item(self, value: Any) -> bytes:
        if self.errs() and self.errs():
            return self.rng.choice(
                [b"\xf7", b"\xf9\x3c\x00", b"\xc1\x00", b"\xff", b"\xf8\x14", b"\xc2\x41\x01"]
            )
        match value:
            case bool() | None:
                return encode_cbor(value)
            case int():
                return self.head(1, -1 - value) if value < 0 else self.head(0, value)
            case bytes():
                return self.string(2, value)
            case str():
                return self.string(3, value.encode())
            case Tag():
                return self.head(6, value.tag) + self.item(value.value)
            case dict():
                pairs = [self.item(key) + self.item(inner) for key, inner in value.items()]
                return self.run(5, pairs if self.errs() else sorted(pairs))
            case _:
                return self.run(4, [self.item(inner) for inner in value])

    def string(self, major: int, data: bytes) -> bytes:
        if self.errs():
            return bytes((major << 5 | 31,)) + self.head(major, len(data)) + data + b"\xff"
        return self.head(major, len(data)) + data

    def run(self, major: int, items: list[bytes]) -> bytes:
        if self.errs():
            return bytes((major << 5 | 31,)) + b"".join(items) + b"\xff"
        return self.head(major, len(items)) + b"".join(items)


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_what_is_encoded_is_read(value: object) -> None:
    data = encode_cbor(value)
    if agrees(data):
        assert encode_cbor(decode_cbor(data)) == data


@settings(max_examples=300, deadline=None)
@given(VALUES, st.randoms(use_true_random=False), st.sampled_from([0.0, 0.05, 0.3]))
@example({0: 1, 1: 2}, random.Random(5), 1.0)
def test_of_all_spellings_one_is_read(value: object, rng: random.Random, mistakes: float) -> None:
    agrees(Speller(rng, mistakes).item(value))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40))
@example(b"")
@example(b"\x18")
@example(b"\x81\x42\x00")
@example(b"\xa1\x00")
@example(b"\x9b" + b"\xff" * 8)
@example(b"\x5b" + b"\xff" * 8)
def test_of_any_bytes_both_say_the_same(data: bytes) -> None:
    agrees(data)


def test_every_head_with_every_argument_of_two_bytes() -> None:
    """The first byte decides; what follows are numbers that need a longer head, or a shorter one."""
    tails = [b"", b"\0", b"\x17", b"\x18", b"\xff", b"\0\0", b"\0\xff", b"\1\0", b"\0\0\xff\xff", b"\0\1\0\0"]
    tails += [b"\0\0\0\0\xff\xff\xff\xff", b"\0\0\0\1\0\0\0\0", b"\x80" + b"\0" * 7, b"\0" * 9]
    read = sum(agrees(bytes((first,)) + tail) for first in range(256) for tail in tails)
    assert read == 100


def test_our_objects_with_every_byte_changed() -> None:
    """A presentation and a paper certificate, the header in them and the payload: each byte takes other values."""
    world = World()
    paper = disclose(world.certificate(world.body(paper=True)), (0, 1, *SLOTS_24))
    header = decode_cbor(world.presentation()).value[0]
    read = 0
    for data in (paper, header, decode_cbor(paper).value[2]):
        assert agrees(data)
        for at, byte in enumerate(data):
            for other in {byte ^ 1, byte ^ 0x20, 0x18, 0x59} - {byte}:
                read += agrees(data[:at] + bytes((other,)) + data[at + 1 :])
            read += agrees(data[:at] + b"\x18" + data[at:]) + agrees(data[:at])
    assert read > 3000  # most bytes are those of a hash


def test_a_map_that_two_rules_sort_differently_is_refused() -> None:
    """-1 before 24 by length, 24 before -1 by bytes."""
    for pairs in (b"\x20\x00\x18\x18\x00", b"\x18\x18\x00\x20\x00"):
        with pytest.raises(FormatError) as refusal:
            decode_cbor(b"\xa2" + pairs)
        assert refusal.value.reason is Reason.ENC_CBOR_NONCANONICAL
