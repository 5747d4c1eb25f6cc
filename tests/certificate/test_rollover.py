"""An organisation's change of key: both keys sign it, and nothing else passes for it."""

from __future__ import annotations

import pytest

from certificate.cose import sign_object
from certificate.keys import Ed25519CoseSigner
from certificate.numbers import Typ
from certificate.rollover import RolloverBody, sign_rollover, verify_rollover
from ledger.cbor import decode_cbor
from ledger.errors import FormatError, ProjectError, VerificationError
from ledger.reasons import Reason
from tests.world import SECONDS, signer

OLD, NEW, THIEF = signer("old"), signer("new"), signer("thief")
PAYLOAD: list[object] = [7, OLD.public_key, NEW.public_key, SECONDS]


def forged(outer: Ed25519CoseSigner, inner: Ed25519CoseSigner, payload: list[object] | None = None) -> bytes:
    signed = sign_object(inner, Typ.KEY_ROLLOVER, PAYLOAD if payload is None else payload)
    return sign_object(outer, Typ.KEY_ROLLOVER, [decode_cbor(signed)])


def test_both_keys_sign() -> None:
    data = sign_rollover(OLD, NEW, org=7, time=SECONDS)
    assert verify_rollover(data) == RolloverBody(7, OLD.public_key, NEW.public_key, SECONDS)
    assert data == forged(OLD, NEW)


@pytest.mark.parametrize(("outer", "inner"), [(THIEF, NEW), (OLD, THIEF), (NEW, OLD), (NEW, NEW), (OLD, OLD)])
def test_other_keys_do_not(outer: Ed25519CoseSigner, inner: Ed25519CoseSigner) -> None:
    with pytest.raises(VerificationError) as caught:
        verify_rollover(forged(outer, inner))
    assert caught.value.reason is Reason.SIG_INVALID


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (PAYLOAD[:3], Reason.SCHEMA_FIELD_MISSING),
        ([*PAYLOAD, 1], Reason.SCHEMA_FIELD_UNKNOWN),
        ([0, *PAYLOAD[1:]], Reason.ENC_NUMBER_RANGE),
        ([*PAYLOAD[:3], -1], Reason.ENC_NUMBER_RANGE),
        ([7, OLD.public_key, b"short", SECONDS], Reason.SCHEMA_FIELD_TYPE),
        ([7, OLD.public_key, bytes(32), SECONDS], Reason.KEY_WEAK),
    ],
)
def test_a_body_that_cannot_be(payload: list[object], reason: Reason) -> None:
    with pytest.raises(FormatError) as caught:
        verify_rollover(forged(OLD, NEW, payload))
    assert caught.value.reason is reason


def test_a_key_does_not_succeed_itself() -> None:
    with pytest.raises(VerificationError):
        sign_rollover(OLD, OLD, org=7, time=SECONDS)


def test_every_flipped_bit_is_refused() -> None:
    data = sign_rollover(OLD, NEW, org=7, time=SECONDS)
    for at in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[at // 8] ^= 1 << at % 8
        with pytest.raises(ProjectError):
            verify_rollover(bytes(flipped))
