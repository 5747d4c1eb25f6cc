"""How many consents a minute the wallet takes: real server processes, and the load on the same machine.

    python -m benchmarks.wallet_load [--store sqlite|postgres] [--workers N] [--seconds S] [--connections N]

A round trip is what one consent costs: begin, sign on the phone, complete, fetch by the organisation. Requests and
certificates are there before the clock starts. Beside times it prints processor time, which other load does not touch.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.postgres import postgres_server
from tests.wallet.parties import Asker, Phone, b64, unb64
from tests.wallet.served import Served, served
from wallet_api.store.opening import create_store

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Connection:
    """One kept-alive connection that speaks as little HTTP as it takes."""

    port: int
    reader: asyncio.StreamReader = field(init=False)
    writer: asyncio.StreamWriter = field(init=False)

    async def open(self) -> Connection:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def call(self, method: str, path: str, token: str, body: object = None) -> Any:
        content = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        self.writer.write(head.encode() + content)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        data = await self.reader.readexactly(length)
        assert answer[9:10] == b"2", answer + data
        return json.loads(data)


@dataclass
class Times:
    """Seconds of each kind of call."""

    of: dict[str, list[float]] = field(default_factory=dict)

    async def take(self, name: str, call: Awaitable[Any]) -> Any:
        started = time.perf_counter()
        result = await call
        self.of.setdefault(name, []).append(time.perf_counter() - started)
        return result

    def line(self, name: str, seconds: float) -> str:
        values = sorted(self.of[name])
        p50, p99 = (1000 * values[int(len(values) * share)] for share in (0.5, 0.99))
        return f"  {name:12} {len(values) / seconds:7.0f}/s   p50 {p50:6.1f} ms   p99 {p99:6.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=["sqlite", "postgres"], default="postgres")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--connections", type=int, default=8)
    options = parser.parse_args()
    with _database(options.store) as url, served(url, workers=options.workers) as server:
        _run(server, options)


@contextmanager
def _database(kind: str) -> Iterator[str]:
    if kind == "postgres":
        with postgres_server() as server:
            create_store(server.url())
            yield server.url()
        return
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "wallet.db")
        create_store(path)
        yield path


def _run(server: Served, options: argparse.Namespace) -> None:
    with server.town() as town:
        bank = town.organisation(1)
        phones = [town.citizen(f"citizen {at}").login() for at in range(options.connections)]
        numbers = [phone.put(phone.certificate(seed=bytes([at]) * 32)) for at, phone in enumerate(phones)]
        print(
            f"{options.store}, {options.workers} workers, {options.connections} connections, {os.cpu_count()} cores"
        )
        _phase(
            server,
            options,
            ["list"],
            lambda at, times: _list(server.port, phones[at], times, options.seconds),
        )
        _phase(
            server,
            options,
            ["leave", "begin", "complete", "fetch", "round trip"],
            lambda at, times: _consents(server.port, phones[at], numbers[at], bank, times, options.seconds),
        )


def _phase(
    server: Served,
    options: argparse.Namespace,
    names: list[str],
    work: Callable[[int, Times], Awaitable[None]],
) -> None:
    async def everybody() -> Times:
        times = Times()
        await asyncio.gather(*(work(at, times) for at in range(options.connections)))
        return times

    before, own, started = _processor_seconds(server.process.pid), time.process_time(), time.perf_counter()
    times = asyncio.run(everybody())
    seconds = time.perf_counter() - started
    spent, own = _processor_seconds(server.process.pid) - before, time.process_time() - own
    for name in names:
        print(times.line(name, seconds))
    count = len(times.of[names[-1]])
    print(
        f"  processor, each {names[-1]}: service {1000 * spent / count:.2f} ms, load {1000 * own / count:.2f} ms"
    )


async def _list(port: int, phone: Phone, times: Times, seconds: float) -> None:
    connection = await Connection(port).open()
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        await times.take("list", connection.call("GET", "/certificates", phone.token))


async def _consents(port: int, phone: Phone, number: str, bank: Asker, times: Times, seconds: float) -> None:
    connection = await Connection(port).open()
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        new = {"request": b64(bank.request())}
        id_ = (await times.take("leave", connection.call("POST", "/requests", bank.token, new)))["id"]
        await times.take("round trip", _round_trip(connection, phone, number, bank, id_, times))


async def _round_trip(
    connection: Connection, phone: Phone, number: str, bank: Asker, id_: str, times: Times
) -> None:
    asked = {"certificate": number, "items": [1]}
    path = f"/requests/{id_}"
    begun = await times.take("begin", connection.call("POST", f"{path}/answers/begin", phone.token, asked))
    signed = {"signature": b64(phone.key.sign(unb64(begun["to_be_signed"])))}
    await times.take("complete", connection.call("POST", f"{path}/answers/complete", phone.token, signed))
    await times.take("fetch", connection.call("POST", f"{path}/fetch", bank.token))


def _processor_seconds(process: int) -> float:
    """User and system time of a process group's server, workers included (Linux)."""
    total = 0
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == process:  # its group
                total += int(fields[11]) + int(fields[12])
    return total / _TICKS


if __name__ == "__main__":
    main()
