"""How the API behaves towards the rude and the careless (G07, G17-G19, G21-G24), and to machines that read it."""

from __future__ import annotations

import json
import logging
import socket
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import httpx
import pytest

from ledger.reasons import Reason
from tests.wallet.parties import URL, Asker, Caller, Phone, Town, b64, good, make_town, refused, unb64
from tests.world import signer
from wallet_api.http.app import create_app
from wallet_api.http.server import WalletServer, server_config
from wallet_api.limits import Limits, Rate, RateLimitedError, RateLimiter
from wallet_api.store.sqlite import SqliteStore, create_wallet_db


def raw(town: Town, content: bytes, media: str = "application/json") -> httpx.Response:
    return town.http.post("/login/challenges", content=content, headers={"Content-Type": media})


@pytest.fixture
def small_town(tmp_path: Path) -> Iterator[Town]:
    """A town with small limits."""
    path = tmp_path / "wallet.db"
    create_wallet_db(path)
    store = SqliteStore(path)
    limits = Limits(
        login_address=Rate(20, 60), login_key=Rate(3, 6), bad_token=Rate(5, 6), new_request=Rate(2, 6)
    )
    counter = iter(range(10**6))
    town = make_town(store, path, random=lambda size: next(counter).to_bytes(size), limits=limits)
    with town.http:
        yield town
    store.close()


