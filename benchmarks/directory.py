"""A province's offices in one directory: how long it takes to add them, how large it is, how long it takes to load.

python -m benchmarks.directory [OFFICES]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from certificate.directory import parse_directory
from cli.init import example_bureau
from issuer.home import Home
from issuer.office_key import office_signer
from issuer.offices.tree import NewOffice, add_offices
from issuer.setup import create_home
from verifier.trust import DIRECTORY_NAME
from verifier.trust_dir import load_trust

__all__ = ["OFFICES", "tree_of_offices"]

OFFICES = 1140
_COUNTIES, _TOWNS, _VILLAGES = 15, 5, 14
_T = TypeVar("_T")


def tree_of_offices(count: int, *, city: str = "99010000") -> list[NewOffice]:
    """`count` offices below a city of region 9901: counties, their towns, their villages, each after the one above."""
    return list(islice(_offices(city), count))


def _offices(city: str) -> Iterator[NewOffice]:
    for county in range(10, 10 + _COUNTIES):
        region = f"9901{county}"
        yield NewOffice(
            region,
            f"第{county}县社会保险局(测试)",
            f"Social Insurance Bureau of County {county}",
            city,
            region,
        )
        for town in range(1, _TOWNS + 1):
            below = f"{region}{town:03}"
            zh, en = (
                f"第{county}县第{town}镇社会保险所(测试)",
                f"Social Insurance Station of Town {county}-{town}",
            )
            yield NewOffice(below, zh, en, region, below)
            for village in range(1, _VILLAGES + 1):
                code = f"{below}{village:03}"
                zh = f"第{county}县第{town}镇第{village}村代办点(测试)"
                yield NewOffice(code, zh, f"Agent of Village {county}-{town}-{village}", below, code)


def _timed(what: str, run: Callable[[], _T]) -> _T:
    started = time.perf_counter()
    result = run()
    print(f"{what:48} {1000 * (time.perf_counter() - started):10,.0f} ms")
    return result


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, now = Path(folder) / "home", int(time.time())
        create_home(path, example_bureau(), passphrase=b"a test", random=os.urandom, now=now)
        home = Home(path)
        ledger = home.ledger()
        wanted = tree_of_offices(count - len(example_bureau().offices))
        directory = _timed(
            f"add {len(wanted):,} offices with keys, cut the bundle",
            lambda: add_offices(
                home, ledger, wanted, operator="first", passphrase=b"a test", now=now, random=os.urandom
            ),
        )
        data = (home.trust_dir / DIRECTORY_NAME).read_bytes()
        print(f"{len(directory.offices):,} offices, {len(directory.keys):,} keys: {len(data):,} bytes")
        _timed("read and check the directory", lambda: parse_directory(data))
        _timed("load the whole bundle", lambda: load_trust(home.trust_dir))
        _timed("open one village's key", lambda: office_signer(Home(path), size=ledger.size, office=count))
        ledger.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else OFFICES)
