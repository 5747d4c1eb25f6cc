"""Appending: durable entries a second, through the HTTP service and in process, beside raw inserts of the same rows.

    python -m benchmarks.append [--seconds 4] [--folder DIR] [--store sqlite|postgres]
    python -m benchmarks.append --grow 10000 100000 1000000 [--folder DIR]

The service is a process of its own (`tally ledger serve --append`); the load generator shares the machine's cores with
it. `raw` is one `executemany` a batch into a table of the same columns, same file settings, without our triggers,
hashes and tiles: what SQLite itself needs to make the rows durable. It stays the measure with `--store postgres`, where
the log is in a server of its own on this machine. All take turns in one run. A synced write costs what the disk says;
it is in every line. `--grow` appends up to each size and says what one more append, opening, and a proof cost there.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import count, islice
from pathlib import Path
from statistics import median, quantiles

from certificate.numbers import Environment
from issuer.home import Home
from issuer.setup import create_log_home
from issuer.upkeep.ledger_move import move_home_ledger
from ledger.append_protocol import APPEND_TYPE, encode_append, parse_indices
from ledger.entry import EntryType, encode_entry
from ledger.merkle import leaf_hash
from tests.postgres import postgres_server

__all__ = ["Rate", "grow", "main", "run_append"]

_TALLY = "from cli.main import main; main()"
_PASSPHRASE = b"a benchmark's own"
_SINGLE, _SMALL, _REQUEST, _BATCH = 1, 64, 256, 512
_FILL = 8192


@dataclass(frozen=True, slots=True)
class Rate:
    """Entries (or pieces) a second of one way, and how long one call takes, in milliseconds."""

    name: str
    at_once: int
    rate: float
    p50: float
    p99: float

    @classmethod
    def of(cls, name: str, at_once: int, times: Sequence[float], seconds: float) -> Rate:
        """From the seconds of each call, all of which took `seconds` together."""
        p99 = quantiles(times, n=100)[-1] if len(times) > 1 else times[0]
        return cls(name, at_once, at_once * len(times) / seconds, median(times) * 1e3, p99 * 1e3)

    def line(self) -> str:
        calls = f"p50 {self.p50:8.2f} ms   p99 {self.p99:8.2f} ms"
        return f"{self.name:<20} {self.at_once:>4} {self.rate:>10,.0f}/s   {calls}"


def run_append(folder: Path, *, seconds: float = 4.0, database: str | None = None) -> list[Rate]:
    """Every way once, each for about `seconds`; the log is in its own file, or in an empty PostgreSQL `database`."""
    home = _log(folder / "log")
    if database is not None:
        move_home_ledger(home, database)
        home = Home(home.path)
    entries = _entries()
    found = [_raw(folder / f"raw-{size}.db", size, entries, seconds) for size in (_SINGLE, _SMALL, _BATCH)]
    with closing(home.sequencer(cosigning=False)) as ledger:
        for size in (_SINGLE, _SMALL, _BATCH):
            found.append(
                _timed("in process", size, seconds, lambda n: ledger.append(list(islice(entries, n))))
            )
    secret = home.append_credentials().add(1, os.urandom)
    with _serving(home.path) as port:
        for size, clients in ((_SINGLE, 1), (_SINGLE, 16), (_SMALL, 4), (_REQUEST, 4)):
            found.append(_over_http(port, secret, size, clients, entries, seconds))
        _checkpoint(port, secret)
        found.append(_tiles(port, seconds))
    with closing(home.sequencer(cosigning=False)) as ledger:
        last = ledger.size
        found.append(
            _timed("proof", 1, seconds / 2, lambda _: ledger.prove(int.from_bytes(os.urandom(8)) % last))
        )
    return found


def grow(folder: Path, sizes: Sequence[int]) -> Iterator[str]:
    """Append up to each size; a line for each. The peak of memory is this process's, so far."""
    home = _log(folder / "log")
    entries = _entries()
    for size in sizes:
        with closing(home.sequencer()) as ledger:
            while ledger.size < size:
                ledger.append(list(islice(entries, min(_FILL, size - ledger.size))))
            ledger.checkpoint(int(time.time()))
        yield _grown(home, size, entries)


def _grown(home: Home, size: int, entries: Iterator[bytes]) -> str:
    start = time.perf_counter()
    opened = home.sequencer()
    took = time.perf_counter() - start
    with closing(opened) as ledger:
        appended = _timed("append", _REQUEST, 1.0, lambda n: ledger.append(list(islice(entries, n))))
        proof = _timed("proof", 1, 0.5, lambda _: ledger.prove(int.from_bytes(os.urandom(8)) % size))
        hashes = len(ledger.prove(0).path)
        held = sum(path.stat().st_size for path in home.ledger_path.parent.glob("ledger.db*")) / ledger.size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"{size:>12,} entries: append of 256 {appended.p50:6.2f} ms (p99 {appended.p99:.2f}), "
        f"open {took * 1e3:6.0f} ms, proof {hashes} hashes {proof.p50:5.2f} ms, "
        f"{held:.0f} bytes an entry, peak {peak:,.0f} MiB"
    )


