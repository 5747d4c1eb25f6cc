"""Drills with a PostgreSQL server of one's own: killed mid-batch, and an older copy of its data in its place (D15)."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from ledger.anchor import load_anchor
from ledger.check import check_ledger
from ledger.errors import IntegrityError
from ledger.reasons import Reason
from ledger.sequencer import Sequencer
from ledger.store.opening import create_store, open_store
from tests.attacks.marking import attack
from tests.ledger.store_contract.test_contract import reason_of
from tests.postgres import PostgresServer, postgres_server

if TYPE_CHECKING:
    from tests.ledger.conftest import World
else:
    World = Any


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def world(server: PostgresServer, tmp_path: Path, make_world: Callable[..., World]) -> Iterator[World]:
    """A ledger in a database of its own on a server that the test may kill."""
    server.run("CREATE DATABASE drill")
    world = make_world(tmp_path, server.url("drill"))
    create_store(world.place, origin=world.origin)
    yield world
    world.close()
    server.run("DROP DATABASE drill WITH (FORCE)")


class Appending:
    """Appends batches until the ledger fails; `acknowledged` are the numbers it was told of, by index."""

    def __init__(self, world: World, ledger: Sequencer, first: int) -> None:
        self.world, self.ledger, self.next = world, ledger, first
        self.acknowledged: dict[int, int] = {}
        self.failure: IntegrityError | None = None
        self.thread = Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            while True:
                numbers = range(self.next, self.next + 40)
                indices = self.ledger.append(self.world.entries(*numbers))
                self.acknowledged.update(zip(indices, numbers, strict=True))
                self.next += 40
        except IntegrityError as exc:
            self.failure = exc


@attack("D15", Reason.STORE_IO_ERROR)
def test_a_server_killed_mid_batch_loses_nothing_it_acknowledged(
    world: World, server: PostgresServer, full: bool
) -> None:
    chance = random.Random("drill")
    acknowledged: dict[int, int] = {}
    first = 0
    for _ in range(25 if full else 3):
        ledger = world.open()
        appending = Appending(world, ledger, first)
        while not appending.acknowledged and appending.failure is None:
            time.sleep(0.01)
        time.sleep(0.3 * chance.random())
        server.kill()
        appending.thread.join()
        assert appending.failure is not None
        assert appending.failure.reason is Reason.STORE_IO_ERROR
        assert reason_of(lambda ledger=ledger: ledger.checkpoint(world.now)) == Reason.STORE_IO_ERROR  # type: ignore[misc]
        server.start()
        acknowledged.update(appending.acknowledged)
        first = appending.next  # the batch in flight comes again: logged already, or now
        ledger = world.open()
        require_all(world, acknowledged)
        again = ledger.append(world.entries(*range(first, first + 40)))
        assert again == list(range(again[0], again[0] + 40))
        acknowledged.update(zip(again, range(first, first + 40), strict=True))
        first += 40
        ledger.checkpoint(world.now)
        assert sorted(acknowledged) == list(range(ledger.size))
        world.close()
    require_all(world, acknowledged)


def require_all(world: World, acknowledged: dict[int, int]) -> None:
    store = open_store(world.place)
    check_ledger(store, key=world.key, anchor=load_anchor(world.anchor, key=world.key))
    stored = [row.entry for row in store.entries(0, store.size())]
    for index, number in acknowledged.items():
        assert stored[index] == world.entry(number)
    store.close()


@attack("D15", Reason.STORE_ROLLBACK_DETECTED)
@attack("D09", Reason.STORE_ROLLBACK_DETECTED)
def test_a_standby_that_lags_is_refused_and_the_newest_goes_on(world: World, server: PostgresServer) -> None:
    data, older = server.folder / "data", server.folder / "older"
    ledger = world.open()
    ledger.append(world.entries(*range(300)))
    ledger.checkpoint(world.now)
    server.stop()
    subprocess.run(["cp", "-a", data, older], check=True)
    server.start()
    world.close()
    ledger = world.open()
    ledger.append(world.entries(*range(300, 400)))
    newest = ledger.checkpoint(world.now + 1)
    world.close()
    for fails in (True, False):
        server.stop()
        data.rename(server.folder / "aside")
        older.rename(data)
        (server.folder / "aside").rename(older)
        server.start()
        if fails:
            assert reason_of(world.open) == Reason.STORE_ROLLBACK_DETECTED
    ledger = world.open()
    assert ledger.newest_checkpoint() == newest
    assert ledger.append(world.entries(5, 1000)) == [5, 400]
    assert ledger.checkpoint(world.now + 2)


def test_a_standby_that_lags_does_not_take_over_under_an_open_ledger(
    world: World, server: PostgresServer
) -> None:
    """A lost connection is not replaced: only who opens the ledger compares it with what was signed."""
    ledger = world.open()
    ledger.append(world.entries(1, 2))
    server.kill()
    server.start()
    with psycopg.connect(str(world.place)) as connection:
        connection.execute("SELECT")
    for late in (lambda: ledger.append(world.entries(3)), lambda: ledger.checkpoint(world.now)):
        assert reason_of(late) == Reason.STORE_IO_ERROR
    assert world.open().append(world.entries(3, 1)) == [2, 0]
