"""`tally issuer offer` and `serve`: the bureau's service as a process, claimed from over a real socket."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx

from tests.cli.conftest import City
from tests.program import TALLY, ok, tally


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_service_runs_answers_and_stops(city: City) -> None:
    offer = ok("issuer", "offer", city.person, "--home", city.home, "--json").json["offers"][0]
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    service = subprocess.Popen(
        [str(TALLY), "issuer", "serve", "--home", str(city.home), "--port", str(port)], stderr=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                assert httpx.get(f"{url}/healthz").json()["status"] == "ok"
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:pre-authorized_code",
            "pre-authorized_code": offer["code"],
            "tx_code": offer["pin"],
        }
        answer = httpx.post(f"{url}/token", data=form)
        assert answer.json()["token_type"] == "Bearer"
        assert httpx.get(f"{url}/.well-known/openid-credential-issuer").json()["credential_issuer"] == url
    finally:
        service.send_signal(signal.SIGINT)
        _, said = service.communicate(timeout=30)
    assert service.returncode == 0
    assert offer["code"].encode() not in said


def test_offers_in_bulk_for_letters(city: City, tmp_path: Path) -> None:
    people = tmp_path / "people.txt"
    people.write_text(f"{city.person}\n9900000002\n")
    letters = tmp_path / "letters.csv"
    ok("issuer", "offer", "--file", people, "--out", letters, "--qr", tmp_path / "qr", "--home", city.home)
    lines = letters.read_text().splitlines()
    assert lines[0] == "person_no,code,pin"
    assert all(re.fullmatch(r"99[0-9]{8},[A-Z2-7]{20},[0-9]{6}", line) for line in lines[1:])
    assert letters.stat().st_mode & 0o077 == 0
    assert len(list((tmp_path / "qr").iterdir())) == 2
    held = (city.home / "offers.db").read_bytes()
    assert not any(line.split(",")[1].encode() in held for line in lines[1:])


def test_an_offer_for_nobody_is_refused(city: City) -> None:
    ran = tally("issuer", "offer", city.person, "0000000000", "--home", city.home, "--json")
    assert (ran.code, ran.json["error"]["reason"]) == (2, "person.not_found")
