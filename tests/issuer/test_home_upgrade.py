"""Upgrading a home of the previous schema, half of an upgrade, and homes of a newer program."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from issuer.export import find_row, full_certificate, tree_of_row
from issuer.home import Home
from issuer.lock import locked
from issuer.register import PAPER, Register
from issuer.register_schema import SCHEMA_VERSION
from issuer.service import import_records, mint_all, mint_persons
from issuer.snapshot_plain import is_plain
from issuer.upkeep import upgrade
from issuer.upkeep.upgrade import upgrade_home
from ledger.errors import ConfigError, ConflictError, IntegrityError
from ledger.reasons import Reason
from tests.issuer.conftest import PEOPLE, Bureau
from tests.issuer.older_home import VERSION_1, make_older
from tests.world import SECONDS


@pytest.fixture
def older(bureau: Bureau) -> tuple[Bureau, list[Path]]:
    """A home of version 1 in which one person has a certificate."""
    mint_persons(bureau.home, bureau.ledger, [(bureau.persons[0], PAPER)], now=SECONDS)
    return bureau, make_older(bureau.home)


def schema(home: Home) -> int:
    with closing(sqlite3.connect(home.path / "register.db")) as register:
        return int(register.execute("PRAGMA user_version").fetchone()[0])


def test_an_older_home_is_refused_until_it_is_upgraded(older: tuple[Bureau, list[Path]]) -> None:
    bureau, files = older
    with pytest.raises(ConfigError) as refusal:
        mint_all(bureau.home, bureau.ledger, now=SECONDS + 1)
    assert refusal.value.reason is Reason.HOME_VERSION
    assert "tally home upgrade" in refusal.value.hint
    done = upgrade_home(bureau.home)
    assert (done.old, done.new, done.sealed) == (VERSION_1, SCHEMA_VERSION, 1)
    assert not any(path.exists() for path in files)
    again = upgrade_home(bureau.home)
    assert (again.old, again.sealed) == (again.new, 0)


def test_an_upgraded_home_goes_on_as_if_nothing_had_been(older: tuple[Bureau, list[Path]]) -> None:
    """The same snapshot by its digest: the old certificate is shown, nobody is minted twice, the same import is one."""
    bureau, _ = older
    upgrade_home(bureau.home)
    row = find_row(bureau.home, bureau.persons[0])
    assert full_certificate(bureau.home, bureau.ledger, row)
    assert tree_of_row(bureau.home, row).slots
    run = mint_all(bureau.home, bureau.ledger, now=SECONDS + 1)
    assert (run.minted, run.already) == (PEOPLE - 1, 1)
    import_records(bureau.home, bureau.home.path.parent / "export", now=SECONDS + 2)
    assert mint_all(bureau.home, bureau.ledger, now=SECONDS + 3).minted == 0


def test_no_record_stays_in_the_clear(bureau: Bureau) -> None:
    snapshot = bureau.home.snapshot()
    known = [person.encode() for person in bureau.persons]
    known += [
        str(snapshot.claims(person).claims[slot]).encode() for person in bureau.persons for slot in (0, 4)
    ]
    [file] = make_older(bureau.home)
    assert all(text in file.read_bytes() for text in known)
    upgrade_home(bureau.home)
    stored = b"".join(path.read_bytes() for path in (bureau.home.path / "snapshots").iterdir())
    assert len(stored) > 1000
    assert not any(text in stored for text in known)


@pytest.mark.parametrize("step", ["_seal_snapshots", "_change_tables", "_remove_strays"])
def test_half_an_upgrade_leaves_a_whole_home(
    older: tuple[Bureau, list[Path]], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Cut off before its one step the home is the old one, behind it the new one; the next run completes it."""
    bureau, files = older

    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    before = [path.read_bytes() for path in files]
    monkeypatch.setattr(upgrade, step, cut_off)
    with pytest.raises(KeyboardInterrupt):
        upgrade_home(bureau.home)
    monkeypatch.undo()
    if step == "_remove_strays":
        assert schema(bureau.home) == SCHEMA_VERSION
        assert mint_all(bureau.home, bureau.ledger, now=SECONDS + 1).minted == PEOPLE - 1
    else:
        assert schema(bureau.home) == VERSION_1
        assert [path.read_bytes() for path in files] == before
        assert _named(bureau.home) == [path.name for path in files]
    upgrade_home(bureau.home)
    assert sorted(path.name for path in (bureau.home.path / "snapshots").iterdir()) == _named(bureau.home)
    assert not any(is_plain(path) for path in (bureau.home.path / "snapshots").iterdir())
    mint_all(bureau.home, bureau.ledger, now=SECONDS + 2)
    assert mint_all(bureau.home, bureau.ledger, now=SECONDS + 3).already == PEOPLE


def _named(home: Home) -> list[str]:
    with closing(sqlite3.connect(home.path / "register.db")) as register:
        return [row[0] for row in register.execute("SELECT file FROM snapshots ORDER BY file")]


def test_an_upgraded_register_has_the_tables_of_a_new_one(
    older: tuple[Bureau, list[Path]], tmp_path: Path
) -> None:
    bureau, _ = older
    Register(tmp_path / "new.db", create=True).close()
    new, upgraded = tmp_path / "new.db", bureau.home.path / "register.db"
    assert tables(upgraded).keys() < tables(new).keys()
    upgrade_home(bureau.home)
    assert tables(upgraded) == tables(new)


def tables(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Tables, indices and triggers by name, with the columns of each."""
    with closing(sqlite3.connect(path)) as register:
        names = [row[0] for row in register.execute("SELECT name FROM sqlite_schema")]
        return {
            name: register.execute("SELECT * FROM pragma_table_xinfo(?)", (name,)).fetchall()
            for name in names
        }


def test_a_swapped_snapshot_is_not_upgraded(older: tuple[Bureau, list[Path]]) -> None:
    bureau, files = older
    data = bytearray(files[0].read_bytes())
    data[200] ^= 1
    files[0].write_bytes(data)
    with pytest.raises(IntegrityError):
        upgrade_home(bureau.home)
    assert schema(bureau.home) == VERSION_1
    assert files[0].read_bytes() == data


def test_a_newer_home_is_refused(bureau: Bureau) -> None:
    with closing(sqlite3.connect(bureau.home.path / "register.db")) as register:
        register.execute("PRAGMA user_version = 99")
    for attempt in (bureau.home.register, lambda: upgrade_home(bureau.home)):
        with pytest.raises(ConfigError) as refusal:
            attempt()
        assert refusal.value.reason is Reason.HOME_VERSION
        assert refusal.value.hint == "update the program"
    settings = bureau.home.path / "tallystick.toml"
    settings.write_text(
        settings.read_text("utf-8").replace("schema_version = 1", "schema_version = 2"), "utf-8"
    )
    with pytest.raises(ConfigError) as refusal:
        Home(bureau.home.path)
    assert refusal.value.reason is Reason.HOME_VERSION


def test_nobody_upgrades_under_a_running_import(
    older: tuple[Bureau, list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:

    bureau, _ = older
    monkeypatch.setattr(upgrade, "_PATIENCE", 0.1)
    with (
        locked(bureau.home.path / "import.lock", what="importing", timeout=0),
        pytest.raises(ConflictError) as refusal,
    ):
        upgrade_home(bureau.home, random=os.urandom)
    assert refusal.value.reason is Reason.STORE_LOCKED
