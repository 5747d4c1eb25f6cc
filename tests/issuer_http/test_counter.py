"""The clerk's counter: who may look, what a look leaves behind, and that it is there before the answer is."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from certificate.certificate import parse_certificate
from issuer.claiming.counter import operator_log_of
from issuer.home import CONFIG_NAME, Home
from issuer.http.app import create_app
from ledger.errors import IntegrityError
from ledger.reasons import Reason
from tests.issuer_http.conftest import URL, Clock, Service, Wallet, b64, running
from tests.issuer_http.receiver import Receiver
from tests.world import SECONDS

REASON = "window 3, ticket 17"


class Clerk:
    """A clerk with a token."""

    def __init__(self, service: Service, operator: str = "first", *, hours: int = 12) -> None:
        self.service = service
        self.token = service.counter.clerks.add(
            operator, now=service.clock.now, hours=hours, random=os.urandom
        )

    def post(self, path: str, body: object) -> httpx.Response:
        return self.service.client.post(path, json=body, headers={"Authorization": f"Bearer {self.token}"})

    def look(self, person_no: str) -> httpx.Response:
        return self.post("/counter/lookups", {"person_no": person_no, "reason": REASON})

    def offer(self, person: str, **more: object) -> httpx.Response:
        body = {"person_no": person, "document_seen": True, "reason": REASON, **more}
        return self.post("/counter/offers", body)


def checked(service: Service) -> int:
    """How many rows the operator log has, after its own check against the ledger."""
    ledger = service.home.ledger()
    try:
        return operator_log_of(service.home).check(service.home.settings.authority, ledger.find)
    finally:
        ledger.close()


def test_a_person_at_the_counter_claims_at_once(service: Service) -> None:
    clerk, wallet, person = Clerk(service), Wallet(service), service.persons[2]
    seen = clerk.look(person)
    assert seen.status_code == 200, seen.text
    assert set(seen.json()) == {"name", "id_tail", "keys"}
    made = clerk.offer(person).json()
    assert made["offer"].startswith("openid-credential-offer://?credential_offer=%7B")
    token = wallet.token(made["code"], made["pin"]).json()["access_token"]
    assert wallet.credential(token, wallet.proof()).status_code == 200
    looks = list(operator_log_of(service.home).look_ups())
    assert [(look.operator, look.action, look.person_no, look.reason) for look in looks] == [
        ("first", "counter.lookup", person, REASON),
        ("first", "counter.offer", person, REASON),
    ]
    assert looks[0].slots == (0, 1)
    assert checked(service) == 2


def test_a_look_at_nobody_is_written_down_too(service: Service) -> None:
    clerk = Clerk(service)
    for answer in (clerk.look("0000000000"), clerk.offer("0000000000")):
        assert (answer.status_code, answer.json()["reason"]) == (404, "person.not_found")
    assert checked(service) == 2


def test_the_row_is_in_the_ledger_before_the_answer_leaves(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ledger that refuses: the row stays, and nothing of the person is told."""

    def refuse(digest: bytes) -> Any:
        raise IntegrityError(Reason.STORE_FULL)

    monkeypatch.setattr(service.state.worker, "log_head", refuse)
    answer = Clerk(service).look(service.persons[0])
    assert answer.status_code == 500
    assert "name" not in answer.json()
    assert len(list(operator_log_of(service.home).look_ups())) == 1


def test_only_clerks_and_only_for_a_time(service: Service) -> None:
    """G06, G12: citizens' tokens, wallet operators' tokens, expired and revoked ones."""
    person, wallet, offer = service.persons[0], Wallet(service), service.offer()
    clerk, other = Clerk(service, hours=1), Clerk(service, "second")
    body = {"person_no": person, "reason": REASON}
    citizen = wallet.token(offer.code, offer.pin).json()["access_token"]
    operator = service.home.wallet_tokens().add(os.urandom)
    for token in (citizen, operator, "made-up"):
        answer = service.client.post(
            "/counter/lookups", json=body, headers={"Authorization": f"Bearer {token}"}
        )
        assert (answer.status_code, answer.json()["reason"]) == (401, "auth.invalid")
    assert service.client.post("/counter/lookups", json=body).json()["reason"] == "auth.missing"
    assert clerk.look(person).status_code == 200
    service.clock.now += 3600
    assert clerk.look(person).status_code == 401
    assert other.look(person).status_code == 200
    assert service.counter.clerks.end("second", now=service.clock.now) == 1
    assert other.look(person).status_code == 401
    assert checked(service) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"document_seen": False},
        {"reason": ""},
        {"reason": None},
        {"person_no": ""},
        {"person_no": "1' OR 1=1 --"},
        {"lost_key": True, "proxy_for": "9900000001"},
        {"days": 0},
        {"owner": 1},
    ],
)
def test_an_offer_needs_a_document_and_a_reason(service: Service, change: dict[str, object]) -> None:
    answer = Clerk(service).offer(service.persons[0], **change)
    assert (answer.status_code, answer.json()["reason"]) == (422, "api.validation")
    assert checked(service) == 0


