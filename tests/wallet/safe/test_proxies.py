"""Somebody acts for somebody else: made by signature, shown as such, seen by the principal, ended at once."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from certificate.cose import encode_sign1
from certificate.delegation import parse_delegation, parse_delegation_end, verify_delegation_end
from certificate.keys import key_id
from certificate.numbers import Presenter
from certificate.to_be_signed import parse_to_be_signed
from ledger.reasons import Reason
from tests.wallet.parties import NAME_SLOTS, Asker, Phone, Town, b64, good, refused, unb64
from tests.wallet.stores import BOTH_STORES
from tests.world import REGISTRY, SLOTS_24, claims_of_60_months
from verifier.expect import Asked
from verifier.render import report_json, report_text
from verifier.report import Outcome
from wallet_api.access_log import check_access_log

DAY = 86400
PROXY_CLAIM = REGISTRY.slot_of("proxy")


def begin(principal: Phone, proxy: Phone, **changes: Any) -> httpx.Response:
    body = {"proxy_key": b64(proxy.key.public_key), "types": [1], "days": 30}
    return principal.post("/delegations/begin", {**body, **changes})


def sign(phone: Phone, begun: httpx.Response) -> dict[str, str]:
    to_sign = good(begun)["to_be_signed"]
    return {"to_be_signed": to_sign, "signature": b64(phone.key.sign(unb64(to_sign)))}


def delegate(principal: Phone, proxy: Phone, **changes: Any) -> dict[str, Any]:
    return good(principal.post("/delegations/complete", sign(principal, begin(principal, proxy, **changes))))


def end(principal: Phone, id_: str) -> dict[str, Any]:
    begun = principal.post(f"/delegations/{id_}/end/begin")
    return good(principal.post(f"/delegations/{id_}/end/complete", sign(principal, begun)))


def proxy_certificate(proxy: Phone, seed: bytes = b"p" * 32) -> bytes:
    """What the bureau mints for the proxy: the principal's claims, the claim `proxy`, the proxy's key."""
    world = proxy.town.world
    claims = {**claims_of_60_months(), PROXY_CLAIM: ["测试乙", "0025", 20261231, []]}
    tree = world.tree(claims, seed=seed)
    body = world.body(cnf=proxy.key.public_key, claims_root=tree.root(), presenter=Presenter.PROXY)
    return world.certificate(body, tree=tree, neighbours=8)


def rows(phone: Phone) -> list[tuple[str, list[str]]]:
    return [(row["action"], row["details"]) for row in good(phone.get("/access-log"))["rows"]]


def test_the_statement_is_the_bureaus_to_mint_from(alice: Phone, bob: Phone) -> None:
    made = delegate(alice, bob)
    statement = parse_delegation(unb64(made["statement"]))
    assert (statement.body.principal_key, statement.body.proxy_key) == (
        alice.key.public_key, bob.key.public_key,
    )  # fmt: skip
    assert (made["first"], made["last"], made["ended"]) == ("2026-11-24", "2026-12-23", None)
    assert good(alice.get("/delegations"))["made"] == [made]
    assert good(bob.get("/delegations"))["received"] == [made]
    ended = end(alice, made["id"])
    verify_delegation_end(parse_delegation_end(unb64(ended["end_statement"])), delegation=statement)
    assert end(alice, made["id"]) == ended
    key = [key_id(bob.key.public_key).hex()]
    assert rows(alice) == [("proxy_made", key), ("proxy_ended", key)]


def test_both_sides_see_that_a_proxy_answered(town: Town, alice: Phone, bob: Phone, bank: Asker) -> None:
    alice.put()
    delegate(alice, bob)
    number = bob.put(proxy_certificate(bob))
    (listed,) = good(bob.get("/certificates"))["certificates"]
    assert listed["presenter"] == "proxy"
    request = bank.request()
    id_ = bank.leave(request)
    refused(bob.post(f"/requests/{id_}/answers/begin", {"items": [1]}), Reason.DISC_REQUIRED_MISSING)
    begun = bob.begin(id_, number, (0, 1))
    assert good(begun)["presenter"] == "proxy"
    good(bob.complete(id_, bob.sign(begun)))
    fetched = good(bank.post(f"/requests/{id_}/fetch"))
    assert fetched["presenter"] == "proxy"
    report = town.world.verify(unb64(fetched["presentation"]), expect=Asked(request))
    assert report.outcome is Outcome.VALID
    assert report_json(report, "en")["certificate"]["presenter"] == "proxy"
    assert "presented by a proxy" in report_text(report, "en")
    assert "代办人" in report_text(report, "zh")
    good(bob.post(f"/requests/{id_}/withdraw"))
    good(bank.post(f"/requests/{id_}/deletion-confirmed"))

    key = [key_id(bob.key.public_key).hex()]
    assert rows(alice)[1:] == [
        (action, key) for action in ("answered", "fetched", "withdrawn", "deletion_confirmed")
    ]
    answered = good(alice.get("/access-log"))["rows"][1]
    assert (answered["org"], answered["slots"]) == (1, [*NAME_SLOTS, *SLOTS_24])
    assert [action for action, _ in rows(bob)] == ["answered", "fetched", "withdrawn", "deletion_confirmed"]
    check_access_log(town.service.store, town.service.keyring)


@BOTH_STORES
def test_after_the_end_nothing_more_can_be_consented(
    town: Town, alice: Phone, bob: Phone, bank: Asker
) -> None:
    alice.put()
    made = delegate(alice, bob)
    number = bob.put(proxy_certificate(bob))
    unfetched, drafted, new = bank.leave(), bank.leave(), bank.leave()
    bob.answer(unfetched, number)
    signature = bob.sign(bob.begin(drafted, number))
    end(alice, made["id"])
    refused(bank.post(f"/requests/{unfetched}/fetch"), Reason.CONSENT_REVOKED)
    refused(bob.complete(drafted, signature), Reason.CONSENT_REVOKED)
    refused(bob.begin(new, number), Reason.CONSENT_REVOKED)
    assert [action for action, _ in rows(alice)] == ["proxy_made", "answered", "withdrawn", "proxy_ended"]
    delegate(alice, bob)
    bob.answer(new, number)


def test_a_delegation_that_is_over_or_of_another_type_does_not_count(
    town: Town, alice: Phone, bob: Phone, bank: Asker
) -> None:
    alice.put()
    delegate(alice, bob, days=1)
    number = bob.put(proxy_certificate(bob))
    id_ = bank.leave(expires=town.clock.now + 3 * DAY)
    town.clock.now += DAY
    bob.login()
    refused(bob.begin(id_, number), Reason.CONSENT_EXPIRED)


def test_a_lost_key_ends_its_delegations(town: Town, alice: Phone, bob: Phone, bank: Asker) -> None:
    alice.put()
    delegate(alice, bob)
    number, id_ = bob.put(proxy_certificate(bob)), bank.leave()
    new = town.citizen("alice 2").login()
    word = town.world.succession(
        old_key=alice.key.public_key, new_key=new.key.public_key, time=town.clock.now, neighbours=8
    )
    good(new.post("/recoveries", {"statement": b64(word)}))
    refused(bob.begin(id_, number), Reason.CONSENT_REVOKED)
    assert good(new.get("/delegations"))["made"][0]["ended"] == town.clock.now


def test_only_the_principal_makes_and_ends(town: Town, alice: Phone, bob: Phone) -> None:
    begun = begin(alice, bob)
    refused(bob.post("/delegations/complete", sign(alice, begun)), Reason.PRES_BINDING_INVALID)
    refused(alice.post("/delegations/complete", sign(bob, begun)), Reason.SIG_INVALID)
    refused(begin(alice, alice), Reason.SCHEMA_FIELD_TYPE)
    refused(begin(alice, bob, types=[99]), Reason.SCHEMA_FIELD_UNKNOWN)
    refused(begin(alice, bob, days=400), Reason.API_VALIDATION)
    made, other = delegate(alice, bob), delegate(alice, town.citizen("carol"))
    for path in (f"/delegations/{made['id']}/end/begin", f"/delegations/{'0' * 64}/end/begin"):
        refused(bob.post(path), Reason.AUTHZ_NOT_FOUND)
    elsewhere = alice.post(f"/delegations/{other['id']}/end/begin")
    refused(
        alice.post(f"/delegations/{made['id']}/end/complete", sign(alice, elsewhere)),
        Reason.PRES_BINDING_INVALID,
    )
    own = alice.post(f"/delegations/{made['id']}/end/begin")
    refused(
        alice.post(f"/delegations/{made['id']}/end/complete", sign(bob, own)), Reason.PRES_BINDING_INVALID
    )
    assert good(alice.get("/delegations"))["made"][0]["ended"] is None


@pytest.mark.parametrize("which", ["a delegation as its end", "an end as a delegation", "a login"])
def test_a_signature_of_one_kind_is_none_of_another(alice: Phone, bob: Phone, which: str) -> None:
    made = delegate(alice, bob)
    if which == "an end as a delegation":
        signed = sign(alice, alice.post(f"/delegations/{made['id']}/end/begin"))
        refused(alice.post("/delegations/complete", signed), Reason.KEY_PURPOSE_MISMATCH)
        return
    begun = (
        begin(alice, bob)
        if which == "a delegation as its end"
        else alice.post("/login/challenges", {"holder_key": b64(alice.key.public_key)})
    )
    path = f"/delegations/{made['id']}/end/complete"
    refused(alice.post(path, sign(alice, begun)), Reason.KEY_PURPOSE_MISMATCH)


def test_the_signed_bytes_are_the_ones_handed_out(alice: Phone, bob: Phone) -> None:
    begun = begin(alice, bob)
    signed = sign(alice, begun)
    made = good(alice.post("/delegations/complete", signed))
    parsed = parse_to_be_signed(unb64(good(begun)["to_be_signed"]))
    expected = encode_sign1(parsed.protected_bytes, parsed.payload_bytes, unb64(signed["signature"]))
    assert unb64(made["statement"]) == expected
    assert good(alice.post("/delegations/complete", signed)) == made
