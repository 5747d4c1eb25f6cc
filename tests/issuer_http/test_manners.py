"""Limits, repeats, bodies, health, metrics, logs: what belongs to every exchange with the bureau's service."""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from certificate.certificate import parse_certificate
from issuer.home import Home
from issuer.http.app import create_app
from issuer.http.limits import Bucket, Rate, TooOftenError
from issuer.http.manners import MAX_BODY
from issuer.service import opened_register
from tests.issuer_http.conftest import URL, Clock, Service, Wallet, running, unb64
from tests.world import SECONDS


def certificates(service: Service) -> int:
    with opened_register(service.home) as register:
        return register.count()


def ready(service: Service) -> tuple[Wallet, str]:
    wallet, offer = Wallet(service), service.offer()
    return wallet, wallet.token(offer.code, offer.pin).json()["access_token"]


# --- repeats ------------------------------------------------------------------------------------------------------


def test_the_same_request_again_has_the_same_answer(service: Service) -> None:
    """G16: an answer lost on its way is asked for again with the same token and proof."""
    wallet, token = ready(service)
    proof = wallet.proof()
    answers = [wallet.credential(token, proof) for _ in range(3)]
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert certificates(service) == 1
    assert wallet.credential(token, wallet.proof()).status_code == 401
    service.clock.now += 900
    assert wallet.credential(token, proof).status_code == 401


def test_fifty_at_once_are_one_minting(service: Service) -> None:
    """G16."""
    wallet, token = ready(service)
    proof = wallet.proof()
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: wallet.credential(token, proof), range(50)))
    assert {answer.content for answer in answers} == {answers[0].content}
    assert answers[0].status_code == 200
    assert certificates(service) == 1


def test_another_token_with_the_same_proof_is_no_repeat(service: Service) -> None:
    wallet, token = ready(service)
    other = ready(service)[1]
    proof = wallet.proof()
    assert wallet.credential(token, proof).status_code == 200
    assert wallet.credential(other, proof).json()["error"] == "invalid_nonce"


def test_a_caller_who_hangs_up_has_claimed_all_the_same(service: Service) -> None:
    wallet, token = ready(service)
    proof = wallet.proof()
    body = json.dumps({"credential_configuration_id": "contribution", "proofs": {"jwt": [proof]}})
    address = urlsplit(str(service.client.base_url))
    with socket.create_connection((address.hostname, address.port)) as line:
        head = (
            f"POST /credential HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        line.sendall(head.encode() + body.encode())
    until(lambda: certificates(service) == 1)
    answer = wallet.credential(token, proof)
    given = parse_certificate(unb64(answer.json()["credentials"][0]["credential"]))
    assert given.body.cnf == wallet.public_key
    assert certificates(service) == 1


# --- limits -------------------------------------------------------------------------------------------------------


def test_guessing_is_slowed_down_by_address(service: Service) -> None:
    """G07: a thousand codes from one address; the honest one among them waits as long as any other."""
    wallet = Wallet(service)
    answers = [wallet.token(f"CODE{number:016d}", "123456") for number in range(70)]
    late = answers[60:]
    assert all(answer.status_code == 400 for answer in answers[:60])
    assert all((a.status_code, a.json()["reason"]) == (429, "api.rate_limited") for a in late)
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in late)
    offer = service.offer()
    assert wallet.token(offer.code, offer.pin).status_code == 429
    service.clock.now += int(late[-1].headers["retry-after"]) + 1
    assert wallet.token(offer.code, offer.pin).status_code == 200


def test_guessing_is_slowed_down_by_code(service: Service) -> None:
    wallet, offer = Wallet(service), service.offer()
    answers = [wallet.token(offer.code, f"{number:06d}") for number in range(12)]
    assert [answer.status_code for answer in answers] == [400] * 10 + [429] * 2
    assert wallet.token("another code", "123456").status_code == 400


def test_a_bucket_refills_and_forgets_the_oldest() -> None:
    bucket = Bucket(Rate(2, 60))
    bucket.take("a", now=0)
    bucket.take("a", now=0)
    with pytest.raises(TooOftenError) as refused:
        bucket.take("a", now=0.5)
    assert refused.value.retry_after == 1
    bucket.take("b", now=0.5)
    bucket.take("a", now=1)
    with pytest.raises(TooOftenError):
        bucket.take("a", now=1)


# --- bodies -------------------------------------------------------------------------------------------------------

HOSTILE: dict[str, tuple[str, bytes, int, str]] = {
    "too large": ("application/json", b"x" * (MAX_BODY + 1), 413, "api.body_too_large"),
    "a member twice": ("application/json", b'{"proof": "x", "proof": "y"}', 422, "api.validation"),
    "not a number": ("application/json", b'{"proof": "x", "newer_than": NaN}', 422, "api.validation"),
    "half a surrogate": ("application/json", b'{"proof": "\\ud800"}', 422, "api.validation"),
    "byte order mark": ("application/json", b'\xef\xbb\xbf{"proof": "x"}', 422, "api.validation"),
    "deep": ("application/json", b"[" * 8000, 422, "api.validation"),
    "many": ("application/json", b'{"a":' + b"[" + b"1," * 8000 + b"1]}", 422, "api.validation"),
    "parts": ("multipart/form-data; boundary=x", b"--x\r\n\r\n--x--", 415, "api.media_type"),
    "text": ("text/plain", b"{}", 415, "api.media_type"),
}


