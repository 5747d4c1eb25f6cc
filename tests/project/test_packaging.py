"""The wheel: the right packages, nobody else's names, and a light installation that verifies a QR code."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from certificate.qr_draw import draw_qr_png
from certificate.qr_text import encode_qr_text
from tests.world import SLOTS_24, World
from verifier.trust_dir import ROOT_KEYS_NAME, save_bundle_files

ROOT = Path(__file__).parents[2]
PIP = (sys.executable, "-m", "pip", "--python")  # ours, working in another environment
OURS = {"certificate", "cli", "issuer", "ledger", "verifier", "wallet_api"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def test_the_wheel_holds_our_packages_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == OURS
    assert "issuer/profiles/example-city.toml" in names
    assert all(f"{package}/py.typed" in names for package in OURS)


@pytest.mark.parametrize("target", ["wheel", "sdist"])
def test_every_file_of_the_desk_is_packed(tmp_path: Path, target: str) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "verifier/web"], cwd=ROOT, capture_output=True, check=True
    )
    due = {name for name in listed.stdout.decode().split("\0") if name}
    build = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [built] = tmp_path.iterdir()
    if target == "wheel":
        names = zipfile.ZipFile(built).namelist()
    else:
        with tarfile.open(built) as archive:
            names = [name.partition("/")[2] for name in archive.getnames()]
    assert len(due) > 80
    assert due - set(names) == set()


def test_no_dependency_owns_one_of_our_names() -> None:
    owners = metadata.packages_distributions()
    assert "cbor2" in owners  # the look-up sees what is installed
    others = {name: [d for d in owners.get(name, []) if d != "tallystick"] for name in OURS}
    assert {name: found for name, found in others.items() if found} == {}


def test_a_light_installation_verifies_a_qr_code(wheel: Path, tmp_path: Path) -> None:
    """From the built wheel with the extra `qr` alone, in a fresh environment, without the other roles' packages."""
    world = World()
    paper = world.certificate(world.body(paper=True), slots=SLOTS_24)
    trust = tmp_path / "trust"
    save_bundle_files(trust, world.bundle_files())
    (trust / ROOT_KEYS_NAME).write_text(world.root.public_key.hex() + "\n")
    (tmp_path / "paper.png").write_bytes(draw_qr_png(encode_qr_text(paper), ecc="L"))
    python = fresh_environment(tmp_path / "venv", wheel)
    code = (
        "import sys; from datetime import datetime, UTC; from pathlib import Path\n"
        "from verifier.images import read_codes; from verifier.expect import STATIC\n"
        "from verifier.seen import MemorySeen; from verifier.trust_dir import load_trust\n"
        "from verifier.verify import verify\n"
        "text = read_codes(Path('paper.png').read_bytes())[0].encode()\n"
        "now = datetime(2026, 11, 24, 9, tzinfo=UTC)\n"
        "r = verify(text, trust=load_trust(Path('trust')), now=now, expect=STATIC, seen=MemorySeen())\n"
        "print(r.outcome.value)\n"
    )
    done = subprocess.run(
        [python, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == "valid\n", done.stderr
    shown = subprocess.run(
        [python.with_name("tally"), "verify", "--help"], capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    lacking = subprocess.run(
        [python.with_name("tally"), "sample", "--people", "5", "--seed", "1", "--out", "x"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert lacking.returncode == 2
    assert "pip install 'tallystick[issuer]'" in lacking.stderr
    listed = subprocess.run([*PIP, python, "list"], capture_output=True, text=True, check=True).stdout
    assert not re.search(r"(?im)^(polars|fastapi|sqlite-utils|sqlite_utils|numpy|sqlalchemy)\b", listed), (
        listed
    )


def fresh_environment(folder: Path, wheel: Path) -> Path:
    """A new virtual environment with the wheel and what its metadata asks for; versions as in requirements.txt."""
    venv.create(folder)
    python = folder / "bin" / "python"
    constraints = folder / "constraints.txt"
    pins = re.findall(r"(?m)^([a-z0-9-]+==[^ \\;]+)", (ROOT / "requirements.txt").read_text("utf-8"))
    unique = {pin.partition("==")[0]: pin for pin in reversed(pins)}
    constraints.write_text("\n".join(unique.values()) + "\n")
    subprocess.run(
        [*PIP, python, "install", "--quiet", "--no-compile", "-c", constraints, f"{wheel}[qr]"],
        check=True,
        capture_output=True,
    )
    return python
