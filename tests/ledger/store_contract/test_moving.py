"""A ledger moved from one store into the other: same root, same proofs, same codes (ATTACKS D18)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from issuer.home import CONFIG_NAME, Home
from ledger.check import LedgerCheck
from ledger.errors import ConfigError, ConflictError, IntegrityError, VerificationError
from ledger.reasons import Reason
from ledger.store.moving import move_ledger
from ledger.store.opening import create_store, open_store
from ledger.store.tree import append_entries
from tests.attacks.marking import attack
from tests.ledger.store_contract.copies import overwrite
from tests.ledger.store_contract.test_contract import reason_of
from tests.ledger.stores import BOTH_STORES, LedgerDatabases
from tests.program import ok, tally

if TYPE_CHECKING:
    from tests.ledger.conftest import World
else:
    World = Any


@pytest.fixture
def other(kind: str, world: World, tmp_path: Path, ledger_databases: LedgerDatabases) -> Iterator[str | Path]:
    """An empty ledger in the store that `world` is not in."""
    if kind == "postgres":
        create_store(tmp_path / "other.db", origin=world.origin)
        yield tmp_path / "other.db"
        world.close()
        return
    with ledger_databases.fresh() as url:
        create_store(url, origin=world.origin)
        yield url
        world.close()


def filled(world: World) -> None:
    ledger = world.open()
    for step, size in enumerate((1, 255, 40, 300)):
        ledger.append([world.entry(1000 * step + number) for number in range(size)])
        ledger.checkpoint(world.now + step)
    ledger.append(world.entries(9000))


def moved(world: World, to: str | Path) -> LedgerCheck:
    with closing(open_store(world.place)) as source, closing(open_store(to)) as target:
        return move_ledger(source, target, key=world.key, anchor=world.anchor)


@BOTH_STORES
@attack("D18", Reason.STORE_RETIRED)
def test_the_same_ledger_in_the_other_store(world: World, other: str | Path) -> None:
    filled(world)
    before = told(world, world.place)
    world.close()
    assert moved(world, other).size == 597
    assert reason_of(world.open, ConfigError) == Reason.STORE_RETIRED
    assert told(world, other) == before
    ledger = world.open(path=other)
    assert ledger.append(world.entries(9000, 9001)) == [596, 597]
    assert ledger.checkpoint(world.now + 9)
    assert ledger.prove(597)


def told(world: World, place: str | Path) -> list[object]:
    """All that a ledger answers: notes, proofs, and the codes of its refusals."""
    ledger = world.open(path=place)
    answers: list[object] = [ledger.size, ledger.newest_checkpoint()]
    answers += [ledger.prove(index) for index in (0, 1, 255, 256, 400, 595)]
    answers += [ledger.prove_consistency(old, 596) for old in (1, 256, 296)]
    answers += [
        reason_of(lambda: ledger.prove(597), VerificationError),
        reason_of(lambda: ledger.prove(596), ConflictError),
        reason_of(lambda: ledger.checkpoint(world.now), ConfigError),
        reason_of(lambda: ledger.prove_consistency(1, 700), VerificationError),
        ledger.append(world.entries(0, 1001, 9000)),
    ]
    with closing(open_store(place)) as store:
        answers += [list(store.checkpoints()), list(store.entries(0, 597)), store.tile(0, 1)]
    return answers


@BOTH_STORES
def test_a_move_that_was_stopped_is_repeated(world: World, other: str | Path) -> None:
    filled(world)
    world.close()
    with closing(open_store(world.place)) as source, closing(open_store(other)) as target:
        retire, source.retire = source.retire, stop  # type: ignore[method-assign]
        with pytest.raises(ZeroDivisionError):
            move_ledger(source, target, key=world.key, anchor=world.anchor)
        source.retire = retire  # type: ignore[method-assign]
        assert move_ledger(source, target, key=world.key, anchor=world.anchor).size == 597
    assert world.open(path=other).size == 597


def stop() -> None:
    raise ZeroDivisionError


@BOTH_STORES
@attack("D18", Reason.CLI_EXISTS, Reason.STORE_HASH_MISMATCH)
def test_nothing_is_moved_over_another_ledger_nor_out_of_a_damaged_one(
    world: World, other: str | Path
) -> None:
    filled(world)
    world.close()
    with closing(open_store(other)) as target:
        append_entries(target, world.entries(77))
    assert reason_of(lambda: moved(world, other), ConfigError) == Reason.CLI_EXISTS
    overwrite(world.place, "entries", "leaf_hash", "idx = 3", bytes(32))
    assert reason_of(lambda: moved(world, other), IntegrityError) == Reason.STORE_HASH_MISMATCH
    with closing(open_store(world.place)) as source:  # not retired by either
        assert source.size() == 597


# --- a home, by the installed program ---------------------------------------------------------------------------------


def told_json(*arguments: object) -> dict[str, Any]:
    return ok(*arguments, "--json").json


@attack("D18", Reason.STORE_RETIRED)
def test_a_home_goes_to_postgresql_and_back(tmp_path: Path, ledger_databases: LedgerDatabases) -> None:
    home = tmp_path / "home"
    ok("init", home)
    before = told_json("ledger", "check", "--home", home)
    with ledger_databases.fresh() as url:
        secret = url.replace("postgres@/", "postgres:very-secret@/")
        shown = tally("ledger", "move", "--to", secret, "--home", home)
        assert (shown.code, "very-secret" in shown.err) == (2, False)
        file = tmp_path / "url"
        file.write_text(secret + "\n")
        file.chmod(0o644)
        assert tally("ledger", "move", "--to-file", file, "--home", home).code == 2
        file.chmod(0o600)
        moved = told_json("ledger", "move", "--to-file", file, "--home", home)
        assert (moved["entries"], moved["root"]) == (before["entries"], before["root"])
        assert told_json("ledger", "check", "--home", home) == before
        told_json("ledger", "checkpoint", "--home", home)
        told_json("ledger", "prove", 1, "--out", tmp_path / "proof", "--home", home)
        assert Home(home).settings.ledger_database == secret
        (home / CONFIG_NAME).chmod(0o644)
        shown = tally("ledger", "check", "--home", home)
        assert (shown.code, "very-secret" in shown.err) == (2, False)
        (home / CONFIG_NAME).chmod(0o600)
        assert tally("ledger", "move", "--to-file", file, "--home", home).code == 2  # it is there already
        after = told_json("ledger", "check", "--home", home)
        back = told_json("ledger", "move", "--to", "file", "--home", home)
        assert back["root"] == after["root"]
        assert told_json("ledger", "check", "--home", home) == after
        assert reason_of(lambda: open_store(url), ConfigError) == Reason.STORE_RETIRED
        told_json("ledger", "checkpoint", "--home", home)
    assert sorted(path.name for path in (home / "ledger").glob("*.db")) == [
        "ledger.db",
        "ledger.retired-1.db",
    ]
    assert os.stat(home / CONFIG_NAME).st_mode & 0o777 == 0o600


def test_a_home_whose_move_was_stopped_before_its_settings_were_written(
    tmp_path: Path, ledger_databases: LedgerDatabases
) -> None:
    path = tmp_path / "home"
    ok("init", path)
    before = told_json("ledger", "check", "--home", path)
    home = Home(path)
    key = home.trust_policy().log_keys(home.settings.origin)[0]
    with ledger_databases.fresh() as url, ledger_databases.fresh() as empty:
        create_store(url, origin=home.settings.origin)
        with closing(home.open_store()) as source, closing(open_store(url)) as target:
            move_ledger(source, target, key=key, anchor=home.anchor_path)
        assert "store.retired" in tally("ledger", "checkpoint", "--home", path).err
        assert "store.rollback_detected" in tally("ledger", "move", "--to", empty, "--home", path).err
        assert told_json("ledger", "move", "--to", url, "--home", path)["root"] == before["root"]
        assert told_json("ledger", "check", "--home", path) == before


def test_a_home_in_postgresql_is_backed_up_whole(tmp_path: Path, ledger_databases: LedgerDatabases) -> None:
    """Restored it stands in its own file, and from there goes into any database; an older backup is refused."""
    home, backup, restored = tmp_path / "home", tmp_path / "backup", tmp_path / "restored"
    ok("sample", "--people", 40, "--seed", 3, "--out", tmp_path / "export")
    ok("init", home)
    ok("issuer", "import", tmp_path / "export", "--home", home)
    with ledger_databases.fresh() as url, ledger_databases.fresh() as empty:
        ok("ledger", "move", "--to", url, "--home", home)
        ok("home", "backup", "--out", tmp_path / "older", "--home", home)
        minted = told_json("issuer", "mint", "--all", "--home", home)["minted"]
        found = told_json("ledger", "check", "--home", home)
        made = told_json("home", "backup", "--out", backup, "--home", home)
        assert (made["certificates"], made["entries"]) == (minted, found["entries"])
        assert not [
            path for path in backup.rglob("*") if path.is_file() and url.encode() in path.read_bytes()
        ]
        assert sorted(path.name for path in (backup / "ledger").glob("*.db*")) == ["ledger.db"]
        anchor = home / "anchor" / "last-checkpoint"
        refused = tally("home", "restore", tmp_path / "older", "--anchor", anchor, "--home", restored)
        assert "store.rollback_detected" in refused.err
        ok("home", "restore", backup, "--anchor", anchor, "--home", restored)
        assert told_json("ledger", "check", "--home", restored) == found
        assert told_json("issuer", "mint", "--all", "--home", restored)["minted"] == 0
        after = told_json("ledger", "check", "--home", restored)
        assert told_json("ledger", "move", "--to", empty, "--home", restored)["root"] == after["root"]
        assert told_json("ledger", "check", "--home", restored) == after
