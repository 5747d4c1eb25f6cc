"""What lies on the disk: sealed under a key of its own, re-wrapped when the master key changes, gone when erased."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import cli
from ledger.errors import ConfigError, IntegrityError
from ledger.reasons import Reason
from tests.wallet.parties import MASTER, Asker, Phone, Town, good, refused
from wallet_api.safe import check_master_key, rotate_master_key
from wallet_api.sealing import Keyring, bound_to, open_sealed, seal


def on_disk(town: Town) -> bytes:
    return b"".join(path.read_bytes() for path in town.path.parent.glob(town.path.name + "*"))


def test_a_sealed_value_opens_in_its_own_place_only() -> None:
    sealed = seal(MASTER, b"value", bound=bound_to("a", b"bc"), random=os.urandom)
    assert open_sealed(MASTER, sealed, bound=bound_to("a", b"bc")) == b"value"
    for key, bound in ((MASTER, bound_to("a", b"b", b"c")), (b"x" * 32, bound_to("a", b"bc"))):
        with pytest.raises(IntegrityError) as caught:
            open_sealed(key, sealed, bound=bound)
        assert caught.value.reason is Reason.STORE_CORRUPT


def test_an_erased_safe_leaves_nothing(town: Town, alice: Phone, bank: Asker) -> None:
    number, id_ = alice.put(), bank.leave()
    alice.answer(id_, number, (0, 1))
    with town.service.store.read() as tx:
        safe = tx.safe_of_key(alice.key.public_key)
        assert safe is not None
        row = tx.certificate(safe.id, number)
        assert row is not None
    assert "测试甲".encode() not in on_disk(town)
    assert safe.wrapped_key in on_disk(town)
    good(alice.call("DELETE", "/safe"))
    for trace in (safe.wrapped_key, row.sealed, safe.id, safe.holder_key):
        assert trace not in on_disk(town)
    refused(bank.post(f"/requests/{id_}/fetch"), Reason.CONSENT_REVOKED)
    refused(alice.get("/certificates"), Reason.AUTH_INVALID)


def test_the_master_key_changes_while_the_service_runs(town: Town, alice: Phone) -> None:
    number, new = alice.put(), b"n" * 32
    store = town.service.store
    both = Keyring(new, (MASTER,))
    assert rotate_master_key(store, both, random=os.urandom) == 1
    assert rotate_master_key(store, both, random=os.urandom) == 0
    check_master_key(store, Keyring(new))
    with pytest.raises(ConfigError) as caught:
        check_master_key(store, town.service.keyring)
    assert caught.value.reason is Reason.CLI_KEY_MISMATCH
    assert replace(town.service, keyring=both).keyring.current == new
    assert number


def test_the_command_line(tmp_path: Path) -> None:
    db, key = str(tmp_path / "wallet.db"), str(tmp_path / "master.key")
    common = ["--db", db, "--master-key", key]
    assert CliRunner().invoke(cli, ["wallet", "init", *common]).exit_code == 0
    made = CliRunner().invoke(cli, ["wallet", "org-token", "--db", db, "--org", "1"])
    assert made.output.startswith("tso_")
    assert made.output.strip().encode() not in (tmp_path / "wallet.db").read_bytes()
    checked = CliRunner().invoke(cli, ["wallet", "check", *common])
    assert checked.output.startswith("0 access rows")
