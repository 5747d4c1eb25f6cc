"""The safe shows what the bureau's newest status list says of each certificate, beside its own state."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from certificate.status_list import Status, status_list_uri
from tests.wallet.parties import URL, InProcess, Phone, Town, good
from tests.world import SECONDS
from verifier.trust import TrustBundle
from wallet_api.http.app import create_app

INDEX = 1234


def listed(town: Town, trust: TrustBundle) -> str:
    """The status of the one certificate in a phone's safe, once the operator has this bundle."""
    service = replace(town.service, trust=lambda: trust)
    town = replace(
        town,
        service=service,
        http=httpx.Client(
            transport=InProcess(create_app(service, public_url=URL)), base_url="http://wallet.test"
        ),
    )
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
