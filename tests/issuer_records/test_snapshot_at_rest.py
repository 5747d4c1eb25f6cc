"""What lies on the disk of an import: nothing of anybody, for whoever has not the home's key (ADR 0012)."""

from __future__ import annotations

from hashlib import sha256

import pytest

from issuer.snapshot import Snapshot
from ledger.errors import ConfigError, IntegrityError
from ledger.reasons import Reason
from tests.issuer_records.exports import (
    EMPLOYER_NAMES,
    IDS,
    KEY,
    USCCS,
    Bureau,
    ExportWriter,
    months,
    person_no,
    person_row,
    row,
)

PEOPLE = 4


def city() -> ExportWriter:
    rows = [row(at, month) for at in range(PEOPLE) for month in months(202601, 202610)]
    return ExportWriter(contributions=rows, people=[person_row(at) for at in range(PEOPLE)])


def test_no_name_number_or_employer_is_in_the_file(bureau: Bureau) -> None:
    snapshot, _ = bureau.run(city())
    stored = (bureau.tmp / "snapshot-1").read_bytes()
    known = ["测试甲", *IDS, *USCCS, *EMPLOYER_NAMES, *(person_no(at) for at in range(PEOPLE))]
    assert len(stored) > 1000
    assert [text for text in known if text.encode() in stored] == []
    assert snapshot.claims(person_no(0)).person_no == person_no(0)


def test_no_digest_of_what_somebody_could_guess_is_in_the_file(bureau: Bureau) -> None:
    """The blob of a known person cannot be confirmed by hashing a guess of it."""
    snapshot, _ = bureau.run(city())
    stored = (bureau.tmp / "snapshot-1").read_bytes()
    for at in range(PEOPLE):
        _, blob = snapshot._blob(at)
        assert sha256(blob).digest()[:16] not in stored


def test_the_same_records_twice_are_one_snapshot_in_two_unlike_files(bureau: Bureau) -> None:
    first, second = bureau.run(city())[1], bureau.run(city())[1]
    assert first.digest == second.digest
    files = [(bureau.tmp / f"snapshot-{n}").read_bytes() for n in (1, 2)]
    chunks = [{file[at : at + 16] for at in range(8, 1000)} for file in files]
    assert not chunks[0] & chunks[1]


def test_another_home_does_not_open_it(bureau: Bureau) -> None:
    bureau.run(city())
    with pytest.raises(IntegrityError) as refusal:
        Snapshot.open(bureau.tmp / "snapshot-1", key=bytes(32))
    assert refusal.value.reason is Reason.STORE_CORRUPT


def test_a_sealed_person_does_not_open_in_anothers_place(bureau: Bureau) -> None:
    """Two persons with records of one size: their sealed bytes exchanged are refused, not read as the other."""
    people = [person_row(at, name="测试甲") for at in range(2)]
    rows = [row(at, month) for at in range(2) for month in months(202601, 202610)]
    snapshot, _ = bureau.run(ExportWriter(contributions=rows, people=people))
    path = bureau.tmp / "snapshot-1"
    starts = [snapshot._entry(at)[1] for at in range(2)]
    size = starts[1] - starts[0]
    data = bytearray(path.read_bytes())
    first, second = slice(starts[0], starts[1]), slice(starts[1], starts[1] + size)
    data[first], data[second] = data[second], data[first]
    snapshot.close()
    path.write_bytes(data)
    swapped = Snapshot.open(path, key=KEY)
    with pytest.raises(IntegrityError) as refusal:
        swapped.claims(person_no(0))
    assert refusal.value.reason is Reason.STORE_HASH_MISMATCH


def test_a_file_of_an_older_program_says_what_to_do(bureau: Bureau) -> None:
    bureau.run(city())
    path = bureau.tmp / "snapshot-1"
    path.write_bytes(b"TSSNAP1\n" + path.read_bytes()[8:])
    with pytest.raises(ConfigError) as refusal:
        Snapshot.open(path, key=KEY)
    assert refusal.value.reason is Reason.HOME_VERSION
    assert "tally home upgrade" in refusal.value.hint
