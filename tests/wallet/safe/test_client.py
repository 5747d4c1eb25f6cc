"""A citizen's client against both real services: claim, keep, answer, withdraw; and a wallet service that lies."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from certificate.certificate import parse_certificate
from certificate.holding import disclose
from certificate.keys import Ed25519CoseSigner
from certificate.login import LoginBody, login_to_be_signed
from certificate.numbers import Typ
from certificate.presentation import parse_presentation
from certificate.qr_text import decode_file_text, encode_file_text
from certificate.to_be_signed import holder_to_be_signed, parse_to_be_signed
from cli.bureau_client import CredentialOffer, claim, parse_offer, renew
from cli.wallet_client import WalletClient
from issuer.http.configurations import credential_offer
from ledger.cbor import decode_cbor, encode_cbor
from ledger.errors import ProjectError
from ledger.reasons import Reason
from tests.attacks.commands import ok
from tests.wallet.safe.conftest import AUDIENCE, BUREAU_URL, Pair
from wallet_api.access_rows import Action


@dataclass
class Citizen:
    signer: Ed25519CoseSigner
    client: WalletClient
    data: bytes


@pytest.fixture
def citizen(pair: Pair) -> Citizen:
    """A citizen who claimed a certificate and put it into the safe."""
    signer = Ed25519CoseSigner(os.urandom(32))
    data = pair.claim(signer, pair.offer())
    client = pair.client(signer)
    client.login()
    client.store(data)
    return Citizen(signer, client, data)


def slots_of(data: bytes) -> list[int]:
    return [item.slot for item in parse_certificate(data).disclosures][:3]


def reason_of(act: Callable[[], object]) -> Reason:
    with pytest.raises(ProjectError) as caught:
        act()
    return caught.value.reason


def test_claim_keep_answer_withdraw(pair: Pair, citizen: Citizen) -> None:
    client, data = citizen.client, citizen.data
    assert [(held.data, held.state) for held in client.certificates()] == [(data, "current")]
    id_ = pair.ask(slots_of(data))
    asked = client.request(f"https://{AUDIENCE}/requests/{id_}")
    assert (asked.state, asked.registration.org) == ("waiting", 1)
    client.answer(id_, minutes=30)
    fetched = decode_file_text(pair.as_organisation("POST", f"/requests/{id_}/fetch").json()["presentation"])
    shown = parse_presentation(fetched).certificate.disclosures
    assert [item.slot for item in shown] == slots_of(data)
    client.withdraw(id_)
    assert pair.as_organisation("POST", f"/requests/{id_}/fetch").json()["reason"] == "consent.revoked"
    rows = client.access_log()
    assert [row.access.action for row in rows] == [
        Action.SEEN, Action.ANSWERED, Action.FETCHED, Action.WITHDRAWN,
    ]  # fmt: skip


def test_what_the_bureau_ended_is_shown_to_nobody(pair: Pair, citizen: Citizen) -> None:
    """The client's own bundle says so, and the service need not be asked; what was minted anew answers."""
    asked = pair.ask(slots_of(citizen.data))
    number = parse_certificate(citizen.data).body.number
    for words in (
        ("revoke", number, "--reason", "months were wrong", "--operator", "first"),
        ("approve", "1", "--operator", "second"),
    ):
        ok("issuer", *words, "--home", pair.home.path)
    told = pair.client(citizen.signer)
    told.login()
    assert reason_of(lambda: told.answer(asked)) is Reason.STATUS_REVOKED
    assert reason_of(lambda: told.answer(asked, certificate=number)) is Reason.STATUS_REVOKED
    assert [row.access.action for row in told.access_log()] == [Action.SEEN]


def test_the_letter_says_where_to_claim() -> None:
    offer = credential_offer("http://127.0.0.1:8443", "CODE")
    text = "openid-credential-offer://?credential_offer=" + quote(json.dumps(offer))
    assert parse_offer(text) == CredentialOffer("http://127.0.0.1:8443", "contribution", "CODE")
    for bad in (
        text.replace("127.0.0.1", "bureau.example.test"),  # plain HTTP past this machine
        text.replace("openid-credential-offer", "https"),
        "openid-credential-offer://?credential_offer=%7B%7D",
        "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fbureau.example.test",
        text + "&credential_offer=%7B%7D",
    ):
        assert reason_of(partial(parse_offer, bad)) is Reason.SCHEMA_FIELD_TYPE


