"""The online key is stolen: two holders of root keys put another in its place, and nothing of the old one counts."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from issuer.home import LIVE_KEY, ROOT_KEYS, Home
from issuer.tuf_metadata import (
    ROOT_LIFETIME,
    TARGETS_LIFETIME,
    add_signature,
    encode_metadata,
    make_root,
    make_targets,
)
from ledger.reasons import Reason
from tests.attacks.commands import ok, tally
from tests.attacks.marking import attack
from tests.trust.conftest import Stage
from tests.trust.thief import Served, snapshot_of
from tests.world import World
from verifier.endorsed import TARGETS_NAME, parse_targets
from verifier.trust import VERSIONS_OF_A_ROOT
from verifier.trust_dir import load_root_keys

DAY = 86400
FAR = 2 * VERSIONS_OF_A_ROOT - 1  # as far as an online key under root 1 may count


@pytest.fixture
def thief(stage: Stage, tmp_path: Path) -> Served:
    """Whoever copied the publisher's machine, the root keys excepted."""
    home = tmp_path / "stolen"
    shutil.copytree(stage.home.path, home, symlinks=True)
    for name in ROOT_KEYS:
        (home / "keys" / f"{name}.key").unlink()
    return Served.of(Home(home))


def replaced(stage: Stage, draft: Path) -> int:
    """The ceremony; returns the version of the bundle that went out under the new key."""
    ok("trust", "live", "replace", "--home", stage.home.path, "--out", draft)
    return int(stage.publish("--draft", draft, "--json").json["bundle"])


@attack("P26", Reason.TRUST_BUNDLE_SIG_INVALID)
def test_what_the_old_key_signs_is_refused_after_a_sync(stage: Stage, thief: Served, tmp_path: Path) -> None:
    served = tmp_path / "served"
    thief.with_files({}).write(stage.public)
    assert stage.sync().code == 0  # before the ceremony it is nobody else's
    version = replaced(stage, tmp_path / "draft")
    assert version == 2 * VERSIONS_OF_A_ROOT
    assert not stage.home.key_path("live-next").exists()
    done = stage.sync()
    assert (done.code, done.json["root"], done.json["bundle"]) == (0, 2, version)
    before = snapshot_of(stage.trust)
    for number in (thief.version + 2, version + 7):
        shutil.copytree(stage.public, served, dirs_exist_ok=True)
        thief.with_files({}, version=number).write(served)
        assert stage.sync(served).reason == Reason.TRUST_BUNDLE_SIG_INVALID.value
    assert snapshot_of(stage.trust) == before
    stage.publish()
    assert stage.sync().json["bundle"] == version + 1


@attack("P26", Reason.TRUST_MALFORMED)
def test_a_thief_who_counts_far_ahead_shuts_nobody_out(stage: Stage, thief: Served, tmp_path: Path) -> None:
    thief.with_files({}, version=FAR + 1).write(stage.public)
    assert stage.sync().reason == Reason.TRUST_MALFORMED.value
    thief.with_files({}, version=FAR).write(stage.public)
    assert stage.sync().json["bundle"] == FAR
    assert replaced(stage, tmp_path / "draft") == FAR + 1
    assert stage.sync().json["bundle"] == FAR + 1


@attack("P26", Reason.TRUST_BUNDLE_ROLLBACK)
def test_the_old_set_put_into_the_folder_past_sync_is_a_rollback(
    stage: Stage, thief: Served, tmp_path: Path
) -> None:
    """The older targets name the old key, and enough holders signed them: what was seen tells them apart."""
    version = replaced(stage, tmp_path / "draft")
    assert stage.sync().code == 0
    paper = World().certificate(World().body(paper=True))
    (tmp_path / "paper").write_bytes(paper)
    words = ("verify", tmp_path / "paper", "--trust", stage.trust, "--static", "--json")
    assert tally(*words, "--seen", stage.trust / "seen.db").reason == Reason.KEY_UNKNOWN.value
    for path in stage.trust.iterdir():
        if path.name in stage.served().files:
            path.unlink()
    for name, data in thief.with_files({}, version=version + 7).files.items():
        (stage.trust / name).write_bytes(data)
    ran = tally(*words, "--seen", stage.trust / "seen.db")
    assert ran.reason == Reason.TRUST_BUNDLE_ROLLBACK.value
    assert stage.sync().reason == Reason.TRUST_BUNDLE_ROLLBACK.value


