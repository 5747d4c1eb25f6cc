"""Printing for others: a finished page within a scope, and nothing at all outside it."""

from __future__ import annotations

import io
import random
from collections import Counter
from datetime import UTC, datetime

import httpx
import pypdfium2

from certificate.certificate import parse_certificate
from certificate.numbers import CertificateType
from certificate.qr_text import decode_any
from certificate.slots import REGISTRIES
from issuer.claiming.counter import operator_log_of
from issuer.printing.pages import PAGES
from issuer.service import opened_register
from ledger.reasons import Reason
from tests.issuer_http.conftest import Service
from tests.offices.inside import ok, tally
from verifier.expect import STATIC
from verifier.images import read_codes
from verifier.report import Outcome
from verifier.seen import MemorySeen
from verifier.trust_dir import load_trust
from verifier.verify import verify

AUDIENCE, PURPOSE = "示例银行(测试)", "办理住房贷款"
REASON = "ticket 4711 at the desk"
EMPLOYER = REGISTRIES[CertificateType.CONTRIBUTION].slot_of("employer")


def made(service: Service, name: str = "branch-7", **scope: object) -> str:
    """A client made by the command; its token."""
    fields: dict[str, object] = {"audience": AUDIENCE, "purpose": PURPOSE, "page": "contribution.years"}
    words = [
        word for key, value in ({"region": "9901"} | fields | scope).items() for word in (f"--{key}", value)
    ]
    ran = ok("issuer", "print-client", "add", name, *words, "--home", service.home.path, "--json")
    return str(ran.json["token"])


def wish(service: Service, token: str | None, person: str, **changes: object) -> httpx.Response:
    body = {
        "person_no": person,
        "page": "contribution.years",
        "purpose": PURPOSE,
        "reason": REASON,
        **changes,
    }
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return service.client.post("/print", json=body, headers=headers)


def written(service: Service) -> tuple[int, int]:
    """What an attempt could have left: certificates in the register, entries in the ledger."""
    with opened_register(service.home) as register:
        return register.count(), service.client.get("/healthz").json()["entries"]


def region_of(service: Service, person: str) -> str:
    return str(service.home.snapshot().claims(person).region)


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(io.BytesIO(pdf))
    try:
        return str(document[0].get_textpage().get_text_range())
    finally:
        document.close()


def test_a_finished_page_and_its_row(service: Service) -> None:
    token, person = made(service), service.persons[0]
    answer = wish(service, token, person)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf"), answer.text
    assert AUDIENCE in text_of(answer.content)
    assert PURPOSE in text_of(answer.content)
    [code] = read_codes(answer.content)
    certificate = parse_certificate(decode_any(code.encode()))
    shown = {certificate.body.registry.claim_at(d.slot).name: d.value for d in certificate.disclosures}
    assert (shown["for.audience"], shown["for.purpose"]) == (AUDIENCE, PURPOSE)
    now = datetime.fromtimestamp(service.clock.now, UTC)
    trust = load_trust(service.home.trust_dir)
    report = verify(code.encode(), trust=trust, now=now, expect=STATIC, seen=MemorySeen())
    assert report.outcome is Outcome.VALID
    [look] = operator_log_of(service.home).look_ups()
    assert (look.operator, look.action, look.person_no, look.reason) == (
        "branch-7",
        "print.contribution.years",
        person,
        REASON,
    )
    # A second print is the same certificate, and another row.
    count, _ = written(service)
    assert read_codes(wish(service, token, person).content)
    assert written(service)[0] == count == 1
    ledger = service.home.ledger()
    try:
        assert operator_log_of(service.home).check(service.home.settings.authority, ledger.find) == 2
    finally:
        ledger.close()


