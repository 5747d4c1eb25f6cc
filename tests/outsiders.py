"""Programs from PyPI judge our log, our witness and our receipts: `python -m tests.outsiders PYTHON`.

PYTHON is the interpreter of an environment of their own with aics-tlog, aics-witness and scitt-cose (`make outsiders`
makes it; they want Python 3.12). Each judge has to accept what is honest and to notice what was planted.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ledger.checkpoint import parse_checkpoint_note
from ledger.errors import ProjectError
from ledger.export import export_log
from ledger.http.witness_app import create_witness_app
from ledger.http.witness_client import HttpWitness
from ledger.note import encode_base64, encode_vkey, parse_vkey
from ledger.receipt import ReceiptAlgorithm, inclusion_receipt
from ledger.trust_policy import TrustPolicy, WitnessKey
from ledger.witness import LocalWitness
from tests.ledger.tampering import copy_database
from tests.ledger_http.conftest import Published
from tests.ledger_http.serving import running

_RECEIPT = """
import sys
from scitt_cose.receipt import verify_receipt
receipt, entry, key = (open(name, "rb").read() for name in sys.argv[1:])
sys.exit(0 if verify_receipt(receipt, leaf_entry_hex=entry.hex(), log_public_key_pem=key).ok else 3)
"""
_FEEDER = """
import json, sys, base64
from aics_witness.feeder import WitnessClient
url, vkey = sys.argv[1:]
given = json.load(sys.stdin)
client = WitnessClient(url, vkey)
for step in given:
    path = [base64.b64decode(node) for node in step["path"]]
    try:
        client.submit(step["note"], (step["old"], path), old_size=step["old"])
        print("cosigned")
    except Exception as exc:
        print(type(exc).__name__, getattr(exc, "status", ""))
"""


def main() -> None:
    """Run every judge; stops at the first that judges otherwise than it should."""
    [python] = sys.argv[1:]
    for judge in (tiles, receipts, their_witness, our_witness):
        with tempfile.TemporaryDirectory() as folder:
            world = Published(Path(folder))
            world.now = int(time.time())
            judge(python, world)
            world.close()
        print(f"ok: {(judge.__doc__ or '').splitlines()[0]}")


def expect(condition: bool, what: str) -> None:
    if not condition:
        sys.exit(f"FAILED: {what}")


def run(*command: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command], input=stdin, capture_output=True, text=True, timeout=60, check=False
    )


def tiles(python: str, world: Published) -> None:
    """aics-tlog verifies an entry in our exported tiles, log and quorum; and notices a changed tile."""
    world.grow(300)
    out = world.folder / "out"
    export_log(world.publication(), out)
    leaf = world.folder / "leaf"
    leaf.write_bytes(world.entry(7))
    keys = [word for one in world.policy.witnesses[:3] for word in ("--witness-key", encode_vkey(one.key))]
    look = [python, "-m", "aics_tlog", "verify-inclusion", "--tiles", out, "--index", 7, "--leaf", leaf]
    look += ["--log-key", encode_vkey(world.policy.logs[0].key), *keys, "--quorum", 3]
    done = run(*look)
    expect(done.returncode == 0, done.stdout + done.stderr)
    tile = bytearray((out / "tile/0/000").read_bytes())
    tile[32 * 7] ^= 1
    (out / "tile/0/000").write_bytes(tile)
    expect(run(*look).returncode != 0, "a changed tile was not noticed")


def receipts(python: str, world: Published) -> None:
    """scitt-cose verifies our receipts, and notices another entry and a changed bit."""
    world.grow(300)
    proof, note = world.open().prove_with_note(299)
    data = inclusion_receipt(
        world.signer,
        kid=b"log",
        index=299,
        size=300,
        path=proof.path,
        root_hash=parse_checkpoint_note(note)[0].root_hash,
        algorithm=ReceiptAlgorithm.EDDSA,
    )
    key = Ed25519PublicKey.from_public_bytes(world.signer.public_key)
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    changed = bytearray(data)
    changed[-70] ^= 1
    cases = ((data, 299, 0), (data, 298, 3), (bytes(changed), 299, 3))
    for at, (receipt, index, code) in enumerate(cases):
        files = [world.folder / name for name in ("receipt", "entry", "key.pem")]
        for path, content in zip(files, (receipt, world.entry(index), pem), strict=True):
            path.write_bytes(content)
        done = run(python, "-c", _RECEIPT, *files)
        expect(done.returncode == code, f"receipt {at}: {done.stdout}{done.stderr}")


def their_witness(python: str, world: Published) -> None:
    """aics-witness cosigns our checkpoints and refuses a second history of ours."""
    config = world.folder / "aics" / "witness.json"
    config.parent.mkdir()
    command = [python, "-m", "aics_witness"]
    shown = run(*command, "init", "-c", config, "--name", "outside.example/w1")
    vkey = next(word for word in shown.stdout.split() if word.startswith("outside.example/w1+"))
    log = world.policy.logs[0].key
    run(*command, "add-log", "-c", config, "--origin", log.name, "--vkey", encode_vkey(log))
    key = parse_vkey(vkey)
    world.policy = TrustPolicy(world.policy.logs, (WitnessKey("outside", key),), (), "outside")
    with serving([*command, "serve", "-c", config]) as url:
        witness = HttpWitness(url, key=key)
        ledger = world.open(witnesses=[witness])
        for size in (3, 300):
            ledger.append([world.entry(number) for number in range(size)])
            ledger.checkpoint(int(time.time()))
        copy, anchor = world.folder / "copy.db", world.folder / "anchor-of-copy"
        copy_database(world.path, copy)
        anchor.write_bytes(world.anchor.read_bytes())
        second = world.open(path=copy, anchor=anchor, witnesses=[witness])
        for one, number in ((ledger, 1000), (second, 2000)):
            one.append(world.entries(number))
        ledger.checkpoint(int(time.time()))
        try:
            second.checkpoint(int(time.time()))
        except ProjectError as exc:
            expect(exc.reason == "store.fork_detected", exc.reason)
        else:
            expect(False, "a second history was cosigned")


def our_witness(python: str, world: Published) -> None:
    """aics-witness's client gets cosignatures from our witness, and its refusals."""
    world.grow(5)
    ledger = world.open()
    first = ledger.newest_checkpoint() or b""
    world.grow(9)
    second = ledger.newest_checkpoint() or b""
    path = [encode_base64(node) for node in ledger.prove_consistency(5, 9)]
    witness = world.policy.witnesses[0].key

    def open_witness() -> LocalWitness:
        return LocalWitness(
            world.folder / "far",
            signer=world.witness_signers[0],
            name=witness.name,
            log_keys=[log.key for log in world.policy.logs],
        )

    steps = [
        {"old": 0, "path": [], "note": bare(first)},
        {"old": 5, "path": path[:-1], "note": bare(second)},
        {"old": 5, "path": path, "note": bare(second)},
    ]
    with running(create_witness_app(open_witness, clock=lambda: int(time.time()))) as url:
        done = run(python, "-c", _FEEDER, url, encode_vkey(witness), stdin=json.dumps(steps))
    expect(
        done.stdout.split("\n")[:3] == ["cosigned", "WitnessRejected 422", "cosigned"],
        done.stdout + done.stderr,
    )


def bare(note: bytes) -> str:
    """The note with the log's Ed25519 signature alone."""
    lines = note.decode().split("\n")
    return "\n".join([*lines[:5], ""])


@contextmanager
def serving(command: list[object]) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([str(word) for word in (*command, "--listen", f"127.0.0.1:{port}")])
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    main()
