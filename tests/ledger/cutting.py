"""A line to a PostgreSQL server that breaks when the server says that something was committed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["Line", "line_to"]

_NAME = ".s.PGSQL.5432"
_COMMITTED = b"COMMIT\0"


class Line:
    """`broken_from(n)`: of the commits from now on, the answer to number `n` (1, 2, ...) never arrives."""

    def __init__(self) -> None:
        self._left = 0

    def broken_from(self, number: int) -> None:
        self._left = number

    def lets_through(self, data: bytes) -> bool:
        if self._left and _COMMITTED in data:
            self._left -= 1
            return self._left > 0
        return True


@contextmanager
def line_to(server: Path, folder: Path) -> Iterator[Line]:
    """Pass connections to the socket in `folder` on to the one in `server`."""
    line = Line()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / _NAME))
        (folder / _NAME).chmod(0o777)
        listening.listen()
        accepting = threading.Thread(target=_accept, args=(listening, server, line))
        accepting.start()
        yield line
        listening.shutdown(socket.SHUT_RDWR)
    accepting.join()


def _accept(listening: socket.socket, server: Path, line: Line) -> None:
    connections: list[threading.Thread] = []
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            break
        connections.append(threading.Thread(target=_serve, args=(client, server, line)))
        connections[-1].start()
    for connection in connections:
        connection.join()


def _serve(client: socket.socket, server: Path, line: Line) -> None:
    with client, socket.socket(socket.AF_UNIX) as upstream:
        upstream.connect(str(server / _NAME))
        there = threading.Thread(target=_pass_on, args=(client, upstream, None))
        there.start()
        _pass_on(upstream, client, line)
        there.join()


def _pass_on(source: socket.socket, target: socket.socket, line: Line | None) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            if line is not None and not line.lets_through(data):
                break
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
