"""Webhooks: a durable outbox, signed messages to a server that really listens, and addresses that are refused."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_network
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from certificate.numbers import Environment
from ledger.errors import ConfigError
from ledger.reasons import Reason
from tests.wallet.orgs.receiver import Receiver, listening, trusting
from tests.wallet.parties import URL, Asker, InProcess, Phone, Town, good, refused
from tests.wallet.stores import BOTH_STORES
from wallet_api.hook_address import Resolve, allowed_address, parse_hook_url
from wallet_api.hook_delivery import HookDelivery
from wallet_api.http.app import create_app
from wallet_api.limits import Limits, Rate
from wallet_api.safe import rotate_master_key
from wallet_api.sealing import Keyring
from wallet_api.service import Organisation
from wallet_api.webhooks import MAX_ATTEMPTS, set_hook

LOCAL = (ip_network("127.0.0.0/8"),)


def local(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


def found_at(addresses: Sequence[str]) -> Resolve:
    return lambda _host, _port: addresses


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as receiver:
        yield receiver


@pytest.fixture
def open_town(town: Town) -> Iterator[Town]:
    """The town, whose operator lets webhooks into 127.0.0.0/8."""
    app = create_app(town.service, public_url=URL, hook_networks=LOCAL)
    with httpx.Client(transport=InProcess(app), base_url="http://wallet.test") as http:
        town.http, before = http, town.http
        yield town
        town.http = before


def hook(asker: Asker, receiver: Receiver) -> str:
    url = f"http://127.0.0.1:{receiver.port}/hook"
    return str(good(asker.post("/organisation/webhook", {"url": url}))["secret"])


def delivery(town: Town) -> HookDelivery:
    return HookDelivery(town.service, resolve=local, allowed=LOCAL)


def checked(secret: str, told: dict[str, str], body: bytes) -> int:
    """What docs/ORGANISATIONS.md tells a receiver to do; the time of the message."""
    fields = dict(part.split("=", 1) for part in told["tallystick-signature"].split(","))
    mac = hmac.new(secret.encode(), f"{fields['t']}.".encode() + body, sha256).hexdigest()
    assert hmac.compare_digest(mac, fields["v1"])
    return int(fields["t"])


@BOTH_STORES
def test_an_organisation_is_told_of_each_change(
    open_town: Town, alice: Phone, bank: Asker, receiver: Receiver
) -> None:
    secret = hook(bank, receiver)
    number = alice.put()
    answered, refused_, quiet = bank.leave(), bank.leave(), bank.leave()
    alice.answer(answered, number)
    good(alice.post(f"/requests/{refused_}/refuse"))
    good(alice.post(f"/requests/{answered}/withdraw"))
    assert good(bank.get("/organisation/webhook"))["waiting"] == 3
    delivery(open_town).deliver_due()
    messages = [json.loads(told.body) for told in receiver.told]
    assert sorted((m["request"], m["state"]) for m in messages) == sorted(
        [(answered, "answered"), (answered, "withdrawn"), (refused_, "refused")]
    )
    assert all(message.keys() == {"delivery", "request", "state"} for message in messages)
    assert quiet not in {message["request"] for message in messages}
    for told in receiver.told:
        assert checked(secret, told.headers, told.body) == open_town.clock.now
        assert told.path == "/hook"
        assert told.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert good(bank.get("/organisation/webhook"))["waiting"] == 0
    assert delivery(open_town).deliver_due() == 0


def test_a_failure_is_tried_again_later_and_given_up_in_the_end(
    open_town: Town, alice: Phone, bank: Asker, receiver: Receiver
) -> None:
    hook(bank, receiver)
    alice.answer(bank.leave(), alice.put())
    receiver.answers = [(500, {})]
    worker = delivery(open_town)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert worker.deliver_due() == 1
        assert len(receiver.told) == attempt
        assert worker.deliver_due() == 0  # not at once
        open_town.clock.now += 3600
    assert len({told.body for told in receiver.told}) == 1  # the same delivery each time
    assert good(bank.get("/organisation/webhook"))["waiting"] == 0


def test_back_off_grows(open_town: Town, alice: Phone, bank: Asker, receiver: Receiver) -> None:
    hook(bank, receiver)
    alice.answer(bank.leave(), alice.put())
    receiver.answers = [(503, {}), (503, {}), (204, {})]
    worker = delivery(open_town)
    for wait in (10, 30):
        assert worker.deliver_due() == 1
        open_town.clock.now += wait - 1
        assert worker.deliver_due() == 0
        open_town.clock.now += 1
    assert worker.deliver_due() == 1
    assert worker.deliver_due() == 0
    assert len(receiver.told) == 3


def test_a_redirect_is_not_followed(open_town: Town, alice: Phone, bank: Asker, receiver: Receiver) -> None:
    hook(bank, receiver)
    alice.answer(bank.leave(), alice.put())
    receiver.answers = [(307, {"location": f"http://127.0.0.1:{receiver.port}/elsewhere"})]
    delivery(open_town).deliver_due()
    assert [told.path for told in receiver.told] == ["/hook"]
    assert good(bank.get("/organisation/webhook"))["waiting"] == 1


@BOTH_STORES
def test_a_message_survives_the_service(
    open_town: Town, alice: Phone, bank: Asker, receiver: Receiver
) -> None:
    """Taken by a worker that was killed: after a minute another one delivers it."""
    hook(bank, receiver)
    alice.answer(bank.leave(), alice.put())

    class Killed(BaseException):
        pass

    def die(_host: str, _port: int) -> Sequence[str]:
        raise Killed

    with pytest.raises(Killed):
        HookDelivery(open_town.service, resolve=die, allowed=LOCAL).deliver_due()
    assert delivery(open_town).deliver_due() == 0
    open_town.clock.now += 60
    assert delivery(open_town).deliver_due() == 1
    assert len(receiver.told) == 1


@BOTH_STORES
def test_two_workers_send_it_once(open_town: Town, alice: Phone, bank: Asker, receiver: Receiver) -> None:
    hook(bank, receiver)
    number = alice.put()
    for _ in range(8):
        alice.answer(bank.leave(), number)
    workers = [Thread(target=delivery(open_town).deliver_due) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(receiver.told) == len({told.body for told in receiver.told}) == 8


def test_the_worker_runs_until_it_is_stopped(
    open_town: Town, alice: Phone, bank: Asker, receiver: Receiver
) -> None:
    hook(bank, receiver)
    stopping = Event()
    thread = Thread(target=delivery(open_town).run, args=(stopping,))
    thread.start()
    alice.answer(bank.leave(), alice.put())
    for _ in range(100):
        if receiver.told:
            break
        stopping.wait(0.05)
    stopping.set()
    thread.join(5)
    assert not thread.is_alive()
    assert len(receiver.told) == 1


@BOTH_STORES
def test_a_new_address_has_a_new_secret_and_an_ended_one_is_told_nothing(
    open_town: Town, alice: Phone, bank: Asker, shop: Asker, receiver: Receiver
) -> None:
    first, second = hook(bank, receiver), hook(bank, receiver)
    assert first != second
    alice.answer(bank.leave(), alice.put())
    delivery(open_town).deliver_due()
    checked(second, receiver.told[0].headers, receiver.told[0].body)
    refused(shop.get("/organisation/webhook"), Reason.AUTHZ_NOT_FOUND)
    good(shop.call("DELETE", "/organisation/webhook"))
    good(bank.get("/organisation/webhook"))
    waiting = bank.leave()
    good(alice.post(f"/requests/{waiting}/refuse"))
    good(bank.call("DELETE", "/organisation/webhook"))
    good(bank.call("DELETE", "/organisation/webhook"))
    refused(bank.get("/organisation/webhook"), Reason.AUTHZ_NOT_FOUND)
    assert delivery(open_town).deliver_due() == 0
    assert len(receiver.told) == 1


def test_the_secret_is_sealed_and_outlives_a_new_master_key(
    open_town: Town, alice: Phone, bank: Asker, receiver: Receiver
) -> None:
    secret = hook(bank, receiver)
    town = open_town
    town.service.store.wipe()
    assert secret.encode() not in town.path.read_bytes()
    keyring = Keyring(b"n" * 32, (town.service.keyring.current,))
    rotate_master_key(town.service.store, keyring, random=town.service.random)
    object.__setattr__(town.service, "keyring", Keyring(b"n" * 32))
    alice.login()
    alice.answer(bank.leave(), alice.put())
    delivery(town).deliver_due()
    checked(secret, receiver.told[0].headers, receiver.told[0].body)


def test_over_tls_the_certificate_is_for_the_name(
    open_town: Town, alice: Phone, bank: Asker, tmp_path: Path
) -> None:
    cert, key = make_certificate(tmp_path, "hr.example.test")
    with listening(cert, key) as receiver:
        for host in ("hr.example.test", "evil.example.test"):
            url = f"https://{host}:{receiver.port}/hook"
            with open_town.service.store.write() as tx:
                tx.delete_hook(1)
            set_hook(open_town.service, Organisation(1), url, resolve=local, allowed=LOCAL)
            alice.answer(bank.leave(), alice.put())
            tls = trusting(cert)
            HookDelivery(open_town.service, resolve=local, allowed=LOCAL, tls=tls).deliver_due()
            assert len(receiver.told) == 1
        assert receiver.told[0].headers["host"] == f"hr.example.test:{receiver.port}"
        # Trusting the machine's roots alone, not even the right name passes.
        delivery(open_town).deliver_due()
        assert len(receiver.told) == 1


def test_only_organisations_have_webhooks(open_town: Town, alice: Phone) -> None:
    for method in ("GET", "POST", "DELETE"):
        body = {"url": "https://x.example"} if method == "POST" else None
        refused(alice.call(method, "/organisation/webhook", body), Reason.AUTHZ_DENIED)


def test_by_default_nothing_goes_into_a_private_network(town: Town, bank: Asker) -> None:
    for url in ("http://127.0.0.1:8470/", "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1/"):
        refused(bank.post("/organisation/webhook", {"url": url}), Reason.HOOK_ADDRESS)
    refused(bank.post("/organisation/webhook", {"url": "x" * 513}), Reason.API_VALIDATION)


@pytest.mark.parametrize(
    "url",
    [
        "http://hr.example/",
        "http://127.0.0.2/",
        "ftp://hr.example/",
        "file:///etc/passwd",
        "https://user@hr.example/",
        "https://hr.example/#x",
        "https://hr.example:99999/",
        "https://hr.example\\@evil/",
        "https:///x",
        "https://hr.exam ple/",
        "https://测试.example/",
        "gopher://127.0.0.1/",
        "//hr.example/",
        "",
    ],
)
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_hook_url(url, environment=Environment.TEST)
    assert caught.value.reason is Reason.HOOK_ADDRESS


def test_plain_http_is_for_tests_alone() -> None:
    parse_hook_url("http://127.0.0.1:80/", environment=Environment.TEST)
    with pytest.raises(ConfigError):
        parse_hook_url("http://127.0.0.1:80/", environment=Environment.PRODUCTION)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - an address that must be refused
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "not an address",
    ],
)
def test_an_address_that_is_not_public(address: str) -> None:
    target = parse_hook_url("https://hr.example/", environment=Environment.PRODUCTION)
    for found in ([address], ["8.8.8.8", address], [address, "8.8.8.8"]):
        with pytest.raises(ConfigError) as caught:
            allowed_address(target, resolve=found_at(found), allowed=())
        assert caught.value.reason is Reason.HOOK_ADDRESS


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_an_address_that_is_public(address: str) -> None:
    target = parse_hook_url("https://hr.example/", environment=Environment.PRODUCTION)
    assert str(allowed_address(target, resolve=found_at([address]), allowed=())) == address


def test_a_name_that_changes_its_address_gains_nothing(
    open_town: Town, alice: Phone, bank: Asker, receiver: Receiver
) -> None:
    """Harmless when it was set, private when it is used: checked again at each delivery, and nothing is sent."""
    hook(bank, receiver)
    alice.answer(bank.leave(), alice.put())
    HookDelivery(open_town.service, resolve=local, allowed=()).deliver_due()
    assert receiver.told == []
    assert good(bank.get("/organisation/webhook"))["waiting"] == 1


def make_certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """A certificate for `host` that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, SHA256())
    )
    cert_path, key_path = folder / "cert.pem", folder / "key.pem"
    cert_path.write_bytes(certificate.public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key_path.write_bytes(pem)
    return cert_path, key_path


def test_what_the_document_tells_a_receiver_to_do(
    open_town: Town, alice: Phone, bank: Asker, receiver: Receiver
) -> None:
    """docs/ORGANISATIONS.md holds the function; it takes the real message and nothing else."""
    page = Path(__file__).parents[3] / "docs" / "ORGANISATIONS.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the document's own example
    is_genuine = names["is_genuine"]
    secret = hook(bank, receiver)
    alice.answer(bank.leave(), alice.put())
    delivery(open_town).deliver_due()
    (told,) = receiver.told
    header, now = told.headers["tallystick-signature"], open_town.clock.now
    assert is_genuine(secret, header, told.body, now=now)
    assert not is_genuine(secret, header, told.body + b" ", now=now)
    assert not is_genuine(secret + "x", header, told.body, now=now)
    assert not is_genuine(secret, header, told.body, now=now + 301)
    assert not is_genuine(secret, f"t={now - 1}" + header[header.index(",") :], told.body, now=now)
    for nonsense in ("", "t=x,v1=", "v1", "t=,v1="):
        assert not is_genuine(secret, nonsense, told.body, now=now)


def test_names_are_not_looked_up_without_end(town: Town, bank: Asker) -> None:
    object.__setattr__(town.service, "limits", Limits(new_hook=Rate(2, 2)))
    body = {"url": "https://10.0.0.1/"}
    for _ in range(2):
        refused(bank.post("/organisation/webhook", body), Reason.HOOK_ADDRESS)
    refused(bank.post("/organisation/webhook", body), Reason.API_RATE_LIMITED)
