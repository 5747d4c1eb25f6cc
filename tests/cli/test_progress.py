"""Progress is for people at a terminal: a bar with rate and time left there, nothing anywhere else."""

from __future__ import annotations

import os
import pty
import re
import subprocess

import pytest

from cli.progress import pace
from tests.cli.conftest import City
from tests.program import TALLY, ok


@pytest.mark.parametrize(
    ("done", "left", "seconds", "text"),
    [
        (4500, 9000, 1.0, "4,500/s, 0:02 left"),
        (100, 12_100, 1.0, "100/s, 2:01 left"),
        (1, 0, 2.0, "0/s, 0:00 left"),
        (0, 10, 1.0, ""),
        (5, 5, 0.0, ""),
    ],
)
def test_the_pace_is_that_of_this_run(done: int, left: int, seconds: float, text: str) -> None:
    assert pace(done, left, seconds) == text


def test_a_terminal_sees_a_bar_and_a_pipe_sees_nothing(city: City) -> None:
    command = ("issuer", "import", city.folder / "export", "--home", city.home)
    assert ok(*command).err == ""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [TALLY, *map(str, command)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs
    )
    os.close(theirs)
    out, _ = process.communicate(timeout=120)
    seen = _read_all(ours)
    assert process.returncode == 0, seen
    assert b"people from" in out
    assert re.search(r"reading .*#+.* [0-9,]+/s, [0-9]+:[0-9]{2} left", seen), seen


def _read_all(terminal: int) -> str:
    data = b""
    try:
        while chunk := os.read(terminal, 65536):
            data += chunk
    except OSError:  # how Linux says that the other end was closed
        pass
    finally:
        os.close(terminal)
    return data.decode()
