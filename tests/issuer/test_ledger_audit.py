"""The ledger against the register: what the bureau did not make is found, and who can have made it (A39b)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from hashlib import sha256

import pytest

from certificate.directory import Directory
from issuer.ledger_audit import Audit, Possible, audit_ledger
from issuer.publish import load_directory
from issuer.register import PAPER
from issuer.service import mint_persons
from ledger.entry import EntryType, encode_entry
from tests.issuer.conftest import Bureau
from tests.world import SECONDS

PLANTED = encode_entry(EntryType.CERTIFICATE, 1, sha256(b"planted").digest())


@pytest.fixture
def minted(bureau: Bureau) -> Bureau:
    mint_persons(bureau.home, bureau.ledger, [(person, PAPER) for person in bureau.persons[:5]], now=SECONDS)
    return bureau


def audit(bureau: Bureau, directory: Directory | None = None) -> Audit:
    home = bureau.home
    with closing(home.open_store()) as store, closing(home.register()) as register:
        return audit_ledger(
            store,
            register,
            authority=home.settings.authority,
            log=home.settings.log,
            directory=directory or load_directory(home),
        )


def change_register(bureau: Bureau, sql: str) -> None:
    with closing(sqlite3.connect(bureau.home.path / "register.db")) as connection:
        connection.execute(sql)
        connection.commit()


def test_an_honest_ledger_is_in_order(minted: Bureau) -> None:
    found = audit(minted)
    assert found.in_order
    assert found.matched == 5
    assert set(found.others) <= {EntryType.STATUS_LIST, EntryType.TRUST_FILE, EntryType.PADDING}
    assert found.matched + sum(found.others.values()) == found.size == minted.ledger.size


def test_a_planted_entry_is_reported(minted: Bureau) -> None:
    [index] = minted.ledger.append([PLANTED])
    found = audit(minted)
    assert not found.in_order
    assert [(one.index, one.possible) for one in found.unknown] == [(index, Possible.STOLEN_KEY_OR_PLANTED)]
    assert found.matched == 5


@pytest.mark.parametrize("bound", ["to_index", "void_from"])
def test_beyond_every_key_it_can_only_be_planted(minted: Bureau, bound: str) -> None:
    [index] = minted.ledger.append([PLANTED])
    directory = load_directory(minted.home)
    keys = tuple(replace(key, **{bound: index}) for key in directory.keys)  # type: ignore[arg-type]
    [unknown] = audit(minted, replace(directory, keys=keys)).unknown
    assert unknown.possible is Possible.PLANTED


def test_other_authorities_are_counted_not_judged(minted: Bureau) -> None:
    minted.ledger.append([encode_entry(EntryType.CERTIFICATE, 2, sha256(b"theirs").digest())])
    found = audit(minted)
    assert found.in_order
    assert found.foreign == 1


def test_a_register_that_says_something_else(minted: Bureau) -> None:
    change_register(minted, "UPDATE certificates SET log_index = log_index + 1000 WHERE id = 1")
    found = audit(minted)
    assert not found.in_order
    assert (len(found.misplaced), len(found.missing), found.matched) == (1, 1, 4)
    change_register(minted, "UPDATE certificates SET log = NULL, log_index = NULL WHERE id = 1")
    found = audit(minted)
    assert found.in_order  # the mint was killed before it marked them; the next one does
    assert (len(found.unmarked), found.matched) == (1, 4)