def test_g07_guessing_is_slowed_down(small_town: Town) -> None:
    body = {"holder_key": b64(signer("alice").public_key)}
    caller = Caller(small_town)
    answers = [caller.post("/login/challenges", body) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    refused(answers[3], Reason.API_RATE_LIMITED)
    assert answers[3].headers["retry-after"] == "10"
    small_town.clock.now += 10
    good(caller.post("/login/challenges", body))
    guess = {"challenge_id": "0" * 32, "signature": b64(b"s" * 64)}
    reasons = [caller.post("/login/tokens", guess).json()["reason"] for _ in range(1000)]
    assert set(reasons[:15]) == {"auth.invalid"}
    assert set(reasons[-900:]) == {"api.rate_limited"}


def test_g07_token_guessing_is_slowed_down(small_town: Town) -> None:
    caller = Caller(small_town)
    caller.token = "tsc_" + "A" * 43
    reasons = [caller.get("/certificates").json()["reason"] for _ in range(50)]
    assert reasons == ["auth.invalid"] * 5 + ["api.rate_limited"] * 45


def test_g07_known_and_unknown_keys_are_answered_alike(town: Town, alice: Phone) -> None:
    def ask(key: bytes) -> tuple[float, set[str]]:
        started = time.perf_counter()
        answer = good(alice.post("/login/challenges", {"holder_key": b64(key)}))
        return time.perf_counter() - started, set(answer)

    known, unknown = [], []
    for n in range(30):
        known.append(ask(alice.key.public_key))
        unknown.append(ask(signer(f"nobody {n}").public_key))
    assert known[0][1] == unknown[0][1] == {"challenge_id", "to_be_signed", "expires"}
    middle = [statistics.median(seconds for seconds, _ in answers) for answers in (known, unknown)]
    assert 1 / 3 < middle[0] / middle[1] < 3


def test_a_challenge_is_good_once_and_for_one_key(town: Town) -> None:
    phone = town.citizen("carol")
    asked = good(phone.post("/login/challenges", {"holder_key": b64(phone.key.public_key)}))
    to_sign = unb64(asked["to_be_signed"])
    answer = {"challenge_id": asked["challenge_id"], "signature": b64(signer("dora").sign(to_sign))}
    refused(phone.post("/login/tokens", answer), Reason.AUTH_INVALID)
    answer["signature"] = b64(phone.key.sign(to_sign))
    refused(phone.post("/login/tokens", answer), Reason.AUTH_INVALID)  # used up by the try before
    asked = good(phone.post("/login/challenges", {"holder_key": b64(phone.key.public_key)}))
    late = {
        "challenge_id": asked["challenge_id"],
        "signature": b64(phone.key.sign(unb64(asked["to_be_signed"]))),
    }
    town.clock.now += 120
    refused(phone.post("/login/tokens", late), Reason.AUTH_INVALID)


def test_limits_forget_the_oldest_and_refill() -> None:
    limiter = RateLimiter(Rate(1, 60), at_most=2)
    for name in ("a", "b", "c"):
        limiter.take(name, now=0)
    limiter.take("a", now=0)  # forgotten
    with pytest.raises(RateLimitedError):
        limiter.take("c", now=0.5)
    limiter.take("c", now=1.5)


def test_requests_of_one_organisation_are_limited(small_town: Town) -> None:
    bank = small_town.organisation(1)
    codes = [bank.post("/requests", {"request": b64(bank.request())}).status_code for _ in range(3)]
    assert codes == [201, 201, 429]


@pytest.mark.parametrize(
    "content",
    [
        b'{"holder_key": "AA", "holder_key": "AA"}',
        b'{"holder_key": NaN}',
        b'{"holder_key": Infinity}',
        b'{"holder_key": "\\ud800"}',
        b'\xef\xbb\xbf{"holder_key": "AA"}',
        b'{"holder_key": "\xff"}',
        b"{'holder_key': 'AA'}",
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"holder_key": ' + b"9" * 5000 + b"}",
        b"[]",
        b"null",
        b'{"holder_key": "AA=="}',
        b'{"holder_key": "AB"}',
        b'{"Holder_Key": "AA"}',
        b'{"holder_key": ["AA"]}',
    ],
)
def test_g18_g21_json_with_more_than_one_reading(town: Town, content: bytes) -> None:
    refused(raw(town, content), Reason.API_VALIDATION)


def test_g18_g19_too_large_or_of_another_kind(town: Town) -> None:
    many = b"{" + b",".join(b'"f%d":1' % n for n in range(10**6)) + b"}"
    refused(raw(town, many), Reason.API_BODY_TOO_LARGE)
    parts = b"--x\r\nContent-Disposition: form-data\r\n\r\nv\r\n" * 2000 + b"--x--"
    refused(raw(town, parts, "multipart/form-data; boundary=x"), Reason.API_MEDIA_TYPE)
    refused(raw(town, parts * 5, "multipart/form-data; boundary=x"), Reason.API_BODY_TOO_LARGE)
    refused(raw(town, b"{}", "text/plain"), Reason.API_MEDIA_TYPE)
    refused(raw(town, b"holder_key=AA", "application/x-www-form-urlencoded"), Reason.API_MEDIA_TYPE)


@pytest.mark.parametrize(
    "query",
    ["limit=1000000000", "limit=-1", "limit=0", "limit=x", "all=true", "after=%27", "after=" + "A" * 33],
)
def test_g22_pages_are_bounded(alice: Phone, query: str) -> None:
    for path in ("/certificates", "/requests", "/access-log"):
        refused(alice.get(f"{path}?{query}"), Reason.API_VALIDATION)


def test_g23_no_open_doors(town: Town, alice: Phone) -> None:
    answer = alice.get("/certificates", Origin="https://evil.test", Host="evil.test")
    assert not [name for name in answer.headers if name.startswith("access-control")]
    for path in ("/docs", "/redoc", "/debug"):
        refused(alice.get(path), Reason.AUTHZ_NOT_FOUND)
    bank = town.organisation(1)
    left = good(bank.post("/requests", {"request": b64(bank.request())}, Host="evil.test"))
    assert left["link"].startswith(f"{URL}/requests/")


def test_g23_our_own_faults_show_nothing(town: Town, alice: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("tsc_secret 测试甲")

    monkeypatch.setattr(type(town.clock), "__call__", lambda _: broken())
    answer = alice.get("/certificates")
    assert answer.status_code == 500
    assert answer.json() == {"type": "about:blank", "title": "Internal Server Error", "status": 500}


@pytest.mark.parametrize("text", ["' OR 1=1 --", "'; DROP TABLE safes; --", "%00", "测试"])
def test_g24_sql_is_text(alice: Phone, bank: Asker, text: str) -> None:
    number, id_ = alice.put(), bank.leave()
    for path in (f"/certificates/{text}", f"/requests/{text}"):
        refused(alice.get(path), Reason.AUTHZ_NOT_FOUND)
    refused(bank.post(f"/requests/{text}/fetch"), Reason.AUTHZ_NOT_FOUND)
    for query in ("after", "limit"):
        refused(alice.call("GET", f"/certificates?{query}={text}"), Reason.API_VALIDATION)
    refused(alice.begin(id_, text), Reason.API_VALIDATION)
    good(bank.post("/requests", {"request": b64(bank.request())}, Idempotency_Key="' OR 1=1 --"))
    good(alice.get(f"/certificates/{number}"))


def test_languages(alice: Phone) -> None:
    path = "/certificates/" + "A" * 13
    english, chinese = alice.get(path), alice.get(path, Accept_Language="zh-CN,zh;q=0.9,en;q=0.5")
    assert english.json()["detail"] == "There is nothing here under this name; check the name."
    assert chinese.headers["content-language"] == "zh"
    assert "\u4e00" <= chinese.json()["detail"][0] <= "\u9fff"


def test_machines_can_read_it(town: Town, alice: Phone, caplog: pytest.LogCaptureFixture) -> None:
    number = alice.put()
    assert good(Caller(town).get("/healthz")) == {"status": "ok"}
    document = good(Caller(town).get("/openapi.json"))
    assert "/requests/{id}/answers/begin" in document["paths"]
    with caplog.at_level(logging.INFO, logger="tallystick.wallet"):
        good(alice.get(f"/certificates/{number}"))
    assert json.loads(caplog.messages[-1])["route"] == "/certificates/{number}"
    metrics = Caller(town).get("/metrics").text
    assert 'route="/certificates/{number}",status="200"' in metrics
    for text in (metrics, "\n".join(caplog.messages)):
        assert number not in text
        assert alice.token not in text


# --- over a socket --------------------------------------------------------------------------------------------------


@pytest.fixture
def served(town: Town) -> Iterator[int]:
    """The port of a real server in front of the town's service."""
    app = create_app(town.service, public_url=URL, body_seconds=0.5)
    server = WalletServer(server_config(app))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        deadline = time.monotonic() + 10
        while not server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield listening.getsockname()[1]
        app.state.stopping.set()
        server.should_exit = True
        thread.join(timeout=10)
        assert not thread.is_alive()


def talk(port: int, head: str, body: bytes = b"") -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        received = b""
        while part := connection.recv(65536):
            received += part
        return received


def test_over_a_socket(town: Town, alice: Phone, bank: Asker, served: int) -> None:
    number, id_ = alice.put(), bank.leave()
    town.http = httpx.Client(base_url=f"http://127.0.0.1:{served}")
    with town.http:
        alice.answer(id_, number)
        assert bank.fetch(id_)[:1] == b"\xd2"
        assert "server" not in town.http.get("/healthz").headers
        id_ = bank.leave()

        def refuse_soon() -> None:
            time.sleep(0.3)
            alice.post(f"/requests/{id_}/refuse")

        waiting = Thread(target=refuse_soon)
        waiting.start()
        started = time.monotonic()
        assert good(bank.get(f"/requests/{id_}?wait=20"))["state"] == "refused"
        assert 0.2 < time.monotonic() - started < 10
        waiting.join()
        refused(bank.get(f"/requests/{id_}?wait=21"), Reason.API_VALIDATION)


def test_g18_bodies_that_never_end(served: int) -> None:
    head = "POST /login/challenges HTTP/1.1\nHost: x\nContent-Type: application/json\n"
    large = talk(served, head + "Content-Length: 104857600", b"{")
    assert large.startswith(b"HTTP/1.1 413 ")
    assert b"api.body_too_large" in large
    chunks = b"20000\r\n" + b" " * 0x20000 + b"\r\n1\r\n \r\n"
    assert b"api.body_too_large" in talk(served, head + "Transfer-Encoding: chunked", chunks)
    started = time.monotonic()
    assert b"api.validation" in talk(served, head + "Content-Length: 10", b"{")
    assert time.monotonic() - started < 5