def test_a_lost_key_is_replaced_likewise(stage: Stage, tmp_path: Path) -> None:
    """The publisher's disk is gone, and the backup holds no online key: until the ceremony nothing goes out."""
    stage.home.key_path(LIVE_KEY).unlink()
    refused = tally("trust", "publish", "--home", stage.home.path, "--out", stage.public, "--json")
    assert refused.reason == Reason.CLI_NOT_FOUND.value
    ok("trust", "live", "replace", "--home", stage.home.path, "--out", tmp_path / "first")
    replaced(stage, tmp_path / "second")  # the same key waits, whichever draft is signed
    assert stage.sync().json["root"] == 2


def test_a_draft_of_another_machine_or_of_before_a_change_is_refused(stage: Stage, tmp_path: Path) -> None:
    home, draft = stage.home, tmp_path / "draft"
    ok("trust", "live", "replace", "--home", home.path, "--out", draft)
    waiting = home.key_path("live-next")
    waiting.rename(tmp_path / "kept")
    words = ("trust", "publish", "--home", home.path, "--out", stage.public, "--draft", draft, "--json")
    assert tally(*words).reason == Reason.CLI_NOT_FOUND.value
    (tmp_path / "kept").rename(waiting)
    policy = home.policy_path
    policy.write_text(policy.read_text().replace("group local 3", "group local 4"))
    stage.publish()
    before = snapshot_of(home.path / "trust")
    assert tally(*words).reason == Reason.TRUST_BUNDLE_ROLLBACK.value
    assert not (home.tuf_dir / "2.root.json").exists()
    assert waiting.exists()
    assert snapshot_of(home.path / "trust") == before
    replaced(stage, tmp_path / "again")
    assert stage.sync().json["root"] == 2


def test_a_service_at_work_signs_with_the_new_key(stage: Stage, tmp_path: Path) -> None:
    """A home opened before the ceremony has unsealed the old key, and cuts the next bundle all the same."""
    from issuer.publish import cut_bundle

    home = stage.home
    old = home.signer(LIVE_KEY).public_key
    version = replaced(stage, tmp_path / "draft")
    ledger = home.ledger()
    assert cut_bundle(home, ledger, now=int(time.time())) == version + 1
    ledger.close()
    assert home.signer(LIVE_KEY).public_key != old


def soon_over(stage: Stage, *, days: int) -> None:
    """A root and targets that were signed so long ago that so many days are left."""
    home, now = stage.home, int(time.time()) + days * DAY + 60
    signers = [home.signer(name) for name in ROOT_KEYS]
    keys, live = [signer.public_key for signer in signers], home.signer(LIVE_KEY).public_key
    root = make_root(2, root_keys=keys, live_key=live, now=now - ROOT_LIFETIME)
    (home.tuf_dir / "2.root.json").write_bytes(encode_metadata(add_signature(root, signers)))
    path = home.trust_dir / TARGETS_NAME
    held = parse_targets(path.read_bytes(), root_keys=load_root_keys(home.trust_dir))
    files = {name: (home.trust_dir / name).read_bytes() for name in held.digests}
    targets = make_targets(held.version + 1, files, live_key=live, now=now - TARGETS_LIFETIME)
    path.write_bytes(encode_metadata(add_signature(targets, signers)))


@pytest.mark.parametrize(("days", "due"), [(70, 0), (59, 2), (3, 2)])
def test_a_warning_comes_in_time(stage: Stage, tmp_path: Path, days: int, due: int) -> None:
    soon_over(stage, days=days)
    for words in (("trust", "status"), ("home", "status"), ("trust", "publish", "--out", stage.public)):
        ran = ok(*words, "--home", stage.home.path)
        assert ran.err.count(f"{days} days left; tally trust root rotate") == due
    assert stage.sync().code == 0
    ok("trust", "root", "rotate", "--home", stage.home.path, "--out", tmp_path / "term")
    stage.publish("--draft", tmp_path / "term")
    shown = ok("trust", "status", "--home", stage.home.path, "--json").json
    assert shown["due"] == []
    left = {term["name"]: (term["expires"] - time.time()) // DAY for term in shown["terms"]}
    assert (left["root"], left["targets"]) == (729, 364)
    assert stage.sync().json["root"] == 3
