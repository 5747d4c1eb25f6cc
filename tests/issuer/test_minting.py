"""Minting: all or nothing, never twice, logged before it leaves, the same bytes from the same inputs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from certificate.certificate import parse_certificate
from certificate.keys import Ed25519CoseSigner
from issuer.bureau_ledger import BureauLedger
from issuer.export import find_row, full_certificate, paper_extra, paper_slots, tree_of_row
from issuer.mint import Minter, MintOrder, MintSettings
from issuer.register import PAPER, Register
from issuer.service import mint_all, mint_persons, opened_register
from ledger.errors import ConfigError, IntegrityError, ProjectError
from ledger.reasons import Reason
from tests.attacks.marking import attack
from tests.issuer.conftest import PEOPLE, Bureau
from tests.world import SECONDS, signer
from verifier.expect import STATIC
from verifier.report import Outcome
from verifier.seen import MemorySeen
from verifier.trust_dir import load_trust
from verifier.verify import verify

NOW = datetime.fromtimestamp(SECONDS, UTC)


class Stream:
    """Random bytes that are the same in every run."""

    def __init__(self, name: bytes) -> None:
        self._name = name
        self._count = 0

    def __call__(self, size: int) -> bytes:
        out = b""
        while len(out) < size:
            self._count += 1
            out += sha256(self._name + self._count.to_bytes(8)).digest()
        return out[:size]


def minter(bureau: Bureau, ledger: object, random: Callable[[int], bytes], register: object) -> Minter:
    snapshot = bureau.home.snapshot()
    return Minter(
        register=register,  # type: ignore[arg-type]  # the register as opened by the test
        ledger=ledger,  # type: ignore[arg-type]  # a ledger or one that fails on purpose
        signer=bureau.home.signer("office-1"),
        seal_key=bureau.home.seal_key(),
        settings=MintSettings(1, 1, 1, 90, snapshot.cut_off, snapshot.digest),
        random=random,
        now=SECONDS,
    )


def test_the_same_inputs_give_the_same_bytes(
    bureau: Bureau, tmp_path_factory: pytest.TempPathFactory
) -> None:
    signed = []
    for run in range(2):
        register = Register(tmp_path_factory.mktemp("register") / f"{run}.db", create=True)
        made = minter(bureau, bureau.ledger, Stream(b"seed"), register)
        orders = [MintOrder(bureau.home.snapshot().claims(person)) for person in bureau.persons[:5]]
        numbers = [minted.number for minted in made.mint(orders)]
        rows = [register.by_number(number) for number in numbers]
        signed.append([row.signed for row in rows if row is not None])
        register.close()
    assert len(signed[0]) == 5
    assert signed[0] == signed[1]


@attack("K06")
def test_nobody_is_minted_twice(bureau: Bureau) -> None:
    key = signer("holder").public_key
    first = mint_persons(bureau.home, bureau.ledger, [(bureau.persons[0], key)], now=SECONDS)
    again = mint_persons(bureau.home, bureau.ledger, [(bureau.persons[0], key)] * 3, now=SECONDS + 60)
    assert (first.minted, again.minted, again.already) == (1, 0, 3)
    assert {c.number for c in again.certificates} == {first.certificates[0].number}
    paper = mint_persons(bureau.home, bureau.ledger, [(bureau.persons[0], PAPER)], now=SECONDS + 120)
    second = [(bureau.persons[0], signer("2").public_key)]
    other_key = mint_persons(bureau.home, bureau.ledger, second, now=SECONDS + 180)
    assert (paper.minted, other_key.minted) == (1, 1)


def test_everyone_is_minted_once_and_each_paper_verifies(bureau: Bureau) -> None:
    run = mint_all(bureau.home, bureau.ledger, now=SECONDS)
    assert (run.minted, run.already) == (PEOPLE, 0)
    assert mint_all(bureau.home, bureau.ledger, now=SECONDS + 1).minted == 0
    trust = load_trust(bureau.home.trust_dir)
    indices = set()
    for person in bureau.persons:
        row = find_row(bureau.home, person)
        data = full_certificate(bureau.home, bureau.ledger, row)
        report = verify(data, trust=trust, now=NOW, expect=STATIC, seen=MemorySeen())
        assert report.outcome is Outcome.VALID, report
        assert len(report.disclosed) == len(bureau.home.snapshot().claims(person).claims)
        indices.add((parse_certificate(data).body.status_index, row.log_index))
    assert len(indices) == PEOPLE


def test_status_places_and_ledger_order_say_nothing_about_who(bureau: Bureau) -> None:
    """S16: places are not in the order of persons, and a batch is logged by digest."""
    mint_all(bureau.home, bureau.ledger, now=SECONDS)
    rows = [find_row(bureau.home, person) for person in bureau.persons]
    places = [row.status_index for row in rows]
    assert places != sorted(places)
    assert max(places) > 2**17  # spread over the whole list, not the first PEOPLE places
    logged = sorted(rows, key=lambda row: row.log_index or 0)
    assert [row.digest for row in logged] == sorted(row.digest for row in rows)


class FailingLedger:
    """A ledger whose append fails, as a full disk or a dead service makes it fail."""

    def __init__(self, ledger: BureauLedger, *, kept: bool) -> None:
        self.log = ledger.log
        self._ledger = ledger
        self._kept = kept

    def append(self, entries: Sequence[bytes]) -> list[int]:
        if self._kept:
            self._ledger.append(entries)
        raise IntegrityError(Reason.STORE_FULL, "no space")


@attack("K11", Reason.LOG_INCLUSION_MISSING)
@pytest.mark.parametrize("kept", [False, True])
def test_a_failed_append_leaves_nothing_that_could_leave(bureau: Bureau, kept: bool) -> None:
    """K11: lost, and kept but reported lost. The next run completes the batch; nothing is minted twice."""
    with opened_register(bureau.home) as register:
        failing = minter(bureau, FailingLedger(bureau.ledger, kept=kept), Stream(b"x"), register)
        orders = [MintOrder(bureau.home.snapshot().claims(person)) for person in bureau.persons[:7]]
        with pytest.raises(IntegrityError):
            list(failing.mint(orders))
        assert len(register.unlogged()) == 7
    row = find_row(bureau.home, bureau.persons[0])
    with pytest.raises(ConfigError) as refusal:
        full_certificate(bureau.home, bureau.ledger, row)
    assert refusal.value.reason is Reason.LOG_INCLUSION_MISSING
    size = bureau.ledger.size
    with opened_register(bureau.home) as register:
        healed = minter(bureau, bureau.ledger, Stream(b"y"), register)
        assert len(healed.resumed) == 7
        minted = list(healed.mint(orders))
        assert not any(m.is_new for m in minted)
        assert register.unlogged() == []
    assert bureau.ledger.size == size + (0 if kept else 7)


@attack("K07")
def test_a_bad_order_mints_nothing_of_its_batch(bureau: Bureau) -> None:
    """K07: one bad row, none issued."""
    good = [MintOrder(bureau.home.snapshot().claims(person)) for person in bureau.persons[:5]]
    bad = MintOrder(good[0].person, signer("h").public_key, {2: "隐藏\u202e文字"})
    size = bureau.ledger.size
    with opened_register(bureau.home) as register:
        made = minter(bureau, bureau.ledger, Stream(b"z"), register)
        with pytest.raises(ProjectError):
            list(made.mint([*good, bad]))
        assert register.count() == 0
    assert bureau.ledger.size == size


@attack("K06", Reason.CLI_DUPLICATE_ID)
def test_the_register_refuses_a_status_place_given_twice(bureau: Bureau) -> None:
    """S12: an index given twice by the issuer."""

    with opened_register(bureau.home) as register:
        orders = [MintOrder(bureau.home.snapshot().claims(person)) for person in bureau.persons[:2]]
        list(minter(bureau, bureau.ledger, Stream(b"a"), register).mint(orders[:1]))
        row = register.of_person(bureau.persons[0])[0]
        twin = replace(row, number="X", digest=bytes(32), identity=replace(row.identity, person_no="other"))
        with pytest.raises(IntegrityError) as refusal:
            register.add_signed([twin.values()])
        assert refusal.value.reason is Reason.CLI_DUPLICATE_ID


def test_register_rows_cannot_be_deleted(bureau: Bureau) -> None:
    mint_persons(bureau.home, bureau.ledger, [(bureau.persons[0], PAPER)], now=SECONDS)
    connection = sqlite3.connect(bureau.home.path / "register.db")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("DELETE FROM certificates")
    connection.close()


def test_a_seed_in_the_register_is_sealed(bureau: Bureau) -> None:
    """Neither the seed nor a salt derived from it stands in the register's bytes."""
    mint_persons(bureau.home, bureau.ledger, [(bureau.persons[0], PAPER)], now=SECONDS)
    tree = tree_of_row(bureau.home, find_row(bureau.home, bureau.persons[0]))
    salts = [d.salt for d in tree.disclose(tree.slots)[0]]
    files = [bureau.home.path / name for name in ("register.db", "register.db-wal")]
    stored = b"".join(path.read_bytes() for path in files if path.exists())
    assert len(stored) > 1000
    assert not any(salt in stored for salt in salts)


