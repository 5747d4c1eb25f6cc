"""The bureau's service as a process: under TLS, beside the wallet's on one home, and beside commands that mint."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from certificate.certificate import parse_certificate
from certificate.keys import Ed25519CoseSigner
from cli.bureau_client import claim, parse_offer
from tests.cli.conftest import City
from tests.program import TALLY, ok, tally
from verifier.trust_dir import load_trust


@dataclass(frozen=True)
class Tls:
    """A self-signed certificate for 127.0.0.1, as files."""

    cert: Path
    key: Path


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bureau.example.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Tls(folder / "cert.pem", folder / "key.pem")


@dataclass
class Running:
    """A service under TLS; `client` trusts its certificate and no other."""

    url: str
    client: httpx.Client
    process: subprocess.Popen[bytes]


@contextmanager
def serving(*command: object, tls: Tls) -> Iterator[Running]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    arguments = ["--port", str(port), "--tls-cert", str(tls.cert), "--tls-key", str(tls.key)]
    process = subprocess.Popen([str(TALLY), *map(str, command), *arguments], stderr=subprocess.PIPE)
    url = f"https://127.0.0.1:{port}"
    context = ssl.create_default_context(cafile=str(tls.cert))
    with httpx.Client(base_url=url, verify=context, timeout=60) as client:
        try:
            deadline = time.monotonic() + 60
            while True:
                assert process.poll() is None, "the service ended"
                assert time.monotonic() < deadline, "the service does not answer"
                try:
                    if client.get("/healthz").status_code == 200:
                        break
                except httpx.TransportError:
                    time.sleep(0.05)
            yield Running(url, client, process)
        finally:
            client.close()  # an idle client does not answer the end of TLS, and the service would wait for it
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


def offer(city: City, running: Running, person: str, *more: object) -> tuple[str, str]:
    """Offer text and PIN."""
    made = ok("issuer", "offer", person, *more, "--home", city.home, "--json").json["offers"][0]
    text = json.dumps(
        {
            "credential_issuer": running.url,
            "credential_configuration_ids": ["contribution"],
            "grants": {
                "urn:ietf:params:oauth:grant-type:pre-authorized_code": {"pre-authorized_code": made["code"]}
            },
        }
    )
    return f"openid-credential-offer://?{httpx.QueryParams(credential_offer=text)}", made["pin"]


def claimed(city: City, running: Running, person: str, seed: bytes) -> bytes:
    text, pin = offer(city, running, person)
    now = int(time.time())
    trust = load_trust(city.trust)
    return claim(parse_offer(text), pin, Ed25519CoseSigner(seed * 32), running.client, trust=trust, now=now)


def persons(city: City) -> list[str]:
    return [str(int(city.person) + at) for at in range(10)]


def test_commands_mint_while_the_service_does(city: City, tls: Tls) -> None:
    """Six claims under TLS and three `tally issuer mint` at once: dense indices, a clean ledger, no plain HTTP."""
    with serving("issuer", "serve", "--home", city.home, "--log-requests", tls=tls) as running:
        everyone = persons(city)
        with ThreadPoolExecutor(5) as pool:
            claims = [
                pool.submit(claimed, city, running, person, bytes([at + 1]))
                for at, person in enumerate(everyone[:4])
            ]
            mints = [
                pool.submit(tally, "issuer", "mint", "--person", person, "--home", city.home, "--json")
                for person in everyone[4:6]
            ]
            indices = []
            for job in claims:
                proof = parse_certificate(job.result()).proof
                assert proof is not None
                indices.append(proof.index)
            for ran in (job.result() for job in mints):
                assert ran.code in (0, 4), ran.out + ran.err  # done, or told to wait: never half
                if ran.code == 0:
                    indices += [row["index"] for row in ran.json["certificates"]]
                else:
                    assert ran.json["error"]["reason"] == "store.locked"
                    assert ran.json["error"]["hint"]
        assert len(set(indices)) == len(indices) >= 4
        with pytest.raises(httpx.HTTPError):
            httpx.get(running.url.replace("https:", "http:") + "/healthz", timeout=5)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{running.url}/healthz", timeout=5)  # whoever does not trust this certificate
        assert "server" not in running.client.get("/healthz").headers
    ok("ledger", "check", "--home", city.home)


def test_a_lost_key_from_the_command_line(city: City, tls: Tls) -> None:
    """`offer --lost-key` at one process, the claim at another; the operator log tells who did it."""
    person = persons(city)[8]
    with serving("issuer", "serve", "--home", city.home, tls=tls) as running:
        claimed(city, running, person, b"\x21")
        text, pin = offer(city, running, person, "--lost-key", "--operator", "first")
        trust = load_trust(city.trust)
        holder = Ed25519CoseSigner(b"\x22" * 32)
        assert claim(parse_offer(text), pin, holder, running.client, trust=trust, now=int(time.time()))
        token = ok("issuer", "counter-token", "--operator", "first", "--home", city.home, "--json").json[
            "token"
        ]
        body = {"person_no": person, "reason": "window 3, ticket 17"}
        headers = {"Authorization": f"Bearer {token}"}
        seen = running.client.post("/counter/lookups", json=body, headers=headers)
        assert seen.json()["keys"] == 1
        ok("issuer", "counter-token", "--operator", "first", "--revoke", "--home", city.home)
        assert running.client.post("/counter/lookups", json=body, headers=headers).status_code == 401
    rows = ok("issuer", "operator-log", "--home", city.home, "--json").json["rows"]
    assert [(row["operator"], row["action"], row["person_no"]) for row in rows[-2:]] == [
        ("first", "offer.lost_key", person),
        ("first", "counter.lookup", person),
    ]
    assert ok("issuer", "operator-log", "--check", "--home", city.home, "--json").json["rows"] == len(rows)


def test_an_offer_to_act_for_another(city: City, tls: Tls) -> None:
    agent, principal = persons(city)[6:8]
    with serving("issuer", "serve", "--home", city.home, tls=tls) as running:
        text, pin = offer(city, running, agent, "--proxy-for", principal)
        holder = Ed25519CoseSigner(b"\x23" * 32)
        trust = load_trust(city.trust)
        data = claim(parse_offer(text), pin, holder, running.client, trust=trust, now=int(time.time()))
    assert parse_certificate(data).body.presenter == 1
    for wrong in (("--lost-key", "--proxy-for", principal), ("--proxy-for", agent)):
        assert tally("issuer", "offer", agent, *wrong, "--home", city.home).code == 2


def test_requests_are_logged_as_json_without_a_person(city: City, tls: Tls) -> None:
    with serving("issuer", "serve", "--home", city.home, "--log-requests", tls=tls) as running:
        claimed(city, running, persons(city)[9], b"\x24")
        running.process.send_signal(signal.SIGTERM)
        _, said = running.process.communicate(timeout=30)
    lines = [line for line in said.decode().splitlines() if line.startswith("{")]
    assert {json.loads(line)["route"] for line in lines} >= {"/token", "/nonce", "/credential", "/healthz"}
    assert persons(city)[9] not in said.decode()
