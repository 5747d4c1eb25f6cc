"""Real-name logins at a real provider: the authorization code flow, and everything that could go wrong with it."""

from __future__ import annotations

import os
import shutil
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certificate.certificate import parse_certificate
from certificate.numbers import CertificateType
from certificate.slots import REGISTRIES
from issuer.home import CONFIG_NAME, Home
from issuer.http.app import create_app
from issuer.http.limits import Limits, Rate
from issuer.service import opened_register
from tests.issuer_http.conftest import Clock, Service, Wallet, running, unb64
from tests.issuer_http.provider import CLIENT, SECRET, LoginProvider
from tests.world import SECONDS

BACK = "https://wallet.example.test/claimed"
URL = "http://127.0.0.1"  # without TLS the cookie is sent on too
VERIFIER = "v" * 43
ID_NO = REGISTRIES[CertificateType.CONTRIBUTION].slot_of("id_no")


@dataclass
class Browser:
    """A citizen's browser and the wallet that sends it: goes the whole way, one redirect at a time."""

    service: Service
    provider: LoginProvider
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, **changes: str | None) -> httpx.Response:
        asked = {
            "response_type": "code",
            "client_id": "wallet",
            "redirect_uri": BACK,
            "scope": "contribution",
            "state": "of the wallet",
            "code_challenge": challenge(VERIFIER),
            "code_challenge_method": "S256",
            **changes,
        }
        asked["state"] = asked["state"] and asked["state"].replace(" ", "-")
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        answer = self.service.client.get(f"/authorize?{query}")
        self.cookies = dict(answer.cookies)
        self.service.client.cookies.clear()
        return answer

    def log_in(self, asked: httpx.Response) -> httpx.Response:
        """The provider's part: its redirect back to the bureau, not followed yet."""
        assert asked.headers["location"].startswith(self.provider.issuer), asked.headers["location"]
        return httpx.get(asked.headers["location"], follow_redirects=False)

    def come_back(self, logged_in: httpx.Response) -> httpx.Response:
        """The bureau's callback; its redirect to the wallet, not followed."""
        query = urlsplit(logged_in.headers["location"]).query
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return self.service.client.get(f"/login/callback?{query}", headers={"Cookie": cookie})

    def whole_way(self, **changes: str | None) -> dict[str, str]:
        """What the wallet gets in the end."""
        return told(self.come_back(self.log_in(self.ask(**changes))))

    def token(self, code: str, **changes: str | None) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": "wallet",
            "redirect_uri": BACK,
            "code_verifier": VERIFIER,
            **changes,
        }
        return self.service.client.post(
            "/token", data={name: value for name, value in form.items() if value is not None}
        )


