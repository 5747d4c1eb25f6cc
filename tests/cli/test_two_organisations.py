"""A log of one organisation and two issuers of others: real processes of the log, real sockets."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from issuer.far.outbox import EntryOutbox
from issuer.home import Home
from ledger.entry import EntryType, encode_entry
from ledger.errors import ProjectError
from ledger.reasons import Reason
from tests.attacks.commands import Ran, ok, tally
from tests.attacks.marking import attack
from tests.cli.test_issuer_service import free_port
from tests.program import TALLY

PERSON = "9900000001"


@dataclass
class Served:
    """`tally ledger serve --append` as a process that may be killed and started again, always at one address."""

    home: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        words = ["ledger", "serve", "--append", "--home", str(self.home), "--port", str(self.port)]
        self.process = subprocess.Popen([str(TALLY), *words], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while True:
            assert self.process.poll() is None, "the log ended"
            assert time.monotonic() < deadline, "the log does not answer"
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/status").status_code == 200:
                    return
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None

    def status(self) -> dict[str, Any]:
        told: dict[str, Any] = httpx.get(f"{self.url}/status").json()
        return told


@dataclass
class Province:
    """A log, and the folder in which issuers' homes are made for it."""

    folder: Path
    log: Served

    def credential(self, authority: int) -> Path:
        path = self.folder / f"authority-{authority}.credential"
        if not path.exists():
            ok("ledger", "authority", "add", authority, "--out", path, "--home", self.log.home)
        return path

    def init(self, name: str, authority: int, credential: Path | None = None) -> Ran:
        return tally(
            "init", self.folder / name, "--authority", authority, "--ledger", self.log.url, "--ledger-policy",
            self.log.home / "ledger" / "policy.txt", "--ledger-credential", credential or self.credential(authority),
            "--json",
        )  # fmt: skip

    def bureau(self, name: str, authority: int) -> Path:
        home = self.folder / name
        if not home.exists():
            assert self.init(name, authority).code == 0
            ok("issuer", "import", self.folder / "export", "--home", home)
        return home


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Province]:
    folder = tmp_path_factory.mktemp("province")
    ok("sample", "--people", 40, "--seed", 7, "--out", folder / "export")
    ok("ledger", "init", folder / "log", "--origin", "log.example-province.test/2026")
    served = Served(folder / "log")
    served.start()
    yield Province(folder, served)
    served.stop()


@pytest.fixture
def bureau(province: Province) -> Path:
    if province.log.process is None:
        province.log.start()
    return province.bureau("first", 1)


def mint(home: Path, *persons: str) -> Ran:
    words = [word for person in persons for word in ("--person", person)]
    return tally("issuer", "mint", *words, "--home", home, "--json")


def refused(ran: Ran, code: int, reason: Reason) -> None:
    assert (ran.code, ran.json["error"]["reason"]) == (code, reason), ran.out + ran.err


def waiting(home: Path) -> int:
    return EntryOutbox(home / "ledger" / "outbox.db").count()


def certificates(home: Path) -> tuple[int, int]:
    """How many certificates the register has, and how many of them are not logged."""
    register = Home(home).register()
    try:
        return register.count(), len(register.unlogged())
    finally:
        register.close()


def test_mint_export_verify_with_the_log_elsewhere(province: Province, bureau: Path) -> None:
    minted = mint(bureau, PERSON).json["certificates"][0]
    assert minted["new"]
    paper = province.folder / "paper.txt"
    ok("issuer", "export", minted["number"], "--as", "text", "--out", paper, "--home", bureau)
    report = ok("verify", paper, "--static", "--trust", bureau / "trust", "--json").json
    assert report["outcome"] == "valid"
    proved = ok(
        "ledger", "prove", minted["index"], "--as", "tlog-proof", "--out", province.folder / "proof",
        "--home", bureau, "--json",
    ).json  # fmt: skip
    assert proved["index"] == minted["index"]
    assert not (bureau / "keys" / "log.key").exists()
    assert not (bureau / "anchor").exists()
    assert waiting(bureau) == 0
    refused(tally("ledger", "check", "--home", bureau, "--json"), 2, Reason.HOME_FAR_LEDGER)
    assert ok("ledger", "check", "--home", province.log.home, "--json").json["entries"] > minted["index"]


