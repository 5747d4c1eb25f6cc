"""Entries: written by hand, equal to the deterministic CBOR encoder, and read back strictly."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.cbor import encode_cbor
from ledger.entry import MAX_ENTRY, Entry, EntryType, encode_entry, parse_entry, require_entry
from ledger.errors import FormatError
from ledger.reasons import Reason

DIGEST = bytes(range(32))
AUTHORITIES = [0, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**63 - 1]


@pytest.mark.parametrize("authority", AUTHORITIES)
@pytest.mark.parametrize("entry_type", list(EntryType))
def test_equal_to_the_cbor_encoder(entry_type: EntryType, authority: int) -> None:
    data = encode_entry(entry_type, authority, DIGEST)
    assert data == encode_cbor([1, int(entry_type), authority, DIGEST])
    assert parse_entry(data) == Entry(entry_type, authority, DIGEST)
    require_entry(data)
    assert len(data) <= MAX_ENTRY


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([1, 1, 1], Reason.SCHEMA_FIELD_MISSING),
        ([1, 1, 1, DIGEST, 0], Reason.SCHEMA_FIELD_UNKNOWN),
        ([2, 1, 1, DIGEST], Reason.ENC_VERSION_UNSUPPORTED),
        ([1, 6, 1, DIGEST], Reason.LOG_ENTRY_TYPE),
        ([1, -1, 1, DIGEST], Reason.LOG_ENTRY_TYPE),
        ([1, 1, -1, DIGEST], Reason.ENC_NUMBER_RANGE),
        ([1, 1, 2**63, DIGEST], Reason.ENC_NUMBER_RANGE),
        ([1, 1, 1, DIGEST[1:]], Reason.SCHEMA_FIELD_TYPE),
        ([1, 1, 1, "a" * 32], Reason.SCHEMA_FIELD_TYPE),
        ([True, 1, 1, DIGEST], Reason.SCHEMA_FIELD_TYPE),
        ([1, True, 1, DIGEST], Reason.SCHEMA_FIELD_TYPE),
        ([1, 1, True, DIGEST], Reason.SCHEMA_FIELD_TYPE),
        ({1: 1}, Reason.SCHEMA_FIELD_TYPE),
        (DIGEST, Reason.SCHEMA_FIELD_TYPE),
        ([1, 1, 1, DIGEST * 2], Reason.ENC_TOO_LARGE),
    ],
)
def test_refused(value: object, reason: Reason) -> None:
    with pytest.raises(FormatError) as caught:
        parse_entry(encode_cbor(value))
    assert caught.value.reason == reason
    with pytest.raises(FormatError) as caught:
        require_entry(encode_cbor(value))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.ENC_CBOR_MALFORMED),
        (encode_entry(EntryType.CERTIFICATE, 7, DIGEST) + b"\0", Reason.ENC_TRAILING_DATA),
        (encode_entry(EntryType.CERTIFICATE, 7, DIGEST)[:-1], Reason.ENC_CBOR_MALFORMED),
        (b"\x84\x01\x01\x18\x07\x58\x20" + DIGEST, Reason.ENC_CBOR_NONCANONICAL),
    ],
)
def test_other_spellings_are_refused(data: bytes, reason: Reason) -> None:
    with pytest.raises(FormatError) as caught:
        parse_entry(data)
    assert caught.value.reason == reason
    with pytest.raises(FormatError) as caught:
        require_entry(data)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("entry_type", "authority", "digest", "reason"),
    [
        (6, 1, DIGEST, Reason.LOG_ENTRY_TYPE),
        (-1, 1, DIGEST, Reason.LOG_ENTRY_TYPE),
        (1, -1, DIGEST, Reason.ENC_NUMBER_RANGE),
        (1, 2**63, DIGEST, Reason.ENC_NUMBER_RANGE),
        (1, 1, DIGEST + b"\0", Reason.SCHEMA_FIELD_TYPE),
    ],
)
def test_encoder_guards(entry_type: int, authority: int, digest: bytes, reason: Reason) -> None:
    with pytest.raises(FormatError) as caught:
        encode_entry(entry_type, authority, digest)  # type: ignore[arg-type]
    assert caught.value.reason == reason


def test_fields_cannot_run_into_each_other() -> None:  # L09
    seen = {encode_entry(t, a, DIGEST) for t in EntryType for a in AUTHORITIES}
    assert len(seen) == len(EntryType) * len(AUTHORITIES)


@given(st.binary(max_size=MAX_ENTRY + 2))
def test_garbage_raises_nothing_else(data: bytes) -> None:
    try:
        entry = parse_entry(data)
    except FormatError:
        return
    assert encode_entry(entry.entry_type, entry.authority, entry.digest) == data


def accepted(check: Callable[[bytes], object], data: bytes) -> bool:
    try:
        check(data)
    except FormatError:
        return False
    return True


@given(st.sampled_from(list(EntryType)), st.sampled_from(AUTHORITIES), st.data())
def test_the_fast_check_agrees_with_the_parser(
    entry_type: EntryType, authority: int, data: st.DataObject
) -> None:
    entry = bytearray(encode_entry(entry_type, authority, DIGEST))
    entry[data.draw(st.integers(0, min(14, len(entry) - 1)))] = data.draw(st.integers(0, 255))
    assert accepted(require_entry, bytes(entry)) == accepted(parse_entry, bytes(entry))
