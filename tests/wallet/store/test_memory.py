"""A real server process under bodies too large, too slow, with too many members or too deep: its memory stays flat."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.wallet.served import Served, served

MIB = 2**20
AT_ONCE = 8
MEMBERS = b"{" + b",".join(b'"%d":1' % at for at in range(10**6)) + b"}"
ALLOWED = 48 * MIB  # above what the process took when it was warm


def test_memory_stays_flat(database: str) -> None:
    with served(database) as server:
        attacks = (huge, endless, fields, deep)
        for attack in attacks:
            attack(server)  # warm: every path was walked once
        slow(server, seconds=0.0)
        before = peak(server)
        with ThreadPoolExecutor(AT_ONCE + 1) as pool:
            slowly = pool.submit(slow, server, seconds=11.0)
            for attack in attacks:
                list(pool.map(lambda _, attack=attack: attack(server), range(AT_ONCE)))
            assert slowly.result().startswith(b"HTTP/1.1 422 ")
        assert peak(server) - before < ALLOWED
        assert httpx.get(f"{server.address}/healthz").is_success


def huge(server: Served) -> None:
    """100 MB, said beforehand."""
    assert answer(server, 100 * 10**6, lambda: b"x" * MIB) in (413, None)


def endless(server: Served) -> None:
    """100 MB in chunks, without a length."""
    assert answer(server, None, lambda: b"100000\r\n" + b"x" * MIB + b"\r\n") in (413, None)


def fields(server: Served) -> None:
    """10^6 members."""
    assert answer(server, len(MEMBERS), lambda: MEMBERS) in (413, None)


def deep(server: Served) -> None:
    """60,000 arrays in one another, within the size that is read."""
    body = b"[" * 60_000 + b"]" * 60_000
    assert answer(server, len(body), lambda: body) == 422


def slow(server: Served, *, seconds: float) -> bytes:
    """A body that comes byte by byte; what is answered."""
    with _connected(server, 1000) as connection:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                connection.sendall(b" ")
            except OSError:
                break
            time.sleep(0.25)
        return connection.recv(4096) if seconds else b""


def answer(server: Served, length: int | None, part: Callable[[], bytes]) -> int | None:
    """Send at most 100 MB of a body as long as the server reads; the status, or None if it hung up meanwhile."""
    with _connected(server, length) as connection:
        sent, content, whole = 0, part(), length or 100 * 10**6
        try:
            while sent < whole:
                connection.sendall(content)
                sent += len(content)
        except OSError:
            assert sent < 20 * MIB  # it did not read on
        try:
            found = re.match(rb"HTTP/1.1 (\d{3}) ", connection.recv(4096))
        except ConnectionResetError:  # its answer was lost to what was still on its way
            return None
        return int(found[1]) if found else None


def _connected(server: Served, length: int | None) -> socket.socket:
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    head = (
        f"POST /login/challenges HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{framing}\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    connection.sendall(head.encode())
    return connection


def peak(server: Served) -> int:
    """The most memory the process ever had (Linux), in bytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024