def challenge(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def told(answer: httpx.Response) -> dict[str, str]:
    """The parameters of a redirect to the wallet."""
    assert answer.status_code == 302, answer.text
    address = urlsplit(answer.headers["location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == BACK
    return {name: values[0] for name, values in parse_qs(address.query).items()}


@pytest.fixture(scope="module")
def bureau(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One service and one provider for all tests of this module; nobody is slowed down."""
    folder = tmp_path_factory.mktemp("login")
    shutil.copytree(prepared, folder / "home")
    home, clock = Home(folder / "home"), Clock(SECONDS + 60)
    provider = LoginProvider(clock)
    with running(provider.app) as provider.issuer:
        (home.path / "login-secret").write_text(SECRET + "\n")
        with (home.path / CONFIG_NAME).open("a") as config:
            config.write(
                f'\n[login]\nissuer = "{provider.issuer}"\nclient_id = "{CLIENT}"\n'
                'client_secret_file = "login-secret"\n'
                f'\n[[wallets]]\nclient_id = "wallet"\nredirect_uris = ["{BACK}"]\n'
            )
        limits = Limits.make(identity_address=Rate(10_000, 60))
        app = create_app(home, url=URL, clock=clock, random=os.urandom, limits=limits)
        with running(app) as address, httpx.Client(base_url=address, timeout=60) as client:
            persons = list(home.snapshot().person_nos())
            yield Browser(Service(home, client, clock, persons, app.state.service, url=URL), provider)


@pytest.fixture
def browser(bureau: Browser) -> Browser:
    """The service an hour later, so that the provider's keys are asked for again; its provider honest."""
    bureau.service.clock.now += 3600
    bureau.provider.be_honest(id_no_of(bureau.service, 4))
    return Browser(bureau.service, bureau.provider)


def id_no_of(service: Service, at: int) -> str:
    return str(service.home.snapshot().claims(service.persons[at]).claims[ID_NO])


def test_who_logs_in_claims_their_own_certificate(browser: Browser) -> None:
    service, wallet = browser.service, Wallet(browser.service)
    given = browser.whole_way()
    assert (given["state"], given["iss"]) == ("of-the-wallet", URL)
    token = browser.token(given["code"]).json()["access_token"]
    answer = wallet.credential(token, wallet.proof())
    assert answer.status_code == 200, answer.text
    body = parse_certificate(unb64(answer.json()["credentials"][0]["credential"])).body
    assert body.cnf == wallet.public_key
    with opened_register(service.home) as register:
        assert register.person_of_key(wallet.public_key) == service.persons[4]


def test_rsa_keys_and_another_claim_name_do_too(browser: Browser) -> None:
    browser.provider.use_rsa()
    assert "code" in browser.whole_way()


def test_a_login_can_end_a_lost_key(browser: Browser) -> None:
    service, old, new = browser.service, Wallet(browser.service), Wallet(browser.service)
    browser.provider.person = id_no_of(service, 5)
    old.claim(service.offer(5))
    token = browser.token(browser.whole_way(scope="contribution lost_key")["code"]).json()["access_token"]
    answer = new.credential(token, new.proof())
    assert len(answer.json()["recoveries"]) == 1
    assert old.renew().json()["reason"] == "key.revoked"


def test_nobody_can_tell_from_a_refusal_who_is_insured(browser: Browser) -> None:
    """Not insured, login refused, login not believed: the same words and the same members."""
    answers = []
    for person, changes in (
        ("990000197206159908", {}),
        ("", {}),
        (None, {}),
        (browser.provider.person, {"nonce": "another"}),
    ):
        browser.provider.person, browser.provider.changes = person, changes
        answers.append(browser.whole_way())
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["error"] == "access_denied"
    assert set(answers[0]) == {"error", "error_description", "state", "iss"}


@pytest.mark.parametrize(
    ("changes", "header"),
    [
        ({"iss": "https://other.example.test"}, {}),
        ({"aud": "another client"}, {}),
        ({"aud": [CLIENT, "another client"]}, {}),
        ({"exp": SECONDS - 60}, {}),
        ({"exp": None}, {}),
        ({"exp": "2027-01-01"}, {}),
        ({"iat": SECONDS - 3600}, {}),
        ({"iat": SECONDS + 10**8}, {}),
        ({"nonce": None}, {}),
        ({"nonce": "made up"}, {}),
        ({"sub": None}, {}),
        ({"id_no": None}, {}),
        ({"id_no": 990000}, {}),
        ({"id_no": ["990000199001010017"]}, {}),
        ({}, {"kid": "another"}),
        ({}, {"alg": "none"}),
    ],
)
def test_id_tokens_that_prove_nothing(
    browser: Browser, changes: dict[str, Any], header: dict[str, Any]
) -> None:
    browser.provider.changes, browser.provider.header = changes, header
    assert browser.whole_way()["error"] == "access_denied"
    browser.provider.changes, browser.provider.header = {}, {}
    browser.service.clock.now += 120
    assert "code" in browser.whole_way()


def other_key(provider: LoginProvider) -> None:
    provider.published = ec.generate_private_key(ec.SECP256R1())


def weak_key(provider: LoginProvider) -> None:
    provider.use_rsa(1024)


def mac_with_the_public_key(provider: LoginProvider) -> None:
    provider.published, provider.key = provider.key, "published for all to see, and long enough"
    provider.header = {"alg": "HS256"}


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")  # the provider's own, on purpose
@pytest.mark.parametrize("make", [other_key, weak_key, mac_with_the_public_key])
def test_keys_that_prove_nothing(browser: Browser, make: Callable[[LoginProvider], None]) -> None:
    """A07 and its like."""
    make(browser.provider)
    assert browser.whole_way()["error"] == "access_denied"


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "another"},
        {"client_id": None},
        {"redirect_uri": BACK + "/"},
        {"redirect_uri": BACK + "?x=1"},
        {"redirect_uri": BACK.upper()},
        {"redirect_uri": "https://evil.example.test/claimed"},
        {"redirect_uri": None},
    ],
)
def test_an_address_that_is_not_configured_is_never_gone_to(
    browser: Browser, change: dict[str, str | None]
) -> None:
    answer = browser.ask(**change)
    assert (answer.status_code, answer.json()["reason"]) == (401, "auth.invalid")
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"scope": "lost_key"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"state": None}, "invalid_request"),
    ],
)
def test_pkce_and_state_are_due(browser: Browser, change: dict[str, str | None], error: str) -> None:
    assert told(browser.ask(**change))["error"] == error