def _log(path: Path) -> Home:
    path.parent.mkdir(exist_ok=True)
    return create_log_home(
        path,
        "log.example-province.test/2026",
        Environment.TEST,
        passphrase=_PASSPHRASE,
        random=os.urandom,
        now=int(time.time()),
    )


def _entries() -> Iterator[bytes]:
    while True:
        block = os.urandom(32 * 1024)
        for at in range(0, len(block), 32):
            yield encode_entry(EntryType.CERTIFICATE, 1, block[at : at + 32])


def _timed(name: str, at_once: int, seconds: float, call: Callable[[int], object]) -> Rate:
    times = []
    start = last = time.perf_counter()
    while last - start < seconds:
        call(at_once)
        now = time.perf_counter()
        times.append(now - last)
        last = now
    return Rate.of(name, at_once, times, last - start)


def _raw(path: Path, at_once: int, entries: Iterator[bytes], seconds: float) -> Rate:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute(
            "CREATE TABLE entries (idx INTEGER PRIMARY KEY, entry BLOB NOT NULL, leaf_hash BLOB NOT NULL UNIQUE)"
        )
        numbers = count()

        def insert(size: int) -> None:
            rows = [(next(numbers), entry, leaf_hash(entry)) for entry in islice(entries, size)]
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT INTO entries VALUES (?, ?, ?)", rows)
            database.execute("COMMIT")

        return _timed("raw executemany", at_once, seconds, insert)


@contextmanager
def _serving(home: Path) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = int(listening.getsockname()[1])
    words = ["ledger", "serve", "--append", "--home", str(home), "--port", str(port)]
    process = subprocess.Popen([sys.executable, "-c", _TALLY, *words], stderr=subprocess.DEVNULL)
    try:
        while True:
            with suppress(OSError), closing(HTTPConnection("127.0.0.1", port, timeout=30)) as http:
                http.request("GET", "/status")
                http.getresponse().read()
                break
            if process.poll() is not None:
                raise SystemExit("the service did not start")
            time.sleep(0.05)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _over_http(
    port: int, secret: str, at_once: int, clients: int, entries: Iterator[bytes], seconds: float
) -> Rate:
    """Each client sends its next request when the last one is durable, over one connection."""
    # Entries are drawn before, a share for each: a generator is not for several threads.
    shares = [list(islice(entries, int(20_000 * seconds) // clients)) for _ in range(clients)]

    def run(share: list[bytes]) -> list[float]:
        times: list[float] = []
        with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as http:
            start = last = time.perf_counter()
            for at in range(0, len(share) - at_once + 1, at_once):
                _post(http, secret, share[at : at + at_once])
                now = time.perf_counter()
                times.append(now - last)
                last = now
                if last - start > seconds:
                    break
        return times

    start = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        times = [one for found in pool.map(run, shares) for one in found]
    return Rate.of(f"HTTP, {clients} clients", at_once, times, time.perf_counter() - start)


def _post(http: HTTPConnection, secret: str, entries: Sequence[bytes]) -> None:
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": APPEND_TYPE}
    http.request("POST", "/append", body=encode_append(entries), headers=headers)
    response = http.getresponse()
    body = response.read()
    if response.status != 200:
        raise SystemExit(f"the log answered {response.status}: {body.decode()}")
    parse_indices(body, count=len(entries))


def _checkpoint(port: int, secret: str) -> None:
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as http:
        http.request("POST", "/checkpoint", headers={"Authorization": f"Bearer {secret}"})
        response = http.getresponse()
        response.read()
        if response.status != 200:
            raise SystemExit(f"no checkpoint: {response.status}")


def _tiles(port: int, seconds: float) -> Rate:
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as http:

        def read(_: int) -> None:
            http.request("GET", "/tile/0/000")
            response = http.getresponse()
            if len(response.read()) != 8192:
                raise SystemExit("a tile that is none")

        return _timed("tile over HTTP", 1, seconds / 2, read)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=4.0, help="for each way")
    parser.add_argument("--grow", type=int, nargs="+", metavar="N", help="sizes to grow to, rising")
    parser.add_argument("--store", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        if given.grow:
            for line in grow(Path(folder), given.grow):
                print(line, flush=True)
            return
        with postgres_server() if given.store == "postgres" else nullcontext() as server:
            database = None if server is None else server.url()
            for rate in run_append(Path(folder), seconds=given.seconds, database=database):
                print(rate.line(), flush=True)


if __name__ == "__main__":
    main()
