"""`tally holder export` and `import`, with descriptors for the passphrase."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from certificate.keys import Ed25519CoseSigner
from certificate.qr_text import encode_file_text
from ledger.keyfile import load_key
from tests.program import TALLY, ok
from tests.world import World


def with_passphrase(word: bytes, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    reading, writing = os.pipe()
    os.write(writing, word + b"\n")
    os.close(writing)
    command = [str(TALLY), *map(str, arguments), "--file-passphrase-fd", str(reading), "--json"]
    try:
        return subprocess.run(command, pass_fds=[reading], capture_output=True, check=False, timeout=60)
    finally:
        os.close(reading)


def test_a_safe_moves_in_one_file(tmp_path: Path) -> None:
    key = tmp_path / "me.key"
    ok("holder", "new-key", "--out", key)
    seed = load_key(key, purpose="holder", passphrase=None).seed
    world = World(holder=Ed25519CoseSigner(seed))
    certificate = tmp_path / "C.b64"
    certificate.write_text(encode_file_text(world.certificate(neighbours=8)))
    out = tmp_path / "me.safe"
    made = with_passphrase(
        b"four words", "holder", "export", "--key", key, "--certificate", certificate, "--out", out
    )
    assert made.returncode == 0, made.stderr
    assert out.stat().st_mode & 0o077 == 0
    wrong = with_passphrase(b"three words", "holder", "import", out, "--out", tmp_path / "no")
    assert (wrong.returncode, b"key.passphrase" in wrong.stdout) == (3, True)
    opened = with_passphrase(b"four words", "holder", "import", out, "--out", tmp_path / "safe")
    assert opened.returncode == 0, opened.stderr
    number = world.body().number
    assert (tmp_path / "safe" / f"{number}.b64").read_text() == certificate.read_text()
    assert load_key(tmp_path / "safe" / "holder.key", purpose="holder", passphrase=None).seed == seed
