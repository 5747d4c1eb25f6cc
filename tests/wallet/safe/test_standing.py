"""The safe shows what the bureau's newest status list says of each certificate, beside its own state."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from certificate.status_list import Status, status_list_uri
from ledger.reasons import Reason
from tests.wallet.parties import URL, Asker, InProcess, Phone, Town, good, refused
from tests.world import SECONDS
from verifier.trust import TrustBundle
from wallet_api.http.app import create_app

INDEX = 1234


def with_trust(town: Town, trust: TrustBundle) -> Town:
    """The same service after its operator synced this bundle."""
    service = replace(town.service, trust=lambda: trust)
    http = httpx.Client(
        transport=InProcess(create_app(service, public_url=URL)), base_url="http://wallet.test"
    )
    return replace(town, service=service, http=http)


def listed(town: Town, trust: TrustBundle) -> str:
    """The status of the one certificate in a phone's safe, once the operator has this bundle."""
    town = with_trust(town, trust)
    phone = Phone(town, town.citizen("alice").key).login()
    (row,) = good(phone.get("/certificates"))["certificates"]
    assert good(phone.get(f"/certificates/{row['number']}"))["status"] == row["status"]
    return str(row["status"])


@pytest.mark.parametrize("state", Status)
def test_each_state_is_shown(town: Town, alice: Phone, state: Status) -> None:
    """With a list that is long over too: it says what was so, and the verifier judges ages."""
    alice.put()
    for issued in (SECONDS - 60, SECONDS - 90 * 86400):
        token = town.world.status_token(statuses={INDEX: state}, issued=issued)
        assert listed(town, town.world.bundle(token=token)) == state.name.lower()


def test_without_a_list_nothing_is_claimed(town: Town, alice: Phone) -> None:
    alice.put()
    world = town.world
    assert listed(town, world.bundle(with_list=False)) == "unknown"
    assert listed(town, world.bundle(token=world.status_token(uri=status_list_uri(1, 1)))) == "unknown"
    assert listed(town, world.bundle(token=world.status_token(size=8))) == "unknown"
    assert listed(town, world.bundle(token=b"no list")) == "unknown"


REFUSALS = {
    Status.REVOKED: Reason.STATUS_REVOKED,
    Status.SUSPENDED: Reason.STATUS_SUSPENDED,
    Status.REPLACED: Reason.STATUS_REPLACED,
}


@pytest.mark.parametrize("state", REFUSALS)
def test_no_answer_is_composed_with_what_the_list_ended(
    town: Town, alice: Phone, bank: Asker, state: Status
) -> None:
    """Named or not, and also when it ended between reading and signing; nobody gets to see it."""
    number, asked = alice.put(), bank.leave()
    signature = alice.sign(alice.begin(asked, number))
    token = town.world.status_token(statuses={INDEX: int(state)})
    later = with_trust(town, town.world.bundle(token=token))
    alice, bank = Phone(later, alice.key).login(), Asker(later, 1, bank.token, bank.key)
    refused(alice.complete(asked, signature), REFUSALS[state])
    refused(alice.begin(asked, number), REFUSALS[state])
    refused(alice.post(f"/requests/{asked}/answers/begin", {"items": [1]}), REFUSALS[state])
    assert all(item["offers"] == [] for item in good(alice.get(f"/requests/{asked}"))["items"])
    assert bank.get(f"/requests/{asked}").json()["state"] == "waiting"
