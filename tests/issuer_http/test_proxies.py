"""Acting for another person: at the counter or on the principal's signature, shown as such, ended at any time."""

from __future__ import annotations

import os
from typing import Any

import pytest

from certificate.certificate import UnverifiedCertificate, parse_certificate
from certificate.cose import encode_sign1
from certificate.delegation import (
    DelegationBody,
    DelegationEnd,
    delegation_end_to_be_signed,
    delegation_to_be_signed,
    parse_delegation,
)
from certificate.numbers import CertificateType, Presenter
from certificate.slots import REGISTRIES
from certificate.to_be_signed import parse_to_be_signed
from issuer.claiming.identity import Terms
from issuer.service import mint_enrolled, opened_register
from ledger.reasons import Reason
from tests.issuer_http.conftest import Service, Wallet, b64, unb64
from tests.issuer_http.test_recovery import claim, judged

DAY = 86400
PRINCIPAL, AGENT = 0, 1
PROXY = REGISTRIES[CertificateType.CONTRIBUTION].slot_of("proxy")
NAME = REGISTRIES[CertificateType.CONTRIBUTION].slot_of("name")


def signed(wallet: Wallet, to_be_signed: bytes) -> bytes:
    parsed = parse_to_be_signed(to_be_signed)
    return encode_sign1(parsed.protected_bytes, parsed.payload_bytes, wallet.key.sign(to_be_signed))


def delegation(principal: Wallet, agent: Wallet, **changes: Any) -> bytes:
    today = principal.service.clock.now // DAY
    fields: dict[str, Any] = {
        "principal_key": principal.public_key,
        "proxy_key": agent.public_key,
        "types": (CertificateType.CONTRIBUTION,),
        "first": today,
        "last": today + 30,
        "nonce": os.urandom(16),
        **changes,
    }
    return signed(principal, delegation_to_be_signed(DelegationBody(**fields)))


def ending(principal: Wallet, delegated: bytes) -> bytes:
    body = DelegationEnd(parse_delegation(delegated).digest(), principal.service.clock.now)
    return signed(principal, delegation_end_to_be_signed(body, principal_key=principal.public_key))


def post(service: Service, path: str, **members: bytes) -> Any:
    return service.client.post(path, json={name: b64(value) for name, value in members.items()})


def held(agent: Wallet) -> list[UnverifiedCertificate]:
    """What an agent's key picks up for others."""
    answer = agent.service.client.post("/proxies/certificates", json={"proof": agent.proof()})
    assert answer.status_code == 200, answer.text
    return [parse_certificate(unb64(row["credential"])) for row in answer.json()["certificates"]]


def shown(certificate: UnverifiedCertificate) -> dict[int, Any]:
    return {d.slot: d.value for d in certificate.disclosures}


def name_of(service: Service, at: int) -> object:
    return service.home.snapshot().claims(service.persons[at]).claims[NAME]


@pytest.fixture
def pair(service: Service) -> tuple[Wallet, Wallet]:
    """A principal and an agent, each with a certificate of their own."""
    principal, agent = Wallet(service), Wallet(service)
    principal.claim(service.offer(PRINCIPAL))
    agent.claim(service.offer(AGENT))
    return principal, agent


def test_an_offer_at_the_counter_makes_a_proxys_certificate(service: Service) -> None:
    agent = Wallet(service)
    until = service.clock.now // DAY + 30
    given = claim(agent, AGENT, Terms(proxy_for=service.persons[PRINCIPAL], until=until))
    data = unb64(given["credentials"][0]["credential"])
    certificate = parse_certificate(data)
    assert (certificate.body.presenter, certificate.body.cnf) == (Presenter.PROXY, agent.public_key)
    claims = shown(certificate)
    assert claims[NAME] == name_of(service, PRINCIPAL)
    assert claims[PROXY][0] == name_of(service, AGENT)
    assert claims[PROXY][2] == 20261224
    assert judged(service, agent, data).reason is None
    with opened_register(service.home) as register:
        assert register.own_keys(service.persons[PRINCIPAL]) == []


