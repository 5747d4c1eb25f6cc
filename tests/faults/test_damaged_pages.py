"""Pages of the database that a disk gave back wrong: zeros, garbage, half of an older page, cut off (ATTACKS D03).

Either the damage is found, or it lies where nothing is stored; another tree is never signed.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ledger.anchor import load_anchor
from ledger.check import check_ledger
from ledger.checkpoint import parse_checkpoint_note
from ledger.errors import ConfigError, IntegrityError, ProjectError
from ledger.merkle import leaf_hash, root_from_leaf_hashes
from ledger.reasons import Reason
from ledger.store.sqlite import SqliteStore
from tests.attacks.marking import attack
from tests.faults.conftest import BEFORE
from tests.ledger_http.conftest import Published

_PAGE = 4096
_SIZE = BEFORE + 40
_FOUND = {
    Reason.STORE_CORRUPT,
    Reason.STORE_HASH_MISMATCH,
    Reason.STORE_SCHEMA_TAMPERED,
    Reason.STORE_ROLLBACK_DETECTED,
    Reason.STORE_FORK_DETECTED,
    Reason.HOME_VERSION,  # the page that holds the version
}
Damage = Callable[[bytes, bytes, random.Random], bytes]

DAMAGES: dict[str, Damage] = {
    "zeroed": lambda page, old, chance: bytes(len(page)),
    "garbage": lambda page, old, chance: chance.randbytes(len(page)),
    "torn": lambda page, old, chance: old[: len(page) // 2] + page[len(page) // 2 :],
    "half": lambda page, old, chance: page[: len(page) // 2] + bytes(len(page) // 2),
}


@pytest.fixture
def versions(grown: Path, in_memory: Path) -> tuple[Path, bytes]:
    """A folder whose ledger is closed and whole, and the bytes of an older version of its database."""
    folder = in_memory / "whole"
    shutil.copytree(grown, folder)
    older = (folder / "ledger.db").read_bytes()
    world = Published(folder)
    world.grow(_SIZE)
    world.close()
    with closing(sqlite3.connect(world.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert not Path(f"{world.path}-wal").exists()
    return folder, older


def damaged(data: bytes, older: bytes, full: bool) -> Iterator[tuple[str, bytes]]:
    """The database with one page damaged in one way; some of them, or all."""
    chance = random.Random(3)
    pages = range(0, len(data), _PAGE)
    cases = [(name, at) for name in DAMAGES for at in pages]
    for name, at in cases if full else chance.sample(cases, 20):
        page = data[at : at + _PAGE]
        wrong = DAMAGES[name](page, older[at : at + _PAGE].ljust(_PAGE, b"\0"), chance)
        if wrong != page:
            yield f"page {at // _PAGE} {name}", data[:at] + wrong + data[at + _PAGE :]
    for at in pages if full else chance.sample(pages, 10):
        yield f"cut off at page {at // _PAGE}", data[:at]
        yield f"cut off within page {at // _PAGE}", data[: at + _PAGE // 2]


def checked(world: Published) -> Reason | None:
    """What `check` finds; None if all is in order, and then it is."""
    try:
        with closing(SqliteStore(world.path)) as store:
            anchor = load_anchor(world.anchor, key=world.key)
            found = check_ledger(store, key=world.key, anchor=anchor)
            entries = [row.entry for row in store.entries(0, found.size)]
    except (IntegrityError, ConfigError) as exc:
        return exc.reason
    assert entries == [world.entry(number) for number in range(_SIZE)]
    return None


def signed_on(world: Published) -> Reason | None:
    """What the sequencer says when it is to go on; None if it signed, and then the one true tree."""
    truth = [leaf_hash(world.entry(number)) for number in range(_SIZE + 1)]
    try:
        ledger = world.open()
        ledger.append([world.entry(_SIZE)])
        checkpoint, _ = parse_checkpoint_note(ledger.checkpoint(world.now + 1))
    except ProjectError as exc:
        return exc.reason
    finally:
        world.close()
    assert checkpoint.size == len(truth)
    assert checkpoint.root_hash == root_from_leaf_hashes(truth)
    return None


@attack("D03", Reason.STORE_CORRUPT, Reason.STORE_HASH_MISMATCH)
def test_a_damaged_page_is_found_or_holds_nothing(
    versions: tuple[Path, bytes], in_memory: Path, full: bool
) -> None:
    """Each page zeroed, garbage, torn or cut off: found by `check`, and never another tree signed"""
    whole, older = versions
    found: list[Reason | None] = []
    for what, data in damaged((whole / "ledger.db").read_bytes(), older, full):
        folder = in_memory / "copy"
        shutil.copytree(whole, folder)
        world = Published(folder)
        world.path.write_bytes(data)
        found.append(checked(world))
        assert found[-1] is None or found[-1] in _FOUND, what
        stopped = signed_on(world)
        assert stopped is None or stopped in _FOUND, what
        shutil.rmtree(folder)
    assert sum(reason is not None for reason in found) > len(found) * 0.8


@attack("D03", Reason.STORE_CORRUPT)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_memory_of_a_witness(grown: Path, in_memory: Path, damage: str) -> None:
    """Each page of a witness's state: it refuses to open, or knows what it cosigned"""
    state = grown / "witness-0" / "state.db"
    data, chance, found = state.read_bytes(), random.Random(1), set()
    for at in range(0, len(data), _PAGE):
        folder = in_memory / "copy"
        shutil.copytree(grown, folder)
        world, page = Published(folder), data[at : at + _PAGE]
        wrong = DAMAGES[damage](page, bytes(_PAGE), chance)
        (folder / "witness-0" / "state.db").write_bytes(data[:at] + wrong + data[at + _PAGE :])
        try:
            assert world.witness(0).witnessed_size(world.origin) == BEFORE
        except (IntegrityError, ConfigError) as exc:
            found.add(exc.reason)
        world.close()
        shutil.rmtree(folder)
    assert found
    assert found <= {Reason.STORE_CORRUPT, Reason.STORE_SCHEMA_TAMPERED, Reason.HOME_VERSION}
