"""The snapshot file: found by person, checked when read, all or nothing when written."""

from __future__ import annotations

import pickle
import resource
from pathlib import Path

import pytest

from issuer.records import import_export
from issuer.snapshot import Snapshot, SnapshotWriter
from ledger.errors import ConfigError, FormatError, IntegrityError
from ledger.reasons import Reason
from tests.issuer_records.exports import (
    KEY,
    OFFICES,
    Bureau,
    ExportWriter,
    Row,
    months,
    person_no,
    person_row,
    row,
)


def city(people: int = 25) -> ExportWriter:
    rows: list[Row] = [row(at, month) for at in range(people) for month in months(202601, 202610)]
    return ExportWriter(contributions=rows, people=[person_row(at) for at in range(people)])


def test_everybody_is_found_and_nobody_else(bureau: Bureau) -> None:
    snapshot, summary = bureau.run(city())
    numbers = [person_no(at) for at in range(25)]
    assert len(snapshot) == summary.persons == 25
    assert list(snapshot.person_nos()) == numbers
    assert [snapshot.claims(number).person_no for number in numbers] == numbers
    assert all(number in snapshot for number in numbers)
    for absent in (
        "",
        "9900000000",
        "9900000026",
        person_no(3) + "0",
        person_no(3)[:-1],
        "测试",
        "\0",
        person_no(3) + "\0",
    ):
        assert absent not in snapshot
        with pytest.raises(ConfigError) as caught:
            snapshot.claims(absent)
        assert caught.value.reason is Reason.PERSON_NOT_FOUND
        assert absent == "" or absent not in str(caught.value)


def test_persons_by_place_are_the_claims_of_each_in_another_process_too(bureau: Bureau) -> None:
    snapshot, _ = bureau.run(city())
    claims = [snapshot.claims(number) for number in snapshot.person_nos()]
    assert [snapshot.person_at(at) for at in range(len(snapshot))] == claims
    sent = pickle.loads(pickle.dumps(snapshot))  # noqa: S301 - our own bytes, as between our processes
    assert [sent.person_at(at) for at in range(len(sent))] == claims
    sent.close()


def test_what_the_snapshot_is_of(bureau: Bureau) -> None:
    snapshot, summary = bureau.run(city())
    assert (snapshot.cut_off, snapshot.profile_id, snapshot.agency) == (202610, 1, "99010200")
    assert snapshot.digest == summary.digest
    assert len(snapshot.digest) == 32
    assert snapshot.settled[1] == 202610
    assert (summary.cut_off, summary.profile_id, summary.agency) == (202610, 1, "99010200")


def test_known_offices_are_no_part_of_it(bureau: Bureau) -> None:
    one = bureau.run(city())[1]
    two = bureau.run(city(), known_offices=OFFICES | {"11111111", "99999999"})[1]
    assert one.digest == two.digest


def test_another_name_or_cut_off_is_another_snapshot(bureau: Bureau) -> None:
    digests = {bureau.run(city())[1].digest}
    renamed = city()
    renamed.people[7]["name"] = "测试戊"
    digests.add(bureau.run(renamed)[1].digest)
    later = city()
    later.cut_off = 202611
    digests.add(bureau.run(later)[1].digest)
    employer = city()
    employer.employers[0]["employer_name"] = "示例(测试)"
    digests.add(bureau.run(employer)[1].digest)
    assert len(digests) == 4


def test_each_changed_byte_is_noticed(bureau: Bureau) -> None:
    _, summary = bureau.run(city(3))
    path = bureau.tmp / "snapshot-1"
    data = path.read_bytes()
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(IntegrityError) as caught:
            _read_all(path)
        assert caught.value.reason in (Reason.STORE_CORRUPT, Reason.STORE_HASH_MISMATCH)
    path.write_bytes(data)
    assert _read_all(path) == summary.digest


def test_another_snapshot_in_its_place_is_noticed(bureau: Bureau) -> None:
    one, _ = bureau.run(city(3))
    bureau.run(city(4))
    Snapshot.open(bureau.tmp / "snapshot-1", expected_digest=one.digest, key=KEY).close()
    with pytest.raises(IntegrityError) as caught:
        Snapshot.open(bureau.tmp / "snapshot-2", expected_digest=one.digest, key=KEY)
    assert caught.value.reason is Reason.STORE_HASH_MISMATCH


def _read_all(path: Path) -> bytes:
    snapshot = Snapshot.open(path, key=KEY)
    try:
        assert sum(len(batch) for batch in snapshot.batches(10)) == len(snapshot)
        return snapshot.digest
    finally:
        snapshot.close()


@pytest.mark.parametrize("size", [0, 1, 8, 20, 400])
def test_a_file_cut_short(bureau: Bureau, size: int) -> None:
    bureau.run(city(3))
    path = bureau.tmp / "snapshot-1"
    for kept in (path.read_bytes()[:size], path.read_bytes()[:-1]):
        path.write_bytes(kept)
        with pytest.raises(IntegrityError) as caught:
            Snapshot.open(path, key=KEY)
        assert caught.value.reason is Reason.STORE_CORRUPT


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Snapshot.open(tmp_path / "absent", key=KEY)
    assert caught.value.reason is Reason.HOME_NOT_FOUND


def test_it_is_for_its_owner_only_and_replaces_in_one_step(bureau: Bureau) -> None:
    folder = city(3).write(bureau.tmp / "in")
    out = bureau.tmp / "out"
    import_export(folder, out, key=KEY, profile=bureau.profile, known_offices=OFFICES)
    assert out.stat().st_mode & 0o777 == 0o600
    before = out.read_bytes()
    broken = city(3)
    broken.contributions.append(broken.contributions[0])
    bad = broken.write(bureau.tmp / "worse")
    with pytest.raises(FormatError):
        import_export(bad, out, key=KEY, profile=bureau.profile, known_offices=OFFICES)
    assert out.read_bytes() == before
    assert not [path.name for path in bureau.tmp.iterdir() if path.name.startswith(".")]


def test_a_folder_that_cannot_be_written(bureau: Bureau) -> None:
    folder = city(3).write(bureau.tmp / "in")
    with pytest.raises(IntegrityError) as caught:
        import_export(
            folder, bureau.tmp / "absent" / "out", key=KEY, profile=bureau.profile, known_offices=OFFICES
        )
    assert caught.value.reason is Reason.STORE_IO_ERROR


def test_a_writer_left_early_leaves_nothing(tmp_path: Path) -> None:
    with SnapshotWriter(tmp_path / "out", key=KEY) as writer:
        writer.add("1", b"x" * 10)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk(bureau: Bureau) -> None:
    folder = city(3).write(bureau.tmp / "in")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))
    try:
        with pytest.raises(IntegrityError) as caught:
            import_export(folder, bureau.tmp / "out", key=KEY, profile=bureau.profile, known_offices=OFFICES)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.reason is Reason.STORE_IO_ERROR
    assert [path.name for path in bureau.tmp.iterdir()] == ["in"]


def test_a_writer_wants_order(tmp_path: Path) -> None:
    with SnapshotWriter(tmp_path / "out", key=KEY) as writer:
        writer.add("2", b"x")
        for number in ("1", "2"):
            with pytest.raises(ValueError, match="order"):
                writer.add(number, b"x")
        assert len(writer) == 1
