"""Status lists and bulk revocation.

    python -m benchmarks.status [--certificates 950000] [--share 100] [--folder DIR]

1. A list of 2^20 places, one in `--share` revoked at random: bytes of the token, time to sign, to open, to look up.
2. A register of `--certificates` rows, one in `--share` of them revoked in one case: time to open it, time to approve
   it (operator log, states, list, bundle), and peak memory. The rows hold random bytes in place of signed
   certificates, which no step of a case reads.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import tempfile
import time
from base64 import b32encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from certificate.keys import Ed25519CoseSigner
from certificate.status_list import (
    STATUS_BITS,
    StatusList,
    parse_status_token,
    sign_status_token,
    status_list_uri,
)
from cli.init import example_bureau
from issuer.casework.cases import approve_case, open_case
from issuer.casework.statement import Action
from issuer.home import Home
from issuer.register import PAPER, MintIdentity, RegisterRow
from issuer.service import opened_register
from issuer.setup import create_home
from issuer.status_places import LIST_SIZE
from verifier.trust_dir import load_trust

__all__ = ["BulkRun", "ListRun", "main", "run_bulk", "run_list"]

_PASSPHRASE = b"benchmark"
_LOOK_UPS = 100_000
_AT_ONCE = 50_000
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ListRun:
    """A list: bytes of its token; seconds to sign, to open, and to look up one place."""

    revoked: int
    size: int
    sign: float
    open: float
    look_up: float

    def line(self) -> str:
        return (
            f"a list of {LIST_SIZE:,} places, {self.revoked:,} revoked: {self.size:,} bytes, signed in "
            f"{self.sign * 1e3:.0f} ms, opened in {self.open * 1e3:.1f} ms, a place looked up in "
            f"{self.look_up * 1e6:.2f} µs"
        )


@dataclass(frozen=True, slots=True)
class BulkRun:
    """A case: seconds to open and to approve, peak MiB of the process (making the rows too), bytes of the list."""

    certificates: int
    revoked: int
    opened: float
    approved: float
    peak: float
    size: int

    def line(self) -> str:
        return (
            f"{self.certificates:,} certificates, {self.revoked:,} revoked in one case: opened in {self.opened:.1f} s, "
            f"approved, logged and published in {self.approved:.1f} s, peak {self.peak:.0f} MiB, list of "
            f"{self.size:,} bytes"
        )


def run_list(*, share: int) -> ListRun:
    """Part 1."""
    chance = random.Random(7)
    packed = bytearray(LIST_SIZE * STATUS_BITS // 8)
    places = chance.sample(range(LIST_SIZE), LIST_SIZE // share)
    for place in places:
        packed[place // 4] |= 1 << 2 * (place % 4)
    signer, statuses = Ed25519CoseSigner(bytes(range(32))), StatusList(STATUS_BITS, bytes(packed))
    token, signed = _timed(
        lambda: sign_status_token(
            signer, uri=status_list_uri(1, 0), issued=0, expires=2, ttl=1, statuses=statuses
        )
    )
    listed, opened = _timed(lambda: parse_status_token(token))
    wanted = [chance.randrange(LIST_SIZE) for _ in range(_LOOK_UPS)]
    _, looked = _timed(lambda: [listed.statuses.value(place) for place in wanted])
    return ListRun(len(places), len(token), signed, opened, looked / _LOOK_UPS)


def run_bulk(folder: Path, *, certificates: int, share: int) -> BulkRun:
    """Part 2."""
    now = int(time.time())
    home = create_home(folder / "home", example_bureau(), passphrase=_PASSPHRASE, random=os.urandom, now=now)
    numbers = _fill(home, certificates, now)
    wrong = numbers[::share]
    del numbers
    ledger = home.ledger()
    try:
        case, opened = _timed(
            lambda: open_case(
                home,
                ledger,
                Action.REVOKE,
                wrong,
                reason="benchmark",
                operator="first",
                passphrase=_PASSPHRASE,
                now=now,
            )
        )
        _, approved = _timed(
            lambda: approve_case(home, ledger, case.id, operator="second", passphrase=_PASSPHRASE, now=now)
        )
    finally:
        ledger.close()
    tokens = load_trust(home.trust_dir).status_tokens.values()
    counted = sum(int.from_bytes(parse_status_token(token).statuses.packed).bit_count() for token in tokens)
    assert counted == len(wrong), counted
    return BulkRun(certificates, len(wrong), opened, approved, _peak(), sum(map(len, tokens)))


def _fill(home: Home, count: int, now: int) -> list[str]:
    """Rows of paper certificates in the register; their numbers."""
    places = random.sample(range(LIST_SIZE), LIST_SIZE)
    numbers: list[str] = []

    def rows(first: int) -> Iterator[tuple[object, ...]]:
        for at in range(first, min(first + _AT_ONCE, count)):
            digest = os.urandom(32)
            numbers.append(b32encode(digest[:8]).decode().rstrip("="))
            identity = MintIdentity(f"99{at:08d}", 1, 202610, PAPER, bytes(32))
            row = RegisterRow(
                identity, numbers[-1], at // LIST_SIZE, places[at % LIST_SIZE], digest, os.urandom(230), os.urandom(72),
                now, 1, at,
            )  # fmt: skip
            yield row.values()

    with opened_register(home) as register:
        for first in range(0, count, _AT_ONCE):
            register.add_signed(rows(first))
    return numbers


def _timed(run: Callable[[], _T]) -> tuple[_T, float]:
    begun = time.perf_counter()
    made = run()
    return made, time.perf_counter() - begun


def _peak() -> float:
    """The most memory this process has held, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--certificates", type=int, default=950_000)
    parser.add_argument("--share", type=int, default=100)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    print(run_list(share=given.share).line())
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        print(run_bulk(Path(folder), certificates=given.certificates, share=given.share).line())


if __name__ == "__main__":
    main()
