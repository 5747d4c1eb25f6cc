"""What a citizen deletes is gone: from the database file, from its journals, and from every backup made later."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from certificate.safe_file import SafeContent, encode_safe_file, open_safe_file
from tests.wallet.parties import Asker, Phone, Town, good


def on_disk(folder: Path) -> bytes:
    """Every byte of every file there: database, journals, whatever else."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def back_up(town: Town, to: Path) -> None:
    with closing(sqlite3.connect(town.path)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


@pytest.fixture
def traces(town: Town, alice: Phone, bank: Asker) -> list[bytes]:
    """What lies on the disk of Alice's certificate, answer, log and data key; none of it readable."""
    number, id_ = alice.put(), bank.leave()
    good(alice.get(f"/requests/{id_}"))
    alice.answer(id_, number, (0, 1))
    with town.service.store.read() as tx:
        safe = tx.safe_of_key(alice.key.public_key)
        assert safe is not None
        certificate, answer = tx.certificate(safe.id, number), tx.answer(bytes.fromhex(id_))
        assert certificate is not None
        assert answer is not None
        assert answer.sealed is not None
        logged = [row.sealed or b"" for row in tx.log_rows(safe.id, after=0, limit=10)]
    found = [certificate.sealed, answer.sealed, safe.wrapped_key, alice.key.public_key, *logged]
    disk = on_disk(town.path.parent)
    assert all(trace in disk for trace in found)
    assert all(value not in disk for value in ("测试甲".encode(), b"990000199001010017"))
    return found


def test_an_erased_safe_leaves_no_byte(town: Town, alice: Phone, traces: list[bytes], tmp_path: Path) -> None:
    good(alice.call("DELETE", "/safe"))
    later = tmp_path / "later"
    later.mkdir()
    back_up(town, later / "backup.db")
    for place in (on_disk(town.path.parent), on_disk(later)):
        for trace in traces:
            assert trace not in place


def test_a_deleted_certificate_leaves_no_byte(
    town: Town, alice: Phone, traces: list[bytes], tmp_path: Path
) -> None:
    (listed,) = good(alice.get("/certificates"))["certificates"]
    good(alice.call("DELETE", f"/certificates/{listed['number']}"))
    later = tmp_path / "later"
    later.mkdir()
    back_up(town, later / "backup.db")
    assert traces[0] not in on_disk(town.path.parent)
    assert traces[0] not in on_disk(later)


def test_what_was_exported_before_is_whole(town: Town, alice: Phone) -> None:
    data = alice.certificate()
    alice.put(data)
    file = encode_safe_file(SafeContent((data,)), passphrase=b"x", salt=os.urandom(16), nonce=os.urandom(24))
    good(alice.call("DELETE", "/safe"))
    alice.login()
    assert good(alice.get("/certificates"))["certificates"] == []
    (again,) = open_safe_file(file, passphrase=b"x").certificates
    alice.put(again)