def test_a_wrong_pin_and_another_bureau(pair: Pair) -> None:
    signer, offer = Ed25519CoseSigner(os.urandom(32)), pair.offer()
    wrong = f"{(int(offer.pin) + 1) % 10**6:06d}"

    def try_claim(issuer: str, pin: str) -> object:
        offered = CredentialOffer(issuer, "contribution", offer.code)
        return claim(offered, pin, signer, pair.bureau, trust=pair.trust, now=pair.clock.now)

    assert reason_of(lambda: try_claim(BUREAU_URL, wrong)) is Reason.AUTH_INVALID
    elsewhere = "https://another.example.test"
    assert reason_of(lambda: try_claim(elsewhere, offer.pin)) is Reason.PRES_AUDIENCE_MISMATCH
    assert try_claim(BUREAU_URL, offer.pin)


def test_nothing_newer_yet(pair: Pair, citizen: Citizen) -> None:
    data = citizen.data
    newest = parse_certificate(data).body.cut_off

    def ask(newer_than: int) -> bytes | None:
        return renew(
            BUREAU_URL,
            citizen.signer,
            pair.bureau,
            newer_than=newer_than,
            trust=pair.trust,
            now=pair.clock.now,
        )

    assert ask(newest) is None
    again = ask(0)
    assert again is not None
    assert parse_certificate(again).digest() == parse_certificate(data).digest()


def test_an_unreachable_service_is_no_refusal(pair: Pair, citizen: Citizen) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody there", request=request)

    def portal(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text="<html>please log in")

    for reply, reason in ((fail, Reason.NET_UNREACHABLE), (portal, Reason.API_VALIDATION)):
        client = pair.client(citizen.signer, httpx.MockTransport(reply))
        assert reason_of(client.login) is reason


# --- a service that lies -----------------------------------------------------------------------------------------


class Meddling(httpx.BaseTransport):
    """The real service, with what `change` makes of one of its answers; every signature it was given is kept."""

    def __init__(self, path: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self._path, self._change = path, change
        self._real = httpx.HTTPTransport()
        self.signatures: list[str] = []

    def close(self) -> None:
        self._real.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.read() or b"{}")
        if "signature" in body:
            self.signatures.append(body["signature"])
        response = self._real.handle_request(request)
        response.read()
        if not request.url.path.endswith(self._path):
            return response
        return httpx.Response(response.status_code, json=self._change(response.json()))