def test_paper_may_say_for_whom_and_what_for(bureau: Bureau) -> None:
    extra = paper_extra(audience="示例银行(测试)", purpose="贷款")
    run = mint_persons(bureau.home, bureau.ledger, [(bureau.persons[0], PAPER)], now=SECONDS, extra=extra)
    row = find_row(bureau.home, run.certificates[0].number)
    tree = tree_of_row(bureau.home, row)
    shown = {d.slot: d.value for d in tree.disclose(paper_slots(tree))[0]}
    assert (shown[2], shown[3]) == ("示例银行(测试)", "贷款")
    plain = mint_persons(bureau.home, bureau.ledger, [(bureau.persons[0], PAPER)], now=SECONDS)
    assert plain.certificates[0].number != row.number


@attack("P28")
def test_two_audiences_of_two_copies_share_only_what_is_shown(bureau: Bureau) -> None:
    """P28 for two copies of one person: no salt, hash, key or place in common."""
    keys = [Ed25519CoseSigner(bytes([n]) * 32) for n in (1, 2)]
    run = mint_persons(
        bureau.home, bureau.ledger, [(bureau.persons[0], key.public_key) for key in keys], now=SECONDS
    )
    certificates = [
        parse_certificate(full_certificate(bureau.home, bureau.ledger, find_row(bureau.home, c.number)))
        for c in run.certificates
    ]
    seen: list[set[object]] = []
    for certificate in certificates:
        hashes = {certificate.multiproof[at : at + 32] for at in range(0, len(certificate.multiproof), 32)}
        salts = {d.salt for d in certificate.disclosures}
        body = certificate.body
        own: set[object] = {body.claims_root, body.cnf, body.status_index, certificate.digest()}
        seen.append(own | hashes | salts)
    assert seen[0] & seen[1] == set()


