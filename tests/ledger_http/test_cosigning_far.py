"""A log and its witnesses in other departments: asked at once, none waited for too long, quorum or nothing (W14)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from ledger.checkpoint import parse_checkpoint_note
from ledger.errors import ConfigError, ConflictError, IntegrityError
from ledger.http.witness_app import create_witness_app
from ledger.http.witness_client import HttpWitness
from ledger.reasons import Reason
from ledger.trust_policy import verify_checkpoint
from ledger.witness import LocalWitness
from tests.ledger.tampering import copy_database, reason_of
from tests.ledger_http.conftest import Published
from tests.ledger_http.serving import running


class Departments:
    """Four machines with a witness each, on real sockets."""

    def __init__(self, world: Published) -> None:
        self.world = world
        self.running = ExitStack()
        self.urls = [self.running.enter_context(running(self.app(number))) for number in range(4)]

    def app(self, number: int) -> FastAPI:
        world = self.world

        def open_witness() -> LocalWitness:
            return LocalWitness.open(
                world.folder / f"far-{number}",
                signer=world.witness_signers[number],
                mldsa_signer=world.mldsa_of(f"witness {number}"),
                policy=world.policy,
            )

        return create_witness_app(open_witness, clock=lambda: world.now)

    def witness(self, number: int, url: str | None = None, seconds: float = 5.0) -> HttpWitness:
        key = self.world.policy.witnesses[number].key
        return HttpWitness(url or self.urls[number], key=key, seconds=seconds)

    def fake(self, answer: Callable[[], object], number: int, seconds: float = 5.0) -> HttpWitness:
        """A machine in place of a department's that answers as told."""
        app = FastAPI()

        async def endpoint(request: Request) -> object:
            await request.body()
            made = answer()
            return await made if asyncio.iscoroutine(made) else made

        app.add_api_route("/add-checkpoint", endpoint, methods=["POST"], response_model=None)
        return self.witness(number, self.running.enter_context(running(app)), seconds)


@pytest.fixture
def departments(world: Published) -> Iterator[Departments]:
    made = Departments(world)
    yield made
    made.running.close()


def test_far_witnesses_make_the_quorum(world: Published, departments: Departments) -> None:
    ledger = world.open(witnesses=[departments.witness(number) for number in range(4)])
    for step, size in enumerate((3, 300)):
        ledger.append([world.entry(number) for number in range(size)])
        note = ledger.checkpoint(world.now + step)
        verified = verify_checkpoint(note, policy=world.policy, now=world.now + step)
        assert verified.checkpoint.size == size
        names = {line.name for line in parse_checkpoint_note(note)[1]}
        assert len(names) >= 4  # the log and three witnesses
    assert ledger.prove(299).size == 300


async def drip() -> StreamingResponse:
    """An answer that never ends, a byte at a time: each read is quick, all of them together are not."""

    async def parts() -> object:
        while True:
            yield b"x"
            await asyncio.sleep(0.05)

    return StreamingResponse(parts())  # type: ignore[arg-type]  # an async generator, typed loosely above


async def asleep() -> dict[str, str]:
    await asyncio.sleep(3)
    return {}


@pytest.mark.parametrize("answer", [drip, asleep], ids=["drip", "asleep"])
def test_a_slow_witness_holds_up_nobody(
    world: Published, departments: Departments, answer: Callable[[], object]
) -> None:
    slow = departments.fake(answer, 0, seconds=30)
    ledger = world.open(witnesses=[slow, *(departments.witness(number) for number in (1, 2, 3))])
    ledger.append(world.entries(1))
    before = time.monotonic()
    names = {line.name for line in parse_checkpoint_note(ledger.checkpoint(world.now))[1]}
    assert time.monotonic() - before < 2.5
    assert names == {world.origin, "test.example/w1", "test.example/w2", "test.example/w3"}


def test_awaiting_witnesses_then_published(world: Published, departments: Departments) -> None:
    silent = [departments.fake(asleep, 0, seconds=0.3), departments.witness(1, "http://127.0.0.1:9")]
    ledger = world.open(witnesses=[*silent, departments.witness(2), departments.witness(3)])
    assert ledger.append(world.entries(1, 2)) == [0, 1]  # logged all the same
    assert reason_of(lambda: ledger.checkpoint(world.now), ConflictError) == Reason.CKPT_QUORUM_UNMET
    assert ledger.newest_checkpoint() is None
    assert reason_of(lambda: ledger.prove(0), ConflictError) == Reason.LOG_INCLUSION_MISSING
    publication = world.publication()
    assert (publication.logged(), publication.signed(), publication.newest()) == (2, 2, None)
    ledger.close()
    ledger = world.open(witnesses=[departments.witness(number) for number in range(4)])
    ledger.checkpoint(world.now + 1)
    assert ledger.prove(1).size == 2


@pytest.mark.parametrize(
    ("status", "kind", "content"),
    [
        (200, "text/plain", b""), (200, "text/plain", b"garbage\n"), (200, "text/plain", b"x" * 100_000),
        (200, "text/plain", "— test.example/w0 AAAAAAE=\n".encode()), (409, "text/x.tlog.size", b"0\n"),
        (409, "text/x.tlog.size", b"99999999\n"), (409, "text/x.tlog.size", b"+1\n"), (409, "text/plain", b"1\n"),
        (302, "text/plain", b""), (400, "text/plain", b""), (403, "text/plain", b""), (404, "text/plain", b""),
        (422, "text/plain", b""), (500, "text/plain", b""), (418, "text/plain", b"\xff"),
    ],
)  # fmt: skip
def test_a_lying_witness_stops_nobody(
    world: Published, departments: Departments, status: int, kind: str, content: bytes
) -> None:
    from fastapi.responses import Response

    liar = departments.fake(
        lambda: Response(content, status, {"Content-Type": kind, "Location": departments.urls[0]}), 0
    )
    ledger = world.open(witnesses=[liar, *(departments.witness(number) for number in (1, 2, 3))])
    ledger.append(world.entries(1))
    _, lines = parse_checkpoint_note(ledger.checkpoint(world.now))
    assert "test.example/w0" not in {line.name for line in lines}


def test_a_copy_of_the_ledger_gets_no_quorum(world: Published, departments: Departments) -> None:  # D10
    """Two copies, two anchors: whoever comes second is told by the witnesses that another history was cosigned."""
    far = [departments.witness(number) for number in range(4)]
    ledger = world.open(witnesses=far)
    ledger.append(world.entries(1, 2))
    ledger.checkpoint(world.now)
    copy, anchor = world.folder / "copy.db", world.folder / "anchor-of-copy"
    copy_database(world.path, copy)
    anchor.write_bytes(world.anchor.read_bytes())
    second = world.open(path=copy, anchor=anchor, witnesses=far)
    ledger.append(world.entries(3, 4))
    ledger.checkpoint(world.now + 1)
    second.append(world.entries(5, 6))
    assert reason_of(lambda: second.checkpoint(world.now + 1), IntegrityError) == Reason.STORE_FORK_DETECTED
    second.close()
    assert ledger.prove(3).size == 4


def test_an_address_is_one(world: Published) -> None:
    for url in ("ftp://witness", "witness.example", "http://", "file:///etc"):
        with pytest.raises(ConfigError):
            HttpWitness(url, key=world.policy.witnesses[0].key)
