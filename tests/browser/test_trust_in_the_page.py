"""Trust bundles in Chromium: opened, refused and followed by the next one exactly as in Python."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from certificate.directory import Directory, parse_directory, sign_directory
from certificate.numbers import Environment
from certificate.offices import Office
from issuer.home import Home
from issuer.publish import cut_bundle, load_directory
from issuer.tuf_metadata import add_signature, encode_metadata, make_targets
from ledger.errors import ProjectError
from ledger.reasons import Reason
from tests.attacks.commands import ok
from tests.attacks.marking import attack
from tests.browser.pages import run
from tests.browser.site import Site
from tests.browser.verifying import open_bundle
from tests.trust.thief import Served
from tests.world import DAY, SECONDS, World, signer
from verifier.endorsed import TARGETS_NAME
from verifier.seen import MemorySeen
from verifier.successor import check_successor, remember_bundle
from verifier.trust import BUNDLE_NAME, DIRECTORY_NAME, POLICY_NAME, parse_bundle

MODULES = [
    "/verifier/trust.js",
    "/verifier/successor.js",
    "/verifier/seen.js",
    "/ledger/digest.js",
]
OPEN_ALL = """async ({ parseBundle }, successor, seen, { fromHex }, { base, changes, rootKeys }) => {
  const all = Object.entries(base).map(([name, data]) => [name, fromHex(data)]);
  const told = [];
  for (const change of changes) {
    const files = new Map(all);
    for (const [name, data] of Object.entries(change)) {
      if (data === null) files.delete(name);
      else files.set(name, fromHex(data));
    }
    try {
      told.push((await parseBundle(files, { rootKeys: rootKeys.map(fromHex) })).facts);
    } catch (error) {
      told.push(error.reason ?? String(error));
    }
  }
  return told;
}"""
FOLLOW = """async ({ parseBundle }, { checkSuccessor, rememberBundle }, { MemorySeen }, { fromHex }, input) => {
  const opened = async (files) => {
    const map = new Map(Object.entries(files).map(([name, data]) => [name, fromHex(data)]));
    return { files: map, bundle: await parseBundle(map, { rootKeys: input.rootKeys.map(fromHex) }) };
  };
  const held = input.held === null ? null : await opened(input.held);
  const next = await opened(input.next);
  const seen = new MemorySeen();
  for (const [name, value] of Object.entries(input.seen)) await seen.advance(name, value);
  try {
    await checkSuccessor(next.bundle, next.files, {
      held: held?.bundle ?? null,
      heldFiles: held?.files ?? new Map(),
      newRoot: input.newRoot,
      seen,
      now: input.now,
    });
  } catch (error) {
    return error.reason ?? String(error);
  }
  await rememberBundle(next.bundle, seen, { now: input.now });
  const names = ["bundle.version", "targets.version", "time", ...input.lists];
  return Promise.all(names.map((name) => seen.newest(name)));
}"""


@dataclass(frozen=True)
class Bureau:
    """A publisher with three offline keys and one online, as `tally init` and `tally trust publish` leave it."""

    served: Served
    root_keys: list[bytes]


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Bureau:
    folder = tmp_path_factory.mktemp("bureau")
    ok("init", folder / "home")
    ok("trust", "publish", "--home", folder / "home", "--out", folder / "public")
    served = Served.of(Home(folder / "home"))
    return Bureau(served, [key.public_key for key in served.roots()])


def python_opens(files: Mapping[str, bytes], root_keys: Sequence[bytes]) -> object:
    try:
        return dict(parse_bundle(files, root_keys=root_keys).facts)
    except ProjectError as exc:
        return exc.reason.value


def changed(base: Mapping[str, bytes], change: Mapping[str, bytes | None]) -> dict[str, bytes]:
    return {name: data for name, data in {**base, **change}.items() if data is not None}


def compare(
    page: Page,
    site: Site,
    base: Mapping[str, bytes],
    changes: Sequence[Mapping[str, bytes | None]],
    root_keys: Sequence[bytes],
) -> list[object]:
    """What Python says of each change of `base`, after the page said the same."""
    data = {
        "base": {name: content.hex() for name, content in base.items()},
        "changes": [
            {name: None if content is None else content.hex() for name, content in change.items()}
            for change in changes
        ],
        "rootKeys": [key.hex() for key in root_keys],
    }
    told = run(page, site, MODULES, OPEN_ALL, data)
    expected = [python_opens(changed(base, change), root_keys) for change in changes]
    assert told == expected
    return expected


# --- opening --------------------------------------------------------------------------------------------------


def test_a_bundle_of_three_root_keys_opens(page: Page, site: Site, bureau: Bureau) -> None:
    files, keys = dict(bureau.served.files), bureau.root_keys
    assert open_bundle(page, site, files, keys) == dict(parse_bundle(files, root_keys=keys).facts)
    assert open_bundle(page, site, files, keys[:2]) == dict(parse_bundle(files, root_keys=keys[:2]).facts)
    strangers = [signer(f"stranger {n}").public_key for n in range(3)]
    assert open_bundle(page, site, files, strangers) == "trust.bundle_sig_invalid"
    assert open_bundle(page, site, files, [keys[0], *strangers]) == "trust.threshold"


@attack("P26", Reason.TRUST_THRESHOLD, Reason.TRUST_BUNDLE_SIG_INVALID)
@attack("P27", Reason.TRUST_BUNDLE_SIG_INVALID)
def test_what_the_online_key_alone_signs_opens_with_nothing(page: Page, site: Site, bureau: Bureau) -> None:
    """A folder filled by whoever has the online key, or one of three offline keys: in the page as in the library."""
    served = bureau.served
    directory = parse_directory(served.files[DIRECTORY_NAME]).directory
    other = sign_directory(served.live, replace(directory, version=directory.version + 1))
    policy = served.files[POLICY_NAME].replace(b"group local 3", b"group local 1")
    changes = [
        served.with_files({DIRECTORY_NAME: other}).files,
        served.with_files({POLICY_NAME: policy}).files,
        served.with_files({"policy-more.toml": b"x"}).files,
        served.with_files({"policy-loan.24.toml": None}).files,
        served.with_targets(served.roots(1), {DIRECTORY_NAME: other}).files,
        served.with_targets([signer("stranger")], {DIRECTORY_NAME: other}).files,
        served.with_targets(served.roots(2), {DIRECTORY_NAME: other}).files,
        served.with_files({"status-1-0.cwt": b"list"}).files,
        served.with_files({"blocks-1.cbor": b"x"}).files,
    ]
    full = [{**dict.fromkeys(served.files), **change} for change in changes]
    told = compare(page, site, served.files, full, bureau.root_keys)
    assert told[:6] == [
        "trust.bundle_sig_invalid",
        "trust.bundle_sig_invalid",
        "trust.bundle_sig_invalid",
        "trust.missing",
        "trust.threshold",
        "trust.bundle_sig_invalid",
    ]
    assert isinstance(told[6], dict)


def test_a_set_that_is_not_whole_opens_with_nothing(page: Page, site: Site, bureau: Bureau) -> None:
    """Each file left out, damaged or laid beside."""
    files = bureau.served.files
    changes: list[Mapping[str, bytes | None]] = [{name: None} for name in files]
    changes += [{name: data + b"\n"} for name, data in files.items()]
    changes += [{name: b""} for name in files]
    changes += [{"more.txt": b"x"}, {BUNDLE_NAME: bytes(256 * 1024 + 1)}, {TARGETS_NAME: bytes(2**20 + 1)}]
    told = compare(page, site, files, changes, bureau.root_keys)
    assert all(isinstance(one, str) for one in told)
    assert len(set(map(str, told))) >= 6


def test_targets_with_bytes_changed_are_read_alike(
    page: Page, site: Site, bureau: Bureau, full: bool
) -> None:
    """Bytes of targets.json flipped, dropped and put in: the same refusal, or the same bundle."""
    dice, targets = random.Random(18), bureau.served.files[TARGETS_NAME]
    pieces = [
        b" ",
        b"\n",
        b'"',
        b",",
        b"0",
        b"1.0",
        b"NaN",
        b"-0",
        b"{}",
        b"[]",
        b"null",
        b"true",
        b"\\",
        b"\xff",
    ]
    changes = []
    for _ in range(3000 if full else 300):
        at, kind = dice.randrange(len(targets)), dice.randrange(3)
        piece = (bytes((dice.randrange(32, 127),)), b"", dice.choice(pieces) + targets[at : at + 1])[kind]
        changes.append({TARGETS_NAME: targets[:at] + piece + targets[at + 1 :]})
    told = compare(page, site, bureau.served.files, changes, bureau.root_keys)
    assert {"trust.malformed", "trust.bundle_sig_invalid"} <= set(map(str, told))


def test_targets_that_enough_keys_signed_and_that_say_something_else(
    page: Page, site: Site, bureau: Bureau
) -> None:
    """Documents of the right hands and another shape."""
    served = bureau.served
    files = {name: data for name, data in served.files.items() if name in (DIRECTORY_NAME, POLICY_NAME)}

    def signed(change: Callable[[Any], None]) -> dict[str, bytes]:
        targets = make_targets(9, files, live_key=served.live.public_key, now=served.issued)
        change(targets.signed)
        data = encode_metadata(add_signature(targets, served.roots(2)))
        return served.with_files({TARGETS_NAME: data}).files  # type: ignore[return-value]  # a dict in fact

    def live_key(public: str) -> Callable[[Any], None]:
        def change(targets: Any) -> None:
            for key in targets.delegations.keys.values():
                key.keyval["public"] = public

        return change

    def threshold(targets: Any) -> None:
        targets.delegations.roles["live"].threshold = 2

    def renamed(name: str) -> Callable[[Any], None]:
        def change(targets: Any) -> None:
            targets.targets[name] = targets.targets.pop(POLICY_NAME)

        return change

    changes = [
        signed(lambda targets: None),
        signed(live_key("00" * 32)),
        signed(live_key("0")),
        signed(live_key("ab cd" * 13)),
        signed(live_key(served.roots()[0].public_key.hex().upper())),
        signed(threshold),
        signed(renamed("Policy.txt")),
        signed(renamed("a/policy.txt")),
        signed(renamed("status-1-1.cwt")),
    ]
    told = compare(
        page,
        site,
        served.files,
        [{**dict.fromkeys(served.files), **one} for one in changes],
        bureau.root_keys,
    )
    assert "key.weak" in told


def directories(directory: Directory) -> list[dict[str, Any]]:
    first, *keys = directory.keys
    office = directory.offices[0]
    deep = [replace(office, number=n, code=f"9901{n}", parent=n - 1 if n > 1 else None) for n in range(1, 6)]
    below = Office(1, 2, "x", "\u4e59", "b", 1, "9901", office.types)
    return [
        {"keys": (first, first, *keys)},
        {"keys": (replace(first, office=7), *keys)},
        {"keys": (replace(first, log=7), *keys)},
        {"keys": (replace(first, authority=7), *keys)},
        {"keys": (replace(first, public_key=b"\x01" + bytes(31)), *keys)},
        {"keys": (replace(first, to_index=2**62), *keys)},
        {"keys": (replace(first, to_index=2**62 + 1), *keys)},
        {"keys": (replace(first, to_index=-1), *keys)},
        {"offices": (office, office)},
        {"offices": (replace(office, authority=7),)},
        {"offices": (office, replace(below, parent=9))},
        {"offices": (office, replace(below, region_prefix="9"))},
        {"offices": (office, replace(below, types=(*office.types, *office.types)))},
        {"offices": tuple(deep)},
        {"offices": tuple(deep[:4])},
        {"offices": (office, replace(below, number=2, parent=2))},
        {"offices": (replace(office, name_zh="\u200b"),)},
        {"offices": (replace(office, name_zh=""),)},
        {"authorities": ()},
        {"authorities": directory.authorities * 2},
        {"logs": directory.logs * 2},
        {"logs": ()},
        {"version": 0},
        {"version": 2**53},
        {"version": 2**53 + 1},
        {"environment": Environment.PRODUCTION},
    ]


def test_directories_are_taken_or_refused_alike(page: Page, site: Site) -> None:
    """Rightly signed, wrongly made."""
    world = World()
    directory, keys = world.directory(), [world.root.public_key]
    made = [
        replace(directory, **change) if possible(directory, change) else None
        for change in directories(directory)
    ]
    changes = [world.bundle_files(directory=one) for one in made if one is not None]
    changes.append(world.bundle_files(others={"checkpoint-1.txt": b"x", "blocks-1.cbor": b"x"}))
    changes.append(world.bundle_files(others={"blocks-7.cbor": b"x"}))
    changes.append(
        world.bundle_files(others={"milestones-1.cbor": b"\x83\x01\x01\x82\x82\x01\x02\x82\x01\x03"})
    )
    changes.append(world.bundle_files(others={"policy-a.toml": b"x"}))
    changes.append(world.bundle_files(others={"template-a.toml": b"x"}))
    told = compare(page, site, {}, changes, keys)
    assert len({str(one) for one in told if isinstance(one, str)}) >= 8


def possible(directory: Directory, change: Mapping[str, Any]) -> bool:
    """Whether Python makes such a directory at all; what it refuses to make cannot be signed here."""
    try:
        replace(directory, **change)
    except ProjectError:
        return False
    return True


def test_the_printed_keys_and_test_regions_in_production(page: Page, site: Site) -> None:
    world = World()
    directory = world.directory(environment=Environment.PRODUCTION)
    real = replace(directory, offices=(replace(directory.offices[0], region_prefix="3710"),))
    printed = bytes.fromhex(
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    )  # RFC 8032, test 1
    keys = replace(real, keys=(replace(real.keys[0], public_key=printed), *real.keys[1:]))
    changes = [world.bundle_files(directory=one) for one in (directory, real, keys)]
    told = compare(page, site, {}, changes, [world.root.public_key])
    assert [told[0], told[2]] == ["key.env_test", "key.env_test"]
    assert isinstance(told[1], dict)


# --- what may follow what is in use ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """A bundle that is offered where another is in use."""

    held: Mapping[str, bytes] | None
    next: Mapping[str, bytes]
    root_keys: Sequence[bytes]
    now: int
    seen: Mapping[str, int]
    new_root: bool = False


URI = "urn:tallystick:status:1:0"


def python_follows(step: Step) -> object:
    seen = MemorySeen()
    for name, value in step.seen.items():
        seen.advance(name, value)
    bundle = parse_bundle(step.next, root_keys=step.root_keys)
    held = None if step.held is None else parse_bundle(step.held, root_keys=step.root_keys)
    try:
        check_successor(
            bundle,
            step.next,
            held=held,
            held_files=step.held or {},
            new_root=step.new_root,
            seen=seen,
            now=step.now,
        )
    except ProjectError as exc:
        return exc.reason.value
    remember_bundle(bundle, seen, now=step.now)
    return [seen.newest(name) for name in ("bundle.version", "targets.version", "time", URI)]


def page_follows(page: Page, site: Site, step: Step) -> object:
    def in_hex(files: Mapping[str, bytes] | None) -> object:
        return None if files is None else {name: data.hex() for name, data in files.items()}

    data = {
        "held": in_hex(step.held),
        "next": in_hex(step.next),
        "rootKeys": [key.hex() for key in step.root_keys],
        "now": step.now,
        "seen": dict(step.seen),
        "newRoot": step.new_root,
        "lists": [URI],
    }
    return run(page, site, MODULES, FOLLOW, data)


@attack("S08", Reason.STATUS_LIST_ROLLBACK)
@attack("P24", Reason.TIME_CLOCK_REGRESSED)
def test_what_follows_a_bundle_is_the_same_in_the_page(page: Page, site: Site) -> None:
    """Older bundles, a clock set back, lists that are older or undo something, an unlogged directory or policy."""
    world = World()
    keys, base = [world.root.public_key], world.bundle_files(version=5)
    list_of = world.status_token
    revoked = world.bundle_files(version=5, token=list_of(statuses={9: 1, 10: 3}))
    newer = SECONDS - DAY + 60
    other = replace(world.directory(), version=2)

    def step(held: Mapping[str, bytes] | None, following: Mapping[str, bytes], **changes: Any) -> Step:
        return replace(Step(held, following, keys, SECONDS, {}), **changes)

    def later(**changes: Any) -> dict[str, bytes]:
        return world.bundle_files(**{"version": 6, "issued": SECONDS - 60, **changes})

    steps = [
        step(None, base),
        step(base, base),
        step(base, later()),
        step(base, world.bundle_files(version=4)),
        step(None, base, seen={"bundle.version": 6}),
        step(None, base, seen={"bundle.version": 5, "time": SECONDS + 301}),
        step(None, base, seen={"time": SECONDS + 300}),
        step(base, later(issued=SECONDS + 301)),
        step(base, later(), now=SECONDS - 10 * DAY),
        step(None, base, seen={URI: SECONDS}),
        step(base, later(token=list_of(issued=SECONDS - 2 * DAY))),
        step(base, later(token=list_of(issued=SECONDS + DAY))),
        step(revoked, later(token=list_of(issued=newer))),
        step(revoked, later(token=list_of(issued=newer, statuses={9: 1, 10: 1}))),
        step(revoked, later(token=list_of(issued=newer, statuses={9: 3, 10: 3}))),
        step(revoked, later(token=list_of(issued=newer, statuses={9: 1, 10: 3}, size=2048))),
        step(revoked, later(token=list_of(issued=newer, size=8))),
        step(base, later(token=list_of(issued=newer, key=signer("stranger")))),
        step(base, later(token=list_of(issued=newer, uri="urn:tallystick:status:1:1"))),
        step(base, later(directory=other)),
        step(base, later(directory=other), new_root=True),
        step(base, later(directory=other, others={"proof-directory.cbor": b"\x83\x01\x01\x80"})),
        step(base, later(directory=other, others={"proof-directory.cbor": b"\x83\x01\x01\x83\x01\x01\x40"})),
        step(base, later(quorum=2)),
    ]
    expected = [python_follows(one) for one in steps]
    assert [page_follows(page, site, one) for one in steps] == expected
    refused = {one for one in expected if isinstance(one, str)}
    assert refused > {Reason.STATUS_LIST_ROLLBACK, Reason.TIME_CLOCK_REGRESSED}
    assert len(refused) >= 5


def test_a_directory_that_was_logged_follows(page: Page, site: Site, bureau: Bureau, tmp_path: Path) -> None:
    """The publisher's own: with the proof of its entry, under the policy in use; not without it."""
    shutil.copytree(bureau.served.home.path, tmp_path / "home", symlinks=True)
    home, now = Home(tmp_path / "home"), int(time.time())
    ledger = home.ledger()
    cut_bundle(home, ledger, now=now, directory=replace(load_directory(home), version=2))
    ledger.close()
    ok("trust", "publish", "--home", home.path, "--out", tmp_path / "public")
    before, after = bureau.served.files, Served.of(home)
    assert after.files[DIRECTORY_NAME] != before[DIRECTORY_NAME]
    bare = after.with_files({"proof-directory.cbor": None}).files
    now = int(time.time())
    served = bureau.served
    newer = served.with_targets(served.roots(2), {})
    older_targets = served.with_files({}, version=newer.version + 1).files
    steps = [Step(before, files, bureau.root_keys, now, {}) for files in (after.files, bare)]
    steps.append(Step(newer.files, older_targets, bureau.root_keys, now, {}))
    steps.append(Step(None, older_targets, bureau.root_keys, now, {"targets.version": 99}))
    expected = [python_follows(one) for one in steps]
    assert [page_follows(page, site, one) for one in steps] == expected
    assert isinstance(expected[0], list)
    assert expected[1:] == ["log.inclusion_missing", "trust.bundle_rollback", "trust.bundle_rollback"]