@pytest.mark.parametrize(
    "change",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": challenge(VERIFIER)},
        {"client_id": "another"},
        {"redirect_uri": BACK + "/"},
        {"redirect_uri": None},
    ],
)
def test_a_code_is_bound_to_client_address_and_verifier(
    browser: Browser, change: dict[str, str | None]
) -> None:
    code = browser.whole_way()["code"]
    assert browser.token(code, **change).json() == {"error": "invalid_grant"}
    assert browser.token(code).json() == {"error": "invalid_grant"}  # whoever had it wrong used it up


def test_a_code_lives_a_minute_and_once(browser: Browser) -> None:
    code = browser.whole_way()["code"]
    browser.service.clock.now += 60
    assert browser.token(code).json() == {"error": "invalid_grant"}
    code = browser.whole_way()["code"]
    assert browser.token(code).status_code == 200
    assert browser.token(code).json() == {"error": "invalid_grant"}


def test_a_code_played_back_ends_what_it_gave(browser: Browser) -> None:
    """RFC 6749, section 4.1.2."""
    wallet, code = Wallet(browser.service), browser.whole_way()["code"]
    token = browser.token(code).json()["access_token"]
    browser.token(code)
    assert wallet.credential(token, wallet.proof()).status_code == 401


def test_a_login_belongs_to_one_browser_and_one_time(browser: Browser) -> None:
    """Another browser's callback, the same one twice, one that comes after ten minutes, one that nobody began."""
    logged_in = browser.log_in(browser.ask())
    mine, browser.cookies = browser.cookies, {"tally-login": "of another browser"}
    assert browser.come_back(logged_in).status_code == 401
    browser.cookies = mine
    assert browser.come_back(logged_in).status_code == 401  # the attempt ended it
    logged_in = browser.log_in(browser.ask())
    assert "code" in told(browser.come_back(logged_in))
    assert browser.come_back(logged_in).status_code == 401
    logged_in = browser.log_in(browser.ask())
    browser.service.clock.now += 600
    assert browser.come_back(logged_in).status_code == 401
    assert browser.service.client.get("/login/callback?code=x&state=y").status_code == 401


def test_a_token_of_a_login_serves_one_key(browser: Browser) -> None:
    citizen, thief = Wallet(browser.service), Wallet(browser.service)
    token = browser.token(browser.whole_way()["code"]).json()["access_token"]
    assert citizen.credential(token, citizen.proof()).status_code == 200
    assert thief.credential(token, thief.proof()).status_code == 401


def test_keys_that_claim_at_once_with_one_token_are_one(browser: Browser) -> None:
    """Before the first certificate left, the token is bound to its key already."""
    token = browser.token(browser.whole_way()["code"]).json()["access_token"]
    wallets = [Wallet(browser.service) for _ in range(6)]
    proofs = [wallet.proof() for wallet in wallets]
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(lambda pair: pair[0].credential(token, pair[1]), zip(wallets, proofs, strict=True))
        )
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 5


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://other.example.test"},
        {"authorization_endpoint": "ftp://127.0.0.1/login"},
        {"jwks_uri": "http://127.0.0.1:1/keys"},
        {"token_endpoint": None},
    ],
)
def test_a_provider_that_cannot_be_used(browser: Browser, metadata: dict[str, Any]) -> None:
    browser.provider.metadata = metadata
    if "token_endpoint" in metadata:
        assert browser.whole_way()["error"] == "access_denied"
    else:
        assert told(browser.ask())["error"] == "temporarily_unavailable"


def test_a_provider_may_change_its_key(browser: Browser) -> None:
    assert "code" in browser.whole_way()
    browser.provider.key = ec.generate_private_key(ec.SECP256R1())
    browser.service.clock.now += 3600
    assert "code" in browser.whole_way()


def test_people_are_found_by_their_number_and_nobody_twice(browser: Browser) -> None:
    """The index: lower-case x, a file that shows no number, made anew for another snapshot."""
    service = browser.service
    numbers = [id_no_of(service, at) for at in range(len(service.persons))]
    assert browser.service.state.logins is not None
    browser.whole_way()
    (index,) = (service.home.path / "id-index").iterdir()
    content = index.read_bytes()
    assert index.stat().st_mode & 0o077 == 0
    assert not any(number.encode() in content for number in numbers)
    assert len(content) == 36 * len(numbers)
    lower = next((number for number in numbers if number.endswith("X")), numbers[0])
    browser.provider.person = lower.lower()
    assert "code" in browser.whole_way()


def test_without_a_provider_there_is_no_login(service: Service) -> None:
    assert service.client.get("/authorize").status_code == 404
    assert service.client.get("/login/callback").status_code == 404
    answer = service.client.post("/token", data={"grant_type": "authorization_code", "code": "x"})
    assert answer.json() == {"error": "unsupported_grant_type"}
    metadata = service.client.get("/.well-known/oauth-authorization-server").json()
    assert "authorization_endpoint" not in metadata
