"""What the wallet knows of organisations: look-alike names, a replaced key, and one that was stopped."""

from __future__ import annotations

import pytest

from certificate.keys import Ed25519CoseSigner
from certificate.request import parse_request, sign_request
from certificate.rollover import sign_rollover
from ledger.errors import ConfigError
from ledger.reasons import Reason
from tests.wallet.parties import ITEMS, Asker, Phone, Town, b64, good, refused
from tests.wallet.stores import BOTH_STORES
from tests.world import SECONDS, TODAY, signer
from wallet_api.organisations import resume_organisation, suspend_organisation

pytestmark = BOTH_STORES
NEW = signer("asker's new key")


def named(asker: Asker, zh: str, en: str) -> bytes:
    """A request of an organisation of this name."""
    world = asker.town.world
    registration = world.registration(
        org=asker.number, request_key=asker.key.public_key, name_zh=zh, name_en=en
    )
    body = world.request_body(org=asker.number, items=ITEMS, nonce=zh.encode()[:16].ljust(16, b"n"))
    return sign_request(asker.key, body, registration)


def under(asker: Asker, key: Ed25519CoseSigner, *, nonce: bytes = b"k" * 16, **registration: object) -> bytes:
    """A request under another request key of the same organisation, which the registrar registered."""
    world = asker.town.world
    signed = world.registration(org=asker.number, request_key=key.public_key, **registration)
    return sign_request(key, world.request_body(org=asker.number, items=ITEMS, nonce=nonce), signed)


@pytest.mark.parametrize(
    ("zh", "en"),
    [
        ("示例锒行(测试)", "Another Name"),
        ("另一个名字", "Ex\u0430mple Bank (test)"),
        ("示例银行（测试）", "example bank (test)"),
    ],
)
def test_a_look_alike_is_shown_with_both_names(
    alice: Phone, bank: Asker, shop: Asker, zh: str, en: str
) -> None:
    honest, alike = bank.leave(), shop.leave(named(shop, zh, en))
    seen = good(alice.get(f"/requests/{alike}"))
    assert (seen["organisation"]["name_zh"], seen["name_warning"]) == (zh, "org.look_alike")
    bank_names = {"number": 1, "name_zh": "示例银行(测试)", "name_en": "Example Bank (test)"}
    assert seen["look_alikes"] == [bank_names]
    # Who is the honest one the service cannot know: the warning stands at both.
    assert good(alice.get(f"/requests/{honest}"))["look_alikes"][0]["number"] == 2


def test_another_name_is_no_look_alike(alice: Phone, bank: Asker, shop: Asker) -> None:
    bank.leave()
    seen = good(alice.get(f"/requests/{shop.leave(named(shop, '示例学校', 'Example School'))}"))
    assert (seen["name_warning"], seen["look_alikes"]) == (None, [])


def roll_over(
    town: Town,
    asker: Asker,
    old: Ed25519CoseSigner,
    new: Ed25519CoseSigner,
    *,
    registered: Ed25519CoseSigner | None = None,
) -> dict[str, str]:
    registration = town.world.registration(org=asker.number, request_key=(registered or new).public_key)
    rollover = sign_rollover(old, new, org=asker.number, time=SECONDS)
    return {"rollover": b64(rollover), "registration": b64(registration)}


def test_old_requests_stay_answerable_and_new_ones_need_the_new_key(
    town: Town, alice: Phone, bank: Asker
) -> None:
    before = bank.leave()
    body = roll_over(town, bank, bank.key, NEW)
    assert good(bank.post("/organisation/key-rollovers", body))["request_key"] == NEW.public_key.hex()
    good(bank.post("/organisation/key-rollovers", body))  # twice is the same
    refused(bank.post("/requests", {"request": b64(bank.request())}), Reason.ORG_KEY_REPLACED)
    after = bank.leave(under(bank, NEW))
    number = alice.put()
    for id_ in (before, after):
        alice.answer(id_, number)
        assert parse_request(town_request(town, id_)).body.org == 1
        bank.fetch(id_)


def town_request(town: Town, id_: str) -> bytes:
    with town.service.store.read() as tx:
        row = tx.request(bytes.fromhex(id_))
    assert row is not None
    return row.request


def test_a_rollover_that_is_none(town: Town, bank: Asker, shop: Asker) -> None:
    bank.leave()
    path, thief = "/organisation/key-rollovers", signer("thief")
    refused(bank.post(path, roll_over(town, bank, thief, NEW)), Reason.ORG_KEY_REPLACED)
    refused(bank.post(path, roll_over(town, bank, bank.key, NEW, registered=thief)), Reason.ORG_UNREGISTERED)
    refused(bank.post(path, roll_over(town, shop, shop.key, NEW)), Reason.AUTHZ_DENIED)
    body = roll_over(town, bank, bank.key, NEW)
    refused(bank.post(path, {**body, "rollover": body["registration"]}), Reason.KEY_PURPOSE_MISMATCH)
    refused(town.citizen("carol").login().post(path, body), Reason.AUTHZ_DENIED)
    # None of these changed the key.
    bank.leave()


