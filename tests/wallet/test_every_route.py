"""Every route against every caller: nobody, a stranger's token, an ended session, citizen, organisation, bureau.

The routes come from the OpenAPI document, so a new one without a place in the table fails here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from certificate.keys import key_id
from ledger.reasons import Reason
from tests.wallet.parties import Asker, Caller, Phone, Town, b64, good, refused
from tests.wallet.safe.test_proxies import delegate
from tests.wallet.stores import BOTH_STORES
from wallet_api.http.app import create_app
from wallet_api.login import make_bureau_token

CITIZEN, ORGANISATION, BUREAU = "citizen", "organisation", "bureau"
OPEN = {
    ("POST", "/login/challenges"),
    ("POST", "/login/tokens"),
    ("GET", "/access-log/key"),
    ("GET", "/healthz"),
}
OF_ORGANISATIONS = {
    ("POST", "/requests"),
    ("POST", "/requests/{id}/fetch"),
    ("POST", "/requests/{id}/acknowledge"),
    ("POST", "/requests/{id}/deletion-confirmed"),
    ("POST", "/requests/{id}/reminder"),
    ("GET", "/organisation/webhook"),
    ("POST", "/organisation/webhook"),
    ("DELETE", "/organisation/webhook"),
    ("POST", "/organisation/key-rollovers"),
}
OF_THE_BUREAU = {("POST", "/lookups")}
OF_BOTH = {("GET", "/requests/{id}")}
OF_CITIZENS = {
    ("DELETE", "/login/tokens/current"),
    ("POST", "/certificates"),
    ("GET", "/certificates"),
    ("GET", "/certificates/{number}"),
    ("DELETE", "/certificates/{number}"),
    ("DELETE", "/safe"),
    ("GET", "/requests"),
    ("POST", "/requests/{id}/answers/begin"),
    ("POST", "/requests/{id}/answers/complete"),
    ("POST", "/requests/{id}/refuse"),
    ("POST", "/requests/{id}/withdraw"),
    ("GET", "/reminders"),
    ("GET", "/follow-ups"),
    ("POST", "/requests/{id}/later"),
    ("POST", "/recoveries"),
    ("GET", "/devices"),
    ("POST", "/devices/begin"),
    ("POST", "/devices/complete"),
    ("GET", "/devices/offer"),
    ("POST", "/devices/accept"),
    ("DELETE", "/devices/{device}"),
    ("GET", "/access-log"),
    ("GET", "/access-log/export"),
    ("POST", "/journal"),
    ("POST", "/delegations/begin"),
    ("POST", "/delegations/complete"),
    ("GET", "/delegations"),
    ("POST", "/delegations/{id}/end/begin"),
    ("POST", "/delegations/{id}/end/complete"),
}
GUARDED = OF_CITIZENS | OF_ORGANISATIONS | OF_THE_BUREAU | OF_BOTH


def filled(path: str) -> str:
    return path.format(id="0" * 32, number="A" * 13, device="0" * 16)


def routes(town: Town) -> Iterator[tuple[str, str]]:
    document = create_app(town.service, public_url="https://wallet.example.test").openapi()
    for path, methods in document["paths"].items():
        for method in methods:
            yield method.upper(), path


def test_every_route_has_its_place_here(town: Town) -> None:
    assert set(routes(town)) == GUARDED | OPEN


@pytest.mark.parametrize(("method", "path"), sorted(GUARDED))
def test_nobody_and_strangers(town: Town, alice: Phone, method: str, path: str) -> None:
    caller = Caller(town)
    refused(caller.call(method, filled(path)), Reason.AUTH_MISSING)
    for prefix in ("tsc_", "tso_", "tsb_"):
        refused(
            caller.call(method, filled(path), Authorization=f"Bearer {prefix}{'A' * 43}"), Reason.AUTH_INVALID
        )
    town.clock.now += 15 * 60
    refused(alice.call(method, filled(path)), Reason.AUTH_INVALID)  # her session is over


@pytest.mark.parametrize(("method", "path"), sorted(GUARDED))
def test_each_stays_on_its_own_routes(town: Town, alice: Phone, bank: Asker, method: str, path: str) -> None:
    bureau = Caller(town)
    bureau.token = make_bureau_token(town.service.store, secret=b"b" * 32, now=town.clock.now)
    callers: dict[str, Caller] = {CITIZEN: alice, ORGANISATION: bank, BUREAU: bureau}
    allowed = {
        CITIZEN: OF_CITIZENS | OF_BOTH,
        ORGANISATION: OF_ORGANISATIONS | OF_BOTH,
        BUREAU: OF_THE_BUREAU,
    }
    for name, caller in callers.items():
        answer = caller.call(method, filled(path))
        if (method, path) in allowed[name]:
            assert answer.status_code not in (401, 500), (name, answer.text)
            assert "authz.denied" not in answer.text, (name, answer.text)
        else:
            refused(answer, Reason.AUTHZ_DENIED)


Act = Callable[[Phone, str], httpx.Response]
BY_ID: list[tuple[str, Act]] = [
    ("device", lambda phone, id_: phone.call("DELETE", f"/devices/{id_}")),
    ("delegation", lambda phone, id_: phone.post(f"/delegations/{id_}/end/begin")),
    (
        "delegation",
        lambda phone, id_: phone.post(
            f"/delegations/{id_}/end/complete", {"to_be_signed": b64(b"x"), "signature": b64(b"s" * 64)}
        ),
    ),
]


@BOTH_STORES
@pytest.mark.parametrize("at", range(len(BY_ID)))
def test_anothers_and_absent_are_the_same_bytes(alice: Phone, bob: Phone, at: int) -> None:
    what, act = BY_ID[at]
    others = {"device": key_id(bob.key.public_key).hex(), "delegation": delegate(bob, alice)["id"]}[what]
    absent = "0" * len(others)
    theirs, none = act(alice, others), act(alice, absent)
    assert not theirs.is_success
    assert (theirs.status_code, theirs.content, theirs.headers) == (
        none.status_code,
        none.content,
        none.headers,
    )
    assert good(bob.get("/devices"))
