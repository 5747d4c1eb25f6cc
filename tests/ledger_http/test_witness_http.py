"""A witness on a real socket: every refusal with its status, races, restarts, and what monitors get (W08–W14, W16)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from ledger.checkpoint import Checkpoint, parse_checkpoint_note, verify_cosignature, verify_log_signature
from ledger.http.witness_app import create_witness_app
from ledger.merkle import EMPTY_ROOT, RootHash
from ledger.mldsa import MlDsa44Signer
from ledger.note import SignatureType, VerifierKey, parse_signature_lines
from ledger.witness import MARKER_NAME, STATE_NAME, LocalWitness
from ledger.witness_protocol import MAX_REQUEST
from tests.attacks.marking import attack
from tests.ledger.test_witness import (
    FORK,
    GOOD,
    LOG,
    LOG_KEY,
    NAME,
    NOW,
    ORIGIN,
    WITNESS,
    body,
    checkpoint_of,
    forged,
    other_log,
    path_between,
    signed,
)
from tests.ledger_http.serving import running

MLDSA = MlDsa44Signer(b"w" * 32)
KEY = VerifierKey(NAME, SignatureType.COSIGNATURE, WITNESS.public_key)
MLDSA_KEY = VerifierKey(NAME, SignatureType.ML_DSA_44, MLDSA.public_key)
MONITORED = f"/{sha256(ORIGIN.encode()).hexdigest()}/checkpoint"


class Department:
    """Another department's machine: the witness, started and stopped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running = ExitStack()
        self.client = httpx.Client()

    def open(self) -> LocalWitness:
        return LocalWitness(
            self.folder, signer=WITNESS, mldsa_signer=MLDSA, name=NAME, log_keys=[LOG_KEY], keep_notes=True
        )

    def start(self) -> None:
        url = self._running.enter_context(running(create_witness_app(self.open, clock=lambda: NOW)))
        self.client.close()
        self.client = httpx.Client(base_url=url)

    def stop(self) -> None:
        self.client.close()
        self._running.close()

    def ask(self, request: bytes) -> httpx.Response:
        return self.client.post("/add-checkpoint", content=request)


@pytest.fixture
def department(tmp_path: Path) -> Iterator[Department]:
    made = Department(tmp_path / "witness")
    made.start()
    yield made
    made.stop()


