"""Issuing and verifying beside other libraries, in one run: the same 15 claims, Ed25519, one core.

    python -m benchmarks.peers [--seconds 3] [--rounds 3]

The peers are installed from PyPI into environments of their own under build/peers/. Ours issues as minting does, from
claims to the signed certificate (the seed and the values are its disclosures), and, for the peers' sake, also with all
disclosures encoded; it verifies steps 2, 4 and 9: structure, issuer signature, disclosures.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from benchmarks.peer_programs import CWT_PROGRAM, SD_JWT_PROGRAM
from certificate.base45 import encode_base45
from certificate.certificate import encode_certificate, issue_certificate, parse_certificate
from certificate.keys import verify_signature
from certificate.qr_draw import draw_qr_svg
from certificate.qr_text import encode_qr_text
from certificate.slot_tree import SEED_SIZE, ClaimsTree, claims_root, root_from_disclosures
from certificate.slots import ClaimValue
from tests.world import REGISTRY, World, claims_of_60_months

__all__ = ["CLAIMS", "Figures", "main", "measure_ours", "measure_peer"]

_FOLDER = Path("build/peers")
_PEERS = {"cwt": CWT_PROGRAM, "sd-jwt": SD_JWT_PROGRAM}
CLAIMS: dict[int, ClaimValue] = dict(sorted(claims_of_60_months().items())[:15])


@dataclass(frozen=True, slots=True)
class Figures:
    """Calls a second of processor time, and the object with all claims disclosed as it stands in a QR code."""

    name: str
    issue: float
    verify: float
    size: int
    text: str

    def row(self) -> str:
        return f"{self.name:<28}{self.issue:>10,.0f}/s{self.verify:>10,.0f}/s{self.size:>9,} {_version(self.text)}"


def measure_ours(seconds: float) -> list[Figures]:
    """Minting, and minting with all disclosures encoded."""
    world = World()
    body = world.body(paper=True)

    def mint() -> bytes:
        root = claims_root(REGISTRY, os.urandom(SEED_SIZE), CLAIMS)
        return issue_certificate(world.office, replace(body, claims_root=root))

    def issue() -> bytes:
        tree = ClaimsTree.from_seed(REGISTRY, os.urandom(SEED_SIZE), CLAIMS)
        signed = parse_certificate(issue_certificate(world.office, replace(body, claims_root=tree.root())))
        return encode_certificate(signed.sign1, *tree.disclose(tree.slots), None)

    data = issue()

    def verify() -> None:
        certificate = parse_certificate(data)
        verify_signature(
            public_key=world.office.public_key,
            message=certificate.sign1.to_be_signed,
            signature=certificate.sign1.signature,
        )
        root = root_from_disclosures(body.registry, certificate.disclosures, certificate.multiproof)
        assert root == certificate.body.claims_root

    rates = [_rate(work, seconds) for work in (mint, issue, verify)]
    name = f"tallystick {version('tallystick')}"
    return [
        Figures(f"{name}, minting", rates[0], rates[2], len(data), encode_qr_text(data)),
        Figures(f"{name}, with disclosures", rates[1], rates[2], len(data), encode_qr_text(data)),
    ]


def measure_peer(name: str, seconds: float) -> Figures:
    """A peer, by its program in its environment; installed there first if it is not yet.

    Raises:
        subprocess.CalledProcessError: it could not be installed, or its program failed.
    """
    python = _FOLDER / name / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", _FOLDER / name], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", name], check=True)
    given = {
        "claims": [[slot, _name(slot), _plain(value)] for slot, value in CLAIMS.items()],
        "seconds": seconds,
    }
    run = subprocess.run(
        [python, "-c", _PEERS[name]], input=json.dumps(given), capture_output=True, text=True, check=True
    )
    found = json.loads(run.stdout)
    data = bytes.fromhex(found["object"])
    # A JWT has its own text; CBOR goes into a QR code as ours does.
    text = data.decode("ascii") if name == "sd-jwt" else encode_base45(data)
    return Figures(f"{name} {found['version']}", found["issue"], found["verify"], len(data), text)


def _name(slot: int) -> str:
    return REGISTRY.claim_at(slot).name


def _plain(value: ClaimValue) -> object:
    return f"hex:{value.hex()}" if isinstance(value, bytes) else value


def _rate(work: Callable[[], object], seconds: float) -> float:
    """As the peers' programs measure: the best of five rounds."""
    work()
    best = 0.0
    for _ in range(5):
        started, count = time.process_time(), 0
        while time.process_time() - started < seconds / 5:
            for _ in range(20):
                work()
            count += 20
        best = max(best, count / (time.process_time() - started))
    return best


def _version(text: str) -> str:
    """Version of the smallest QR symbol at level L."""
    try:
        side = int(draw_qr_svg(text).partition('viewBox="0 0 ')[2].split()[0])
    except Exception:  # too large for one symbol: no figure
        return "  none"
    return f"{(side - 8 - 17) // 4:>4}-L"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of measuring, each rate and round")
    parser.add_argument("--rounds", type=int, default=3, help="in turns; the best counts")
    arguments = parser.parse_args()
    best: dict[str, Figures] = {}
    for _ in range(arguments.rounds):
        for found in [
            *measure_ours(arguments.seconds),
            *(measure_peer(name, arguments.seconds) for name in _PEERS),
        ]:
            known = best.get(found.name, found)
            best[found.name] = Figures(
                found.name,
                max(found.issue, known.issue),
                max(found.verify, known.verify),
                found.size,
                found.text,
            )
    print(f"{'15 claims':<28}{'issue':>12}{'verify':>12}{'bytes':>9}  QR")
    for figures in best.values():
        print(figures.row())


if __name__ == "__main__":
    main()