@attack("K05", Reason.CLI_CLOCK_SUSPECT)
@pytest.mark.parametrize("now", [SECONDS - 1, 0, 2**32])
def test_a_clock_that_cannot_be_right_mints_nothing(bureau: Bureau, now: int) -> None:
    """K05: earlier than the newest checkpoint, 1970, 2106. Refused before anything is signed or logged."""
    size = bureau.ledger.size
    with pytest.raises(ConfigError) as refusal:
        mint_persons(bureau.home, bureau.ledger, [(bureau.persons[0], PAPER)], now=now)
    assert refusal.value.reason is Reason.CLI_CLOCK_SUSPECT
    with opened_register(bureau.home) as register:
        assert register.count() == 0
    assert bureau.ledger.size == size


def test_one_unknown_person_at_the_end_mints_nobody_and_progress_is_told(bureau: Bureau) -> None:
    size, told = bureau.ledger.size, list[tuple[int, int]]()
    pairs = [(person, PAPER) for person in bureau.persons[:6]]
    with pytest.raises(ConfigError) as refusal:
        mint_persons(bureau.home, bureau.ledger, [*pairs, ("9912345678", PAPER)], now=SECONDS)
    assert refusal.value.reason is Reason.PERSON_NOT_FOUND
    assert bureau.ledger.size == size
    mint_persons(bureau.home, bureau.ledger, pairs, now=SECONDS, progress=lambda *counts: told.append(counts))
    assert told == [(6, 6)]


def test_a_register_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "register.db").write_bytes(b"not a database, " * 500)
    with pytest.raises(IntegrityError) as refusal:
        Register(tmp_path / "register.db")
    assert refusal.value.reason is Reason.STORE_CORRUPT