def test_an_old_rollover_does_not_bring_an_old_key_back(town: Town, bank: Asker) -> None:
    bank.leave()
    newest = signer("newest key")
    first = roll_over(town, bank, bank.key, NEW)
    good(bank.post("/organisation/key-rollovers", first))
    good(bank.post("/organisation/key-rollovers", roll_over(town, bank, NEW, newest)))
    refused(bank.post("/organisation/key-rollovers", first), Reason.ORG_KEY_REPLACED)


def test_a_registration_of_a_later_day_brings_its_key(bank: Asker) -> None:
    bank.leave()
    refused(bank.post("/requests", {"request": b64(under(bank, NEW))}), Reason.ORG_KEY_REPLACED)
    bank.leave(under(bank, NEW, valid_from=TODAY))
    refused(bank.post("/requests", {"request": b64(bank.request())}), Reason.ORG_KEY_REPLACED)


def test_a_stopped_organisation_gets_nothing_at_once(town: Town, alice: Phone, bank: Asker) -> None:
    number = alice.put()
    answered, begun, waiting = bank.leave(), bank.leave(), bank.leave()
    alice.answer(answered, number)
    signature = alice.sign(alice.begin(begun, number))
    suspend_organisation(town.service.store, 1, now=town.clock.now)
    suspend_organisation(town.service.store, 1, now=town.clock.now + 1)
    refused(bank.post(f"/requests/{answered}/fetch"), Reason.AUTH_INVALID)
    refused(alice.complete(begun, signature), Reason.ORG_SUSPENDED)
    refused(alice.begin(waiting, number), Reason.ORG_SUSPENDED)
    seen = good(alice.get(f"/requests/{waiting}"))
    assert (seen["organisation"], seen["warning"]) == (None, "org.suspended")
    # Even a token that was made meanwhile opens nothing.
    again = town.organisation(3)
    with town.service.store.write() as tx:
        tx._execute("UPDATE org_tokens SET org = 1 WHERE org = 3")
    refused(again.post(f"/requests/{answered}/fetch"), Reason.ORG_SUSPENDED)
    refused(again.post(f"/requests/{waiting}/reminder"), Reason.ORG_SUSPENDED)
    refused(again.post("/requests", {"request": b64(bank.request())}), Reason.ORG_SUSPENDED)
    body = roll_over(town, bank, bank.key, NEW)
    refused(again.post("/organisation/key-rollovers", body), Reason.ORG_SUSPENDED)


def test_it_goes_on_with_another_key(town: Town, alice: Phone, bank: Asker) -> None:
    bank.leave()
    suspend_organisation(town.service.store, 1, now=town.clock.now)
    registration = town.world.registration(request_key=NEW.public_key)
    directory = town.service.trust().directory
    resume_organisation(town.service.store, registration, directory=directory, today=TODAY)
    again = town.organisation(4)
    with town.service.store.write() as tx:
        tx._execute("UPDATE org_tokens SET org = 1 WHERE org = 4")
    refused(again.post("/requests", {"request": b64(bank.request())}), Reason.ORG_KEY_REPLACED)
    id_ = again.leave(under(bank, NEW))
    alice.answer(id_, alice.put())


def test_who_never_asked_cannot_be_stopped(town: Town) -> None:
    with pytest.raises(ConfigError) as caught:
        suspend_organisation(town.service.store, 99, now=0)
    assert caught.value.reason is Reason.CLI_NOT_FOUND


def test_reminders_belong_to_their_parties(
    town: Town, alice: Phone, bob: Phone, bank: Asker, shop: Asker
) -> None:
    id_ = bank.leave()
    refused(shop.post(f"/requests/{id_}/reminder"), Reason.AUTHZ_NOT_FOUND)
    refused(shop.post(f"/requests/{'0' * 32}/reminder"), Reason.AUTHZ_NOT_FOUND)
    refused(alice.post(f"/requests/{id_}/reminder"), Reason.AUTHZ_DENIED)
    refused(bank.get("/reminders"), Reason.AUTHZ_DENIED)
    good(alice.get(f"/requests/{id_}"))
    good(bank.post(f"/requests/{id_}/reminder"))
    refused(bank.post(f"/requests/{id_}/reminder"), Reason.ORG_REMINDED)
    assert [item["id"] for item in good(alice.get("/reminders"))["requests"]] == [id_]
    assert good(bob.get("/reminders"))["requests"] == []
    good(alice.post(f"/requests/{id_}/refuse"))
    assert good(alice.get("/reminders"))["requests"] == []
    other = bank.leave()
    good(alice.post(f"/requests/{other}/refuse"))
    refused(bank.post(f"/requests/{other}/reminder"), Reason.CONSENT_EXHAUSTED)
    late = bank.leave()
    town.clock.now += 3600
    refused(bank.post(f"/requests/{late}/reminder"), Reason.CONSENT_EXPIRED)
