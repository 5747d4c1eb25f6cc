"""The command line of two departments: a bureau's home whose quorum needs a witness run elsewhere (issue 5)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from cli.main import cli
from ledger.checkpoint import parse_checkpoint_note
from ledger.errors import ConfigError
from ledger.http.witness_app import create_witness_app
from ledger.note import encode_vkey
from ledger.reasons import Reason
from ledger.witness_home import WitnessHome
from tests.ledger.tampering import reason_of
from tests.ledger_http.serving import running
from tests.world import SECONDS


def tally(*words: object) -> str:
    done = CliRunner(catch_exceptions=False).invoke(cli, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def home(tmp_path: Path) -> Path:
    tally("init", tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def witness(tmp_path: Path, home: Path) -> Iterator[tuple[str, list[str]]]:
    """The running witness's address, and what its operator printed for the bureau."""
    folder = tmp_path / "witness"
    name = "witness.example/w9"
    printed = tally("witness", "init", folder, "--name", name, "--test")
    tally("witness", "add-log", folder, *tally("ledger", "vkeys", "--home", home).split())
    app = create_witness_app(lambda: WitnessHome(folder).open(None), clock=lambda: SECONDS)
    with running(app) as url:
        yield url, [f"{line} {url}" for line in printed.splitlines() if line.startswith("witness ")]


def add_to_policy(home: Path, lines: list[str]) -> None:
    """What docs/LEDGER.md tells the operator to do by hand: the witness and one of the four local ones, both."""
    path = home / "ledger" / "policy.txt"
    kept = [line for line in path.read_text().splitlines() if not line.startswith("quorum ")]
    names = [line.split()[1] for line in lines]
    path.write_text(
        "\n".join([*kept, *lines, f"group departments all local {names[0]}", "quorum departments", ""])
    )


def test_a_witness_elsewhere_makes_the_quorum(home: Path, witness: tuple[str, list[str]]) -> None:
    url, lines = witness
    assert len(lines) == 2
    add_to_policy(home, lines)
    shown = json.loads(tally("ledger", "checkpoint", "--home", home, "--json"))["note"]
    checkpoint, found = parse_checkpoint_note(shown.encode())
    assert [line.name for line in found].count("witness.example/w9") == 2
    assert len(tally("ledger", "vkeys", "--home", home).split()) == 8
    tally("ledger", "check", "--home", home)
    assert tally("ledger", "prove", 0, "--out", home / "proof", "--home", home)
    hashed = sha256(checkpoint.origin.encode()).hexdigest()
    monitored = parse_checkpoint_note(httpx.get(f"{url}/{hashed}/checkpoint").content)
    assert monitored[0] == checkpoint


def test_without_it_the_checkpoint_awaits_witnesses(home: Path, tmp_path: Path) -> None:
    tally("witness", "init", tmp_path / "w", "--name", "witness.example/w9", "--test")
    vkey = WitnessHome(tmp_path / "w").vkeys(None)[0]
    add_to_policy(home, [f"witness w9 {encode_vkey(vkey)} http://127.0.0.1:9"])
    words = ["ledger", "checkpoint", "--home", str(home), "--json"]
    command = [sys.executable, "-c", "from cli.main import main; main()", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 4
    assert json.loads(done.stdout)["error"]["reason"] == "ckpt.quorum_unmet"


def test_a_sealed_witness_home(tmp_path: Path) -> None:
    home = WitnessHome.create(
        tmp_path / "w", name="w.example/1", passphrase=b"sesame", test=False, random=lambda n: b"r" * n
    )
    assert reason_of(lambda: home.vkeys(None), ConfigError) == Reason.KEY_PASSPHRASE
    assert home.vkeys(b"sesame")[0].name == "w.example/1"
    assert reason_of(lambda: home.open(b"sesame"), ConfigError) == Reason.CLI_NOT_FOUND
    again = {"name": "w.example/1", "passphrase": None, "test": True}
    reason = reason_of(
        lambda: WitnessHome.create(tmp_path / "w", random=lambda n: bytes(n), **again),  # type: ignore[arg-type]
        ConfigError,
    )
    assert reason == Reason.CLI_EXISTS
