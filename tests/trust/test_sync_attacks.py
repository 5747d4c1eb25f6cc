"""Attacks on the trust bundle's way to a verifier. Each is refused with its reason; the old bundle stays as it was."""

from __future__ import annotations

import io
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from certificate.directory import parse_directory, sign_directory
from certificate.keys import Ed25519CoseSigner
from certificate.status_list import STATUS_BITS, StatusList, sign_status_token, status_list_uri
from issuer.home import LIVE_KEY, STATUS_MLDSA_KEY
from issuer.tuf_metadata import add_signature, encode_metadata, make_root, parse_root, parse_unsigned_root
from ledger.mldsa import MlDsa44Signer
from ledger.reasons import Reason
from tests.attacks.commands import ok, tally
from tests.attacks.marking import attack
from tests.trust.conftest import Quiet, Stage, serving, web_server
from tests.trust.thief import Served, snapshot_of
from tests.world import signer
from verifier import sync
from verifier.trust import BUNDLE_NAME, DIRECTORY_NAME, POLICY_NAME
from verifier.trust_dir import replace_bundle

DAY = 86400
LIST = "status-1-0.cwt"
NEW_KEYS = [signer(f"new root {n}") for n in range(3)]


def older_repository(stage: Stage) -> None:
    shutil.rmtree(stage.public)
    shutil.copytree(stage.public.parent / "older", stage.public)


def frozen(stage: Stage) -> None:
    """Nothing new for nine days: what the honest publisher signed last has run out."""
    stage.served().with_files({}).write(stage.public, expires=int(time.time()) - 60)


def mixed(stage: Stage) -> None:
    """A newer timestamp over an older snapshot's bytes."""
    newer = stage.served().with_files({})
    newer.write(stage.public)
    metadata = stage.public / "metadata"
    shutil.copy(metadata / f"{newer.version - 1}.snapshot.json", metadata / f"{newer.version}.snapshot.json")


def directory_of(served: Served, **changes: object) -> bytes:
    present = parse_directory(served.files[DIRECTORY_NAME]).directory
    return sign_directory(served.live, replace(present, version=present.version + 1, **changes))  # type: ignore[arg-type]  # fields of Directory


def one_signature_on_targets(stage: Stage) -> None:
    served = stage.served()
    changed = {DIRECTORY_NAME: directory_of(served)}
    served.with_targets(served.roots(1), changed).write(stage.public)


def strangers_sign_targets(stage: Stage) -> None:
    served = stage.served()
    served.with_targets(NEW_KEYS, {DIRECTORY_NAME: directory_of(served)}).write(stage.public)


def next_root(
    stage: Stage, signers: list[Ed25519CoseSigner], *, version: int = 2, threshold: int = 2
) -> bytes:
    live = stage.home.signer(LIVE_KEY).public_key
    keys = [key.public_key for key in NEW_KEYS]
    root = make_root(version, root_keys=keys, live_key=live, now=int(time.time()))
    for role in ("root", "targets"):
        root.signed.roles[role].threshold = threshold
    return encode_metadata(add_signature(root, signers))


def put_root(stage: Stage, data: bytes, version: int = 2) -> None:
    (stage.public / "metadata" / f"{version}.root.json").write_bytes(data)


def signed_by_next_root_only(stage: Stage) -> None:
    put_root(stage, next_root(stage, NEW_KEYS))


def one_old_key_signs_the_next_root(stage: Stage) -> None:
    put_root(stage, next_root(stage, [*NEW_KEYS, *stage.served().roots(1)]))


def rotation_gap(stage: Stage) -> None:
    """Root 3 where root 2 is due."""
    put_root(stage, next_root(stage, [*NEW_KEYS, *stage.served().roots()], version=3))


def lowered_threshold(stage: Stage) -> None:
    """A root, signed by enough, that lets one key do."""
    put_root(stage, next_root(stage, [*NEW_KEYS, *stage.served().roots()], threshold=1))
    served = stage.served()
    served.with_targets(NEW_KEYS[:1], {}).write(stage.public)


def rotated_root_without_targets(stage: Stage) -> None:
    """The root is new and honest, the targets are still those of the old keys."""
    put_root(stage, next_root(stage, [*NEW_KEYS, *stage.served().roots()]))
    stage.served().with_files({}).write(stage.public)


def expired_root(stage: Stage) -> None:
    live = stage.home.signer(LIVE_KEY).public_key
    keys = [key.public_key for key in stage.served().roots()]
    root = make_root(2, root_keys=keys, live_key=live, now=0)
    put_root(stage, encode_metadata(add_signature(root, stage.served().roots())))


