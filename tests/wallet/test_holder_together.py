"""A holder without a wallet lays two certificates down, by the commands, and the verifier is given both answers."""

from __future__ import annotations

from pathlib import Path

import pytest

import cli.holder
import cli.verify
from certificate.keys import Ed25519CoseSigner
from certificate.request import PolicyItem
from ledger.keyfile import save_key
from ledger.reasons import Reason
from tests.attacks.commands import ok, tally
from tests.wallet.test_bundles import OTHER, files_of_two_cities
from tests.wallet.test_together import LONG_RUN, RULES, claims_of
from tests.world import NOW, World
from verifier.trust_dir import ROOT_KEYS_NAME, save_bundle_files

SEED = b"h" * 32


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Key K, certificates `here` and `there`, `whole` that needs no other, request R, bundle T."""
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o700)
    for module in (cli.holder, cli.verify):
        monkeypatch.setattr(module, "utc_now", lambda: NOW)
    world = World(holder=Ed25519CoseSigner(SEED))
    save_key(Path("K"), SEED, purpose="holder", environment="test", passphrase=None)
    tree = world.tree(claims_of(2021, 2024))
    Path("here").write_bytes(world.certificate(world.body(claims_root=tree.root()), tree=tree, neighbours=8))
    tree = world.tree(claims_of(2025, 2026), seed=b"t" * 32)
    body = world.body(authority=2, claims_root=tree.root())
    Path("there").write_bytes(world.certificate(body, tree=tree, key=OTHER, neighbours=8))
    Path("whole").write_bytes(world.certificate(neighbours=8))
    rule = RULES["test.rule"]
    registration = world.registration(policies=(rule.id,))
    items = (PolicyItem(rule.id, rule.digest),)
    Path("R").write_bytes(world.request(items=items, registration=registration))
    save_bundle_files(Path("T"), files_of_two_cities(policies=[LONG_RUN]))
    (Path("T") / ROOT_KEYS_NAME).write_text(World().root.public_key.hex() + "\n")
    return tmp_path


def present(*certificates: str, out: str = "P") -> tuple[object, ...]:
    named = [word for name in certificates for word in ("--certificate", name)]
    return (
        "holder",
        "present",
        "--request",
        "R",
        "--key",
        "K",
        "--trust",
        "T",
        "--out",
        out,
        "--json",
        *named,
    )


def test_two_certificates_answer_together(folder: Path) -> None:
    assert (
        tally(*present("here", "there")[:-2], "--out", "alone").reason == Reason.DISC_REQUIRED_MISSING.value
    )
    made = ok(*present("here", "there")).json
    assert made["files"] == ["P", "P-2"]
    assert len(made["shown"]) == 5
    verify = ("verify", "--trust", "T", "--request", "R", "--json")
    assert tally(*verify, "P").reason == Reason.POLICY_UNDETERMINED.value
    report = ok(*verify, "P", "P-2").json
    assert (report["outcome"], [judged["answer"] for judged in report["policies"]]) == ("valid", ["true"])


def test_what_one_answers_needs_no_other(folder: Path) -> None:
    made = ok(*present("whole", "there")).json
    assert made["files"] == ["P"]
    assert tally(*present("here", "there"), "--show", "name").code == 2
