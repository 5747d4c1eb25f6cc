"""`check_ledger` finds whatever was changed, anywhere in the database (ATTACKS D12)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ledger.anchor import load_anchor
from ledger.check import LedgerCheck, check_ledger
from ledger.checkpoint import Checkpoint, encode_checkpoint, sign_checkpoint
from ledger.errors import IntegrityError
from ledger.merkle import EMPTY_ROOT, RootHash, leaf_hash, root_from_leaf_hashes
from ledger.note import Note, VerifierKey, encode_note
from ledger.reasons import Reason
from ledger.store.sqlite import SCHEMA, SqliteStore

if TYPE_CHECKING:
    from tests.ledger.conftest import World
else:
    World = Any

TRIGGERS = [(name, sql) for name, sql in SCHEMA.items() if sql.startswith("CREATE TRIGGER")]


def filled(world: World) -> World:
    ledger = world.open()
    for step, count in enumerate((3, 250, 70, 300)):
        ledger.append([world.entry(1000 * step + number) for number in range(count)])
        ledger.checkpoint(world.now + step)
    ledger.append(world.entries(9000))
    world.close()
    return world


def check(world: World) -> LedgerCheck:
    with closing(SqliteStore(world.path)) as store:
        return check_ledger(store, key=world.key, anchor=load_anchor(world.anchor, key=world.key))


def reason_of(call: Callable[[], object]) -> Reason:
    with pytest.raises(IntegrityError) as caught:
        call()
    return caught.value.reason


def tamper(world: World, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(world.path, isolation_level=None)) as connection:
        for name, _ in TRIGGERS:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(sql, values)
        for _, statement in TRIGGERS:
            connection.execute(statement)


def test_everything_in_order(world: World) -> None:
    checked = check(filled(world))
    entries = [world.entry(1000 * step + n) for step, c in enumerate((3, 250, 70, 300)) for n in range(c)]
    root = root_from_leaf_hashes(leaf_hash(entry) for entry in [*entries, world.entry(9000)])
    assert checked == LedgerCheck(world.origin, 624, root, 8, 4, 623)


def test_an_empty_ledger(world: World) -> None:
    world.open().close()
    assert check(world) == LedgerCheck(world.origin, 0, EMPTY_ROOT, 0, 0, 0)


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        *((index, Reason.STORE_HASH_MISMATCH) for index in (0, 2, 255, 256, 511)),  # a complete tile tells
        *((index, Reason.STORE_CORRUPT) for index in (512, 622)),  # the root of a checkpoint tells
    ],
)
def test_changed_entries(world: World, index: int, reason: Reason) -> None:
    filled(world)
    with closing(sqlite3.connect(world.path)) as connection:
        sql = "SELECT entry, leaf_hash FROM entries WHERE idx = ?"
        entry, leaf = connection.execute(sql, (index,)).fetchone()
    other = entry[:-1] + bytes([entry[-1] ^ 1])  # one bit; it still parses
    tamper(world, "UPDATE entries SET entry = ? WHERE idx = ?", other, index)
    assert reason_of(lambda: check(world)) == Reason.STORE_HASH_MISMATCH
    tamper(world, "UPDATE entries SET leaf_hash = ? WHERE idx = ?", leaf_hash(other), index)
    assert reason_of(lambda: check(world)) == reason
    tamper(world, "UPDATE entries SET entry = ?, leaf_hash = ? WHERE idx = ?", entry, leaf, index)
    assert check(world).size == 624


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("column", ["hashes", "root"])
def test_changed_tiles(world: World, index: int, column: str) -> None:
    filled(world)
    with closing(sqlite3.connect(world.path)) as connection:
        sql = f"SELECT {column} FROM tiles WHERE level = 0 AND idx = ?"
        [value] = connection.execute(sql, (index,)).fetchone()
    for at in (0, len(value) // 2, len(value) - 1):
        changed = value[:at] + bytes([value[at] ^ 128]) + value[at + 1 :]
        tamper(world, f"UPDATE tiles SET {column} = ? WHERE level = 0 AND idx = ?", changed, index)
        assert reason_of(lambda: check(world)) == Reason.STORE_HASH_MISMATCH


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("DELETE FROM entries WHERE idx = 100", Reason.STORE_CORRUPT),
        ("DELETE FROM entries WHERE idx >= 622", Reason.STORE_ROLLBACK_DETECTED),
        ("DELETE FROM entries", Reason.STORE_ROLLBACK_DETECTED),
        ("UPDATE entries SET idx = 700 WHERE idx = 623", Reason.STORE_CORRUPT),
        ("UPDATE entries SET entry = x'00' WHERE idx = 5", Reason.STORE_CORRUPT),
        ("DELETE FROM tiles WHERE idx = 0", Reason.STORE_CORRUPT),
        ("INSERT INTO tiles VALUES (0, 2, zeroblob(8192), zeroblob(32))", Reason.STORE_CORRUPT),
        ("INSERT INTO tiles VALUES (1, 0, zeroblob(8192), zeroblob(32))", Reason.STORE_CORRUPT),
        ("UPDATE checkpoints SET note = x'00' WHERE number = 2", Reason.STORE_CORRUPT),
        ("UPDATE checkpoints SET size = 4 WHERE number = 0", Reason.STORE_CORRUPT),
        ("UPDATE checkpoints SET size = 624 WHERE number = 7", Reason.STORE_ROLLBACK_DETECTED),
        ("UPDATE checkpoints SET cosigned = 1 WHERE number = 0", Reason.STORE_CORRUPT),
        (
            "UPDATE checkpoints SET note = (SELECT note FROM checkpoints WHERE number = 0) WHERE number = 3",
            Reason.STORE_CORRUPT,
        ),
    ],
)
def test_changed_rows(world: World, sql: str, reason: Reason) -> None:
    filled(world)
    tamper(world, sql)
    assert reason_of(lambda: check(world)) == reason


def test_checkpoints_that_were_never_ours(world: World) -> None:
    filled(world)
    for checkpoint, signer in (
        (Checkpoint(world.origin, 3, RootHash(bytes(32))), world.signer),
        (Checkpoint("other.example", 3, RootHash(bytes(32))), world.signer),
        (Checkpoint(world.origin, 3, RootHash(bytes(32))), world.signer_of("stranger")),
    ):
        note = encode_note(Note(encode_checkpoint(checkpoint), (sign_checkpoint(checkpoint, signer),)))
        tamper(world, "UPDATE checkpoints SET note = ? WHERE number = 0", note)
        assert reason_of(lambda: check(world)) == Reason.STORE_CORRUPT


def test_the_anchor(world: World) -> None:
    filled(world)
    anchor = load_anchor(world.anchor, key=world.key)
    assert anchor is not None
    forked = replace(anchor, checkpoint=Checkpoint(world.origin, 623, RootHash(bytes(32))))
    behind = replace(anchor, checkpoint=Checkpoint(world.origin, 622, anchor.checkpoint.root_hash))
    ahead = replace(anchor, checkpoint=Checkpoint(world.origin, 625, anchor.checkpoint.root_hash))
    with closing(SqliteStore(world.path)) as store:
        for given, reason in (
            (forked, Reason.STORE_FORK_DETECTED),
            (behind, Reason.STORE_ROLLBACK_DETECTED),
            (ahead, Reason.STORE_ROLLBACK_DETECTED),
            (None, Reason.STORE_ROLLBACK_DETECTED),
        ):
            assert reason_of(lambda a=given: check_ledger(store, key=world.key, anchor=a)) == reason  # type: ignore[misc]
        stranger = VerifierKey(world.origin, world.key.algorithm, world.signer_of("stranger").public_key)
        assert reason_of(lambda: check_ledger(store, key=stranger, anchor=anchor)) == Reason.STORE_CORRUPT