def oversized_timestamp(stage: Stage) -> None:
    (stage.public / "metadata" / "timestamp.json").write_bytes(b" " * 20_000)


def oversized_root(stage: Stage) -> None:
    put_root(stage, b" " * 200_000)


def longer_file(stage: Stage) -> None:
    newer = stage.served().with_files({LIST: b"list"})
    newer.write(stage.public)
    path = stage.public / "targets" / f"{sha256(b'list').hexdigest()}.{LIST}"
    path.write_bytes(b"list" + bytes(1000))


def file_of_another_hash(stage: Stage) -> None:
    newer = stage.served().with_files({LIST: b"list"})
    newer.write(stage.public)
    (stage.public / "targets" / f"{sha256(b'list').hexdigest()}.{LIST}").write_bytes(b"tsil")


def live_signs_a_directory(stage: Stage) -> None:
    """The online key lists a directory of its own, and a manifest that names it."""
    served = stage.served()
    served.with_files({DIRECTORY_NAME: directory_of(served)}).write(stage.public)


def live_lists_a_directory(stage: Stage) -> None:
    served = stage.served().with_files({})
    served.write(stage.public, listed_by_live={DIRECTORY_NAME: directory_of(served)})


def live_lists_a_policy(stage: Stage) -> None:
    served = stage.served().with_files({})
    served.write(stage.public, listed_by_live={"policy-more.toml": b"more"})


def live_leaves_a_policy_out(stage: Stage) -> None:
    stage.served().with_files({"policy-loan.24.toml": None}).write(stage.public)


def climbing_name(stage: Stage) -> None:
    served = stage.served().with_files({})
    served.write(stage.public, listed_by_live={"../../climbed.cwt": b"x"})


def absolute_name(stage: Stage) -> None:
    served = stage.served().with_files({})
    served.write(stage.public, listed_by_live={str(stage.public.parent / "climbed.cwt"): b"x"})


def directory_not_logged(stage: Stage) -> None:
    """All three root keys are with the thief; the log and its witnesses are not."""
    served = stage.served()
    served.with_targets(served.roots(), {DIRECTORY_NAME: directory_of(served)}).write(stage.public)


def directory_without_proof(stage: Stage) -> None:
    served = stage.served()
    changed = served.with_targets(served.roots(), {DIRECTORY_NAME: directory_of(served)})
    changed.with_files({"proof-directory.cbor": None}).write(stage.public)


def policy_not_logged(stage: Stage) -> None:
    """A tlog-policy in which one witness is enough."""
    served = stage.served()
    policy = served.files[POLICY_NAME].replace(b"group local 3", b"group local 1")
    assert policy != served.files[POLICY_NAME]
    served.with_targets(served.roots(), {POLICY_NAME: policy}).write(stage.public)


def older_manifest(stage: Stage) -> None:
    served = stage.served()
    older = served.with_files({}, version=1)
    replace(older, version=served.version + 1).write(stage.public)


def clock_set_back(stage: Stage) -> None:
    """The publisher signs at a time that this machine has not reached: two days ahead."""
    served = stage.served()
    served.with_files({}, issued=served.issued + 2 * DAY, expires=served.expires + 2 * DAY).write(
        stage.public
    )


