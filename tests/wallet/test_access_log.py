"""Who saw what (G27): a row before anything leaves, and a chain and a tree that show what was changed."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from ledger.errors import IntegrityError, VerificationError
from ledger.reasons import Reason
from tests.wallet.parties import Asker, Phone, Town, good
from wallet_api.access_log import check_access_log, read_page
from wallet_api.access_rows import AccessPage, check_page

_TRIGGERS = ("access_log_stays", "access_log_is_fixed", "log_nodes_stay", "log_nodes_are_fixed")


def page_of(town: Town, phone: Phone, *, after: int = 0, limit: int = 100) -> AccessPage:
    with town.service.store.read() as tx:
        safe = tx.safe_of_key(phone.key.public_key)
        assert safe is not None
        return read_page(tx, safe.id, data_key=town.service.data_key(safe), after=after, limit=limit)


@pytest.fixture
def history(town: Town, alice: Phone, bob: Phone, bank: Asker) -> Town:
    """Alice and Bob take turns: seen, answered, fetched."""
    numbers = {alice.token: alice.put(), bob.token: bob.put(bob.certificate(seed=b"b" * 32))}
    for phone in (alice, bob, alice):
        id_ = bank.leave()
        good(phone.get(f"/requests/{id_}"))
        good(phone.get(f"/requests/{id_}"))  # the first look alone leaves a row
        phone.answer(id_, numbers[phone.token])
        bank.fetch(id_)
    return town


def test_the_citizen_checks_page_by_page(history: Town, alice: Phone) -> None:
    first, rest = page_of(history, alice, limit=4), page_of(history, alice, after=4)
    assert [row.counter for row in first.rows + rest.rows] == [1, 2, 3, 4, 5, 6]
    check_page(first)
    check_page(rest, after=first.rows[-1])
    assert first.size == 9


def test_the_page_over_http_says_the_same(history: Town, alice: Phone) -> None:
    shown = good(alice.get("/access-log?limit=4"))
    page = page_of(history, alice, limit=4)
    assert [row["entry"] for row in shown["rows"]] == [row.entry.hex() for row in page.rows]
    assert (shown["size"], shown["root"], shown["next"]) == (9, page.root_hash.hex(), "4")
    assert len(good(alice.get("/access-log?after=4"))["rows"]) == 2
    assert "055555" not in alice.get("/access-log").text  # claims, never values


def test_a_row_left_out_changed_or_moved_is_noticed(history: Town, alice: Phone, bob: Phone) -> None:
    page, others = page_of(history, alice), page_of(history, bob)
    rows = page.rows
    changed = replace(rows[1], access=replace(rows[1].access, slots=(1,)))
    for lie in (
        rows[:1] + rows[2:],
        rows[1:],
        (rows[1], rows[0]),
        (rows[0], changed),
        (replace(rows[0], time=rows[0].time + 1),),
        (rows[0], others.rows[1]),
    ):
        with pytest.raises(VerificationError) as caught:
            check_page(replace(page, rows=lie))
        assert caught.value.reason is Reason.STORE_HASH_MISMATCH
    with pytest.raises(VerificationError) as caught:
        check_page(replace(page, root_hash=bytes(32)))
    assert caught.value.reason is Reason.LOG_INCLUSION_INVALID


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM access_log WHERE position = 8",
        "DELETE FROM access_log WHERE position = 4",
        "UPDATE access_log SET entry = zeroblob(32) WHERE position = 4",
        "UPDATE log_nodes SET hash = zeroblob(32) WHERE level = 2 AND place = 0",
        "UPDATE access_log SET sealed = (SELECT sealed FROM access_log WHERE position = 0) WHERE position = 1",
        "UPDATE safes SET log_counter = log_counter - 1",
        "DELETE FROM access_log WHERE position = 8; DELETE FROM log_nodes WHERE level = 0 AND place = 8",
    ],
)
def test_the_operators_own_hands(history: Town, statement: str) -> None:
    """Whatever is done to the tables past their triggers, the count shows it."""
    service, database = history.service, sqlite3.connect(history.path, isolation_level=None)
    assert check_access_log(service.store, service.keyring)[0] == 9
    if "sealed" not in statement and "safes" not in statement:
        with pytest.raises(sqlite3.IntegrityError, match="only grows"):
            database.executescript(statement)
    for trigger in _TRIGGERS:
        database.execute(f"DROP TRIGGER {trigger}")
    database.executescript(statement)
    database.close()
    with pytest.raises(IntegrityError) as caught:
        check_access_log(service.store, service.keyring)
    assert caught.value.reason in (Reason.STORE_HASH_MISMATCH, Reason.STORE_CORRUPT)


def test_no_row_no_release(town: Town, alice: Phone, bank: Asker) -> None:
    number, id_ = alice.put(), bank.leave()
    alice.answer(id_, number)
    database = sqlite3.connect(town.path, isolation_level=None)
    database.execute(
        "CREATE TRIGGER full BEFORE INSERT ON access_log BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    )
    refusal = bank.post(f"/requests/{id_}/fetch")
    assert refusal.status_code == 500
    assert "presentation" not in refusal.text
    database.execute("DROP TRIGGER full")
    database.close()
    assert good(bank.get(f"/requests/{id_}"))["answer"]["fetched"] is None
    bank.fetch(id_)
    assert [row.access.action.name for row in page_of(town, alice).rows] == ["ANSWERED", "FETCHED"]
