"""A small ledger with four witnesses, on disk, as an operator would have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.ed25519 import Ed25519Signer
from ledger.entry import EntryType, encode_entry
from ledger.mldsa import MlDsa44Signer
from ledger.note import SignatureType, VerifierKey
from ledger.sequencer import Sequencer
from ledger.trust_policy import Group, LogKey, TrustPolicy, WitnessKey
from ledger.witness import LocalWitness
from ledger.witness_protocol import Witness
from tests.ledger.stores import LedgerDatabases
from tests.postgres import postgres_server

NOW = 1_790_000_000


class World:
    """One log, four witnesses (three must cosign), and the files of all of them under `folder`."""

    origin = "test.example/log1"
    log = 7
    now = NOW
    post_quantum = False  # the log and each witness sign with ML-DSA-44 too

    def __init__(self, folder: Path, place: str | Path | None = None) -> None:
        self.folder = folder
        self.path = folder / "ledger.db"
        self.place = self.path if place is None else place  # of the database, wherever it is
        self.anchor = folder / "anchor"
        self.signer = self.signer_of("log")
        self.key = VerifierKey(self.origin, SignatureType.ED25519, self.signer.public_key)
        self.mldsa = self.mldsa_of("log") if self.post_quantum else None
        self.witness_signers = [self.signer_of(f"witness {number}") for number in range(4)]
        self.policy = TrustPolicy(
            (LogKey(self.key), *self.mldsa_log_keys()),
            tuple(
                WitnessKey(
                    f"w{number}",
                    VerifierKey(f"test.example/w{number}", SignatureType.COSIGNATURE, signer.public_key),
                )
                for number, signer in enumerate(self.witness_signers)
            )
            + self.mldsa_witness_keys(),
            (Group("g", 3, ("w0", "w1", "w2", "w3")),),
            "g",
        )
        self._opened: list[Sequencer | LocalWitness] = []

    def signer_of(self, name: str) -> Ed25519Signer:
        return Ed25519Signer(sha256(name.encode()).digest())

    def mldsa_of(self, name: str) -> MlDsa44Signer:
        return MlDsa44Signer(sha256(f"{name} mldsa".encode()).digest())

    def mldsa_log_keys(self) -> tuple[LogKey, ...]:
        if self.mldsa is None:
            return ()
        return (LogKey(VerifierKey(self.origin, SignatureType.ML_DSA_44, self.mldsa.public_key)),)

    def mldsa_witness_keys(self) -> tuple[WitnessKey, ...]:
        signers = [self.mldsa_of(f"witness {number}") for number in range(4 if self.post_quantum else 0)]
        return tuple(
            WitnessKey(
                f"w{number}-mldsa",
                VerifierKey(f"test.example/w{number}", SignatureType.ML_DSA_44, signer.public_key),
            )
            for number, signer in enumerate(signers)
        )

    def witness(self, number: int) -> LocalWitness:
        witness = LocalWitness.open(
            self.folder / f"witness-{number}",
            signer=self.witness_signers[number],
            mldsa_signer=self.mldsa_of(f"witness {number}") if self.post_quantum else None,
            policy=self.policy,
        )
        self._opened.append(witness)
        return witness

    def open(
        self,
        *,
        path: str | Path | None = None,
        anchor: Path | None = None,
        witnesses: Sequence[Witness] | None = None,
        lock_timeout: float = 10.0,
    ) -> Sequencer:
        path = path or self.place
        if isinstance(path, Path) and not path.exists() and not (anchor or self.anchor).exists():
            Sequencer.create(path, origin=self.origin)
        ledger = Sequencer.open(
            path,
            origin=self.origin,
            log=self.log,
            signer=self.signer,
            mldsa_signer=self.mldsa,
            witnesses=[self.witness(number) for number in range(4)] if witnesses is None else witnesses,
            policy=self.policy,
            anchor=anchor or self.anchor,
            lock_timeout=lock_timeout,
        )
        self._opened.append(ledger)
        return ledger

    def entry(self, number: int, entry_type: EntryType = EntryType.CERTIFICATE) -> bytes:
        return encode_entry(entry_type, 1, sha256(b"%d" % number).digest())

    def entries(self, *numbers: int) -> list[bytes]:
        return [self.entry(number) for number in numbers]

    def close(self) -> None:
        while self._opened:
            self._opened.pop().close()


@pytest.fixture(scope="session")
def ledger_databases() -> Iterator[LedgerDatabases]:
    """One PostgreSQL server for all tests of this process."""
    with postgres_server() as server:
        yield LedgerDatabases(server)


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """On what a test runs: `sqlite`, or what `BOTH_STORES` says."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def place(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str | Path]:
    """Where a ledger may be made: a path at which nothing is, or the URL of an empty database."""
    if kind == "sqlite":
        yield tmp_path / "ledger.db"
        return
    databases: LedgerDatabases = request.getfixturevalue("ledger_databases")
    with databases.fresh() as url:
        yield url


@pytest.fixture
def world(kind: str, place: str | Path, tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, place)
    if kind == "postgres":
        Sequencer.create(place, origin=world.origin)
    yield world
    world.close()


@pytest.fixture
def make_world() -> Callable[..., World]:
    return World
