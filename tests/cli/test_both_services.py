"""Bureau and wallet as processes on one home, both under TLS: what one tells the other arrives."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from certificate.keys import Ed25519CoseSigner
from certificate.login import parse_login
from cli.bureau_client import holder_proof
from tests.cli.conftest import City
from tests.cli.test_bureau_process import Running, Tls, serving, tls
from tests.issuer_http.conftest import b64, unb64
from tests.program import ok

__all__ = ["tls"]  # the fixture

CONFIGURATION = "contribution"
GRANT = "urn:ietf:params:oauth:grant-type:pre-authorized_code"


@dataclass
class Services:
    """Both services, and the home they share."""

    city: City
    bureau: Running
    wallet: Running


@contextmanager
def both(city: City, folder: Path, tls: Tls) -> Iterator[Services]:
    home, database, key = folder / "home", folder / "wallet.db", folder / "master.key"
    shutil.copytree(city.home, home)
    ok("wallet", "init", "--db", database, "--master-key", key)
    token = ok("wallet", "bureau-token", "--db", database, "--json").json["token"]
    (home / "lookup-token").write_text(token + "\n")
    shutil.copy(tls.cert, home / "wallet-ca.pem")
    with ExitStack() as running:
        wallet = running.enter_context(
            serving(
                *("wallet", "serve", "--db", database, "--master-key", key, "--trust", home / "trust"),
                tls=tls,
            )
        )
        with (home / "tallystick.toml").open("a") as settings:
            settings.write(
                f'\n[lookups]\nurl = "{wallet.url}"\ntoken_file = "lookup-token"\nca_file = "wallet-ca.pem"\n'
            )
        bureau = running.enter_context(serving("issuer", "serve", "--home", home, tls=tls))
        yield Services(City(folder, home, city.person), bureau, wallet)


class Phone:
    """A citizen's phone: one key, both services."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.signer = Ed25519CoseSigner(os.urandom(32))
        self.session = ""

    def claim(self, *how: object) -> dict[str, Any]:
        bureau, city = self.services.bureau, self.services.city
        offer = ok("issuer", "offer", city.person, *how, "--home", city.home, "--json").json["offers"][0]
        form = {"grant_type": GRANT, "pre-authorized_code": offer["code"], "tx_code": offer["pin"]}
        token = bureau.client.post("/token", data=form).json()["access_token"]
        nonce = bureau.client.post("/nonce").json()["c_nonce"]
        proof = holder_proof(self.signer, audience=bureau.url, nonce=nonce, now=int(time.time()))
        body = {"credential_configuration_id": CONFIGURATION, "proofs": {"jwt": [proof]}}
        answer = bureau.client.post("/credential", json=body, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        given: dict[str, Any] = answer.json()
        return given

    def wallet(self, method: str, path: str, body: object = None) -> Any:
        client = self.services.wallet.client
        if not self.session:
            self.session = self.log_in()
        headers = {"Authorization": f"Bearer {self.session}"}
        return client.request(method, path, json=body, headers=headers)

    def log_in(self) -> str:
        client = self.services.wallet.client
        asked = client.post("/login/challenges", json={"holder_key": b64(self.signer.public_key)}).json()
        to_sign = unb64(asked["to_be_signed"])
        assert parse_login(to_sign)
        answer = {"challenge_id": asked["challenge_id"], "signature": b64(self.signer.sign(to_sign))}
        return str(client.post("/login/tokens", json=answer).json()["token"])

    def looks(self) -> list[list[str]]:
        """Operator and reason of each look-up in the citizen's access log."""
        rows = self.wallet("GET", "/access-log").json()["rows"]
        return [row["details"] for row in rows if row["action"] == "looked_up"]


@pytest.fixture
def services(city: City, tmp_path: Path, tls: Tls) -> Iterator[Services]:
    with both(city, tmp_path, tls) as running:
        yield running


def test_a_citizen_hears_of_a_look_up_and_gets_the_safe_back(services: Services) -> None:
    """Claim and store; a clerk looks; the phone is lost; identity proven again; the new phone has the safe and log."""
    old, new, city = Phone(services), Phone(services), services.city
    credential = old.claim()["credentials"][0]["credential"]
    assert old.wallet("POST", "/certificates", {"certificate": credential}).status_code == 201
    token = ok("issuer", "counter-token", "--operator", "first", "--home", city.home, "--json").json["token"]
    body = {"person_no": city.person, "reason": "window 3, ticket 17"}
    headers = {"Authorization": f"Bearer {token}"}
    assert services.bureau.client.post("/counter/lookups", json=body, headers=headers).status_code == 200
    deadline = time.monotonic() + 60
    while not old.looks():
        assert time.monotonic() < deadline
        time.sleep(0.2)
    given = new.claim("--lost-key")
    (statement,) = given["recoveries"]
    recovered = new.wallet("POST", "/recoveries", {"statement": statement})
    assert recovered.status_code == 201, recovered.text
    stored = new.wallet("POST", "/certificates", {"certificate": given["credentials"][0]["credential"]})
    assert stored.status_code == 201, stored.text
    assert ["first", "window 3, ticket 17"] in new.looks()
    assert old.wallet("GET", "/access-log").status_code == 401
