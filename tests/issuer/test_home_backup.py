"""Backups taken while the home is at work, restored elsewhere; what a restore refuses (ATTACKS D08, D09, D10)."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from issuer.export import find_row, full_certificate
from issuer.home import Home
from issuer.register import PAPER
from issuer.service import mint_all, mint_persons
from issuer.upkeep import backup as backup_module
from issuer.upkeep.backup import MANIFEST_NAME, make_backup
from issuer.upkeep.home_status import home_status
from issuer.upkeep.restore import restore_backup
from ledger.errors import ConfigError, IntegrityError, ProjectError
from ledger.reasons import Reason
from tests.attacks.marking import attack
from tests.issuer.conftest import PEOPLE, Bureau
from tests.issuer.nights import Night, audit, start, starved
from tests.program import ok, tally
from tests.world import SECONDS

_MINTED = 6  # one by one, while backups are made


@pytest.fixture
def backup(bureau: Bureau, tmp_path: Path) -> Path:
    """A backup of a home in which one person has a certificate."""
    mint_persons(bureau.home, bureau.ledger, [(bureau.persons[0], PAPER)], now=SECONDS)
    make_backup(bureau.home, tmp_path / "backup", now=SECONDS)
    return tmp_path / "backup"


def reason(attempt: Callable[[], object]) -> Reason:
    with pytest.raises(ProjectError) as refusal:
        attempt()
    assert refusal.value.hint
    return refusal.value.reason


def test_backups_of_a_mint_at_work_are_whole_and_go_on(tmp_path: Path, full: bool) -> None:
    """Acceptance 6: backup while minting, restore, mint on: everyone once, and the ledger checks."""
    night = Night(tmp_path, 20_000 if full else 1_500)
    with night.begun() as home:
        process = start("issuer", "mint", "--all", "--home", home)
        backups: list[Path] = []
        while process.poll() is None:
            backups.append(tmp_path / f"backup-{len(backups)}")
            make_backup(Home(home), backups[-1], now=SECONDS)
            time.sleep(0.2)
        assert process.wait(600) == 0, process.communicate()[1]
        process.communicate()
        night.require_everyone(home)
        caught = [path for path in backups if 0 < _certificates(path) < night.people]
        assert caught, "no backup was made in the midst of the mint"
        ok("home", "backup", "--out", tmp_path / "last", "--home", home)
        for at, path in enumerate(random.Random(6).sample(caught, min(len(caught), 20 if full else 1))):
            restored = tmp_path / f"restored-{at}"
            ok("home", "restore", path, "--anchor-lost", "--home", restored)
            ok("issuer", "mint", "--all", "--home", restored)
            night.require_everyone(restored)
        refused = tally(
            *("home", "restore", caught[0], "--anchor", home / "anchor" / "last-checkpoint", "--json"),
            *("--home", tmp_path / "refused"),
        )
        assert refused.json["error"]["reason"] == "store.rollback_detected"
        assert not (tmp_path / "refused").exists()


def _certificates(backup: Path) -> int:
    return int(json.loads((backup / MANIFEST_NAME).read_text("ascii"))["certificates"])


def test_everything_in_a_backup_is_of_one_instant(
    bureau: Bureau, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The instant is drawn out to a fifth of a second, in which somebody else tries to mint one after the other."""
    reading = backup_module._reading

    def slowly(path: Path) -> AbstractContextManager[sqlite3.Connection]:
        time.sleep(0.04)
        return reading(path)

    monkeypatch.setattr(backup_module, "_reading", slowly)
    with ThreadPoolExecutor(1) as pool:
        minting = pool.submit(_mint_one_by_one, bureau)
        backups: list[Path] = []
        while not minting.done():
            backups.append(tmp_path / f"backup-{len(backups)}")
            make_backup(bureau.home, backups[-1], now=SECONDS)
        minting.result()
    counts = [_certificates(path) for path in backups]
    assert any(0 < count < _MINTED for count in counts), counts
    for at, path in enumerate(backups):
        restored = restore_backup(path, tmp_path / f"restored-{at}", anchor_path=None)
        assert restored.register.certificates == counts[at]


def _mint_one_by_one(bureau: Bureau) -> None:
    home = Home(bureau.home.path)
    ledger = home.ledger()
    try:
        for at, person in enumerate(bureau.persons[:_MINTED]):
            time.sleep(0.02)
            mint_persons(home, ledger, [(person, PAPER)], now=SECONDS + at)
    finally:
        ledger.close()


