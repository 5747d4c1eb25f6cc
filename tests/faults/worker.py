"""What a traced child does: opens the ledger in the folder it is given, appends over a tile's edge, signs, exports.

Reads a folder a line; for each it forks a child, which says its process number and waits for one more line.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from ledger.errors import ProjectError
from ledger.export import export_log
from ledger.publication import Publication
from ledger.store.sqlite import SqliteStore
from tests.faults.conftest import CROSSING
from tests.ledger_http.conftest import Published

__all__ = ["say", "serve"]


def serve(work: Callable[[str], None]) -> None:
    """Fork a child for every line on standard input; say how it ended."""
    while line := _line():
        pid = os.fork()
        if pid == 0:
            say(str(os.getpid()))
            _line()
            work(line)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        say(f"exit {os.waitstatus_to_exitcode(status)}")


def say(text: str) -> None:
    """In one write, so that nothing stays behind when the process is killed."""
    os.write(1, f"{text}\n".encode())


def _line() -> str:
    """A line of standard input, and not a byte more: parent and child take turns at it."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return ""
        line += byte
    return line[:-1].decode()


def _work(line: str) -> None:
    folder = Path(line)
    world = Published(folder)
    try:
        ledger = world.open()
        try:
            for index in ledger.append([world.entry(number) for number in CROSSING]):
                say(f"logged {index}")
            size = int(ledger.checkpoint(world.now + 1).split(b"\n")[1])
        except ProjectError as exc:
            say(f"refused {exc.reason}")
            ledger.checkpoint(world.now + 1)  # what it goes on with has to be as good as after opening again
            say("went on")
            return
        say(f"signed {size}")
        with closing(SqliteStore(world.path)) as store:
            export_log(Publication(store), folder / "exported")
        say("done")
    except ProjectError as exc:
        say(f"refused {exc.reason}")
    except BaseException as exc:  # the one who asked has to see it
        say(f"crashed {type(exc).__name__} {exc}")


def _import_everything() -> None:
    """By doing all of it once: modules loaded late would be opened by the child."""
    with tempfile.TemporaryDirectory() as name:
        world = Published(Path(name))
        world.grow(3)
        export_log(world.publication(), world.folder / "exported")
        world.close()


if __name__ == "__main__":
    _import_everything()
    serve(_work)
