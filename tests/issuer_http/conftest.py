"""The bureau's service over a small city, on a real socket, and a wallet written for the tests."""

from __future__ import annotations

import os
import shutil
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import jwt
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from fastapi import FastAPI

from certificate.keys import Ed25519CoseSigner
from cli.init import example_bureau
from issuer.claiming.counter import Counter
from issuer.claiming.offers import Offer
from issuer.home import Home
from issuer.http.app import create_app
from issuer.http.configurations import CONFIGURATION, PRE_AUTHORIZED
from issuer.http.state import State
from issuer.sample import write_sample
from issuer.service import import_records
from issuer.setup import create_home
from tests.world import SECONDS

URL = "https://bureau.example.test"


@dataclass
class Clock:
    """A clock that the test moves."""

    now: int = SECONDS

    def __call__(self) -> int:
        return self.now


@dataclass
class Service:
    """The running service, its home, and its clock."""

    home: Home
    client: httpx.Client
    clock: Clock
    persons: list[str]
    state: State
    url: str = URL

    @property
    def counter(self) -> Counter:
        return self.state.counter

    def offer(self, at: int = 0, *, days: int = 30) -> Offer:
        return self.home.offers().make([self.persons[at]], now=self.clock.now, days=days, random=os.urandom)[
            0
        ]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with imported records, made once; each test works on a copy."""
    folder = tmp_path_factory.mktemp("bureau")
    home = create_home(
        folder / "home", example_bureau(), passphrase=b"test passphrase", random=os.urandom, now=SECONDS
    )
    write_sample(folder / "export", people=30, seed=3)
    import_records(home, folder / "export", now=SECONDS)
    return home.path


@pytest.fixture
def service(prepared: Path, tmp_path: Path) -> Iterator[Service]:
    shutil.copytree(prepared, tmp_path / "home")
    home = Home(tmp_path / "home")
    clock = Clock(SECONDS + 60)
    app = create_app(home, url=URL, clock=clock, random=os.urandom)
    with running(app) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield Service(home, client, clock, list(home.snapshot().person_nos()), app.state.service)


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """The application under a real server on a free port of the loopback; gives its address."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not server.started:
            assert thread.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Wallet:
    """A citizen's wallet: one Ed25519 key, and the steps of OpenID4VCI."""

    service: Service
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def signer(self) -> Ed25519CoseSigner:
        return Ed25519CoseSigner(self.key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))

    def token(self, code: str, pin: str) -> Any:
        form = {"grant_type": PRE_AUTHORIZED, "pre-authorized_code": code, "tx_code": pin}
        return self.service.client.post("/token", data=form)

    def nonce(self) -> str:
        return str(self.service.client.post("/nonce").json()["c_nonce"])

    def proof(self, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(self.public_key)}
        body = {"aud": self.service.url, "iat": self.service.clock.now, **claims}
        body.setdefault("nonce", self.nonce())
        head = {"typ": "openid4vci-proof+jwt", "jwk": jwk, **(header or {})}
        return jwt.encode({k: v for k, v in body.items() if v is not None}, self.key, "EdDSA", headers=head)

    def credential(self, token: str | None, proof: str) -> Any:
        body = {"credential_configuration_id": CONFIGURATION, "proofs": {"jwt": [proof]}}
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.service.client.post("/credential", json=body, headers=headers)

    def claim(self, offer: Offer) -> bytes:
        token = self.token(offer.code, offer.pin).json()["access_token"]
        answer = self.credential(token, self.proof())
        assert answer.status_code == 200, answer.text
        return unb64(answer.json()["credentials"][0]["credential"])

    def renew(self, newer_than: int = 0) -> Any:
        return self.service.client.post("/renewal", json={"proof": self.proof(), "newer_than": newer_than})
