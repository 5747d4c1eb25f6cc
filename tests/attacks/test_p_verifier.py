"""Attacks on the verifier's clock and bundle, and what two verifiers say: lines P24 to P31."""

from __future__ import annotations

import json
import random
import time
from datetime import timedelta
from pathlib import Path

import pytest

from certificate.directory import sign_directory
from certificate.numbers import Environment
from certificate.presentation import parse_presentation
from certificate.qr_text import encode_file_text
from ledger.reasons import Reason
from tests.attacks.commands import tally
from tests.attacks.forging import paper, reason_of
from tests.attacks.marking import attack
from tests.torture.test_mutations import mutated, targets
from tests.verifier.judging import assert_refused, assert_undetermined
from tests.world import DAY, NOW, SECONDS, World, signer
from verifier.expect import STATIC, Asked
from verifier.render import report_json
from verifier.report import Outcome
from verifier.seen import MemorySeen
from verifier.seen_file import FileSeen
from verifier.trust import BUNDLE_NAME, DIRECTORY_NAME, parse_bundle, sign_bundle
from verifier.trust_dir import ROOT_KEYS_NAME, load_trust, save_bundle_files
from verifier.verify import verify

DESK = "东门支行3号窗口"


# --- P24 to P27: the verifier's clock and bundle ---------------------------------------------------------------------


@attack("P24", Reason.TIME_CLOCK_REGRESSED)
@pytest.mark.parametrize("back", [timedelta(days=365), timedelta(seconds=3901)])
def test_P24_a_clock_set_back(back: timedelta) -> None:
    """A year back, a second more than the skew: the bundle's own signed time is ahead."""
    world = World()
    for data, expect in ((world.presentation(), None), (paper(world), STATIC)):
        report = world.verify(data, now=NOW - back, expect=expect)
        assert_undetermined(report, 7, Reason.TIME_CLOCK_REGRESSED)


@attack("P24", Reason.TIME_CLOCK_REGRESSED)
def test_P24_a_clock_within_its_error() -> None:
    """Exactly 300 seconds behind a signed time is a clock's error; 301 are not."""
    world = World()
    data = world.presentation()
    assert world.verify(data, trust=world.bundle(issued=SECONDS + 300)).outcome is Outcome.VALID
    report = world.verify(data, trust=world.bundle(issued=SECONDS + 301))
    assert_undetermined(report, 7, Reason.TIME_CLOCK_REGRESSED)


@attack("P24", Reason.TIME_CLOCK_REGRESSED)
def test_P24_a_clock_set_back_behind_what_was_seen(tmp_path: Path) -> None:
    """An older bundle and an older clock together: the newest signed time was remembered, over a restart."""
    world = World()
    newer = world.bundle(issued=SECONDS, version=1)
    world.verify(b"TS1:", trust=newer, seen=FileSeen(tmp_path / "seen.db"))
    older = world.bundle(issued=SECONDS - 30 * DAY, version=1)
    early = NOW - timedelta(days=20)
    report = world.verify(
        paper(world, issued=0), expect=STATIC, trust=older, now=early, seen=FileSeen(tmp_path / "seen.db")
    )
    assert_undetermined(report, 7, Reason.TIME_CLOCK_REGRESSED)


@attack("P25", Reason.TRUST_BUNDLE_STALE)
@pytest.mark.parametrize("ahead", [timedelta(days=3650), timedelta(days=8)])
def test_P25_a_clock_set_ahead(ahead: timedelta) -> None:
    """Ten years ahead; to the very second at which the bundle ends."""
    world = World()
    assert_undetermined(world.verify(world.presentation(), now=NOW + ahead), 3, Reason.TRUST_BUNDLE_STALE)


@attack("P26", Reason.TRUST_BUNDLE_STALE, Reason.TRUST_BUNDLE_ROLLBACK)
def test_P26_an_expired_bundle_and_an_older_one(tmp_path: Path) -> None:
    """Expired a second ago; older than one seen, after a restart."""
    world = World()
    stale = world.bundle(expires=SECONDS)
    assert_undetermined(world.verify(world.presentation(), trust=stale), 3, Reason.TRUST_BUNDLE_STALE)
    world.verify(b"", trust=world.bundle(version=7), seen=FileSeen(tmp_path / "seen.db"))
    for version in (1, 6):
        report = world.verify(
            world.presentation(), trust=world.bundle(version=version), seen=FileSeen(tmp_path / "seen.db")
        )
        assert_refused(report, 3, Reason.TRUST_BUNDLE_ROLLBACK)


@attack("P26", Reason.TRUST_BUNDLE_SIG_INVALID)
@pytest.mark.parametrize("keys", ["none", "next", "office"])
def test_P26_signed_by_no_root_that_is_pinned(keys: str) -> None:
    """A bundle signed by the next root only, by an office, by nobody who is pinned."""
    pinned = [] if keys == "none" else [World().root.public_key]
    files = World(root=signer("next root" if keys == "next" else "office")).bundle_files()
    assert reason_of(lambda: parse_bundle(files, root_keys=pinned)) is Reason.TRUST_BUNDLE_SIG_INVALID


@attack("P26", Reason.TRUST_BUNDLE_SIG_INVALID)
def test_P26_each_file_of_a_bundle_changed() -> None:
    """One byte of each file of the bundle changed."""
    world = World()
    honest = world.bundle_files()
    for name, content in honest.items():
        changed = bytes([content[-1] ^ 1])
        files = honest | {name: content[:-1] + changed}
        reason = reason_of(lambda files=files: parse_bundle(files, root_keys=[world.root.public_key]))  # type: ignore[misc]
        assert reason is Reason.TRUST_BUNDLE_SIG_INVALID, name


