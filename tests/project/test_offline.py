"""Offline means offline: verification in a network namespace without routes, and no network code even loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from certificate.qr_draw import draw_qr_png
from certificate.qr_text import encode_qr_text
from tests.world import SECONDS, SLOTS_24, World
from verifier.trust_dir import ROOT_KEYS_NAME, save_bundle_files

# What `import verifier` must not load: databases, web, dataframes, and anything that opens a connection.
HEAVY = {
    "sqlite3",
    "sqlite_utils",
    "polars",
    "numpy",
    "fastapi",
    "starlette",
    "urllib3",
    "requests",
    "httpx",
    "tuf",
}

_RUN = """
import socket, sys
from datetime import datetime, UTC
from pathlib import Path
try:
    socket.create_connection(("192.0.2.1", 80), timeout=2)
    raise SystemExit("this namespace has a route")
except OSError:
    pass
def forbidden(*_a, **_k):
    raise AssertionError("a socket was asked for")
socket.socket = socket.create_connection = socket.getaddrinfo = forbidden
from verifier.images import read_codes
from verifier.expect import STATIC
from verifier.seen import MemorySeen
from verifier.trust_dir import load_trust
from verifier.verify import verify
folder = Path(sys.argv[1])
text = read_codes((folder / "paper.png").read_bytes())[0].encode()
now = datetime.fromtimestamp(int(sys.argv[2]), UTC)
report = verify(text, trust=load_trust(folder), now=now, expect=STATIC, seen=MemorySeen())
print(report.outcome.value, report.reason)
"""


def test_verification_works_in_a_namespace_without_routes(tmp_path: Path) -> None:
    world = World()
    paper = world.certificate(world.body(paper=True), slots=SLOTS_24)
    save_bundle_files(tmp_path, world.bundle_files())
    (tmp_path / ROOT_KEYS_NAME).write_text(world.root.public_key.hex() + "\n")
    (tmp_path / "paper.png").write_bytes(draw_qr_png(encode_qr_text(paper), ecc="L"))
    done = subprocess.run(
        [
            "unshare",
            "--user",
            "--map-root-user",
            "--net",
            sys.executable,
            "-c",
            _RUN,
            str(tmp_path),
            str(SECONDS),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "valid None\n"), done.stderr


def test_importing_the_verifier_loads_nothing_heavy() -> None:
    code = (
        "import sys, verifier.verify, verifier.trust, verifier.report, verifier.render; "
        "print('\\n'.join(sorted({m.partition('.')[0] for m in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    loaded = set(done.stdout.split())
    assert {"verifier", "certificate", "ledger", "cbor2"} <= loaded
    assert loaded & (HEAVY | {"issuer", "wallet_api", "cli"}) == set()