def test_a_restored_home_is_the_home(bureau: Bureau, backup: Path, tmp_path: Path) -> None:
    restored = restore_backup(backup, tmp_path / "new", anchor_path=bureau.home.anchor_path)
    assert (restored.register.certificates, restored.register.unlogged) == (1, 0)
    home = Home(tmp_path / "new")
    assert replace(home_status(home), sizes={}) == replace(home_status(bureau.home), sizes={})
    assert home.path.stat().st_mode & 0o777 == 0o700
    assert not [path for path in home.path.rglob("*") if path.is_file() and path.stat().st_mode & 0o077]
    row = find_row(home, bureau.persons[0])
    ledger = home.ledger()
    try:
        assert full_certificate(home, ledger, row) == full_certificate(bureau.home, bureau.ledger, row)
        assert mint_all(home, ledger, now=SECONDS + 1).minted == PEOPLE - 1
    finally:
        ledger.close()
    assert audit(home.path).persons.total() == PEOPLE


def test_backup_restore_and_status_need_no_passphrase(
    bureau: Bureau, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(_: Home) -> bytes:
        pytest.fail("asked for the passphrase")

    monkeypatch.setattr(Home, "passphrase", asked)
    make_backup(bureau.home, tmp_path / "another", now=SECONDS)
    restore_backup(backup, tmp_path / "new", anchor_path=bureau.home.anchor_path)
    assert home_status(Home(tmp_path / "new")).certificates == 1


def test_nothing_readable_is_in_a_backup(bureau: Bureau, backup: Path) -> None:
    claims = bureau.home.snapshot().claims(bureau.persons[0]).claims
    stored = b"".join(path.read_bytes() for path in backup.rglob("*") if path.is_file())
    for secret in (str(claims[0]).encode(), str(claims[4]).encode(), bureau.home.seal_key()):
        assert secret not in stored


def test_an_older_ledger_is_refused_and_the_newer_anchor_decides(
    bureau: Bureau, backup: Path, tmp_path: Path
) -> None:
    """D09: yesterday's database against the checkpoint kept apart."""
    mint_all(bureau.home, bureau.ledger, now=SECONDS + 1)
    anchor = bureau.home.anchor_path
    assert (
        reason(lambda: restore_backup(backup, tmp_path / "new", anchor_path=anchor))
        is Reason.STORE_ROLLBACK_DETECTED
    )
    assert not (tmp_path / "new").exists()
    assert not list(tmp_path.glob(".new*"))
    restore_backup(backup, tmp_path / "new", anchor_path=None)


def test_a_newer_anchor_of_the_same_entries_is_taken_along(
    bureau: Bureau, backup: Path, tmp_path: Path
) -> None:
    """Signed again at a later time: the restored home does not sign before that time."""
    bureau.ledger.checkpoint(SECONDS + 500)
    restore_backup(backup, tmp_path / "new", anchor_path=bureau.home.anchor_path)
    ledger = Home(tmp_path / "new").ledger()
    try:
        with pytest.raises(ConfigError) as refusal:
            ledger.checkpoint(SECONDS + 100)
        assert refusal.value.reason is Reason.CLI_CLOCK_SUSPECT
    finally:
        ledger.close()


def test_a_second_history_is_refused(bureau: Bureau, backup: Path, tmp_path: Path) -> None:
    """D10: two homes from one backup both minted; what one signed is not of the other's history."""
    restore_backup(backup, tmp_path / "other", anchor_path=None)
    other = Home(tmp_path / "other")
    ledger = other.ledger()
    try:
        mint_all(other, ledger, now=SECONDS + 1)
    finally:
        ledger.close()
    mint_all(bureau.home, bureau.ledger, now=SECONDS + 1)
    make_backup(bureau.home, tmp_path / "later", now=SECONDS + 2)
    attempt = restore_backup
    assert (
        reason(lambda: attempt(tmp_path / "later", tmp_path / "new", anchor_path=other.anchor_path))
        is Reason.STORE_FORK_DETECTED
    )


@attack("D08", Reason.STORE_CORRUPT, Reason.STORE_HASH_MISMATCH)
def test_every_changed_missing_or_added_file_is_refused(backup: Path, tmp_path: Path) -> None:
    """D08: a foreign write-ahead log beside a database is an added file."""

    def refused() -> Reason:
        return reason(lambda: restore_backup(backup, tmp_path / "new", anchor_path=None))

    for path in sorted(path for path in backup.rglob("*") if path.is_file()):
        data = path.read_bytes()
        if path.name == MANIFEST_NAME:
            path.write_bytes(data[:-20])
            assert refused() is Reason.STORE_CORRUPT
        else:
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
            assert refused() is Reason.STORE_HASH_MISMATCH
            path.unlink()
            assert refused() is Reason.STORE_CORRUPT
        path.write_bytes(data)
    (backup / "register.db-wal").write_bytes(b"foreign")
    assert refused() is Reason.STORE_CORRUPT
    (backup / "register.db-wal").unlink()
    (backup / "tallystick.toml").rename(tmp_path / "moved")
    (backup / "tallystick.toml").symlink_to(tmp_path / "moved")
    assert refused() is Reason.CLI_PATH_UNSAFE
    assert not list(tmp_path.glob(".new*"))


@pytest.mark.parametrize("name", ["../escaped", "/tmp/escaped", "a/../../escaped", ".hidden", "a//b", ""])
def test_a_manifest_that_reaches_outside_is_refused(backup: Path, tmp_path: Path, name: str) -> None:
    manifest = json.loads((backup / MANIFEST_NAME).read_text("ascii"))
    manifest["files"][name] = {"sha256": "0" * 64, "bytes": 1}
    (backup / MANIFEST_NAME).write_text(json.dumps(manifest), "ascii")
    assert reason(lambda: restore_backup(backup, tmp_path / "new", anchor_path=None)) is Reason.STORE_CORRUPT


def test_a_backup_of_a_newer_program_is_refused(backup: Path, tmp_path: Path) -> None:
    manifest = json.loads((backup / MANIFEST_NAME).read_text("ascii")) | {"tallystick_backup": 2}
    (backup / MANIFEST_NAME).write_text(json.dumps(manifest), "ascii")
    assert reason(lambda: restore_backup(backup, tmp_path / "new", anchor_path=None)) is Reason.HOME_VERSION


def test_nothing_is_overwritten(bureau: Bureau, backup: Path, tmp_path: Path) -> None:
    home = bureau.home
    assert reason(lambda: make_backup(home, backup, now=SECONDS)) is Reason.CLI_EXISTS
    assert reason(lambda: make_backup(home, home.path / "in", now=SECONDS)) is Reason.CLI_PATH_UNSAFE
    assert reason(lambda: restore_backup(backup, home.path, anchor_path=None)) is Reason.CLI_EXISTS
    assert reason(lambda: restore_backup(tmp_path, tmp_path / "n", anchor_path=None)) is Reason.CLI_NOT_FOUND
    absent = tmp_path / "absent"
    assert reason(lambda: restore_backup(backup, tmp_path / "n", anchor_path=absent)) is Reason.CLI_NOT_FOUND


def test_a_register_of_another_night_is_refused(bureau: Bureau, backup: Path, tmp_path: Path) -> None:
    """A register newer than its ledger: the certificates it knows are not in it."""
    mint_all(bureau.home, bureau.ledger, now=SECONDS + 1)
    make_backup(bureau.home, tmp_path / "later", now=SECONDS + 2)
    shutil.copy(tmp_path / "later" / "register.db", backup / "register.db")
    manifest = json.loads((backup / MANIFEST_NAME).read_text("ascii"))
    later = json.loads((tmp_path / "later" / MANIFEST_NAME).read_text("ascii"))
    manifest["files"]["register.db"] = later["files"]["register.db"]
    (backup / MANIFEST_NAME).write_text(json.dumps(manifest), "ascii")
    with pytest.raises(IntegrityError) as refusal:
        restore_backup(backup, tmp_path / "new", anchor_path=None)
    assert refusal.value.reason is Reason.STORE_ROLLBACK_DETECTED


def test_a_full_disk_leaves_no_half_of_a_backup(tmp_path: Path) -> None:
    night = Night(tmp_path, 30)
    ran = starved(
        "home", "backup", "--out", tmp_path / "b", "--home", night.template, "--json", file_limit=30_000
    )
    assert (ran.code, ran.json["error"]["reason"]) == (1, "store.io_error")
    assert sorted(os.listdir(tmp_path)) == ["export", "template"]