def meddled(
    pair: Pair, citizen: Citizen, path: str, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> tuple[WalletClient, Meddling]:
    transport = Meddling(path, change)
    return pair.client(citizen.signer, transport), transport


def resigned(told: dict[str, Any], to_sign: bytes) -> dict[str, Any]:
    return {**told, "to_be_signed": encode_file_text(to_sign)}


def changed_payload(told: dict[str, Any], at: int, value: object) -> bytes:
    parsed = parse_to_be_signed(decode_file_text(told["to_be_signed"]))
    payload = list(parsed.payload)
    payload[at] = value
    return encode_cbor(["Signature1", parsed.protected_bytes, b"", encode_cbor(payload)])


def test_no_signature_over_anything_but_the_agreed_answer(pair: Pair, citizen: Citizen) -> None:
    data = citizen.data
    slots = slots_of(data)
    id_ = pair.ask(slots)
    key = citizen.signer.public_key
    wider = disclose(data, [item.slot for item in parse_certificate(data).disclosures])

    def more_claims(told: dict[str, Any]) -> dict[str, Any]:
        parsed = parse_to_be_signed(decode_file_text(told["to_be_signed"]))
        headers = {**parsed.headers, 13: decode_cbor(wider)}
        return resigned(
            told, encode_cbor(["Signature1", encode_cbor(headers), b"", encode_cbor(list(parsed.payload))])
        )

    lies: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], Reason]] = {
        "another organisation": (
            lambda told: resigned(told, changed_payload(told, 0, 2)), Reason.PRES_TRANSCRIPT_MISMATCH,
        ),
        "another request": (
            lambda told: resigned(told, changed_payload(told, 1, bytes(32))), Reason.PRES_TRANSCRIPT_MISMATCH,
        ),
        "another day": (
            lambda told: resigned(told, changed_payload(told, 2, pair.clock.now + 86400)),
            Reason.PRES_TRANSCRIPT_MISMATCH,
        ),
        "for longer": (
            lambda told: resigned(told, changed_payload(told, 3, 44640)), Reason.PRES_TRANSCRIPT_MISMATCH,
        ),
        "more claims": (more_claims, Reason.PRES_TRANSCRIPT_MISMATCH),
        "a login": (
            lambda told: resigned(
                told,
                login_to_be_signed(
                    LoginBody(AUDIENCE, bytes(16), pair.clock.now, 60), holder_key=key
                ),
            ),
            Reason.PRES_TRANSCRIPT_MISMATCH,
        ),
        "an office's kind of object": (
            lambda told: resigned(
                told,
                encode_cbor(
                    ["Signature1", encode_cbor({1: -19, 16: int(Typ.CERTIFICATE)}), b"", encode_cbor([1])]
                ),
            ),
            Reason.KEY_PURPOSE_MISMATCH,
        ),
    }  # fmt: skip
    for name, (lie, reason) in lies.items():
        client, transport = meddled(pair, citizen, "/answers/begin", lie)
        client.login()
        transport.signatures.clear()
        assert reason_of(partial(client.answer, id_, minutes=30)) is reason, name
        assert transport.signatures == [], name


def test_no_signature_over_anything_but_a_login_here(pair: Pair, citizen: Citizen) -> None:
    key = citizen.signer.public_key
    now = pair.clock.now

    def login(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
        fields = {"audience": AUDIENCE, "nonce": bytes(16), "issued": now, "lifetime": 60, **changes}
        return lambda told: resigned(told, login_to_be_signed(LoginBody(**fields), holder_key=key))

    for lie in (
        login(audience="another.example.test"),
        login(issued=now + 86400),
        login(lifetime=3600),
        lambda told: resigned(told, holder_to_be_signed(Typ.DELEGATION, [1], holder_key=key).encode()),
    ):
        client, transport = meddled(pair, citizen, "/login/challenges", lie)
        assert reason_of(client.login) in (Reason.PRES_TRANSCRIPT_MISMATCH, Reason.KEY_PURPOSE_MISMATCH)
        assert transport.signatures == []


def test_an_edited_certificate_and_another_request_are_noticed(pair: Pair, citizen: Citizen) -> None:
    data = citizen.data
    number = parse_certificate(data).body.number
    edited = bytearray(disclose(data, slots_of(data)[:1]))
    edited[-1] ^= 1  # the office's signature
    part = encode_file_text(bytes(edited))
    client, _ = meddled(pair, citizen, f"/certificates/{number}", lambda told: {**told, "certificate": part})
    client.login()
    assert reason_of(client.certificates)
    id_ = pair.ask(slots_of(data))

    def unsigned(told: dict[str, Any]) -> dict[str, Any]:
        request = bytearray(decode_file_text(told["request"]))
        request[-1] ^= 1  # the organisation's signature
        return {**told, "request": encode_file_text(bytes(request))}

    client, _ = meddled(pair, citizen, f"/requests/{id_}", unsigned)
    client.login()
    assert reason_of(lambda: client.answer(id_)) is Reason.ORG_UNREGISTERED


def test_a_row_left_out_is_noticed(pair: Pair, citizen: Citizen) -> None:
    honest, data = citizen.client, citizen.data
    id_ = pair.ask(slots_of(data))
    honest.answer(id_)

    def shorter(told: dict[str, Any]) -> dict[str, Any]:
        return {**told, "rows": told["rows"][1:]}

    client, _ = meddled(pair, citizen, "/access-log", shorter)
    client.login()
    assert reason_of(client.access_log) is Reason.STORE_HASH_MISMATCH