@pytest.mark.parametrize("path", ["/renewal", "/credential", "/notification", "/counter/offers", "/proxies"])
def test_hostile_bodies_are_refused_everywhere(service: Service, path: str) -> None:
    """G18, G19, G21."""
    for name, (media_type, body, status, reason) in HOSTILE.items():
        answer = service.client.post(path, content=body, headers={"Content-Type": media_type})
        assert (answer.status_code, answer.json()["reason"]) == (status, reason), name
        assert body[:40].decode("latin-1") not in answer.text


def test_a_body_without_a_length_is_bounded_too(service: Service) -> None:
    """G18: sent in chunks, for ever."""

    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * 1000

    try:
        answer = service.client.post(
            "/renewal", content=endless(), headers={"Content-Type": "application/json"}
        )
    except httpx.WriteError:  # closed while it was sending
        return
    assert answer.status_code == 413


@pytest.fixture
def hasty(prepared: Path, tmp_path: Path) -> Iterator[Service]:
    """A service that gives a body half a second."""
    shutil.copytree(prepared, tmp_path / "home")
    home, clock = Home(tmp_path / "home"), Clock(SECONDS + 60)
    app = create_app(home, url=URL, clock=clock, random=os.urandom, body_seconds=0.5)
    with running(app) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield Service(home, client, clock, list(home.snapshot().person_nos()), app.state.service)


def test_a_slow_body_is_not_waited_for(hasty: Service) -> None:
    address = urlsplit(str(hasty.client.base_url))
    began = time.monotonic()
    with socket.create_connection((address.hostname, address.port), timeout=20) as line:
        line.sendall(
            b"POST /renewal HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
        answer = line.recv(4096)
    assert answer.startswith(b"HTTP/1.1 422")
    assert time.monotonic() - began < 10
    assert Wallet(hasty).renew().status_code == 204


# --- health, metrics, logs, end -----------------------------------------------------------------------------------


def test_health_looks_at_ledger_and_records(service: Service) -> None:
    wallet, token = ready(service)
    before = service.client.get("/healthz").json()
    wallet.credential(token, wallet.proof())
    after = service.client.get("/healthz").json()
    assert after["status"] == "ok"
    assert after["published"] == after["entries"] > before["entries"]
    assert after["cut_off"] == 202610
    for snapshot in (service.home.path / "snapshots").iterdir():
        snapshot.unlink()
    ill = service.client.get("/healthz")
    assert (ill.status_code, ill.json()["reason"]) == (503, "home.not_found")


def test_metrics_count_and_name_nobody(service: Service) -> None:
    wallet, token = ready(service)
    wallet.credential(token, wallet.proof())
    service.client.get("/no/such/route")
    text = service.client.get("/metrics").text
    assert 'tallystick_bureau_requests_total{method="POST",route="/credential",status="200"} 1.0' in text
    assert 'tallystick_bureau_claims_total{way="letter"} 1.0' in text
    assert "/no/such" not in text
    assert not any(person in text for person in service.persons)


def test_a_log_line_is_json_without_a_person(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tallystick.bureau")
    wallet, offer = Wallet(service), service.offer()
    token = wallet.token(offer.code, offer.pin).json()["access_token"]
    wallet.credential(token, wallet.proof())
    lines = [json.loads(record.message) for record in caplog.records if record.name == "tallystick.bureau"]
    assert [line["route"] for line in lines] == ["/token", "/nonce", "/credential"]
    assert all(set(line) == {"method", "route", "status", "ms"} for line in lines)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/credential", 405),
        ("DELETE", "/renewal", 405),
        ("POST", "/renewal/", 404),
        ("GET", "/docs", 404),
        ("GET", "/%2e%2e/etc/passwd", 404),
    ],
)
def test_what_is_not_there_is_a_problem(service: Service, method: str, path: str, status: int) -> None:
    """G05, G23."""
    answer = service.client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "access-control-allow-origin" not in answer.headers


def test_a_bug_shows_no_trace(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """G23: neither in the answer nor in the log; the service goes on."""

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr(service.state.worker, "newest", broken)
    answer = Wallet(service).renew()
    assert answer.status_code == 500
    assert "secret of the house" not in answer.text + caplog.text
    assert '"bug": "RuntimeError"' in caplog.text
    monkeypatch.undo()
    assert Wallet(service).renew().status_code == 204


def test_a_claim_under_way_finishes_before_the_service_stops(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(prepared, tmp_path / "home")
    home, clock = Home(tmp_path / "home"), Clock(SECONDS + 60)
    app = create_app(home, url=URL, clock=clock, random=os.urandom)
    answers: list[Any] = []
    began = threading.Event()
    with running(app) as address:
        client = httpx.Client(base_url=address, timeout=60)
        service = Service(home, client, clock, list(home.snapshot().person_nos()), app.state.service)
        wallet, token = ready(service)
        proof = wallet.proof()
        claim = service.state.worker.claim

        def slow(*arguments: Any) -> Any:
            began.set()
            time.sleep(0.3)
            return claim(*arguments)

        monkeypatch.setattr(service.state.worker, "claim", slow)
        thread = threading.Thread(target=lambda: answers.append(wallet.credential(token, proof)))
        thread.start()
        assert began.wait(20)
    thread.join(30)
    client.close()
    assert [answer.status_code for answer in answers] == [200]
    assert certificates(service) == 1


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