REQUESTS: dict[str, tuple[Callable[[], bytes], int]] = {
    "the next size": (lambda: body(5, 9), 200),
    "the same size again": (lambda: body(5, 5), 200),
    "a log it does not know": (lambda: body(5, 9, note=other_log()), 404),
    "a log it does not know, everything else wrong too": (lambda: body(10, 9, note=other_log(), path=[]), 404),
    "nobody signed": (lambda: body(5, 9, note=signed(checkpoint_of(9), WITNESS)), 403),
    "the log's line is forged": (lambda: body(5, 9, note=forged()), 403),
    "forged, and the old size above the new": (lambda: body(10, 9, note=forged()), 403),
    "an old size above the new one": (lambda: body(10, 9), 400),
    "an old size above the new one, with a proof": (lambda: body(10, 9, path=[bytes(32)]), 400),
    "an old size too small": (lambda: body(4, 9), 409),
    "an old size of zero": (lambda: body(0, 9), 409),
    "an old size too large": (lambda: body(6, 9), 409),
    "a smaller tree": (lambda: body(0, 4), 409),
    "no proof": (lambda: body(5, 9, path=[]), 422),
    "a proof too short": (lambda: body(5, 9, path=path_between(5, 9)[:-1]), 422),
    "a proof too long": (lambda: body(5, 9, path=[*path_between(5, 9), bytes(32)]), 422),
    "a wrong hash in the proof": (lambda: body(5, 9, path=[bytes(32), *path_between(5, 9)[1:]]), 422),
    "another history": (lambda: body(5, 9, note=signed(checkpoint_of(9, FORK))), 422),
    "another root of the same size": (lambda: body(5, 5, note=signed(checkpoint_of(5, FORK))), 422),
    "a proof between equal sizes": (lambda: body(5, 5, path=[bytes(32)]), 422),
    "nothing": (lambda: b"", 400),
    "a zero before the size": (lambda: GOOD.replace(b"old 5", b"old 05"), 400),
    "64 proof lines": (lambda: body(5, 9, path=[bytes(32)] * 64), 400),
    "carriage returns": (lambda: GOOD.replace(b"\n", b"\r\n"), 400),
    "cut short": (lambda: GOOD[:-1], 400),
    "a megabyte": (lambda: GOOD + b"x" * MAX_REQUEST, 413),
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
@attack("W08")
@attack("W16")
def test_each_request_gets_its_status(department: Department, name: str) -> None:
    """400, 403, 404, 409, 413, 422 or 200, as tlog-witness has them; what was refused changed nothing"""
    make, status = REQUESTS[name]
    assert department.ask(body(0, 5)).status_code == 200
    response = department.ask(make())
    assert response.status_code == status, response.text
    if status == 409:
        assert response.content == b"5\n"
        assert response.headers["content-type"] == "text/x.tlog.size"
    if status == 200:
        size = 9 if name == "the next size" else 5
        times = [
            verify_cosignature(checkpoint_of(size), line.blob, key=key)
            for line, key in zip(parse_signature_lines(response.text), (KEY, MLDSA_KEY), strict=True)
        ]
        assert times == [NOW, NOW]
    else:
        assert department.ask(body(5, 9)).status_code == 200  # whatever was refused changed nothing


@pytest.mark.parametrize(
    ("root", "path", "status"),
    [(EMPTY_ROOT, [], 200), (EMPTY_ROOT, [bytes(32)], 422), (RootHash(bytes(32)), [], 422)],
)
@attack("W13")
def test_size_zero(department: Department, root: RootHash, path: list[bytes], status: int) -> None:
    """Size 0 with a proof or another root: 422"""
    request = body(0, 0, note=signed(Checkpoint(ORIGIN, 0, root)), path=path)
    assert department.ask(request).status_code == status


def test_there_is_nothing_else(department: Department) -> None:
    assert department.client.get("/add-checkpoint").status_code == 405
    for path in ("/", "/checkpoint", "/openapi.json", "/../checkpoint", "/x/checkpoint", MONITORED):
        assert department.client.get(path).status_code == 404


def test_monitors_get_the_newest_note(department: Department) -> None:
    for old_size, size in ((0, 5), (5, 9)):
        department.ask(body(old_size, size))
    response = department.client.get(MONITORED)
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    checkpoint, lines = parse_checkpoint_note(response.content)
    assert checkpoint == checkpoint_of(9)
    verify_log_signature(checkpoint, lines[0].blob, key=LOG_KEY)
    assert verify_cosignature(checkpoint, lines[1].blob, key=KEY) == NOW
    assert verify_cosignature(checkpoint, lines[2].blob, key=MLDSA_KEY) == NOW


def race(department: Department, rounds: int) -> None:
    """Each round two logs' processes ask from one old size, for two sizes; one wins, the size never falls."""
    sizes = [0]
    with ThreadPoolExecutor(2) as pool:
        for number in range(rounds):
            old = sizes[-1]
            if old > 50:
                department.stop()
                shutil.rmtree(department.folder)
                department.start()
                old = 0
            steps = (old + 1 + number % 2, old + 2 + number % 3)
            answers = list(pool.map(lambda size, old=old: department.ask(body(old, size)), steps))
            won = [size for size, answer in zip(steps, answers, strict=True) if answer.status_code == 200]
            lost = [answer for answer in answers if answer.status_code != 200]
            if steps[0] != steps[1]:
                assert [answer.status_code for answer in lost] == [409]
                assert lost[0].content == b"%d\n" % won[0]
            sizes.append(won[-1])
    assert len(sizes) == rounds + 1


@attack("W09")
def test_a_race_from_one_old_size(department: Department, full: bool) -> None:
    race(department, 1000 if full else 50)


@attack("W11")
def test_restarted_between_check_and_answer(department: Department, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state says 5, no answer left; after the restart the same request is told so, and goes on from there."""
    with monkeypatch.context() as patch:
        patch.setattr(LocalWitness, "_cosign", lambda *_: (_ for _ in ()).throw(OSError("killed here")))
        assert department.ask(body(0, 5)).status_code == 500
    department.stop()
    department.start()
    again = department.ask(body(0, 5))
    assert (again.status_code, again.content) == (409, b"5\n")
    assert department.ask(body(5, 5, note=signed(checkpoint_of(5, FORK)))).status_code == 422
    assert department.ask(body(5, 5)).status_code == 200


@attack("W11")
def test_killed_before_the_state_was_stored(department: Department, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(LocalWitness, "_advance", lambda *_: (_ for _ in ()).throw(OSError("killed here")))
        assert department.ask(body(0, 5)).status_code == 500
    department.stop()
    department.start()
    assert department.ask(body(0, 9)).status_code == 200


def test_a_state_of_yesterday_signs_nothing(department: Department, tmp_path: Path) -> None:
    department.ask(body(0, 5))
    department.stop()
    shutil.copytree(department.folder, tmp_path / "backup")
    department.start()
    department.ask(body(5, 9))
    department.stop()
    shutil.copy(tmp_path / "backup" / STATE_NAME, department.folder / STATE_NAME)
    for suffix in ("-wal", "-shm"):
        Path(f"{department.folder / STATE_NAME}{suffix}").unlink(missing_ok=True)
    with pytest.raises(AssertionError, match="did not start"):
        department.start()


def test_a_state_lost_while_it_runs_signs_nothing(department: Department) -> None:
    department.ask(body(0, 5))
    (department.folder / MARKER_NAME).unlink()
    response = department.ask(body(5, 9))
    assert (response.status_code, response.text) == (503, "wit.state_lost\n")
    assert LOG.public_key
