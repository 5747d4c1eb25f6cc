"""Claiming over OpenID4VCI and renewing by the key alone: the way of a citizen, and of those who are none."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certificate.certificate import parse_certificate
from certificate.holding import present
from certificate.numbers import CertificateType
from certificate.request import RequestBody, SlotsItem, sign_request
from issuer.claiming.offers import MAX_TRIES
from issuer.organisations import DEFAULT_PURPOSE, registration_of
from issuer.sample import write_sample
from issuer.service import import_records, mint_persons, opened_register
from issuer.setup import DEMO_ORG
from ledger.entry import EntryType, parse_entry
from ledger.store.sqlite import SqliteStore
from tests.issuer_http.conftest import URL, Service, Wallet, b64
from tests.world import SLOTS_24
from verifier.expect import Asked
from verifier.report import Outcome
from verifier.seen import MemorySeen
from verifier.trust_dir import load_trust
from verifier.verify import verify


def test_a_claimed_certificate_answers_a_bank(service: Service) -> None:
    """Offer, token, proof, credential; then a request and its answer, verified with the bundle of this home."""
    wallet = Wallet(service)
    certificate = wallet.claim(service.offer())
    assert parse_certificate(certificate).body.cnf == wallet.public_key
    now = service.clock.now
    body = RequestBody(
        DEMO_ORG, os.urandom(16), None, (SlotsItem(CertificateType.CONTRIBUTION, SLOTS_24),), DEFAULT_PURPOSE,
        "依据", "方式", 30, now + 600,
    )  # fmt: skip
    request = sign_request(service.home.signer("org-1"), body, registration_of(service.home, DEMO_ORG))
    answer = present(wallet.signer(), certificate, request, SLOTS_24, issued=now)
    report = verify(
        answer,
        trust=load_trust(service.home.trust_dir),
        now=datetime.fromtimestamp(now, UTC),
        expect=Asked(request),
        seen=MemorySeen(),
    )
    assert report.outcome is Outcome.VALID, report


def test_a_p256_key_claims_too(service: Service) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    jwk = {"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}
    wallet, offer = Wallet(service), service.offer()
    claims = {"aud": URL, "iat": service.clock.now, "nonce": wallet.nonce()}
    proof = jwt.encode(claims, key, "ES256", headers={"typ": "openid4vci-proof+jwt", "jwk": jwk})
    token = wallet.token(offer.code, offer.pin).json()["access_token"]
    assert wallet.credential(token, proof).status_code == 200


def test_wrong_pins_end_an_offer(service: Service) -> None:
    wallet, offer = Wallet(service), service.offer()
    wrong = "000000" if offer.pin != "000000" else "000001"
    for _ in range(MAX_TRIES):
        answer = wallet.token(offer.code, wrong)
        assert (answer.status_code, answer.json()) == (400, {"error": "invalid_grant"})
    assert wallet.token(offer.code, offer.pin).json() == {"error": "invalid_grant"}


def test_unknown_expired_and_wrong_offers_answer_alike(service: Service) -> None:
    wallet, offer, old = Wallet(service), service.offer(), service.offer(1, days=1)
    service.clock.now += 86400
    answers = [
        wallet.token("A" * 20, "123456"),
        wallet.token(old.code, old.pin),
        wallet.token(offer.code, "x"),
        wallet.token(offer.code.lower(), offer.pin),
    ]
    assert len({(a.status_code, a.content) for a in answers}) == 1
    assert wallet.token(offer.code, offer.pin).status_code == 200


def test_an_offer_serves_one_key_and_that_key_again(service: Service) -> None:
    """A claim cut off in the middle is made again; nobody else claims by the same letter."""
    offer, citizen, thief = service.offer(), Wallet(service), Wallet(service)
    first = citizen.claim(offer)
    again = citizen.claim(offer)
    assert parse_certificate(again).digest() == parse_certificate(first).digest()
    token = thief.token(offer.code, offer.pin).json()["access_token"]
    refused = thief.credential(token, thief.proof())
    assert (refused.status_code, refused.json()["reason"]) == (401, "auth.invalid")
    with opened_register(service.home) as register:
        assert register.newest_of_holder(thief.public_key) is None


Change = Callable[[Wallet], str]


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda w: w.proof(aud="https://other.example.test"), "invalid_proof"),
        (lambda w: w.proof(iat=w.service.clock.now - 301), "invalid_proof"),
        (lambda w: w.proof(iat=w.service.clock.now + 301), "invalid_proof"),
        (lambda w: w.proof(iat=None), "invalid_proof"),
        (lambda w: w.proof(nonce=None), "invalid_proof"),
        (lambda w: w.proof(nonce="made up"), "invalid_nonce"),
        (lambda w: w.proof(nonce=7), "invalid_proof"),
        (lambda w: w.proof(header={"typ": "JWT"}), "invalid_proof"),
        (lambda w: w.proof(header={"kid": "did:example:1"}), "invalid_proof"),
        (lambda w: w.proof(header={"jku": "https://evil.example.test"}), "invalid_proof"),
        (lambda w: w.proof(header={"jwk": {"kty": "OKP", "crv": "Ed25519", "x": b64(bytes(32))}}), "invalid_proof"),
        (lambda w: Wallet(w.service).proof(header={"jwk": {"kty": "OKP", "crv": "Ed25519", "x": b64(w.public_key)}}),
         "invalid_proof"),
        (lambda w: w.proof()[:-4], "invalid_proof"),
        (lambda w: w.proof() + "." + "x" * 5000, "invalid_proof"),
        (lambda w: jwt.encode({"aud": URL}, "", "none"), "invalid_proof"),
        (lambda w: jwt.encode({"aud": URL}, "s" * 32, "HS256", headers={"typ": "openid4vci-proof+jwt"}),
         "invalid_proof"),
        (lambda w: "not a jwt", "invalid_proof"),
    ],
)  # fmt: skip
def test_proofs_that_prove_nothing(service: Service, make: Change, error: str) -> None:
    wallet, offer = Wallet(service), service.offer()
    token = wallet.token(offer.code, offer.pin).json()["access_token"]
    answer = wallet.credential(token, make(wallet))
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert wallet.credential(token, wallet.proof()).status_code == 200  # the citizen's own proof still counts


def test_a_nonce_counts_once(service: Service) -> None:
    wallet = Wallet(service)
    proof = wallet.proof()
    first, second = service.offer(0), service.offer(1)
    tokens = [wallet.token(offer.code, offer.pin).json()["access_token"] for offer in (first, second)]
    assert wallet.credential(tokens[0], proof).status_code == 200
    assert wallet.credential(tokens[1], proof).json()["error"] == "invalid_nonce"


@pytest.mark.parametrize("token", [None, "made-up", "Bearer", "two words"])
def test_without_a_token_nothing_is_minted(service: Service, token: str | None) -> None:
    """G06."""
    wallet = Wallet(service)
    answer = wallet.credential(token, wallet.proof())
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["reason"] == ("auth.missing" if token is None else "auth.invalid")


def test_a_token_ends_with_its_time_and_with_its_use(service: Service) -> None:
    wallet, offer = Wallet(service), service.offer()
    token = wallet.token(offer.code, offer.pin).json()["access_token"]
    assert wallet.credential(token, wallet.proof()).status_code == 200
    assert wallet.credential(token, wallet.proof()).status_code == 401
    late = wallet.token(offer.code, offer.pin).json()["access_token"]
    service.clock.now += 900
    assert wallet.credential(late, wallet.proof()).status_code == 401


def test_claims_at_once_get_dense_indices(service: Service) -> None:
    wallets = [Wallet(service) for _ in range(12)]
    offers = [service.offer(at) for at in range(12)]
    with ThreadPoolExecutor(12) as pool:
        certificates = list(pool.map(lambda pair: pair[0].claim(pair[1]), zip(wallets, offers, strict=True)))
    indices = sorted(parse_certificate(data).proof.index for data in certificates)  # type: ignore[union-attr]  # logged
    assert len(set(indices)) == 12
    assert max(indices) < service.home.check_ledger().size
    with closing(SqliteStore(service.home.ledger_path)) as store:
        entries = [parse_entry(row.entry) for row in store.entries(0, store.size())]
    made = sum(entry.entry_type is not EntryType.PADDING for entry in entries)
    assert made <= 3 + 2 * 12 + 12  # certificates, and a status list per checkpoint


def test_renewal_needs_the_key_and_nothing_else(service: Service, tmp_path: Any) -> None:
    """Claim once; after the next import the enrolled are minted in one run and picked up without code or PIN."""
    wallet = Wallet(service)
    wallet.claim(service.offer())
    assert wallet.renew(newer_than=202610).status_code == 204
    assert wallet.renew().json()["cut_off"] == 202610
    write_sample(tmp_path / "next", people=30, seed=3, cut_off=202611)
    service.clock.now += 86400
    import_records(service.home, tmp_path / "next", now=service.clock.now)
    with opened_register(service.home) as register:
        enrolled = register.enrolled()
    ledger = service.home.ledger()
    try:
        mint_persons(service.home, ledger, enrolled, now=service.clock.now)
    finally:
        ledger.close()
    renewed = wallet.renew(newer_than=202610)
    assert renewed.json()["cut_off"] == 202611
    stranger = Wallet(service)
    assert stranger.renew().status_code == 204


def test_metadata_says_where_everything_is(service: Service) -> None:
    issuer = service.client.get("/.well-known/openid-credential-issuer").json()
    server = service.client.get("/.well-known/oauth-authorization-server").json()
    assert issuer["credential_issuer"] == server["issuer"] == URL
    for address in (issuer["credential_endpoint"], issuer["nonce_endpoint"], server["token_endpoint"]):
        assert address.startswith(URL)
        assert service.client.post(address.removeprefix(URL)).status_code not in (404, 405)


@pytest.mark.parametrize(
    ("send", "status", "reason"),
    [
        (lambda c: c.post("/credential", content=b"x" * 20_000), 413, "api.body_too_large"),
        (lambda c: c.post("/token", json={}), 415, "api.media_type"),
        (lambda c: c.post("/renewal", json={"proof": "x", "newer_than": 0, "owner": 1}), 422, "api.validation"),
        (lambda c: c.post("/renewal", content=b'{"proof": NaN}'), 415, "api.media_type"),
        (lambda c: c.post("/renewal", data={"proof": "x"}), 422, "api.validation"),
        (lambda c: c.post("/renewal", json={"proof": "x", "newer_than": 0}), 400, "schema.field_type"),
    ],
)  # fmt: skip
def test_bad_requests_are_problems_that_echo_nothing(
    service: Service, send: Callable[[Any], Any], status: int, reason: str
) -> None:
    """G18, G21, G23."""
    answer = send(service.client)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) == {"type", "title", "status", "reason", "detail"}
    chinese = send(_Chinese(service.client))
    assert chinese.json()["detail"] != answer.json()["detail"]


class _Chinese:
    """A client whose reader reads Chinese."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def post(self, path: str, **options: Any) -> Any:
        return self._client.post(path, headers={"Accept-Language": "zh-CN"}, **options)
