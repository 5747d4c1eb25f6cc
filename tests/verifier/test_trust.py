"""The trust bundle: what is refused when it is opened, and what a folder must hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from certificate.directory import Directory, DirectoryKey, KeyRole
from certificate.numbers import Environment
from ledger.errors import FormatError, ProjectError, UndeterminedError, VerificationError
from ledger.reasons import Reason
from tests.world import SECONDS, World, signer
from verifier.trust import BUNDLE_NAME, DIRECTORY_NAME, POLICY_NAME, parse_bundle, sign_bundle
from verifier.trust_dir import ROOT_KEYS_NAME, load_trust, save_bundle_files

Files = dict[str, bytes]


def test_an_honest_bundle_opens() -> None:
    bundle = World().bundle()
    assert bundle.directory.key(KeyRole.CERTIFICATE, bundle.directory.keys[0].kid) is not None
    assert bundle.status_token(1, 0)


def other_world_file(name: str) -> bytes:
    return World(root=signer("another root")).bundle_files()[name]


@pytest.mark.parametrize(
    ("change", "kind", "reason"),
    [
        (lambda f: f.pop(BUNDLE_NAME), UndeterminedError, Reason.TRUST_MISSING),
        (lambda f: f.pop(POLICY_NAME), UndeterminedError, Reason.TRUST_MISSING),
        (lambda f: f.update({POLICY_NAME: f[POLICY_NAME] + b"\n"}), VerificationError, Reason.TRUST_BUNDLE_SIG_INVALID),
        (lambda f: f.update({"status-1-0.cwt": b""}), VerificationError, Reason.TRUST_BUNDLE_SIG_INVALID),
        (lambda f: f.update({"status-1-9.cwt": b"x"}), FormatError, Reason.TRUST_MALFORMED),
        (lambda f: f.update({BUNDLE_NAME: other_world_file(BUNDLE_NAME)}), VerificationError,
         Reason.TRUST_BUNDLE_SIG_INVALID),
        (lambda f: f.update({DIRECTORY_NAME: other_world_file(DIRECTORY_NAME)}), VerificationError,
         Reason.TRUST_BUNDLE_SIG_INVALID),
        (lambda f: f.update({BUNDLE_NAME: f[DIRECTORY_NAME]}), FormatError, Reason.KEY_PURPOSE_MISMATCH),
    ],
)  # fmt: skip
def test_a_mixed_or_changed_bundle_is_refused(
    change: Callable[[Files], object], kind: type[ProjectError], reason: Reason
) -> None:
    world = World()
    files = world.bundle_files()
    change(files)
    with pytest.raises(kind) as refusal:
        parse_bundle(files, root_keys=[world.root.public_key])
    assert refusal.value.reason is reason


def test_test_and_production_do_not_meet_in_one_bundle() -> None:
    world = World()
    files = world.bundle_files()
    listed = {name: content for name, content in files.items() if name != BUNDLE_NAME}
    files[BUNDLE_NAME] = sign_bundle(
        world.root,
        listed,
        environment=Environment.PRODUCTION,
        version=1,
        issued=SECONDS,
        expires=SECONDS + 60,
    )
    with pytest.raises(VerificationError) as refusal:
        parse_bundle(files, root_keys=[world.root.public_key])
    assert refusal.value.reason is Reason.KEY_ENV_TEST


def test_no_root_key_trusts_nothing() -> None:
    with pytest.raises(VerificationError) as refusal:
        parse_bundle(World().bundle_files(), root_keys=[])
    assert refusal.value.reason is Reason.TRUST_BUNDLE_SIG_INVALID


WEAK = bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")


def with_key(directory: Directory, key: DirectoryKey) -> Directory:
    return replace(directory, keys=(*directory.keys, key))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: with_key(d, DirectoryKey(KeyRole.CERTIFICATE, 1, 1, WEAK, 1)), Reason.KEY_WEAK),
        (lambda d: with_key(d, replace(d.keys[0], office=7, public_key=bytes([9]) * 32)), Reason.SCHEMA_FIELD_UNKNOWN),
        (lambda d: with_key(d, replace(d.keys[0], log=7, public_key=bytes([9]) * 32)), Reason.SCHEMA_FIELD_UNKNOWN),
        (lambda d: replace(d, offices=(*d.offices, replace(d.offices[0], authority=5, number=2))),
         Reason.SCHEMA_FIELD_UNKNOWN),
        (lambda d: replace(d, authorities=(replace(d.authorities[0], name_zh="坏\u202e名"),)),
         Reason.SCHEMA_TEXT_FORBIDDEN_CHAR),
    ],
)  # fmt: skip
def test_a_directory_that_contradicts_itself_is_refused(
    change: Callable[[Directory], Directory], reason: Reason
) -> None:
    """A26 at load: weak keys; and offices, logs and names that cannot be."""
    world = World()
    files = world.bundle_files(directory=change(world.directory()))
    with pytest.raises(FormatError) as refusal:
        parse_bundle(files, root_keys=[world.root.public_key])
    assert refusal.value.reason is reason


def test_two_keys_with_one_key_id_are_refused() -> None:
    directory = World().directory()
    with pytest.raises(FormatError) as refusal:
        with_key(directory, replace(directory.keys[0], role=KeyRole.STATUS))
    assert refusal.value.reason is Reason.KEY_KID_AMBIGUOUS


def test_a_folder_round_trips_and_needs_its_root_keys(tmp_path: Path) -> None:
    world = World()
    save_bundle_files(tmp_path, world.bundle_files())
    with pytest.raises(UndeterminedError):
        load_trust(tmp_path)
    (tmp_path / ROOT_KEYS_NAME).write_text(world.root.public_key.hex() + "\n")
    assert load_trust(tmp_path).digest == world.bundle().digest
    for spelling in ("", world.root.public_key.hex().upper() + "\n", world.root.public_key.hex()[:-1] + "\n"):
        (tmp_path / ROOT_KEYS_NAME).write_text(spelling)
        with pytest.raises(FormatError) as refusal:
            load_trust(tmp_path)
        assert refusal.value.reason is Reason.TRUST_MALFORMED


def test_a_file_left_from_an_older_bundle_is_noticed(tmp_path: Path) -> None:
    world = World()
    (tmp_path / ROOT_KEYS_NAME).write_text(world.root.public_key.hex() + "\n")
    save_bundle_files(tmp_path, world.bundle_files(version=1))
    newer = world.bundle_files(version=2, quorum=4)
    del newer[POLICY_NAME]  # a copy that was interrupted
    save_bundle_files(tmp_path, newer)
    with pytest.raises(VerificationError) as refusal:
        load_trust(tmp_path)
    assert refusal.value.reason is Reason.TRUST_BUNDLE_SIG_INVALID
