"""A safe in a file: right passphrase, wrong one, damage, another version, and costs that nobody agreed to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from nacl import pwhash

from certificate import safe_file
from certificate.safe_file import MODERATE, SENSITIVE, SafeContent, encode_safe_file, open_safe_file
from ledger.cbor import decode_cbor, encode_cbor
from ledger.errors import ProjectError
from ledger.reasons import Reason
from tests.world import World

CONTENT = SafeContent((World().certificate(neighbours=8),), seed=b"s" * 32)
FILE = encode_safe_file(CONTENT, passphrase=b"right", salt=b"a" * 16, nonce=b"n" * 24)


def reason_of(data: bytes, passphrase: bytes = b"right") -> Reason:
    with pytest.raises(ProjectError) as caught:
        open_safe_file(data, passphrase=passphrase)
    return caught.value.reason


def changed(change: Callable[[list[Any]], None], *, seal: bool = True) -> bytes:
    """The file with a change; `seal` puts the digest right again."""
    fields = [list(item) if isinstance(item, tuple) else item for item in decode_cbor(FILE)]
    change(fields)
    if seal:
        fields[7] = safe_file._digest(fields[:7])
    return encode_cbor(fields)


def test_there_and_back() -> None:
    assert open_safe_file(FILE, passphrase=b"right") == CONTENT
    assert CONTENT.certificates[0] not in FILE
    assert (CONTENT.seed or b"") not in FILE
    assert "ssss" not in repr(CONTENT)


def test_each_refusal_has_its_reason() -> None:
    assert reason_of(FILE, b"wrong") is Reason.KEY_PASSPHRASE
    assert reason_of(FILE, b"") is Reason.KEY_PASSPHRASE
    assert reason_of(changed(lambda f: f.__setitem__(1, 2))) is Reason.ENC_VERSION_UNSUPPORTED
    assert reason_of(changed(lambda f: f.__setitem__(0, "another"))) is Reason.ENC_PREFIX_UNKNOWN
    assert reason_of(changed(lambda f: f.append(0))) is Reason.SCHEMA_FIELD_UNKNOWN
    assert reason_of(FILE + b"\0") is Reason.ENC_TRAILING_DATA
    assert reason_of(b"") is Reason.ENC_CBOR_MALFORMED
    box = bytearray(decode_cbor(FILE)[6])
    box[40] ^= 1
    assert reason_of(changed(lambda f: f.__setitem__(6, bytes(box)))) is Reason.STORE_CORRUPT
    assert (
        reason_of(changed(lambda f: f.__setitem__(6, bytes(box)), seal=False)) is Reason.STORE_HASH_MISMATCH
    )


def test_a_file_cut_anywhere_is_damaged() -> None:
    for length in (*range(0, 200, 7), *range(200, len(FILE), 211), len(FILE) - 1):
        assert reason_of(FILE[:length]) in (Reason.ENC_CBOR_MALFORMED, Reason.STORE_HASH_MISMATCH), length


def test_a_flipped_bit_anywhere_is_noticed_without_trying_the_passphrase(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object, **__: object) -> bytes:
        pytest.fail("the passphrase was tried")

    monkeypatch.setattr(pwhash.argon2id, "kdf", never)
    for at in (*range(1600), *range(1600, len(FILE) * 8, 97)):
        flipped = bytearray(FILE)
        flipped[at // 8] ^= 1 << (at % 8)
        assert reason_of(bytes(flipped))


@pytest.mark.parametrize(
    "cost", [(1, 2**53), (2**32, 8192), (1, 8192), (3, 2**26), (SENSITIVE[0], SENSITIVE[1] + 1)]
)
def test_no_file_asks_for_another_cost(cost: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pwhash.argon2id, "kdf", lambda *_, **__: pytest.fail("derived"))
    assert reason_of(changed(lambda f: f.__setitem__(2, list(cost)))) is Reason.ENC_TOO_LARGE
    assert MODERATE != SENSITIVE


def test_what_is_not_a_certificate_does_not_come_in() -> None:
    data = encode_safe_file(
        replace(CONTENT, certificates=(b"\x80",)), passphrase=b"right", salt=b"a" * 16, nonce=b"n" * 24
    )
    assert reason_of(data) is Reason.SCHEMA_FIELD_TYPE