@attack("P26", Reason.TRUST_BUNDLE_SIG_INVALID)
def test_P26_a_directory_signed_by_another_key_than_a_root() -> None:
    """The bundle is a root's, the directory in it an office's."""
    world = World()
    files = world.bundle_files()
    files[DIRECTORY_NAME] = sign_directory(world.office, world.directory())
    files[BUNDLE_NAME] = sign_bundle(
        world.root,
        {name: content for name, content in files.items() if name != BUNDLE_NAME},
        environment=Environment.TEST,
        version=1,
        issued=SECONDS,
        expires=SECONDS + DAY,
    )
    reason = reason_of(lambda: parse_bundle(files, root_keys=[world.root.public_key]))
    assert reason is Reason.TRUST_BUNDLE_SIG_INVALID


# --- P28 to P30: what two audiences and a stopwatch learn -------------------------------------------------------------


@attack("P28")
def test_P28_two_employers_compare_two_certificates() -> None:
    """Two certificates of one person, each shown to one employer: they share the shown values and nothing else."""
    worlds = World(), World(holder=signer("second key"))
    seen: list[set[object]] = []
    for number, world in enumerate(worlds):
        tree = world.tree(seed=bytes([number]) * 32)
        body = world.body(claims_root=tree.root(), status_index=1000 + 7 * number)
        world.certificate(body, tree=tree)
        presentation = world.presentation(certificate=world.certificate(body, tree=tree))
        parsed = parse_presentation(presentation)
        certificate = parsed.certificate
        hashes = {certificate.multiproof[at : at + 32] for at in range(0, len(certificate.multiproof), 32)}
        salts = {item.salt for item in certificate.disclosures}
        own: set[object] = {body.claims_root, body.cnf, body.status_index, certificate.digest()}
        own |= {certificate.sign1.signature, parsed.sign1.signature, parsed.replay_key(), certificate.entry()}
        seen.append(own | hashes | salts)
    assert seen[0] & seen[1] == set()


@attack("P30")
def test_P30_how_long_a_refusal_takes_tells_nothing_secret() -> None:
    """A verifier holds no secret; that an unknown key is refused sooner than a bad signature is public knowledge.

    Where secrets are compared (passwords, tokens, PINs), the code does it in constant time: see the calls.
    """
    root = Path(__file__).parents[2]
    compared = [
        path.relative_to(root).as_posix()
        for package in ("issuer", "wallet_api")
        for path in (root / package).rglob("*.py")
        if "compare_digest" in path.read_text("utf-8")
    ]
    assert {"issuer/claiming/offers.py", "issuer/secret_list.py"} <= set(compared)
    world = World()
    good, trust = paper(world), world.bundle()
    bad = [good[:-1] + bytes([good[-1] ^ bit]) for bit in (1, 2, 4, 8, 16, 32, 64, 128)]
    times = []
    for data in bad * 5:
        started = time.perf_counter()
        world.verify(data, expect=STATIC, trust=trust)
        times.append(time.perf_counter() - started)
    assert sorted(times)[len(times) // 2] < 0.1


P31_COUNT, P31_FULL_COUNT = 150, 3_000


@attack("P31")
def test_P31_the_library_and_the_command_line_say_the_same(
    full: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same inputs, honest and mutated, through `verify` and `tally verify`: one report, in all parts."""
    monkeypatch.setattr("cli.verify.utc_now", lambda: NOW)
    world = World()
    save_bundle_files(tmp_path, world.bundle_files())
    (tmp_path / ROOT_KEYS_NAME).write_text(world.root.public_key.hex() + "\n")
    (tmp_path / "R").write_bytes(encode_file_text(world.request()).encode())
    trust, chance = load_trust(tmp_path), random.Random(31)
    shown = {name: target for name, target in targets().items() if name.startswith(("presentation", "paper"))}
    outcomes = set()
    for number in range(P31_FULL_COUNT if full else P31_COUNT):
        name = list(shown)[number % len(shown)]
        data = shown[name].honest if number < len(shown) else mutated(shown[name], chance)
        is_paper = name.startswith("paper")
        expect = STATIC if is_paper else Asked(world.request())
        (tmp_path / "shown").write_bytes(data)
        seen = tmp_path / f"seen-{number}"
        words = ["--static"] if is_paper else ["--request", tmp_path / "R"]
        ran = tally(
            "verify",
            tmp_path / "shown",
            *words,
            "--trust",
            tmp_path,
            "--seen",
            seen,
            "--lang",
            "en",
            "--json",
        )
        if data.startswith((b"\x89PNG", b"%PDF")) or data.endswith((b"\r", b"\n")):
            continue  # pictures, and a text's line end, are the command line's own business
        report = verify(data, trust=trust, now=NOW, expect=expect, seen=MemorySeen())
        assert ran.json == json.loads(json.dumps(report_json(report, "en"))), data.hex()
        assert ran.code == {"valid": 0, "invalid": 3, "undetermined": 4}[report.outcome.value]
        outcomes.add(report.outcome)
        seen.unlink(missing_ok=True)
    assert outcomes >= {Outcome.VALID, Outcome.INVALID}
