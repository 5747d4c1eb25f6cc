"""How long a claim takes: wallets claim at once from the bureau's service as a process of its own, warm.

    python -m benchmarks.claim_latency [--people N] [--wallets W] [--claims C]

Prints p50, p95 and p99 of the credential request (minted, logged, cosigned, proved) and of the whole claim (token,
nonce, credential), and claims per second. The clients run on the same cores.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from certificate.keys import Ed25519CoseSigner
from cli.bureau_client import holder_proof
from cli.init import example_bureau
from issuer.claiming.offers import Offer
from issuer.home import Home
from issuer.http.configurations import CONFIGURATION, PRE_AUTHORIZED
from issuer.sample import write_sample
from issuer.service import import_records
from issuer.setup import create_home

__all__ = ["Figures", "main", "measure"]

_AIM = 2.0  # seconds, p95
_WARM = 8  # claims that are not counted


@dataclass(frozen=True)
class Figures:
    """Seconds of each credential request and each whole claim, rising; seconds of the run."""

    credentials: list[float]
    claims: list[float]
    run: float

    def lines(self) -> list[str]:
        rows = [
            f"{name}: p50 {_quantile(values, 0.5):.3f} s, p95 {_quantile(values, 0.95):.3f} s, "
            f"p99 {_quantile(values, 0.99):.3f} s"
            for name, values in (("credential", self.credentials), ("whole claim", self.claims))
        ]
        return [*rows, f"{len(self.claims)} claims, {len(self.claims) / self.run:.1f} per second"]


def measure(folder: Path, *, people: int, wallets: int, claims: int) -> Figures:
    """Make a city in `folder`, serve it, and have `wallets` wallets make `claims` claims at once."""
    now = int(time.time())
    home = create_home(folder / "home", example_bureau(), passphrase=b"benchmark", random=os.urandom, now=now)
    write_sample(folder / "export", people=people, seed=1)
    import_records(home, folder / "export", now=now)
    persons = list(home.snapshot().person_nos())
    wanted = [persons[at % len(persons)] for at in range(claims + _WARM)]
    offers = home.offers().make(wanted, now=now, days=1, random=os.urandom)
    with _serving(home.path) as url:
        for offer in offers[:_WARM]:
            _claim(url, offer)
        began = time.perf_counter()
        with ThreadPoolExecutor(wallets) as pool:
            times = list(pool.map(lambda offer: _claim(url, offer), offers[_WARM:]))
        run = time.perf_counter() - began
    return Figures(sorted(credential for credential, _ in times), sorted(whole for _, whole in times), run)


def _claim(url: str, offer: Offer) -> tuple[float, float]:
    """Seconds of the credential request and of the whole claim by a fresh key."""
    signer = Ed25519CoseSigner(os.urandom(32))
    with httpx.Client(base_url=url, timeout=60) as http:
        began = time.perf_counter()
        form = {"grant_type": PRE_AUTHORIZED, "pre-authorized_code": offer.code, "tx_code": offer.pin}
        token = http.post("/token", data=form).json()["access_token"]
        nonce = http.post("/nonce").json()["c_nonce"]
        proof = holder_proof(signer, audience=url, nonce=nonce, now=int(time.time()))
        body = {"credential_configuration_id": CONFIGURATION, "proofs": {"jwt": [proof]}}
        asked = time.perf_counter()
        answer = http.post("/credential", json=body, headers={"Authorization": f"Bearer {token}"})
        done = time.perf_counter()
    answer.raise_for_status()
    return done - asked, done - began


@contextmanager
def _serving(home: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.claim_latency", "--serve", str(home), url])
    try:
        deadline = time.monotonic() + 60
        while True:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the service does not answer")
            try:
                if httpx.get(f"{url}/healthz").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _serve(home: Path, url: str) -> None:
    """The service as `tally issuer serve` runs it, but for its limits: all wallets share one address here."""
    import uvicorn

    from issuer.http.app import create_app
    from issuer.http.limits import Limits, Rate

    wide = Rate(10**6, 10**6)
    limits = Limits.make(identity_address=wide, identity_code=wide, proof_address=wide, clerk=wide)
    app = create_app(Home(home), url=url, clock=lambda: int(time.time()), random=os.urandom, limits=limits)
    port = int(url.rsplit(":", 1)[1])
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


def _quantile(rising: Sequence[float], share: float) -> float:
    return rising[min(len(rising) - 1, int(share * len(rising)))]


def main() -> int:
    """Run the benchmark; 1 when the aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--wallets", type=int, default=24)
    parser.add_argument("--claims", type=int, default=240)
    parser.add_argument("--serve", nargs=2, metavar=("HOME", "URL"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        _serve(Path(given.serve[0]), given.serve[1])
        return 0
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), people=given.people, wallets=given.wallets, claims=given.claims)
    print("\n".join(figures.lines()))
    return 0 if _quantile(figures.credentials, 0.95) < _AIM else 1


if __name__ == "__main__":
    raise SystemExit(main())
