"""The commands of this part on a home: export, monitor, audit, proofs, with their exit codes."""

from __future__ import annotations

import json
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from certificate.keys import key_id
from ledger.checkpoint import parse_checkpoint_note
from ledger.entry import EntryType, encode_entry
from ledger.note import parse_vkey
from ledger.receipt import verify_growth_receipt, verify_inclusion_receipt
from ledger.tlog_proof import parse_tlog_proof, verify_tlog_proof
from ledger.trust_policy import parse_trust_policy
from ledger.witness_protocol import parse_add_checkpoint
from tests.program import Ran, ok, tally


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("commands") / "home"
    ok("init", path)
    return path


def shown(ran: Ran) -> dict[str, Any]:
    return ran.json


def test_export_and_monitor(home: Path, tmp_path: Path) -> None:
    out, policy = tmp_path / "public", home / "ledger" / "policy.txt"
    size = shown(ok("ledger", "export", "--out", out, "--home", home, "--json"))["size"]
    seen = shown(ok("ledger", "monitor", out, "--state", tmp_path / "seen", "--policy", policy, "--json"))
    assert (seen["old_size"], seen["size"], len(seen["cosigned_by"])) == (0, size, 3)
    assert sum(row["count"] for row in seen["new_entries"]) == size
    ok("ledger", "checkpoint", "--home", home)
    ok("ledger", "export", "--out", out, "--home", home)
    vkeys = ok("ledger", "vkeys", "--home", home).out.split()
    assert [parse_vkey(vkey).algorithm for vkey in vkeys] == [1, 6, 4, 4, 4, 4]
    options = [word for vkey in vkeys for word in ("--vkey", vkey)]
    again = shown(ok("ledger", "monitor", out, "--state", tmp_path / "seen", *options, "--json"))
    assert again["old_size"] == size
    assert tally("ledger", "monitor", out, "--state", tmp_path / "seen").code == 2
    assert tally("ledger", "monitor", tmp_path / "no", "--state", tmp_path / "x", *options).code == 2
    (out / "tile/0").rename(out / "tile/gone")
    assert tally("ledger", "monitor", out, "--state", tmp_path / "from the start", *options).code == 4


def test_proofs(home: Path, tmp_path: Path) -> None:
    policy = parse_trust_policy((home / "ledger/policy.txt").read_bytes())
    text, receipt, entry = tmp_path / "0.tlog-proof", tmp_path / "0.cbor", tmp_path / "entry"
    ok("ledger", "prove", 0, "--as", "tlog-proof", "--out", text, "--entry-out", entry, "--home", home)
    now = 4_000_000_000
    proof = parse_tlog_proof(text.read_bytes())
    verified = verify_tlog_proof(proof, entry=entry.read_bytes(), policy=policy, now=now)
    ok("ledger", "prove", 0, "--as", "cose", "--out", receipt, "--home", home)
    key = (
        verified.log_key.public_key
        if len(verified.log_key.public_key) == 32
        else policy.logs[0].key.public_key
    )
    found = verify_inclusion_receipt(receipt.read_bytes(), entry=entry.read_bytes(), public_key=key)
    assert found == (0, verified.checkpoint.size, verified.checkpoint.root_hash)
    assert key_id(key) in receipt.read_bytes()
    growth = tmp_path / "growth"
    ok("ledger", "prove-growth", 1, "--out", growth, "--home", home)
    asked = parse_add_checkpoint(growth.read_bytes())
    assert (asked.old_size, asked.checkpoint) == (1, verified.checkpoint)
    ok("ledger", "prove-growth", 1, "--as", "cose", "--out", tmp_path / "growth.cbor", "--home", home)
    from ledger.merkle import RootHash, leaf_hash

    old_root = RootHash(leaf_hash(entry.read_bytes()))
    sizes = verify_growth_receipt(
        (tmp_path / "growth.cbor").read_bytes(),
        old_root_hash=old_root,
        root_hash=verified.checkpoint.root_hash,
        public_key=key,
    )
    assert sizes == (1, verified.checkpoint.size)
    assert tally("ledger", "prove-growth", 10**6, "--out", tmp_path / "x", "--home", home).code == 3
    assert parse_checkpoint_note(proof.note)[0] == verified.checkpoint


def test_audit(home: Path) -> None:
    assert shown(ok("ledger", "audit", "--home", home, "--json"))["in_order"] is True
    from issuer.home import Home

    with closing(Home(home).ledger()) as ledger:
        ledger.append([encode_entry(EntryType.CERTIFICATE, 1, sha256(b"planted").digest())])
    ran = tally("ledger", "audit", "--home", home, "--json")
    assert ran.code == 3
    [unknown] = json.loads(ran.out)["unknown"]
    assert "stolen" in unknown["possible"]
    assert "planted" in unknown["possible"]
