"""Heads of access logs: logged for those who may, once, and provable like every entry."""

from __future__ import annotations

import os
from hashlib import sha256

import pytest

from certificate.qr_text import decode_file_text
from ledger.cbor import decode_cbor
from ledger.ed25519 import Ed25519Signer
from ledger.entry import EntryType, encode_entry
from ledger.note import Note, encode_note, sign_note
from ledger.proof import FullProof, parse_proof, verify_full_proof
from ledger.trust_policy import parse_trust_policy
from tests.issuer_http.conftest import Service


def note(text: str) -> str:
    line = sign_note(text, Ed25519Signer(bytes(32)), name="wallet.example.test")
    return encode_note(Note(text, (line,))).decode()


def test_a_head_is_logged_once_and_proved(service: Service) -> None:
    token = service.home.wallet_tokens().add(os.urandom)
    headers = {"Authorization": f"Bearer {token}"}
    head = note("wallet.example.test\n7\nhead of the access log\n")
    first = service.client.post("/access-log-heads", json={"note": head}, headers=headers)
    again = service.client.post("/access-log-heads", json={"note": head}, headers=headers)
    assert first.status_code == 200, first.text
    assert [first.json()[name] for name in ("log", "index")] == [
        again.json()[name] for name in ("log", "index")
    ]
    given = parse_proof(decode_cbor(decode_file_text(first.json()["proof"])))
    ledger = service.home.ledger()
    try:
        proof = ledger.prove(first.json()["index"])
    finally:
        ledger.close()
    entry = encode_entry(EntryType.ACCESS_LOG_HEAD, 1, sha256(head.encode()).digest())
    policy = parse_trust_policy(service.home.policy_path.read_text("utf-8"))
    origin = service.home.settings.origin
    logged = verify_full_proof(proof, entry=entry, origin=origin, policy=policy, now=service.clock.now)
    assert logged.index == first.json()["index"]
    assert isinstance(given, FullProof)
    verify_full_proof(given, entry=entry, origin=origin, policy=policy, now=service.clock.now)


@pytest.mark.parametrize(
    ("token", "text", "status", "reason"),
    [
        (None, note("a\n"), 401, "auth.missing"),
        ("made-up", note("a\n"), 401, "auth.invalid"),
        ("right", "no note at all", 400, "ckpt.malformed"),
        ("right", "", 422, "api.validation"),
    ],
)
def test_others_and_other_things_are_refused(
    service: Service, token: str | None, text: str, status: int, reason: str
) -> None:
    right = service.home.wallet_tokens().add(os.urandom)
    headers = {} if token is None else {"Authorization": f"Bearer {right if token == 'right' else token}"}
    size = service.home.check_ledger().size
    answer = service.client.post("/access-log-heads", json={"note": text}, headers=headers)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert service.home.check_ledger().size == size