def test_an_offer_with_a_row_of_the_operator_log_goes_there_too(province: Province, bureau: Path) -> None:
    before = province.log.status()["logged"]
    ok("issuer", "offer", PERSON, "--lost-key", "--operator", "first", "--reason", "lost", "--home", bureau)
    assert province.log.status() == {**province.log.status(), "logged": before + 1, "state": "published"}
    ok("issuer", "operator-log", "--home", bureau)


@attack("K11", Reason.LOG_UNREACHABLE)
def test_while_the_log_is_down_nothing_leaves_and_the_batch_is_kept(province: Province, bureau: Path) -> None:
    """Nothing signed leaves before it is logged; a later run sends the same bytes, and signs nothing again."""
    number, unlogged = certificates(bureau)
    assert unlogged == 0
    logged = province.log.status()["logged"]
    province.log.stop()
    for _ in range(2):  # the second run signs nothing again
        ran = mint(bureau, "9900000011", "9900000012")
        refused(ran, 4, Reason.LOG_UNREACHABLE)
        assert "kept" in ran.json["error"]["hint"]
        assert certificates(bureau) == (number + 2, 2)
        assert waiting(bureau) == 2
    kept = EntryOutbox(bureau / "ledger" / "outbox.db").waiting(10)
    refused(
        tally("issuer", "export", "9900000011", "--as", "file", "--out", bureau / "no", "--home", bureau, "--json"),
        2, Reason.LOG_INCLUSION_MISSING,
    )  # fmt: skip
    province.log.start()
    run = mint(bureau, "9900000011", "9900000012").json
    assert (run["minted"], run["already"], run["resumed"]) == (0, 2, 2)
    assert certificates(bureau) == (number + 2, 0)
    assert waiting(bureau) == 0
    indices = sorted(one["index"] for one in run["certificates"])
    assert indices == [logged, logged + 1]
    proved = []
    for index in indices:
        entry = province.folder / f"entry-{index}"
        ok("ledger", "prove", index, "--out", f"{entry}.proof", "--entry-out", entry, "--home", bureau)
        proved.append(entry.read_bytes())
    assert proved == kept


@attack("D06")
@attack("K11", Reason.LOG_UNREACHABLE)
def test_a_log_killed_between_durable_and_answer_logs_nothing_twice(province: Province, bureau: Path) -> None:
    """The answer is lost with the log. The bureau cannot know, sends the same again, and gets the same indices."""
    logged = province.log.status()["logged"]
    with answer_lost(province.log, bureau):
        refused(mint(bureau, "9900000021", "9900000022", "9900000023"), 4, Reason.LOG_UNREACHABLE)
    assert waiting(bureau) == 3
    province.log.start()
    assert province.log.status()["logged"] == logged + 3
    run = mint(bureau, "9900000021", "9900000022", "9900000023").json
    assert (run["minted"], run["resumed"]) == (0, 3)
    assert sorted(one["index"] for one in run["certificates"]) == [logged, logged + 1, logged + 2]
    assert waiting(bureau) == 0