def status_list(stage: Stage, *, revoked: int | None, issued: int) -> bytes:
    packed = bytearray(1 << 10)
    if revoked is not None:
        packed[revoked // 4] |= 1 << 2 * (revoked % 4)
    return sign_status_token(
        stage.home.signer("status"),
        uri=status_list_uri(1, 0),
        issued=issued,
        expires=issued + 30 * DAY,
        ttl=8 * DAY,
        statuses=StatusList(STATUS_BITS, bytes(packed)),
        mldsa_signer=MlDsa44Signer(stage.home.seed(STATUS_MLDSA_KEY)),
    )


def older_list(stage: Stage) -> None:
    served = stage.served()
    served.with_files({LIST: status_list(stage, revoked=None, issued=served.issued - 60)}).write(stage.public)


def undone_revocation(stage: Stage) -> None:
    served = stage.served().with_files({LIST: status_list(stage, revoked=9, issued=int(time.time()))})
    served.write(stage.public)
    assert stage.sync().code == 0
    served.with_files({LIST: status_list(stage, revoked=None, issued=int(time.time()) + 60)}).write(
        stage.public
    )


def torn_metadata(stage: Stage) -> None:
    path = stage.public / "metadata" / "timestamp.json"
    path.write_bytes(path.read_bytes()[:100])


def missing_file(stage: Stage) -> None:
    newer = stage.served().with_files({LIST: b"list"})
    newer.write(stage.public)
    (stage.public / "targets" / f"{sha256(b'list').hexdigest()}.{LIST}").unlink()


ATTACKS: list[tuple[Callable[[Stage], None], Reason]] = [
    (older_repository, Reason.TRUST_BUNDLE_ROLLBACK),
    (frozen, Reason.TRUST_BUNDLE_STALE),
    (mixed, Reason.TRUST_BUNDLE_SIG_INVALID),
    (one_signature_on_targets, Reason.TRUST_THRESHOLD),
    (strangers_sign_targets, Reason.TRUST_BUNDLE_SIG_INVALID),
    (signed_by_next_root_only, Reason.TRUST_BUNDLE_SIG_INVALID),
    (one_old_key_signs_the_next_root, Reason.TRUST_THRESHOLD),
    (rotation_gap, Reason.TRUST_BUNDLE_SIG_INVALID),
    (lowered_threshold, Reason.TRUST_THRESHOLD),
    (rotated_root_without_targets, Reason.TRUST_BUNDLE_SIG_INVALID),
    (expired_root, Reason.TRUST_BUNDLE_STALE),
    (oversized_timestamp, Reason.ENC_TOO_LARGE),
    (oversized_root, Reason.ENC_TOO_LARGE),
    (longer_file, Reason.ENC_TOO_LARGE),
    (file_of_another_hash, Reason.TRUST_BUNDLE_SIG_INVALID),
    (live_signs_a_directory, Reason.TRUST_BUNDLE_SIG_INVALID),
    (live_lists_a_policy, Reason.TRUST_BUNDLE_SIG_INVALID),
    (live_leaves_a_policy_out, Reason.TRUST_MALFORMED),
    (climbing_name, Reason.TRUST_MALFORMED),
    (absolute_name, Reason.TRUST_MALFORMED),
    (directory_not_logged, Reason.LOG_INCLUSION_INVALID),
    (directory_without_proof, Reason.LOG_INCLUSION_MISSING),
    (policy_not_logged, Reason.LOG_INCLUSION_INVALID),
    (older_manifest, Reason.TRUST_BUNDLE_ROLLBACK),
    (clock_set_back, Reason.TIME_CLOCK_REGRESSED),
    (older_list, Reason.STATUS_LIST_ROLLBACK),
    (undone_revocation, Reason.STATUS_LIST_ROLLBACK),
    (torn_metadata, Reason.TRUST_MALFORMED),
    (missing_file, Reason.TRUST_MISSING),
]


@attack("P24", Reason.TIME_CLOCK_REGRESSED)
@attack(
    "P26",
    Reason.TRUST_BUNDLE_STALE,
    Reason.TRUST_BUNDLE_ROLLBACK,
    Reason.TRUST_THRESHOLD,
    Reason.TRUST_BUNDLE_SIG_INVALID,
)
@attack("P27", Reason.TRUST_BUNDLE_SIG_INVALID)
@attack("S08", Reason.STATUS_LIST_ROLLBACK)
@pytest.mark.parametrize(("change", "reason"), ATTACKS, ids=lambda value: getattr(value, "__name__", None))
def test_an_attack_is_refused_and_the_old_bundle_kept(
    stage: Stage, change: Callable[[Stage], None], reason: Reason
) -> None:
    change(stage)
    before = snapshot_of(stage.trust)
    with web_server(serving(stage.public)) as address:
        refused = stage.sync(address)
    assert refused.reason == reason.value
    assert refused.code in (3, 4)
    after = snapshot_of(stage.trust)
    assert after == before
    assert not (stage.public.parent / "climbed.cwt").exists()
    assert tally("trust", "sync", stage.public, "--trust", stage.trust, "--json").reason == reason.value


def test_the_same_changes_by_the_right_hands_are_accepted(stage: Stage) -> None:
    """What the attacks imitate: otherwise a refusal of everything would pass for safety."""
    from issuer.publish import cut_bundle, load_directory

    directory = load_directory(stage.home)
    changed = replace(directory, version=2)
    ledger = stage.home.ledger()
    cut_bundle(stage.home, ledger, now=int(time.time()), directory=changed)
    ledger.close()
    policy = stage.home.policy_path
    policy.write_text(policy.read_text().replace("group local 3", "group local 4"))
    stage.publish()
    with web_server(serving(stage.public)) as address:
        done = stage.sync(address)
    assert done.code == 0, done.out
    assert parse_directory((stage.trust / DIRECTORY_NAME).read_bytes()).directory.version == 2
    assert b"group local 4" in (stage.trust / POLICY_NAME).read_bytes()
    again = stage.sync()
    assert again.json["fetched"] == 0


def test_a_directory_that_only_the_online_key_lists_twice_is_not_taken(stage: Stage) -> None:
    """The offline keys' entry wins over the online key's: the honest directory stays."""
    live_lists_a_directory(stage)
    before = (stage.trust / DIRECTORY_NAME).read_bytes()
    assert stage.sync().code == 0
    assert (stage.trust / DIRECTORY_NAME).read_bytes() == before


def test_a_new_root_carries_an_unlogged_directory(stage: Stage) -> None:
    """When the log itself is lost, two of three root holders can start anew."""
    served = stage.served()
    put_root(stage, next_root(stage, [*NEW_KEYS, *served.roots()]))
    served.with_targets(NEW_KEYS[:2], {DIRECTORY_NAME: directory_of(served)}).write(stage.public)
    assert stage.sync().code == 0
    pinned = (stage.trust / "root.keys").read_text().split()
    assert pinned == [key.public_key.hex() for key in NEW_KEYS]


@attack("P27", Reason.TRUST_BUNDLE_SIG_INVALID)
def test_many_root_rotations_in_a_row(stage: Stage, full: bool) -> None:
    """50 rotations between two syncs (100 in the full run), each to three new keys; one left out stops the chain."""
    count, served, live = 100 if full else 50, stage.served(), stage.home.signer(LIVE_KEY).public_key
    holders, now = served.roots(), int(time.time())
    for version in range(2, count + 2):
        newer = [signer(f"root {version} {n}") for n in range(3)]
        root = make_root(version, root_keys=[key.public_key for key in newer], live_key=live, now=now)
        put_root(stage, encode_metadata(add_signature(root, [*holders[:2], *newer[1:]])), version)
        holders = newer
    served.with_targets(holders[:2], {}).write(stage.public)
    middle = stage.public / "metadata" / f"{count // 2}.root.json"
    kept = middle.read_bytes()
    shutil.copy(stage.public / "metadata" / f"{count // 2 + 1}.root.json", middle)
    before = snapshot_of(stage.trust)
    assert stage.sync().reason == Reason.TRUST_BUNDLE_SIG_INVALID.value
    assert snapshot_of(stage.trust) == before
    middle.write_bytes(kept)
    done = stage.sync()
    assert (done.code, done.json["root"]) == (0, count + 1)


@attack("P26", Reason.TRUST_BUNDLE_SIG_INVALID)
def test_another_bureaus_root_opens_nothing(stage: Stage, tmp_path: Path) -> None:
    root = parse_unsigned_root(stage.first_root.read_bytes())
    stranger = make_root(
        1,
        root_keys=[key.public_key for key in NEW_KEYS],
        live_key=stage.home.signer(LIVE_KEY).public_key,
        now=int(time.time()),
    )
    assert root.signed.version == 1
    (tmp_path / "root.json").write_bytes(encode_metadata(add_signature(stranger, NEW_KEYS)))
    fresh = replace(stage, trust=tmp_path / "fresh")
    refused = fresh.sync(root=tmp_path / "root.json")
    assert refused.reason == Reason.TRUST_BUNDLE_SIG_INVALID.value
    assert not fresh.trust.exists()


def test_nothing_is_trusted_on_first_use(stage: Stage, tmp_path: Path) -> None:
    fresh = replace(stage, trust=tmp_path / "fresh")
    refused = fresh.sync()
    assert (refused.code, refused.reason) == (2, Reason.CLI_USAGE.value)
    assert not fresh.trust.exists()
    with_root = stage.sync(root=stage.first_root)
    assert (with_root.code, with_root.reason) == (2, Reason.CLI_EXISTS.value)


class EndlessFile(io.RawIOBase):
    def readinto(self, buffer: Any) -> int:
        return len(buffer)


class Endless(Quiet):
    """A timestamp that never ends."""

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        if not self.path.endswith("timestamp.json"):
            return super().send_head()
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        return cast(BinaryIO, EndlessFile())

    def copyfile(self, source: Any, outputfile: Any) -> None:
        try:
            super().copyfile(source, outputfile)
        except OSError:  # the reader had enough
            self.close_connection = True


def test_an_endless_file_ends(stage: Stage) -> None:
    before, started = snapshot_of(stage.trust), time.monotonic()
    with web_server(lambda *args: Endless(*args, directory=str(stage.public))) as address:
        refused = stage.sync(address)
    assert refused.reason == Reason.ENC_TOO_LARGE.value
    assert time.monotonic() - started < 20
    assert snapshot_of(stage.trust) == before


def test_an_unreachable_publisher_changes_nothing(stage: Stage) -> None:
    with web_server(serving(stage.public)) as address:
        pass
    before = snapshot_of(stage.trust)
    refused = stage.sync(address)
    assert (refused.code, refused.reason) == (4, Reason.NET_UNREACHABLE.value)
    assert snapshot_of(stage.trust) == before


def test_a_sync_that_was_cut_off_is_completed_by_the_next(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off while the files are put in place: the folder opens with nothing until it is synced again."""
    stage.publish()
    calls: list[Path] = []

    def cut_off(folder: Path, files: dict[str, bytes], *, root_keys: list[bytes]) -> None:
        calls.append(folder)
        if len(calls) == 1:
            replace_bundle(folder, files, root_keys=root_keys)
            return
        (folder / LIST).write_bytes(files[LIST])
        raise KeyboardInterrupt

    monkeypatch.setattr(sync, "replace_bundle", cut_off)
    stage.sync()
    assert (stage.trust / ".staged").exists()
    monkeypatch.undo()
    done = stage.sync()
    assert (done.code, done.json["fetched"]) == (0, 0)
    assert not (stage.trust / ".staged").exists()
    assert done.json["bundle"] == stage.served().version


@attack("P26", Reason.TRUST_BUNDLE_SIG_INVALID, Reason.TRUST_THRESHOLD)
def test_a_folder_filled_past_sync_opens_with_nothing(stage: Stage) -> None:
    """The thief of the online key copies files into a verifier's folder: loading checks the offline keys again."""
    served = stage.served()
    for changed, reason in (
        (served.with_files({DIRECTORY_NAME: directory_of(served)}), Reason.TRUST_BUNDLE_SIG_INVALID),
        (served.with_targets(served.roots(1), {}), Reason.TRUST_THRESHOLD),
        (served.with_targets(NEW_KEYS, {}), Reason.TRUST_BUNDLE_SIG_INVALID),
        (served.with_files({"policy-loan.24.toml": None}), Reason.TRUST_MISSING),
        (served.with_files({"targets.json": None}), Reason.TRUST_MISSING),
    ):
        for path in stage.trust.glob("*.*"):
            if path.suffix in {".cose", ".cwt", ".toml", ".txt", ".json", ".cbor"}:
                path.unlink()
        for name, data in changed.files.items():
            (stage.trust / name).write_bytes(data)
        shown = stage.trust.parent / "shown"
        shown.write_text("TS1:")
        ran = tally("verify", shown, "--trust", stage.trust, "--static", "--json")
        assert ran.reason == reason.value


def test_holders_sign_a_new_root_and_a_changed_directory(stage: Stage, tmp_path: Path) -> None:
    """The ceremony of docs/TRUST.md from its commands: three holders, then the home's own root keys destroyed."""
    holders = [tmp_path / f"{name}.key" for name in "abc"]
    for path in holders:
        ok("trust", "keys", "new", "--out", path, "--environment", "test")
    publics = [word for path in holders for word in ("--key", f"{path}.pub")]
    draft = tmp_path / "draft"
    ok("trust", "root", "rotate", "--home", stage.home.path, "--out", draft, *publics)
    early = tally(
        "trust", "publish", "--home", stage.home.path, "--out", stage.public, "--draft", draft, "--json"
    )
    assert early.reason == Reason.TRUST_THRESHOLD.value
    for path in holders[1:]:
        ok("trust", "root", "sign", draft, "--key", path)
    stage.publish("--draft", draft)
    for n in (1, 2, 3):
        stage.home.key_path(f"root-{n}").unlink()
    assert stage.sync().json["root"] == 2

    policy = stage.home.policy_path
    policy.write_text(policy.read_text().replace("group local 3", "group local 4"))
    stage.publish()
    assert stage.sync().code == 0
    assert b"group local 3" in (stage.trust / POLICY_NAME).read_bytes()  # it waits for its signatures
    waiting = stage.home.tuf_dir / "draft"
    for path in holders[:2]:
        shown = json.loads(ok("trust", "root", "sign", waiting, "--key", path, "--json").out)
        assert shown["signed"][POLICY_NAME] == sha256(policy.read_bytes()).hexdigest()
    stage.publish("--draft", waiting)
    assert stage.sync().code == 0
    assert b"group local 4" in (stage.trust / POLICY_NAME).read_bytes()
    assert len(parse_root((stage.home.tuf_dir / "2.root.json").read_bytes()).signatures) == 5
    assert BUNDLE_NAME in snapshot_of(stage.trust)