def test_a_clerk_who_looks_at_everyone_is_slowed_down(service: Service) -> None:
    clerk = Clerk(service)
    answers = [clerk.look(person) for person in service.persons]
    answers += [clerk.look(person) for person in service.persons[:5]]
    late = [answer for answer in answers if answer.status_code == 429]
    assert late
    assert late[0].json()["reason"] == "api.rate_limited"
    assert int(late[0].headers["retry-after"]) >= 1


TAMPERINGS: dict[str, Callable[[sqlite3.Connection], object]] = {
    "a row rewritten": lambda c: c.execute(
        "UPDATE operator_log SET row = (SELECT row FROM operator_log WHERE position = 1) WHERE position = 0"
    ),
    "the last row cut off": lambda c: c.execute("DELETE FROM operator_log WHERE position = 1"),
    "row and head cut off": lambda c: (
        c.execute("DELETE FROM operator_log WHERE position = 1"),
        c.execute("DELETE FROM operator_heads WHERE size = 2"),
        c.execute("DELETE FROM operator_heads WHERE size = 1"),
    ),
}


@pytest.mark.parametrize("how", TAMPERINGS)
def test_a_changed_operator_log_is_noticed(service: Service, how: str) -> None:
    """G27: and the triggers refuse it in the first place."""
    clerk = Clerk(service)
    clerk.look(service.persons[0])
    clerk.look(service.persons[1])
    connection = sqlite3.connect(service.home.path / "counter.db", isolation_level=None)
    with pytest.raises(sqlite3.IntegrityError):
        TAMPERINGS[how](connection)
    connection.executescript("DROP TRIGGER operator_log_stays; DROP TRIGGER operator_log_is_final;")
    TAMPERINGS[how](connection)
    connection.close()
    with pytest.raises(IntegrityError):
        checked(service)


@pytest.fixture
def told(prepared: Path, tmp_path: Path) -> Iterator[tuple[Service, Receiver]]:
    """A bureau that tells a wallet service of look-ups."""
    shutil.copytree(prepared, tmp_path / "home")
    home, clock, receiver = Home(tmp_path / "home"), Clock(SECONDS + 60), Receiver("look-up token")
    with running(receiver.app) as wallet_url:
        (home.path / "lookup-token").write_text("look-up token\n")
        with (home.path / CONFIG_NAME).open("a") as config:
            config.write(f'\n[lookups]\nurl = "{wallet_url}"\ntoken_file = "lookup-token"\n')
        app = create_app(home, url=URL, clock=clock, random=os.urandom)
        with running(app) as address, httpx.Client(base_url=address, timeout=60) as client:
            persons = list(home.snapshot().person_nos())
            yield Service(home, client, clock, persons, app.state.service), receiver


def test_the_person_hears_of_every_look(told: tuple[Service, Receiver]) -> None:
    """Through the outbox, once, also when the wallet service was down at first; who holds no key is not told of."""
    service, receiver = told
    wallet, clerk = Wallet(service), Clerk(service)
    wallet.claim(service.offer())
    receiver.is_down = True
    assert clerk.look(service.persons[0]).status_code == 200
    assert clerk.look(service.persons[1]).status_code == 200
    until(lambda: receiver.refused > 0)
    assert service.counter.outbox.count() == 1
    receiver.is_down = False

    def is_delivered() -> bool:
        service.clock.now += 1
        return service.counter.outbox.count() == 0

    until(is_delivered)
    assert receiver.taken == [
        {
            "holder_key": b64(wallet.public_key),
            "operator": "first",
            "reason": REASON,
            "claims": [0, 1],
            "time": SECONDS + 60,
        }
    ]


def test_a_waiting_look_up_survives_the_service(service: Service) -> None:
    wallet, clerk = Wallet(service), Clerk(service)
    certificate = wallet.claim(service.offer())
    assert parse_certificate(certificate).body.cnf == wallet.public_key
    clerk.look(service.persons[0])
    again = Home(service.home.path)
    app = create_app(again, url=URL, clock=service.clock, random=os.urandom)
    assert app.state.service.counter.outbox.count() == 1


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
