"""A home made when one root key signed the bundle: it goes on as it was, and gets a root of three by one command."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from certificate.directory import sign_directory
from issuer.home import LIVE_KEY, ROOT_KEYS, Home
from issuer.publish import cut_bundle, load_directory
from ledger.keyfile import save_key
from ledger.reasons import Reason
from tests.attacks.commands import ok, tally
from verifier.trust import DIRECTORY_NAME, sign_bundle
from verifier.trust_dir import ROOT_KEYS_NAME, load_trust


def made_older(path: Path) -> Home:
    ok("init", path)
    home = Home(path)
    directory = load_directory(home)
    save_key(
        home.key_path("root"),
        bytes(range(32)),
        purpose="root",
        environment="test",
        passphrase=home.passphrase(),
    )
    for name in (LIVE_KEY, *ROOT_KEYS):
        home.key_path(name).unlink()
    shutil.rmtree(home.tuf_dir)
    root = home.signer("root")
    for file in home.trust_dir.iterdir():
        file.unlink()
    files = {DIRECTORY_NAME: sign_directory(root, directory), "policy.txt": home.policy_path.read_bytes()}
    files["bundle.cose"] = sign_bundle(
        root, files, environment=home.settings.environment, version=7, issued=0, expires=1
    )
    for name, data in files.items():
        (home.trust_dir / name).write_bytes(data)
    (home.trust_dir / ROOT_KEYS_NAME).write_text(root.public_key.hex() + "\n")
    return Home(path)


def test_an_older_home_goes_on_and_gets_a_root(tmp_path: Path) -> None:
    home = made_older(tmp_path / "home")
    ledger = home.ledger()
    assert cut_bundle(home, ledger, now=int(time.time())) == 8
    ledger.close()
    assert load_trust(home.trust_dir).version == 8
    publish = ("trust", "publish", "--home", home.path, "--out", tmp_path / "public", "--json")
    refused = tally(*publish)
    assert refused.reason == Reason.TRUST_MISSING.value
    assert not (tmp_path / "public").exists()
    ok("trust", "root", "new", "--home", home.path)
    assert load_trust(home.trust_dir).version == 9
    ok(*publish)
    root = home.tuf_dir / "1.root.json"
    ok("trust", "sync", tmp_path / "public", "--trust", tmp_path / "trust", "--root", root)
    again = tally("trust", "root", "new", "--home", home.path, "--json")
    assert again.reason == Reason.CLI_EXISTS.value
