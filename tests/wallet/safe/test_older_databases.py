"""A wallet from before keys had a table of their own: after the migration the same keys open the same safes."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from ledger.store.sqlite_file import create_sqlite
from tests.wallet.conftest import WIDE
from tests.wallet.parties import MASTER, make_town
from tests.world import SECONDS, World, signer
from wallet_api.limits import Limits
from wallet_api.sealing import Keyring, bound_to, seal
from wallet_api.store.rows import CertificateState
from wallet_api.store.schema import STEPS, VERSION, sqlite_schema
from wallet_api.store.sqlite import SqliteStore, migrate_wallet_db

_DATA_KEY = b"d" * 32


def first_version(path: Path, certificate: bytes, number: str) -> None:
    create_sqlite(path, sqlite_schema(STEPS[:1]), version=1)
    safe, key = b"s" * 16, signer("alice").public_key
    wrapped = Keyring(MASTER).wrap(_DATA_KEY, safe=safe, random=os.urandom)
    sealed = seal(
        _DATA_KEY, certificate, bound=bound_to("certificate", safe, number.encode()), random=os.urandom
    )
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("INSERT INTO safes VALUES (?, ?, ?, 0, ?, 1)", (safe, key, wrapped, bytes(32)))
        database.execute("INSERT INTO sessions VALUES (?, ?, ?)", (b"t" * 32, safe, 2**40))
        database.execute("INSERT INTO certificates VALUES (?, ?, ?, ?, 1)", (safe, number, b"x" * 32, sealed))


def test_the_same_key_opens_the_same_safe(tmp_path: Path) -> None:
    world, path = World(), tmp_path / "wallet.db"
    certificate = world.certificate(world.body(cnf=signer("alice").public_key), neighbours=8)
    first_version(path, certificate, world.body().number)
    assert migrate_wallet_db(path) == (1, VERSION)
    store = SqliteStore(path)
    limits = Limits(login_address=WIDE, login_key=WIDE, bad_token=WIDE, new_request=WIDE)
    town = make_town(store, path, random=os.urandom, limits=limits)
    with town.http:
        alice, bank = town.citizen("alice").login(), town.organisation(1)
        (listed,) = alice.get("/certificates").json()["certificates"]
        assert (listed["number"], listed["state"]) == (world.body().number, CertificateState.CURRENT.value)
        id_ = bank.leave()
        alice.answer(id_, listed["number"])
        assert bank.fetch(id_)
    with store.read() as tx:
        assert tx.safe_of_session(b"t" * 32, now=SECONDS) is None  # sessions of before log in again
    store.close()
