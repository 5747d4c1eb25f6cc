"""What a holder key signs beside presentations and logins: delegations, devices, journal entries; and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from certificate.cose import parse_sign1, sign_object
from certificate.delegation import (
    UnverifiedDelegation,
    parse_delegation,
    parse_delegation_end,
    verify_delegation,
    verify_delegation_end,
)
from certificate.device import DeviceBody, device_to_be_signed, verify_device
from certificate.journal import FIRST_PREVIOUS, parse_journal_entry, verify_journal
from certificate.numbers import Typ
from certificate.to_be_signed import HOLDER_TYPES, parse_to_be_signed
from ledger.cbor import encode_cbor
from ledger.errors import ProjectError
from ledger.reasons import Reason
from tests.world import SECONDS, TODAY, World, signer

WORLD = World()


def reason_of(act: Callable[[], object]) -> Reason:
    with pytest.raises(ProjectError) as caught:
        act()
    return caught.value.reason


@pytest.mark.parametrize("typ", [typ for typ in Typ if typ not in HOLDER_TYPES])
def test_a_holder_key_signs_no_other_kind(typ: Typ) -> None:
    data = encode_cbor(["Signature1", encode_cbor({1: -19, 16: int(typ)}), b"", encode_cbor([1])])
    assert reason_of(lambda: parse_to_be_signed(data)) is Reason.KEY_PURPOSE_MISMATCH


@pytest.mark.parametrize(
    ("today", "reason"),
    [
        (TODAY - 1, Reason.TIME_NOT_YET_VALID),
        (TODAY, None),
        (TODAY + 29, None),
        (TODAY + 30, Reason.TIME_EXPIRED),
    ],
)
def test_a_delegation_has_its_days(today: int, reason: Reason | None) -> None:
    statement = parse_delegation(WORLD.delegation())
    if reason is None:
        assert verify_delegation(statement, today=today) == statement.body
    else:
        assert reason_of(lambda: verify_delegation(statement, today=today)) is reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"types": ()}, Reason.SCHEMA_FIELD_TYPE),
        ({"types": (1, 1)}, Reason.SCHEMA_FIELD_TYPE),
        ({"types": (99,)}, Reason.SCHEMA_FIELD_UNKNOWN),
        ({"last": TODAY - 1}, Reason.ENC_NUMBER_RANGE),
        ({"last": TODAY + 366}, Reason.ENC_NUMBER_RANGE),
        ({"nonce": bytes(15)}, Reason.SCHEMA_FIELD_TYPE),
        ({"proxy_key": WORLD.holder.public_key}, Reason.SCHEMA_FIELD_TYPE),
        ({"proxy_key": bytes(32)}, Reason.KEY_WEAK),
    ],
)
def test_a_delegation_is_strict(changes: dict[str, Any], reason: Reason) -> None:
    assert reason_of(lambda: parse_delegation(WORLD.delegation(**changes))) is reason


def test_only_the_principals_signature_counts() -> None:
    forged = WORLD.delegation(principal_key=signer("victim").public_key)
    assert reason_of(lambda: verify_delegation(parse_delegation(forged), today=TODAY)) is Reason.SIG_INVALID
    delegation = parse_delegation(WORLD.delegation())
    other = parse_delegation(WORLD.delegation(nonce=b"e" * 16))
    end = parse_delegation_end(WORLD.delegation_end())
    assert verify_delegation_end(end, delegation=delegation).time == SECONDS
    assert reason_of(lambda: verify_delegation_end(end, delegation=other)) is Reason.PRES_TRANSCRIPT_MISMATCH
    stranger = sign_object(signer("victim"), Typ.DELEGATION_END, end.body.encode(), with_kid=False)
    assert (
        reason_of(lambda: verify_delegation_end(parse_delegation_end(stranger), delegation=delegation))
        is Reason.SIG_INVALID
    )


def test_every_flipped_bit_of_a_delegation_is_noticed() -> None:
    data = WORLD.delegation()
    for at in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[at // 8] ^= 1 << (at % 8)

        def judge(flipped: bytes = bytes(flipped)) -> UnverifiedDelegation:
            statement = parse_delegation(flipped)
            verify_delegation(statement, today=TODAY)
            return statement

        assert reason_of(judge)


def test_a_device_statement_needs_one_of_its_two_keys() -> None:
    first, second = signer("first"), signer("second")
    body = DeviceBody("here", first.public_key, second.public_key, SECONDS, 60)
    for key in (first, second):
        signature = key.sign(device_to_be_signed(body, holder_key=key.public_key))
        verify_device(body, signature, holder_key=key.public_key, now=SECONDS)
        late = SECONDS + 60
        assert (
            reason_of(partial(verify_device, body, signature, holder_key=key.public_key, now=late))
            is Reason.PRES_EXPIRED
        )
        third = signer("third")
        assert (
            reason_of(partial(verify_device, body, signature, holder_key=third.public_key, now=SECONDS))
            is Reason.PRES_BINDING_INVALID
        )


def test_a_journal_starts_at_one_and_names_its_claims() -> None:
    entry = parse_journal_entry(WORLD.journal_entry())
    key = WORLD.holder.public_key
    verify_journal([entry], holder_key=key, counter=0, previous=FIRST_PREVIOUS, since=0)
    assert (
        reason_of(
            lambda: verify_journal([entry], holder_key=key, counter=1, previous=FIRST_PREVIOUS, since=0)
        )
        is Reason.STORE_HASH_MISMATCH
    )

    def judge(changes: dict[str, Any]) -> object:
        return parse_journal_entry(WORLD.journal_entry(**changes))

    for changes in ({"counter": 0}, {"slots": ()}, {"slots": (2, 1)}, {"slots": (9999,)}, {"org": 0}):
        assert reason_of(partial(judge, changes))
    assert parse_sign1(WORLD.journal_entry(), Typ.JOURNAL, with_kid=False)