@contextmanager
def answer_lost(log: Served, bureau: Path) -> Iterator[None]:
    """A wire between the bureau and the log on which the log dies when it has said that entries are durable."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings = bureau / "tallystick.toml"
        whole = settings.read_text()
        settings.write_text(whole.replace(log.url, f"http://127.0.0.1:{listening.getsockname()[1]}"))
        wire = threading.Thread(target=_carry, args=(listening, log), daemon=True)
        wire.start()
        try:
            yield
        finally:
            settings.write_text(whole)
    wire.join(10)


def _carry(listening: socket.socket, log: Served) -> None:
    """Hand connections through, one thread for each, until one of them has carried the answer to an append."""
    with suppress(OSError):
        while True:
            near, _ = listening.accept()
            threading.Thread(target=_connection, args=(near, log), daemon=True).start()


def _connection(near: socket.socket, log: Served) -> None:
    with near, suppress(OSError), socket.create_connection(("127.0.0.1", log.port)) as far:
        while request := near.recv(1 << 20):
            if request.startswith(b"POST /append"):
                while len(request.partition(b"\r\n\r\n")[2]) < 3 * 40:
                    request += near.recv(1 << 20)
                far.sendall(request)
                assert far.recv(1 << 16).startswith(b"HTTP/1.1 200")
                log.stop(signal.SIGKILL)
                return
            far.sendall(request)
            answer = far.recv(1 << 20)
            head, _, body = answer.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            while len(body) < length:
                part = far.recv(1 << 20)
                answer, body = answer + part, body + part
            near.sendall(answer)


@attack("K13")
def test_two_issuers_mint_at_once(province: Province, bureau: Path) -> None:
    """Every certificate of both is logged once, under its own authority, in one sequence without a gap."""
    second = province.bureau("second", 2)
    before = {home: certificates(home)[0] for home in (bureau, second)}
    words = [str(TALLY), "issuer", "mint", "--all", "--json", "--home"]
    children = [subprocess.Popen([*words, str(home)], stdout=subprocess.PIPE) for home in (bureau, second)]
    for child in children:
        out, _ = child.communicate(timeout=120)
        assert child.returncode == 0, out
    assert all(certificates(home)[0] >= before[home] + 30 for home in (bureau, second))
    assert all(certificates(home)[1] == 0 for home in (bureau, second))
    audits = [ok("ledger", "audit", "--home", home, "--json").json for home in (bureau, second)]
    assert all(audit["in_order"] for audit in audits)
    assert [audit["matched"] for audit in audits] == [certificates(home)[0] for home in (bureau, second)]
    found = ok("ledger", "check", "--home", province.log.home, "--json").json
    assert found["entries"] == audits[0]["entries"]
    others = sum(audits[0]["others"].values()) + sum(audits[1]["others"].values())
    assert found["entries"] == sum(audit["matched"] for audit in audits) + others


def test_the_credential_of_another_authority_is_refused(province: Province, bureau: Path) -> None:
    """With the second's credential the first logs nothing, and the second's entries do not wait for it."""
    own = (bureau / "ledger" / "credential").read_bytes()
    logged = province.log.status()["logged"]
    ok("ledger", "credential", province.credential(2), "--home", bureau)
    refused(mint(bureau, "9900000031"), 3, Reason.AUTHZ_DENIED)
    (bureau / "ledger" / "credential").write_text("tsa-" + "A" * 43 + "\n")
    refused(mint(bureau, "9900000031"), 3, Reason.AUTH_INVALID)
    assert province.log.status()["logged"] == logged
    (bureau / "ledger" / "credential").chmod(0o644)
    refused(mint(bureau, "9900000031"), 2, Reason.CLI_KEY_PERMISSIONS)
    (bureau / "ledger" / "credential").unlink()
    refused(mint(bureau, "9900000031"), 2, Reason.CLI_NOT_FOUND)
    kept = province.folder / "own.credential"
    kept.write_bytes(own)
    ok("ledger", "credential", kept, "--home", bureau)
    assert (bureau / "ledger" / "credential").stat().st_mode & 0o777 == 0o600
    assert mint(bureau, "9900000031").code == 0
    assert waiting(bureau) == 0


def test_a_bureau_is_not_set_up_on_a_log_that_is_another_or_does_not_answer(province: Province) -> None:
    credential = province.folder / "none.credential"
    credential.write_text("secret\n")
    refused(province.init("third", 3, credential), 3, Reason.API_VALIDATION)
    other = Province(province.folder, Served(province.log.home))  # a port at which nobody listens
    refused(other.init("third", 3, province.credential(3)), 4, Reason.LOG_UNREACHABLE)
    assert not (province.folder / "third").exists()


@pytest.mark.parametrize("larger", [False, True])
def test_a_log_that_forgets_or_forks_is_not_followed(
    province: Province, bureau: Path, tmp_path: Path, larger: bool
) -> None:
    """The log's database and anchor are put back to an earlier day, and it signs again: the bureau saw more."""
    province.log.stop()
    subprocess.run(["cp", "-r", str(province.log.home), str(tmp_path / "log")], check=True)
    province.log.start()
    lost_key = ["issuer", "offer", PERSON, "--lost-key", "--home", bureau, "--json"]
    ok(*lost_key)
    seen = (bureau / "ledger" / "seen" / "last").read_bytes()
    province.log.stop()
    forked = Served(tmp_path / "log", province.log.port)
    if larger:  # it signs over other entries meanwhile
        forging = Home(tmp_path / "log")
        log = forging.sequencer()
        log.append([encode_entry(EntryType.CERTIFICATE, 9, bytes([n]) * 32) for n in range(8)])
        log.close()
    forked.start()
    try:
        if larger:
            refused(tally(*lost_key), 3, Reason.LOG_FORK_DETECTED)
        else:
            asked = tally("ledger", "prove", 0, "--out", tmp_path / "proof", "--home", bureau, "--json")
            refused(asked, 4, Reason.CKPT_STALE)
        assert (bureau / "ledger" / "seen" / "last").read_bytes() == seen
        assert (bureau / "ledger" / "seen" / "evidence").exists() is larger
    finally:
        forked.stop()
    province.log.start()
    ok(*lost_key)


