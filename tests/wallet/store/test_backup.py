"""Backup while requests arrive, and the restore drill of docs/WALLET.md, between both databases."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest
from click.testing import CliRunner

from cli.main import cli
from ledger.errors import ProjectError
from ledger.keyfile import save_key
from ledger.reasons import Reason
from tests.wallet.parties import MASTER, Asker, Phone, Town, good
from tests.wallet.stores import Databases
from wallet_api.store.opening import open_store
from wallet_api.store.rows import RequestState

DOCUMENT = Path(__file__).parents[3] / "docs" / "WALLET.md"


def tally(*words: str) -> dict[str, object]:
    """Run a command; its JSON. Project errors come through."""
    result = CliRunner().invoke(cli, [*words, "--json"], standalone_mode=False, catch_exceptions=False)
    found: dict[str, object] = json.loads(result.stdout)
    return found


def refusal(*words: str) -> Reason:
    with pytest.raises(ProjectError) as caught:
        tally(*words)
    return caught.value.reason


def drill(**places: str) -> list[list[str]]:
    """The commands of the document's restore drill, with the places filled in."""
    text = DOCUMENT.read_text(encoding="utf-8").partition("## Restore drill")[2]
    block = re.search(r"```sh\n(.*?)```", text, re.DOTALL)
    assert block is not None
    lines = [line.split()[1:] for line in block[1].splitlines() if line.startswith("tally wallet ")]
    return [[places.get(word, word) for word in words] for words in lines]


@pytest.mark.parametrize("to", ["sqlite", "postgres"])
@pytest.mark.parametrize("kind", ["sqlite", "postgres"], indirect=True)
def test_the_drill_of_the_document(
    kind: str, to: str, database: str, town: Town, alice: Phone, bob: Phone, bank: Asker, tmp_path: Path,
    databases: Databases,
) -> None:  # fmt: skip
    """What was acknowledged before the backup is in what was restored; what could be stale has ended."""
    number = alice.put()
    fetched, open_, waiting = bank.leave(), bank.leave(), bank.leave()
    alice.answer(fetched, number)
    bank.fetch(fetched)
    good(bank.post(f"/requests/{fetched}/acknowledge"))
    alice.answer(open_, number)
    over, others = Event(), bob.put(bob.certificate(seed=b"b" * 32))

    def go_on() -> None:
        while not over.is_set():
            bob.answer(bank.leave(), others)

    with databases.fresh_empty() as empty:
        target = str(tmp_path / "restored.db") if to == "sqlite" else empty
        backup, key = str(tmp_path / "wallet-backup.db"), str(tmp_path / "master.key")
        save_key(Path(key), MASTER, purpose="wallet-master", environment="test", passphrase=None)
        places = {"wallet.db": database, "wallet-backup.db": backup, "restored.db": target, "master.key": key}
        commands = drill(**places)
        assert [words[1] for words in commands] == ["backup", "restore", "check"]
        living = Thread(target=go_on)
        living.start()
        try:
            head = str(tally(*commands[0])["head"])
        finally:
            over.set()
            living.join()
        restoring = [head if word.startswith("SIZE:") else word for word in commands[1]]
        assert tally(*restoring)["access_rows"] == int(head.partition(":")[0])
        assert refusal(*restoring) is Reason.CLI_EXISTS
        assert tally(*commands[2])["size"] == int(head.partition(":")[0])
        with closing(open_store(target)) as store:
            with store.read() as tx:
                safe = tx.safe_of_key(alice.key.public_key)
                assert safe is not None
                assert tx.certificate(safe.id, number) is not None
                states = [tx.request(bytes.fromhex(id_)) for id_ in (fetched, open_, waiting)]
                ended = tx.answer(bytes.fromhex(open_))
                assert tx.execute("SELECT COUNT(*) FROM sessions") == [(0,)]
            assert [row.state for row in states if row is not None] == [
                RequestState.ANSWERED, RequestState.WITHDRAWN, RequestState.WAITING,
            ]  # fmt: skip
            assert ended is not None
            assert ended.sealed is None


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_an_older_backup_and_a_foreign_one_are_refused(
    database: str, town: Town, alice: Phone, bank: Asker, tmp_path: Path
) -> None:
    number = alice.put()
    alice.answer(bank.leave(), number)
    older, newer = tmp_path / "older.db", tmp_path / "newer.db"
    tally("wallet", "backup", "--db", database, "--out", str(older))
    alice.answer(bank.leave(), number)
    head = str(tally("wallet", "backup", "--db", database, "--out", str(newer))["head"])
    target = str(tmp_path / "restored.db")
    assert (
        refusal("wallet", "restore", str(older), "--db", target, "--least", head)
        is Reason.STORE_ROLLBACK_DETECTED
    )
    other = f"{head.partition(':')[0]}:{'0' * 64}"
    assert (
        refusal("wallet", "restore", str(newer), "--db", target, "--least", other)
        is Reason.STORE_FORK_DETECTED
    )
    for bad in ("x", "1:", f"+1:{'0' * 64}"):
        assert refusal("wallet", "restore", str(newer), "--db", target, "--least", bad) is Reason.CLI_USAGE
    assert not Path(target).exists()
    assert refusal("wallet", "backup", "--db", database, "--out", str(older)) is Reason.CLI_EXISTS
    tally("wallet", "restore", str(newer), "--db", target, "--least", head, "--moved")
    with closing(open_store(target)) as store, store.read() as tx:
        assert {row[0] for row in tx.execute("SELECT state FROM requests")} == {"answered"}
        assert tx.execute("SELECT COUNT(*) FROM sessions") != [(0,)]
