"""One consent from the request to the deletion, as its three parties live it."""

from __future__ import annotations

from certificate.certificate import parse_certificate
from certificate.request import matching_digits, parse_request
from ledger.reasons import Reason
from tests.wallet.parties import NAME_SLOTS, URL, Asker, Phone, Town, b64, good, refused, unb64
from tests.wallet.stores import BOTH_STORES
from tests.world import PURPOSE, SLOTS_24
from verifier.expect import Asked
from verifier.own import check_own_certificate
from verifier.report import Outcome
from wallet_api.access_log import check_access_log

pytestmark = BOTH_STORES


def test_from_request_to_deletion(town: Town, alice: Phone, bank: Asker) -> None:
    number = alice.put()
    request = bank.request()
    id_ = bank.leave(request)
    assert good(bank.get(f"/requests/{id_}"))["link"] == f"{URL}/requests/{id_}"

    seen = good(alice.get(f"/requests/{id_}", Accept_Language="zh-CN"))
    assert seen["organisation"]["name_zh"] == "示例银行(测试)"
    assert (seen["warning"], seen["name_warning"], seen["purpose"]) == (None, None, PURPOSE)
    assert seen["digits"] == matching_digits(parse_request(request).digest())
    offers = [offer for item in seen["items"] for offer in item["offers"]]
    assert [offer["certificate"] for offer in offers] == [number, number]
    assert offers[0]["claims"][0]["value"] == "测试甲"

    begun = alice.begin(id_, number, (0, 1))
    assert [claim["slot"] for claim in good(begun)["claims"]] == [*NAME_SLOTS, *SLOTS_24]
    refused(bank.post(f"/requests/{id_}/fetch"), Reason.CONSENT_NOT_YET_VALID)
    good(alice.complete(id_, alice.sign(begun)))
    assert good(bank.get(f"/requests/{id_}"))["state"] == "answered"

    first = bank.post(f"/requests/{id_}/fetch")
    assert bank.post(f"/requests/{id_}/fetch").content == first.content
    presentation = unb64(good(first)["presentation"])
    report = town.world.verify(presentation, expect=Asked(request))
    assert report.outcome is Outcome.VALID
    assert [shown.slot for shown in report.disclosed] == [*NAME_SLOTS, *SLOTS_24]

    good(bank.post(f"/requests/{id_}/acknowledge"))
    good(bank.post(f"/requests/{id_}/acknowledge"))
    refused(bank.post(f"/requests/{id_}/fetch"), Reason.CONSENT_EXHAUSTED)

    town.clock.now += 60
    good(alice.post(f"/requests/{id_}/withdraw"))
    good(alice.post(f"/requests/{id_}/withdraw"))
    assert good(bank.get(f"/requests/{id_}"))["delete"] is True
    refused(bank.post(f"/requests/{id_}/fetch"), Reason.CONSENT_REVOKED)
    good(bank.post(f"/requests/{id_}/deletion-confirmed"))
    told = good(alice.get(f"/requests/{id_}"))
    assert told["answer"]["deletion_confirmed"] == town.clock.now
    assert good(alice.get("/requests"))["requests"][0]["id"] == id_

    log = good(alice.get("/access-log"))
    assert [row["action"] for row in log["rows"]] == [
        "seen", "answered", "fetched", "fetched", "withdrawn", "deletion_confirmed",
    ]  # fmt: skip
    assert log["rows"][1]["slots"] == [*NAME_SLOTS, *SLOTS_24]
    size, root = check_access_log(town.service.store, town.service.keyring)
    assert (size, root.hex()) == (log["size"], log["root"])


def test_items_can_be_refused_one_by_one(town: Town, alice: Phone, bank: Asker) -> None:
    number, request = alice.put(), bank.request()
    id_ = bank.leave(request)
    alice.answer(id_, number, (1,))
    presentation = bank.fetch(id_)
    assert "测试甲".encode() not in presentation
    report = town.world.verify(presentation, expect=Asked(request))
    assert report.reason is Reason.DISC_REQUIRED_MISSING  # the organisation sees that one item was refused
    assert [shown.slot for shown in report.disclosed] == list(SLOTS_24)


def test_the_safe(town: Town, alice: Phone) -> None:
    file = alice.certificate()
    number = alice.put(file)
    assert alice.post("/certificates", {"certificate": b64(file)}).status_code == 200
    got = alice.get(f"/certificates/{number}")
    assert unb64(good(got)["certificate"]) == file
    own = check_own_certificate(
        file, trust=town.service.trust(), now=town.clock.now, holder_key=alice.key.public_key
    )
    assert own.body.number == number == parse_certificate(file).body.number
    again = alice.get(f"/certificates/{number}", If_None_Match=got.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    listed = good(alice.get("/certificates"))
    assert [item["number"] for item in listed["certificates"]] == [number]
    refused(alice.call("DELETE", f"/certificates/{number}", If_Match='"00"'), Reason.API_VERSION_CONFLICT)
    good(alice.call("DELETE", f"/certificates/{number}", If_Match=got.headers["etag"]))
    refused(alice.get(f"/certificates/{number}"), Reason.AUTHZ_NOT_FOUND)
