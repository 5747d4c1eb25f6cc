"""Key files: what they keep, and every way in which one must not be opened (ATTACKS K01–K03)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nacl import bindings

from ledger import keyfile
from ledger.ed25519 import verify_ed25519
from ledger.errors import ConfigError, FormatError, ProjectError
from ledger.keyfile import load_key, save_key
from ledger.reasons import Reason
from tests.attacks.marking import attack

SEED = bytes(range(32))
SALT = b"0123456789abcdef"
PASSPHRASE = b"correct horse"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    return folder


def save(
    path: Path, *, passphrase: bytes | None = PASSPHRASE, purpose: str = "log", seed: bytes = SEED
) -> Path:
    save_key(path, seed, purpose=purpose, environment="test", passphrase=passphrase, salt=SALT)
    return path


def reason_of(call: Callable[[], object], kind: type[ProjectError] = ConfigError) -> Reason:
    with pytest.raises(kind) as caught:
        call()
    return caught.value.reason


def test_round_trip(folder: Path) -> None:
    for passphrase in (None, PASSPHRASE):
        path = save(folder / f"{passphrase is None}.key", passphrase=passphrase)
        stored = load_key(path, purpose="log", passphrase=passphrase)
        assert (stored.seed, stored.purpose, stored.environment) == (SEED, "log", "test")
        signature = stored.signer.sign(b"message")
        verify_ed25519(public_key=stored.public_key, message=b"message", signature=signature)
        assert path.stat().st_mode & 0o777 == 0o600
        assert list(folder.glob(".*")) == []
        assert SEED.hex() not in repr(stored)


def test_a_sealed_file_does_not_hold_the_seed(folder: Path) -> None:
    data = save(folder / "k.key").read_bytes()
    assert SEED not in data
    assert SEED.hex().encode() not in data
    assert PASSPHRASE not in data


def test_two_files_of_one_salt_share_nothing_but_the_salt(folder: Path) -> None:
    one = json.loads(save(folder / "1.key").read_text())
    two = json.loads(save(folder / "2.key").read_text())
    assert one["salt"] == two["salt"]
    assert one["sealed"][:48] != two["sealed"][:48]


def test_one_passphrase_and_salt_are_stretched_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    real = bindings.crypto_pwhash_alg

    def counted(*args: Any) -> bytes:
        calls.append(args)
        return real(*args)

    monkeypatch.setattr(bindings, "crypto_pwhash_alg", counted)
    monkeypatch.setattr(keyfile, "_stretched", {})
    paths = [save(folder / f"{number}.key", seed=bytes([number]) * 32) for number in range(10)]
    for path in paths:
        load_key(path, purpose="log", passphrase=PASSPHRASE)
    assert len(calls) == 1
    assert reason_of(lambda: load_key(paths[0], purpose="log", passphrase=b"other")) == Reason.KEY_PASSPHRASE
    assert len(calls) == 2


def test_never_overwrites(folder: Path) -> None:
    path = save(folder / "k.key")
    before = path.read_bytes()
    assert reason_of(lambda: save(path, seed=bytes(32))) == Reason.CLI_EXISTS
    assert path.read_bytes() == before
    assert list(folder.iterdir()) == [path]
    dangling = folder / "link.key"
    dangling.symlink_to(folder / "nowhere")
    assert reason_of(lambda: save(dangling)) == Reason.CLI_EXISTS
    assert not (folder / "nowhere").exists()


@attack("K01", Reason.CLI_KEY_PERMISSIONS)
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o601])
def test_open_to_others(folder: Path, mode: int) -> None:  # K01
    path = save(folder / "k.key")
    path.chmod(mode)
    assert (
        reason_of(lambda: load_key(path, purpose="log", passphrase=PASSPHRASE)) == Reason.CLI_KEY_PERMISSIONS
    )
    path.chmod(0o400)
    assert load_key(path, purpose="log", passphrase=PASSPHRASE).seed == SEED


@attack("K01", Reason.CLI_KEY_PERMISSIONS)
def test_links_folders_and_pipes(folder: Path) -> None:  # K01
    path = save(folder / "k.key")
    link = folder / "link.key"
    link.symlink_to(path)
    os.mkfifo(folder / "pipe.key", 0o600)
    for name in (link, folder, folder / "pipe.key"):
        assert (
            reason_of(lambda name=name: load_key(name, purpose="log", passphrase=PASSPHRASE))  # type: ignore[misc]
            == Reason.CLI_KEY_PERMISSIONS
        )


@attack("K01", Reason.CLI_KEY_PERMISSIONS)
def test_world_writable_folder(folder: Path) -> None:  # K01
    path = save(folder / "k.key")
    for mode in (0o777, 0o1777, 0o702):
        folder.chmod(mode)
        assert (
            reason_of(lambda: load_key(path, purpose="log", passphrase=PASSPHRASE))
            == Reason.CLI_KEY_PERMISSIONS
        )
        assert reason_of(lambda: save(folder / "new.key")) == Reason.CLI_KEY_PERMISSIONS
    folder.chmod(0o755)
    assert load_key(path, purpose="log", passphrase=PASSPHRASE).seed == SEED


@attack("K01", Reason.CLI_KEY_PERMISSIONS)
def test_foreign_owner(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # K01
    path = save(folder / "k.key")
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    assert (
        reason_of(lambda: load_key(path, purpose="log", passphrase=PASSPHRASE)) == Reason.CLI_KEY_PERMISSIONS
    )


def test_absent_file_and_folder(folder: Path) -> None:
    for path in (folder / "no.key", folder / "no" / "no.key"):
        assert (
            reason_of(lambda path=path: load_key(path, purpose="log", passphrase=None))  # type: ignore[misc]
            == Reason.CLI_NOT_FOUND
        )
    assert reason_of(lambda: save(folder / "no" / "no.key")) == Reason.CLI_NOT_FOUND


def test_passphrases(folder: Path) -> None:
    sealed, unsealed = save(folder / "s.key"), save(folder / "u.key", passphrase=None)
    for path, passphrase in ((sealed, None), (sealed, b"wrong"), (sealed, b""), (unsealed, PASSPHRASE)):
        with pytest.raises(ConfigError) as caught:
            load_key(path, purpose="log", passphrase=passphrase)
        assert caught.value.reason == Reason.KEY_PASSPHRASE
        assert "wrong" not in str(caught.value)
    assert reason_of(lambda: save(folder / "e.key", passphrase=b"")) == Reason.KEY_PASSPHRASE


def test_purpose(folder: Path) -> None:
    path = save(folder / "k.key", purpose="witness-1")
    assert (
        reason_of(lambda: load_key(path, purpose="log", passphrase=PASSPHRASE)) == Reason.KEY_PURPOSE_MISMATCH
    )


@attack("K03", Reason.KEY_MALFORMED)
@pytest.mark.parametrize(
    ("field", "value"), [("environment", "production"), ("purpose", "root"), ("public_key", "00" * 32)]
)
def test_clear_fields_are_bound_to_the_seal(folder: Path, field: str, value: str) -> None:  # K03
    path = save(folder / "k.key")
    fields = json.loads(path.read_text())
    fields[field] = value
    path.write_text(json.dumps(fields))
    purpose = fields["purpose"]
    assert reason_of(lambda: load_key(path, purpose=purpose, passphrase=PASSPHRASE)) == Reason.KEY_MALFORMED


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text[:-20],
        lambda text: text + "x",
        lambda text: "[" * 3000,
        lambda text: "[]",
        lambda text: text + " " * 5000,
        lambda text: text.replace("key/1", "key/2"),
        lambda text: text.replace('"environment": "test"', '"environment": "staging"'),
        lambda text: text.replace('"environment": "test"', '"environment": 1'),
        lambda text: text.replace('"format"', '"purpose": "log", "format"'),
        lambda text: text.replace('"format"', '"extra": "1", "format"'),
        lambda text: text.replace('"seed": "00', '"seed": "'),
        lambda text: text.replace('"seed": "00', '"seed": "0'),
        lambda text: text.replace('"seed": "00', '"seed": "é0'),
        lambda text: text.replace('"seed": "00', '"seed": "01'),
        lambda text: text.replace('"seed"', '"sealed"'),
    ],
)
def test_malformed_files(folder: Path, change: Callable[[str], str]) -> None:
    path = save(folder / "k.key", passphrase=None)
    path.write_text(change(path.read_text()), "utf-8")
    assert reason_of(lambda: load_key(path, purpose="log", passphrase=None)) == Reason.KEY_MALFORMED


@pytest.mark.parametrize(
    ("seed", "salt", "purpose", "environment"),
    [
        (bytes(31), SALT, "log", "test"),
        (SEED, bytes(15), "log", "test"),
        (SEED, SALT, "Log", "test"),
        (SEED, SALT, "", "test"),
        (SEED, SALT, "log", "Test"),
    ],
)
def test_save_guards(folder: Path, seed: bytes, salt: bytes, purpose: str, environment: str) -> None:
    assert (
        reason_of(
            lambda: save_key(
                folder / "k.key", seed, purpose=purpose, environment=environment, passphrase=None, salt=salt
            ),
            FormatError,
        )
        == Reason.KEY_MALFORMED
    )
    assert list(folder.iterdir()) == []