def test_the_issuers_service_works_on_a_far_log(province: Province, bureau: Path) -> None:
    """The service starts, answers with the log's size, and a wallet operator's head of a log gets its proof there."""
    token = ok("issuer", "wallet-token", "--home", bureau, "--json").json["token"]
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    service = subprocess.Popen(
        [str(TALLY), "issuer", "serve", "--home", str(bureau), "--port", str(port)], stderr=subprocess.PIPE
    )
    try:
        health = _health(service, url)
        assert health["entries"] == province.log.status()["logged"]
        note = "log.example-wallet.test\n1\n" + "A" * 43 + "=\n\n— log.example-wallet.test " + "A" * 92 + "\n"
        headers = {"Authorization": f"Bearer {token}"}
        answers = [
            httpx.post(f"{url}/access-log-heads", json={"note": note}, headers=headers, timeout=60)
            for _ in range(2)
        ]
        assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
        assert answers[0].json()["index"] == answers[1].json()["index"] == province.log.status()["logged"] - 1
        province.log.stop()
        assert (
            httpx.post(
                f"{url}/access-log-heads", json={"note": note}, headers=headers, timeout=60
            ).status_code
            == 503
        )
        province.log.start()
        assert (
            httpx.post(
                f"{url}/access-log-heads", json={"note": note}, headers=headers, timeout=60
            ).status_code
            == 200
        )
    finally:
        service.send_signal(signal.SIGINT)
        service.communicate(timeout=30)
    assert service.returncode == 0


def _health(service: subprocess.Popen[bytes], url: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        assert service.poll() is None, service.communicate()
        assert time.monotonic() < deadline
        with suppress(httpx.TransportError):
            told: dict[str, Any] = httpx.get(f"{url}/healthz", timeout=30).json()
            return told
        time.sleep(0.1)


def test_the_home_says_that_its_log_is_elsewhere(province: Province, bureau: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        Home(bureau).open_store()
    assert caught.value.reason is Reason.HOME_FAR_LEDGER
    refused(
        tally("ledger", "credential", province.credential(1), "--home", province.log.home, "--json"),
        2,
        Reason.CLI_USAGE,
    )
