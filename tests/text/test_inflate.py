"""Inflating: one whole zlib stream within its limit, and nothing else (ATTACKS P05, P06)."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certificate.inflate import inflate_bounded
from ledger.errors import FormatError
from ledger.reasons import Reason
from tests.attacks.marking import attack

CONTENT = b"contribution " * 100
STREAM = zlib.compress(CONTENT, 9)


def with_dictionary() -> bytes:
    compressor = zlib.compressobj(zdict=b"contribution")
    return compressor.compress(CONTENT) + compressor.flush()


def raw() -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(CONTENT) + compressor.flush()


def test_the_limit_is_the_last_size_that_passes() -> None:
    assert inflate_bounded(STREAM, limit=len(CONTENT)) == CONTENT
    with pytest.raises(FormatError) as refusal:
        inflate_bounded(STREAM, limit=len(CONTENT) - 1)
    assert refusal.value.reason is Reason.ENC_DECOMPRESS_LIMIT
    assert inflate_bounded(zlib.compress(b""), limit=0) == b""


@attack("P06", Reason.ENC_DECOMPRESS_FAILED, Reason.ENC_TRAILING_DATA)
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.ENC_DECOMPRESS_FAILED),
        (b"x", Reason.ENC_DECOMPRESS_FAILED),
        (CONTENT, Reason.ENC_DECOMPRESS_FAILED),
        (gzip.compress(CONTENT), Reason.ENC_DECOMPRESS_FAILED),
        (raw(), Reason.ENC_DECOMPRESS_FAILED),
        (with_dictionary(), Reason.ENC_DECOMPRESS_FAILED),
        (STREAM[:-1], Reason.ENC_DECOMPRESS_FAILED),
        (STREAM[:-4], Reason.ENC_DECOMPRESS_FAILED),
        (STREAM[:-4] + b"\0\0\0\0", Reason.ENC_DECOMPRESS_FAILED),
        (STREAM + STREAM, Reason.ENC_TRAILING_DATA),
        (STREAM + b"\n", Reason.ENC_TRAILING_DATA),
    ],
    ids=[
        "nothing",
        "one-byte",
        "not-compressed",
        "gzip",
        "raw-deflate",
        "preset-dictionary",
        "cut-by-one",
        "without-checksum",
        "wrong-checksum",
        "two-streams",
        "a-byte-more",
    ],
)
def test_hostile_streams(data: bytes, reason: Reason) -> None:
    with pytest.raises(FormatError) as refusal:
        inflate_bounded(data, limit=10_000)
    assert refusal.value.reason is reason


@attack("P05", Reason.ENC_DECOMPRESS_LIMIT)
def test_a_bomb_costs_no_more_than_its_limit() -> None:
    bomb = zlib.compress(bytes(10_000_000), 9)
    assert len(bomb) < 10_000
    tracemalloc.start()
    try:
        with pytest.raises(FormatError) as refusal:
            inflate_bounded(bomb, limit=65_536)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert refusal.value.reason is Reason.ENC_DECOMPRESS_LIMIT
    assert peak < 2**20


@given(st.binary(max_size=300))
def test_garbage_raises_our_error_only(data: bytes) -> None:
    with suppress(FormatError):
        assert len(inflate_bounded(data, limit=1000)) <= 1000


@given(st.binary(max_size=300), st.integers(0, 9))
def test_every_stream_comes_back(data: bytes, level: int) -> None:
    assert inflate_bounded(zlib.compress(data, level), limit=len(data)) == data
