"""docs/API.md stays true: its two programs run as shown, against both services as processes over one home."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from certificate.keys import Ed25519CoseSigner
from cli.bureau_client import CredentialOffer, claim
from cli.wallet_client import WalletClient
from issuer.http.configurations import CONFIGURATION
from tests.cli.conftest import City
from tests.program import TALLY, ok
from verifier.trust_dir import load_trust

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "API.md").read_text("utf-8")
PYTHON = re.search(r"```python\n(.*?)```", TEXT, re.S)
SHELL = re.search(r"```sh\n(.*?)```", TEXT, re.S)


def now() -> int:
    return int(time.time())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


@contextmanager
def serving(*arguments: object, port: int) -> Iterator[str]:
    """`tally … serve` as a process until the block ends; gives its address."""
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([str(TALLY), *map(str, arguments), "--port", str(port)])
    try:
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None, "the service ended"
            assert time.monotonic() < deadline, "the service does not answer"
            try:
                if httpx.get(f"{url}/healthz", timeout=5).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        assert process.wait(30) in (0, -signal.SIGTERM)  # uvicorn ends by the signal it was stopped with


@dataclass(frozen=True)
class Town:
    """Both services beside each other, and a citizen with a certificate in the safe."""

    city: City
    wallet: str
    holder: Ed25519CoseSigner
    token: str

    @contextmanager
    def citizen(self) -> Iterator[WalletClient]:
        client = WalletClient(self.wallet, self.holder, trust=load_trust(self.city.trust), clock=now)
        client.login()
        yield client
        client.close()


@pytest.fixture(scope="module")
def town(city: City, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("services")
    home = folder / "home"
    shutil.copytree(city.home, home)
    mine = City(folder, home, city.person)
    database, key = folder / "wallet.db", folder / "master.key"
    ok("wallet", "init", "--db", database, "--master-key", key)
    token = ok("wallet", "org-token", "--db", database, "--org", 1, "--json").json["token"]
    offer = ok("issuer", "offer", city.person, "--home", home, "--json").json["offers"][0]
    holder = Ed25519CoseSigner(os.urandom(32))
    with ExitStack() as running:
        bureau = running.enter_context(serving("issuer", "serve", "--home", home, port=free_port()))
        wallet = running.enter_context(
            serving(
                *("wallet", "serve", "--db", database, "--master-key", key, "--trust", mine.trust),
                port=free_port(),
            )
        )
        town = Town(mine, wallet, holder, token)
        with httpx.Client(base_url=bureau, timeout=60) as http:
            offered = CredentialOffer(bureau, CONFIGURATION, offer["code"])
            certificate = claim(offered, offer["pin"], holder, http, trust=load_trust(mine.trust), now=now())
        with town.citizen() as client:
            client.store(certificate)
        yield town


def run_as_shown(town: Town, folder: Path, command: list[str]) -> str:
    """Run the program where an organisation would, answer when the link is out; what it printed."""
    ok("request", "new", "--home", town.city.home, "--out", folder / "R.b64")
    shutil.copytree(town.city.trust, folder / "trust")
    environment = {
        **os.environ,
        "WALLET": town.wallet,
        "ORG_TOKEN": town.token,
        "PYTHONPATH": str(ROOT),
        "PATH": f"{TALLY.parent}{os.pathsep}{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
    }
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, env=environment) as program:
        assert program.stdout is not None
        said = program.stdout.readline()
        link = said.partition("citizen: ")[2].strip()
        assert link.startswith(town.wallet)
        with town.citizen() as client:
            client.answer(link)
        said += program.stdout.read()
        assert program.wait(60) == 0, said
    return said


def test_the_python_program(town: Town, tmp_path: Path) -> None:
    assert PYTHON is not None
    body = [line for line in PYTHON[1].splitlines() if line and not line.startswith(("import", "from"))]
    assert len(body) <= 20
    (tmp_path / "program.py").write_text(PYTHON[1], "utf-8")
    said = run_as_shown(town, tmp_path, [sys.executable, "program.py"])
    assert said.endswith("valid None\n")


def test_the_shell_program(town: Town, tmp_path: Path) -> None:
    assert SHELL is not None
    (tmp_path / "program.sh").write_text("set -euo pipefail\n" + SHELL[1], "utf-8")
    said = run_as_shown(town, tmp_path, ["bash", "program.sh"])
    assert "VALID" in said
    link = said.partition("citizen: ")[2].partition("\n")[0]
    with town.citizen() as client:
        asked = client.request(link)
        digest = asked.request.digest()
        rows = [row.access for row in client.access_log()]
    assert asked.state == "answered"
    mine = [access.action.name for access in rows if access.request_digest == digest]
    assert mine == ["SEEN", "ANSWERED", "FETCHED"]