def test_the_principals_signature_does_it_too(service: Service, pair: tuple[Wallet, Wallet]) -> None:
    principal, agent = pair
    assert held(agent) == []
    delegated = delegation(principal, agent)
    for _ in range(2):
        assert post(service, "/proxies", delegation=delegated).status_code == 204
    (certificate,) = held(agent)
    assert certificate.body.presenter is Presenter.PROXY
    assert shown(certificate)[PROXY][0] == name_of(service, AGENT)
    own = parse_certificate(unb64(agent.renew().json()["credential"]))
    assert own.body.presenter is Presenter.SELF
    assert held(principal) == []


def test_the_principal_ends_it_at_any_time(service: Service, pair: tuple[Wallet, Wallet]) -> None:
    principal, agent = pair
    delegated = delegation(principal, agent)
    post(service, "/proxies", delegation=delegated)
    answer = service.client.post("/proxies/certificates", json={"proof": agent.proof()})
    data = unb64(answer.json()["certificates"][0]["credential"])
    assert judged(service, agent, data).reason is None
    for _ in range(2):
        assert (
            post(service, "/proxies/end", delegation=delegated, end=ending(principal, delegated)).status_code
            == 204
        )
    assert judged(service, agent, data).reason is Reason.STATUS_SUSPENDED
    assert held(agent) == []
    again = post(service, "/proxies", delegation=delegated)
    assert (again.status_code, again.json()["reason"]) == (403, "authz.denied")
    ledger = service.home.ledger()
    try:
        assert mint_enrolled(service.home, ledger, now=service.clock.now).minted == 0
    finally:
        ledger.close()
    assert post(service, "/proxies", delegation=delegation(principal, agent)).status_code == 204
    assert len(held(agent)) == 1


def test_it_is_over_by_itself(service: Service, pair: tuple[Wallet, Wallet]) -> None:
    principal, agent = pair
    post(service, "/proxies", delegation=delegation(principal, agent))
    service.clock.now += 31 * DAY
    assert held(agent) == []


def test_only_the_principals_own_signature_counts(service: Service, pair: tuple[Wallet, Wallet]) -> None:
    principal, agent = pair
    stranger, thief = Wallet(service), Wallet(service)
    today = service.clock.now // DAY
    forged = bytearray(delegation(principal, agent))
    forged[-1] ^= 1
    for data, status, reason in (
        (bytes(forged), 400, "sig.invalid"),
        (delegation(stranger, agent), 403, "authz.denied"),
        (delegation(principal, stranger), 403, "authz.denied"),
        (delegation(principal, agent, first=today + 1), 400, "time.not_yet_valid"),
        (delegation(principal, agent, first=today - 9, last=today - 1), 400, "time.expired"),
        (delegation(principal, agent, types=(CertificateType.EMPLOYER,)), 403, "authz.denied"),
        (b"no delegation", 400, "enc.cbor_malformed"),
    ):
        answer = post(service, "/proxies", delegation=data)
        assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert held(agent) == []
    delegated = delegation(principal, agent)
    unknown = post(service, "/proxies/end", delegation=delegated, end=ending(principal, delegated))
    assert (unknown.status_code, unknown.json()["reason"]) == (404, "authz.not_found")
    post(service, "/proxies", delegation=delegated)
    other = delegation(principal, agent)
    for end, reason in (
        (ending(thief, delegated), "sig.invalid"),
        (ending(agent, delegated), "sig.invalid"),
        (ending(principal, other), "pres.transcript_mismatch"),
    ):
        answer = post(service, "/proxies/end", delegation=delegated, end=end)
        assert (answer.status_code, answer.json()["reason"]) == (400, reason)
    assert len(held(agent)) == 1


def test_nobody_becomes_their_own_proxy(service: Service, pair: tuple[Wallet, Wallet]) -> None:
    """A second device of the principal is no proxy, and the principal's key never turns into one."""
    principal, _ = pair
    second = Wallet(service)
    second.claim(service.offer(PRINCIPAL))
    answer = post(service, "/proxies", delegation=delegation(principal, second))
    assert answer.json()["reason"] == "authz.denied"
    (offer,) = service.home.offers().make(
        [service.persons[AGENT]],
        now=service.clock.now,
        days=1,
        random=os.urandom,
        terms=Terms(proxy_for=service.persons[PRINCIPAL], until=service.clock.now // DAY + 1),
    )
    token = principal.token(offer.code, offer.pin).json()["access_token"]
    refused = principal.credential(token, principal.proof())
    assert (refused.status_code, refused.json()["reason"]) == (403, "authz.denied")
    assert principal.renew().status_code == 200
