"""The people of the wallet's tests: citizens with a phone, organisations, and the service between them."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal

from certificate.keys import CoseSigner, Ed25519CoseSigner
from certificate.login import parse_login
from certificate.numbers import CertificateType
from certificate.policy.shipped import shipped_files, shipped_policies
from certificate.presentation import PresentationBody
from certificate.request import PolicyItem, RequestBody, SlotsItem, sign_request
from certificate.slots import ClaimValue
from certificate.to_be_signed import parse_to_be_signed
from ledger.reasons import Reason
from tests.world import SECONDS, SLOTS_24, World, claims_of_60_months, signer
from verifier.trust import TrustBundle
from wallet_api.http.app import create_app
from wallet_api.limits import Limits
from wallet_api.login import make_org_token
from wallet_api.sealing import Keyring, Random
from wallet_api.service import Service
from wallet_api.store.sql import Store

AUDIENCE = "wallet.example-city.test"
URL = "https://wallet.example-city.test"
MASTER = b"m" * 32
NAME_SLOTS = (0, 1)
ITEMS = (
    SlotsItem(CertificateType.CONTRIBUTION, NAME_SLOTS),
    SlotsItem(CertificateType.CONTRIBUTION, SLOTS_24),
)


class InProcess(httpx.BaseTransport):
    """The ASGI app in this process behind a plain client that any thread may use."""

    def __init__(self, app: Any) -> None:
        self._asgi = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._running = start_blocking_portal()
        self._portal: BlockingPortal = self._running.__enter__()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._portal.call(self._handle, request)

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        response = await self._asgi.handle_async_request(request)
        content = await response.aread()
        return httpx.Response(response.status_code, headers=response.headers, content=content)

    def close(self) -> None:
        self._running.__exit__(None, None, None)


@dataclass
class Clock:
    now: int = SECONDS

    def __call__(self) -> int:
        return self.now


@dataclass
class Town:
    """The service with its clock and bundle; a test turns the clock and signs with the world's keys."""

    service: Service
    clock: Clock
    world: World
    http: httpx.Client
    path: Path
    nonces: int = 0

    def citizen(self, name: str) -> Phone:
        return Phone(self, signer(name))

    def organisation(self, number: int) -> Asker:
        secret = number.to_bytes(32)
        token = make_org_token(self.service.store, number, secret=secret, now=self.clock.now)
        return Asker(self, number, token, signer("asker" if number == 1 else f"asker {number}"))


def make_service(
    store: Store,
    world: World,
    clock: Clock,
    *,
    random: Random,
    limits: Limits,
    bundle: TrustBundle | None = None,
) -> Service:
    bundle = bundle or world.bundle(policies=list(shipped_files().values()))
    return Service(
        store=store,
        keyring=Keyring(MASTER),
        audience=AUDIENCE,
        trust=lambda: bundle,
        clock=clock,
        random=random,
        limits=limits,
    )


def make_town(
    store: Store, path: Path, *, random: Random, limits: Limits, bundle: TrustBundle | None = None
) -> Town:
    world, clock = World(), Clock()
    service = make_service(store, world, clock, random=random, limits=limits, bundle=bundle)
    app = create_app(service, public_url=URL)
    http = httpx.Client(transport=InProcess(app), base_url="http://wallet.test")
    return Town(service, clock, world, http, path)


@dataclass
class Caller:
    town: Town

    token: str = field(default="", init=False)

    def call(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            more.setdefault("Authorization", f"Bearer {self.token}")
        return self.town.http.request(method, path, json=body, headers=more)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: object = None, **headers: str) -> httpx.Response:
        return self.call("POST", path, body, **headers)


class Phone(Caller):
    """A citizen: holds the key, reads what it is asked to sign, signs it."""

    def __init__(self, town: Town, key: CoseSigner) -> None:
        self.town = town
        self.key = key
        self.token = ""

    def login(self) -> Phone:
        asked = good(self.post("/login/challenges", {"holder_key": b64(self.key.public_key)}))
        to_sign = unb64(asked["to_be_signed"])
        assert parse_login(to_sign).audience == AUDIENCE
        answer = {"challenge_id": asked["challenge_id"], "signature": b64(self.key.sign(to_sign))}
        self.token = good(self.post("/login/tokens", answer))["token"]
        return self

    def certificate(self, *, seed: bytes = b"s" * 32, claims: dict[int, ClaimValue] | None = None) -> bytes:
        """A certificate of this citizen, as the bureau would hand it out."""
        world = self.town.world
        tree = world.tree(claims_of_60_months() if claims is None else claims, seed=seed)
        body = world.body(cnf=self.key.public_key, claims_root=tree.root())
        return world.certificate(body, tree=tree, neighbours=8)

    def put(self, certificate: bytes | None = None) -> str:
        """Store a certificate; its number."""
        file = b64(certificate or self.certificate())
        return str(good(self.post("/certificates", {"certificate": file}))["number"])

    def begin(self, id_: str, number: str, items: Sequence[int] = (1,), **more: object) -> httpx.Response:
        body = {"certificate": number, "items": list(items), **more}
        return self.post(f"/requests/{id_}/answers/begin", body)

    def sign(self, begun: httpx.Response) -> str:
        """Read the bytes, as a careful client does, and sign them."""
        to_sign = unb64(good(begun)["to_be_signed"])
        parsed = parse_to_be_signed(to_sign)
        assert PresentationBody(*parsed.payload).expires == begun.json()["expires"]
        return b64(self.key.sign(to_sign))

    def complete(self, id_: str, signature: str) -> httpx.Response:
        return self.post(f"/requests/{id_}/answers/complete", {"signature": signature})

    def answer(self, id_: str, number: str, items: Sequence[int] = (1,), **more: object) -> None:
        good(self.complete(id_, self.sign(self.begin(id_, number, items, **more))))


class Asker(Caller):
    """An organisation with its token and request key."""

    def __init__(self, town: Town, number: int, token: str, key: Ed25519CoseSigner) -> None:
        self.town = town
        self.number = number
        self.token = token
        self.key = key

    def fetch(self, id_: str) -> bytes:
        """The presentation."""
        return unb64(good(self.post(f"/requests/{id_}/fetch"))["presentation"])

    def ask_policy(self, name: str) -> bytes:
        """A fresh signed request of one shipped policy."""
        policy = shipped_policies()[name]
        return self.request(items=(PolicyItem(policy.id, policy.digest),), policies=(policy.id,))

    def request(self, *, policies: tuple[str, ...] = (), **changes: Any) -> bytes:
        """A fresh signed request; two items: name and number, and 24 months."""
        self.town.nonces += 1
        nonce = self.town.nonces.to_bytes(16)
        body: RequestBody = self.town.world.request_body(
            **{"org": self.number, "nonce": nonce, "items": ITEMS, **changes}
        )
        registration = self.town.world.registration(
            org=self.number, request_key=self.key.public_key, policies=policies
        )
        return sign_request(self.key, body, registration)

    def leave(self, request: bytes | None = None, **changes: Any) -> str:
        """Leave a request; its id."""
        data = request or self.request(**changes)
        return str(good(self.post("/requests", {"request": b64(data)}))["id"])


def good(response: httpx.Response) -> dict[str, Any]:
    assert response.is_success, response.text
    value: dict[str, Any] = response.json() if response.content else {}
    return value


def refused(response: httpx.Response, reason: Reason) -> None:
    """The response is a problem with this reason and nothing in it but the five members."""
    assert not response.is_success, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert body["reason"] == reason.value, body
    assert body.keys() == {"type", "title", "status", "reason", "detail"}
    assert body["status"] == response.status_code


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