def test_an_hr_desk_prints_for_its_own_people(service: Service) -> None:
    snapshot = service.home.snapshot()
    employers: dict[str, list[str]] = {}
    for person in service.persons:
        employer = snapshot.claims(person).claims.get(EMPLOYER)
        if isinstance(employer, list | tuple) and employer[0]:
            employers.setdefault(str(employer[0]), []).append(person)
    code, (ours, *_) = next(iter(employers.items()))
    others = [person for person in service.persons if person not in employers[code]]
    token = made(service, "hr-1", employer=code, page="contribution.employer")
    assert wish(service, token, ours, page="contribution.employer").status_code == 200
    before = written(service)
    for other in others[:5]:
        refused = wish(service, token, other, page="contribution.employer")
        assert (refused.status_code, refused.json()["reason"]) == (403, Reason.AUTHZ_DENIED.value)
    assert written(service) == before


def test_a_token_ends(service: Service) -> None:
    token = made(service)
    assert wish(service, None, service.persons[0]).status_code == 401
    assert (
        wish(service, token[:-1] + ("A" if token[-1] != "A" else "B"), service.persons[0]).status_code == 401
    )
    assert wish(service, token, service.persons[0]).status_code == 200
    ok("issuer", "print-client", "revoke", "branch-7", "--home", service.home.path)
    assert wish(service, token, service.persons[0]).status_code == 401
    [row] = ok("issuer", "print-client", "list", "--home", service.home.path, "--json").json["clients"]
    assert (row["client"], row["revoked"]) == ("branch-7", True)
    assert token.encode() not in (service.home.path / "printing.db").read_bytes()
    again = ("issuer", "print-client", "add", "branch-7", "--audience", "x", "--purpose", "y")
    ran = tally(
        *again, "--page", "contribution.years", "--region", "9901", "--home", service.home.path, "--json"
    )
    assert (ran.code, ran.json["error"]["reason"]) == (2, Reason.CLI_DUPLICATE_ID.value)
    brief = made(service, "kiosk", days=1)
    service.clock.now += 2 * 86400
    assert wish(service, brief, service.persons[0]).status_code == 401


def test_a_client_that_prints_too_often(service: Service) -> None:
    token, nobody = made(service), "0000000000"
    answers = [wish(service, token, nobody) for _ in range(61)]
    assert Counter(answer.status_code for answer in answers) == {403: 60, 429: 1}
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert wish(service, made(service, "other"), nobody).status_code == 403  # its own limit


def test_outside_a_scope_nothing_is_minted(service: Service, full: bool) -> None:
    """One thing or several are wrong: page, purpose, region, employer, nobody, extra words, the token."""
    chance = random.Random(1)
    pages = {
        made(service, "county", region="990102"): "contribution.years",
        made(service, "hr", employer="91990000T999999998"): "contribution.years",
        made(service, "months", page="contribution.months"): "contribution.months",
    }
    county, hr, months = pages
    outside = {
        county: [person for person in service.persons if not region_of(service, person).startswith("990102")],
        hr: service.persons,
        months: ["0000000000"],
    }
    before, seen = written(service), Counter[int]()
    for _ in range(10_000 if full else 200):
        service.clock.now += 1  # as slow as its limit allows
        token = chance.choice(list(pages))
        asked: dict[str, str] = {"person_no": chance.choice(service.persons), "page": pages[token]}
        wrong = chance.sample(["person", "page", "purpose", "more", "token"], chance.choice([1, 1, 1, 2, 3]))
        if "person" in wrong:
            nobody = ["0000000000", "99000000019", "' OR 1=1", "\u4e00" * 5]
            asked["person_no"] = chance.choice(outside[token] if chance.random() < 0.7 else nobody)
        if "page" in wrong:
            asked["page"] = chance.choice([*set(PAGES) - {pages[token]}, "", pages[token] + " ", "../x"])
        if "purpose" in wrong:
            asked["purpose"] = chance.choice([PURPOSE + " ", "其他", ""])
        if "more" in wrong:
            asked |= chance.choice([{"audience": "另一家"}, {"reason": ""}, {"employer": ""}])
        bearer = chance.choice([None, "A" * 43, token[::-1]]) if "token" in wrong else token
        answer = wish(service, bearer, asked.pop("person_no"), **asked)
        seen[answer.status_code] += 1
    assert set(seen) == {401, 403, 422}
    assert min(seen.values()) > 10
    assert written(service) == before
    assert list(operator_log_of(service.home).look_ups()) == []
