"""A bureau's nights from the outside: runs of the installed program that are killed, starved or run twice at once.

    python -m tests.issuer.nights --people 20000 --moments 20

kills so many mints at random moments, runs each again, and says what was found.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from issuer.home import Home
from ledger.entry import EntryType, encode_entry
from ledger.store.sqlite import SqliteStore
from tests.program import TALLY, Ran, ok
from verifier.trust_dir import load_trust

__all__ = ["Found", "Night", "audit", "start", "starved"]

# Runs the rest of its arguments with a ceiling on the size of any file it writes: a disk that is full.
_STARVED = (
    "import os, resource, sys\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))\n"
    "os.execv(sys.argv[2], sys.argv[2:])"
)


def starved(*arguments: object, file_limit: int) -> Ran:
    """Run the installed program to its end, with files of at most `file_limit` bytes."""
    process = start(*arguments, file_limit=file_limit)
    out, err = process.communicate(timeout=600)
    return Ran(process.returncode, out, err)


def start(*arguments: object, file_limit: int | None = None) -> subprocess.Popen[str]:
    """Start the installed program."""
    before = [] if file_limit is None else [sys.executable, "-c", _STARVED, str(file_limit)]
    return subprocess.Popen(
        [*before, str(TALLY), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass(frozen=True)
class Found:
    """What a finished night left: who was minted for, and what the ledger holds."""

    persons: Counter[str]
    entries: int
    status_places: int


def audit(home_path: Path) -> Found:
    """Check that register and ledger agree to the last entry, and that the whole ledger recomputes."""
    home = Home(home_path)
    checked = home.check_ledger()
    load_trust(home.trust_dir)  # the bundle in place is whole
    with closing(sqlite3.connect(home_path / "register.db")) as register:
        rows = register.execute(
            "SELECT person_no, digest, log_index, status_list, status_index FROM certificates"
        ).fetchall()
    with closing(SqliteStore(home.ledger_path)) as store:
        entries = {row.index: row.entry for row in store.entries(0, store.size())}
    assert sorted(entries) == list(range(checked.size)), "the ledger has a hole"
    for _, digest, index, *_ in rows:
        assert index is not None, "a certificate was left unlogged"
        assert entries[index] == encode_entry(EntryType.CERTIFICATE, home.settings.authority, digest)
    logged = sum(
        entry[:3] == encode_entry(EntryType.CERTIFICATE, 1, bytes(32))[:3] for entry in entries.values()
    )
    assert logged == len(rows), "the ledger holds a certificate that the register does not know"
    return Found(Counter(row[0] for row in rows), len(entries), len({row[3:] for row in rows}))


class Night:
    """A home with imported people, copied for each night, so that every night begins alike."""

    def __init__(self, folder: Path, people: int) -> None:
        self.folder = folder
        self.people = people
        self.export = folder / "export"
        self.template = folder / "template"
        ok("sample", "--people", people, "--seed", 11, "--out", self.export)
        ok("init", self.template)
        ok("issuer", "import", self.export, "--home", self.template)

    @contextmanager
    def begun(self) -> Iterator[Path]:
        """A fresh copy of the home."""
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            home = Path(name) / "home"
            shutil.copytree(self.template, home)
            yield home

    def undisturbed(self) -> float:
        """Seconds that a mint of everyone takes; also checks that it mints everyone once."""
        with self.begun() as home:
            began = time.monotonic()
            ok("issuer", "mint", "--all", "--home", home)
            took = time.monotonic() - began
            self.require_everyone(home)
        return took

    def killed(self, home: Path, after: float, *command: object) -> bool:
        """Kill a run of `command` after so many seconds; False if it was over by then."""
        process = start(*command, "--home", home)
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        return process.returncode == -signal.SIGKILL

    def require_everyone(self, home: Path) -> None:
        found = audit(home)
        assert len(found.persons) == self.people
        assert set(found.persons.values()) == {1}, "minted twice"
        assert found.status_places == self.people


def kill_mints(night: Night, moments: int, seed: int) -> int:
    """Kill a mint at random moments, each in a home of its own, and complete it; how many were caught at work."""
    chance, took, caught = random.Random(seed), night.undisturbed(), 0
    for _ in range(moments):
        with night.begun() as home:
            caught += night.killed(home, chance.uniform(0.1, 1.0) * took, "issuer", "mint", "--all")
            ok("issuer", "mint", "--all", "--home", home)
            night.require_everyone(home)
    return caught


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        night = Night(Path(name), given.people)
        began = time.monotonic()
        caught = kill_mints(night, given.moments, given.seed)
    took = time.monotonic() - began
    print(
        f"{given.moments} mints of {given.people:,} people, {caught} killed at work, all completed: {took:.0f} s"
    )


if __name__ == "__main__":
    main()
