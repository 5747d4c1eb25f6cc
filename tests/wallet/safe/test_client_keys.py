"""A citizen's keys through both real services: a lost phone, a tablet, a proxy; and a wallet service that lies."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import Any

import pytest

from certificate.delegation import parse_delegation, parse_delegation_end, verify_delegation_end
from certificate.device import DeviceBody, device_to_be_signed, parse_device
from certificate.keys import Ed25519CoseSigner, key_id
from certificate.qr_text import decode_file_text, encode_file_text
from ledger.reasons import Reason
from tests.wallet.safe.conftest import AUDIENCE, Pair
from tests.wallet.safe.test_client import Citizen, changed_payload, citizen, meddled, reason_of, slots_of
from wallet_api.access_rows import Action

__all__ = ["citizen"]  # the fixture of the neighbour


def test_a_lost_phone_is_replaced_in_under_a_minute(pair: Pair, citizen: Citizen) -> None:
    id_ = pair.ask(slots_of(citizen.data))
    citizen.client.answer(id_)
    started = time.monotonic()
    new = Ed25519CoseSigner(os.urandom(32))
    claimed = pair.claim_all(new, pair.offer(lost_key=True))
    assert len(claimed.recoveries) == 1
    client = pair.client(new)
    client.login()
    number = client.store(claimed.certificate)
    assert client.recover(claimed.recoveries[0]) is True
    assert time.monotonic() - started < 60
    assert client.recover(claimed.recoveries[0]) is True  # again, after a lost answer
    assert reason_of(citizen.client.certificates) is Reason.AUTH_INVALID
    assert reason_of(citizen.client.login) is Reason.AUTH_INVALID
    assert pair.as_organisation("POST", f"/requests/{id_}/fetch").json()["reason"] == "consent.revoked"
    again = pair.ask(slots_of(claimed.certificate))
    client.answer(again)
    assert pair.as_organisation("POST", f"/requests/{again}/fetch").is_success
    actions = [row.access.action for row in client.access_log()]
    assert actions.count(Action.KEY_REPLACED) == 1
    assert actions[:3] == [Action.SEEN, Action.ANSWERED, Action.WITHDRAWN]
    assert number in {held.number for held in client.certificates()}


def test_a_tablet_joins_and_leaves(pair: Pair, citizen: Citizen) -> None:
    tablet = Ed25519CoseSigner(os.urandom(32))
    other = pair.client(tablet)
    other.login()
    citizen.client.take_in(tablet.public_key)
    other.join(citizen.signer.public_key)
    assert [row.members["this"] for row in other.devices()].count(True) == 1
    citizen.client.remove_device(key_id(tablet.public_key).hex())
    assert reason_of(other.devices) is Reason.AUTH_INVALID


def test_a_delegation_and_its_end(pair: Pair, citizen: Citizen) -> None:
    proxy = Ed25519CoseSigner(os.urandom(32))
    id_, statement = citizen.client.delegate(proxy.public_key, types=[1], days=10)
    parsed = parse_delegation(statement)
    assert parsed.digest().hex() == id_
    end = citizen.client.end_delegation(id_)
    verify_delegation_end(parse_delegation_end(end), delegation=parsed)


@pytest.mark.parametrize("at", range(6))
def test_no_signature_over_another_delegation(pair: Pair, citizen: Citizen, at: int) -> None:
    stranger = Ed25519CoseSigner(os.urandom(32)).public_key
    today = pair.clock.now // 86400
    value = (stranger, stranger, [2], today + 1, today + 300, b"x")[at]

    def lie(told: dict[str, Any]) -> dict[str, Any]:
        return {**told, "to_be_signed": encode_file_text(changed_payload(told, at, value))}

    client, transport = meddled(pair, citizen, "/delegations/begin", lie)
    client.login()
    transport.signatures.clear()
    proxy = Ed25519CoseSigner(os.urandom(32)).public_key
    assert reason_of(partial(client.delegate, proxy, types=[1], days=10))
    assert transport.signatures == []


def test_no_signature_that_lets_a_stranger_in(pair: Pair, citizen: Citizen) -> None:
    stranger, tablet = (Ed25519CoseSigner(os.urandom(32)).public_key for _ in range(2))
    own = citizen.signer.public_key

    def lie(told: dict[str, Any]) -> dict[str, Any]:
        asked = parse_device(decode_file_text(told["to_be_signed"]))
        body = DeviceBody(AUDIENCE, own, stranger, asked.issued, asked.lifetime)
        return {**told, "to_be_signed": encode_file_text(device_to_be_signed(body, holder_key=own))}

    client, transport = meddled(pair, citizen, "/devices/begin", lie)
    client.login()
    transport.signatures.clear()
    assert reason_of(partial(client.take_in, tablet)) is Reason.PRES_TRANSCRIPT_MISMATCH
    assert transport.signatures == []
