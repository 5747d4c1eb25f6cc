"""What a bundle that holds the log's blocks changes in a verification, from the outside."""

from __future__ import annotations

import pytest

from certificate.certificate import encode_certificate, parse_certificate
from certificate.log_files import Milestones, encode_milestones
from ledger.errors import ProjectError
from ledger.proof import FullProof, RecentProof, ShortProof
from ledger.reasons import Reason
from tests.attacks.marking import attack
from tests.world import DAY, SECONDS, TODAY, World
from verifier.expect import Asked
from verifier.held import blocks_file_name, checkpoint_file_name, milestones_file_name
from verifier.report import Outcome
from verifier.trust import TrustBundle

SIZE = 512


@pytest.fixture
def world() -> World:
    """A world whose log ends in a block."""
    made = World()
    made.certificate(neighbours=SIZE - 1)
    return made


def bundle(world: World, **more: bytes) -> TrustBundle:
    return world.bundle(others=world.log.held_files() | more)


def answer(world: World, *, holds: int) -> tuple[bytes, bytes]:
    """A request by somebody who holds `holds` entries, and the answer."""
    request = world.request(holds=((1, holds),) if holds else ())
    certificate = world.certificate(neighbours=SIZE - 1)
    return world.presentation(certificate=certificate, request=request), request


def proof_in(presentation: bytes) -> object:
    from certificate.presentation import parse_presentation

    return parse_presentation(presentation).certificate.proof


def test_a_short_answer_is_valid_and_completed(world: World) -> None:
    shown, request = answer(world, holds=SIZE)
    assert isinstance(proof_in(shown), ShortProof)
    report = world.verify(shown, trust=bundle(world), expect=Asked(request))
    assert report.outcome is Outcome.VALID
    full = report.evidence.proof
    assert isinstance(full, FullProof)
    assert full.size == SIZE
    # The completed proof stands on its own, for whoever holds nothing of the log.
    whole = parse_certificate(world.certificate(neighbours=SIZE - 1))
    alone = encode_certificate(whole.sign1, whole.disclosures, whole.multiproof, full)
    request = world.request()
    again = world.verify(world.presentation(certificate=alone, request=request), expect=Asked(request))
    assert again.outcome is Outcome.VALID


def test_a_short_answer_cannot_be_told_without_the_block(world: World) -> None:
    shown, request = answer(world, holds=SIZE)
    report = world.verify(shown, trust=world.bundle(), expect=Asked(request))
    assert (report.outcome, report.reason) == (Outcome.UNDETERMINED, Reason.LOG_SUBTREE_UNKNOWN)


def test_a_recent_answer_is_filled_in(world: World) -> None:
    """The certificate is newer than what the verifier holds, which is the log's first 256 entries."""
    older = older_bundle(world, 256)
    shown, request = answer(world, holds=256)
    assert isinstance(proof_in(shown), RecentProof)
    report = world.verify(shown, trust=older, expect=Asked(request))
    assert report.outcome is Outcome.VALID
    assert isinstance(report.evidence.proof, FullProof)


def older_bundle(world: World, size: int) -> TrustBundle:
    """The bundle cut when the log had its first `size` entries."""
    whole = list(world.log.entries)
    world.log.entries = whole[:size]
    made = bundle(world)
    world.log.entries = whole
    return made


@attack("W06", Reason.CKPT_STALE)
def test_the_newest_checkpoint_of_the_bundle_is_forty_days_old(world: World) -> None:
    """The bundle is fresh, what it holds of the log is not"""
    shown, request = answer(world, holds=0)
    for days, reason in ((39, None), (40, Reason.CKPT_STALE)):
        files = world.log.held_files(time=SECONDS - days * DAY)
        report = world.verify(shown, trust=world.bundle(others=files), expect=Asked(request))
        assert report.reason is reason
        assert report.outcome is (Outcome.VALID if reason is None else Outcome.UNDETERMINED)


def test_a_certificate_cannot_be_dated_back(world: World) -> None:
    """The log was as long as this a day or more after the day on which it says to be issued."""
    shown, request = answer(world, holds=0)
    for time, reason in (((TODAY + 1) * DAY - 1, None), ((TODAY + 1) * DAY, Reason.TIME_INCONSISTENT)):
        marks = encode_milestones(Milestones(1, ((1, time), (SIZE * 2, time + DAY))))
        trust = bundle(world, **{milestones_file_name(1): marks})
        index = proof_in(shown).index  # type: ignore[attr-defined]  # a full proof
        assert index >= 1
        report = world.verify(shown, trust=trust, expect=Asked(request))
        assert report.reason is reason, time


def _other_root(files: dict[str, bytes]) -> None:
    data = bytearray(files[blocks_file_name(1)])
    data[-40] ^= 1
    files[blocks_file_name(1)] = bytes(data)


def _no_checkpoint(files: dict[str, bytes]) -> None:
    del files[checkpoint_file_name(1)]


def _other_log(files: dict[str, bytes]) -> None:
    files[blocks_file_name(2)] = files.pop(blocks_file_name(1))


def _unsigned(files: dict[str, bytes]) -> None:
    note = files[checkpoint_file_name(1)]
    files[checkpoint_file_name(1)] = note[: note.rindex(b"\xe2\x80\x94")]


def _future(files: dict[str, bytes]) -> None:
    del files[blocks_file_name(1)]
    files[milestones_file_name(2)] = encode_milestones(Milestones(1, ()))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_other_root, Reason.LOG_INCLUSION_INVALID),
        (_no_checkpoint, Reason.TRUST_MISSING),
        (_other_log, Reason.LOG_UNKNOWN_ORIGIN),
        (_unsigned, Reason.CKPT_QUORUM_UNMET),
        (_future, Reason.LOG_UNKNOWN_ORIGIN),
    ],
)
def test_files_of_a_log_that_do_not_hold_together(world: World, change: object, reason: Reason) -> None:
    """Signed by the root or not: blocks have to lead to a root under log and quorum."""
    files = world.log.held_files()
    change(files)  # type: ignore[operator]  # one of the functions above
    with pytest.raises(ProjectError) as caught:
        world.bundle(others=files)
    assert caught.value.reason is reason
