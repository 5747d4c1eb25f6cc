"""A bureau's service and a wallet service beside each other on real sockets, and citizens of that city."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from certificate.keys import Ed25519CoseSigner
from certificate.numbers import CertificateType
from certificate.qr_text import encode_file_text
from certificate.request import RequestBody, SlotsItem, sign_request
from cli.bureau_client import CONTRIBUTION, Claimed, CredentialOffer, claim_all
from cli.init import example_bureau
from cli.wallet_client import WalletClient
from issuer.claiming.identity import Terms
from issuer.claiming.offers import Offer
from issuer.home import Home
from issuer.http.app import create_app as create_bureau_app
from issuer.organisations import DEFAULT_PURPOSE, registration_of
from issuer.sample import write_sample
from issuer.service import import_records
from issuer.setup import DEMO_ORG, create_home
from tests.issuer_http.conftest import Clock, running
from tests.wallet.conftest import WIDE
from tests.wallet.parties import MASTER
from tests.world import SECONDS
from verifier.trust import TrustBundle
from verifier.trust_dir import load_trust
from wallet_api.http.app import create_app as create_wallet_app
from wallet_api.limits import Limits
from wallet_api.login import make_org_token
from wallet_api.sealing import Keyring
from wallet_api.service import Service
from wallet_api.store.sqlite import SqliteStore, create_wallet_db

BUREAU_URL = "https://bureau.example.test"
AUDIENCE = "wallet.example.test"


@dataclass
class Pair:
    """Both services with one clock. `bureau` reaches the bureau; `wallet_url` is where the wallet listens."""

    home: Home
    wallet: Service
    clock: Clock
    bureau: httpx.Client
    wallet_url: str
    persons: list[str]
    open: ExitStack

    @property
    def trust(self) -> TrustBundle:
        return load_trust(self.home.path / "trust")

    def offer(self, at: int = 0, *, lost_key: bool = False) -> Offer:
        terms = Terms(lost_key=lost_key)
        (made,) = self.home.offers().make(
            [self.persons[at]], now=self.clock.now, days=30, random=os.urandom, terms=terms
        )
        return made

    def claim(self, signer: Ed25519CoseSigner, offer: Offer) -> bytes:
        return self.claim_all(signer, offer).certificate

    def claim_all(self, signer: Ed25519CoseSigner, offer: Offer) -> Claimed:
        offered = CredentialOffer(BUREAU_URL, CONTRIBUTION, offer.code)
        return claim_all(offered, offer.pin, signer, self.bureau, trust=self.trust, now=self.clock.now)

    def ask(self, slots: Sequence[int], *, hours: int = 24) -> str:
        """The demo organisation leaves a request; its id."""
        body = RequestBody(
            org=DEMO_ORG,
            nonce=os.urandom(16),
            desk=None,
            items=(SlotsItem(CertificateType.CONTRIBUTION, tuple(slots)),),
            purpose=DEFAULT_PURPOSE,
            legal_basis="个人信息保护法第十三条",
            method="当场核验",
            retention=30,
            expires=self.clock.now + 3600 * hours,
        )
        request = sign_request(
            self.home.signer(f"org-{DEMO_ORG}"), body, registration_of(self.home, DEMO_ORG)
        )
        answer = self.as_organisation("POST", "/requests", {"request": encode_file_text(request)})
        return str(answer.json()["id"])

    def as_organisation(self, method: str, path: str, body: object = None) -> httpx.Response:
        token = make_org_token(self.wallet.store, DEMO_ORG, secret=os.urandom(32), now=self.clock.now)
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.request(method, self.wallet_url + path, json=body, headers=headers, timeout=60)

    def client(self, signer: Ed25519CoseSigner, transport: httpx.BaseTransport | None = None) -> WalletClient:
        """The citizen's client; `transport` may be one that meddles."""
        http = self.open.enter_context(
            httpx.Client(base_url=self.wallet_url, transport=transport, timeout=60)
        )
        return WalletClient(
            self.wallet_url, signer, trust=self.trust, clock=self.clock, audience=AUDIENCE, http=http
        )


@pytest.fixture(scope="session")
def bureau_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with imported records, made once; each test works on a copy."""
    folder = tmp_path_factory.mktemp("pair")
    home = create_home(
        folder / "home", example_bureau(), passphrase=b"test passphrase", random=os.urandom, now=SECONDS
    )
    write_sample(folder / "export", people=12, seed=5)
    import_records(home, folder / "export", now=SECONDS)
    return home.path


@pytest.fixture
def pair(bureau_home: Path, tmp_path: Path) -> Iterator[Pair]:
    shutil.copytree(bureau_home, tmp_path / "home")
    home, clock = Home(tmp_path / "home"), Clock(SECONDS + 60)
    create_wallet_db(tmp_path / "wallet.db")
    store = SqliteStore(tmp_path / "wallet.db")
    wallet = Service(
        store=store,
        keyring=Keyring(MASTER),
        audience=AUDIENCE,
        trust=lambda: load_trust(home.path / "trust"),
        clock=clock,
        random=os.urandom,
        limits=Limits(login_address=WIDE, login_key=WIDE, bad_token=WIDE, new_request=WIDE),
    )
    bureau_app = create_bureau_app(home, url=BUREAU_URL, clock=clock, random=os.urandom)
    wallet_app = create_wallet_app(wallet, public_url=f"https://{AUDIENCE}")
    with ExitStack() as stack:
        stack.callback(store.close)
        bureau = stack.enter_context(running(bureau_app))
        wallet_url = stack.enter_context(running(wallet_app))
        http = stack.enter_context(httpx.Client(base_url=bureau, timeout=60))
        persons = list(home.snapshot().person_nos())
        yield Pair(home, wallet, clock, http, wallet_url, persons, stack)
