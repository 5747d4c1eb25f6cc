"""A filed answer, judged again by later bundles: after keys were rotated, stolen and retired."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from certificate.certificate import parse_certificate
from certificate.directory import Directory, VoidRange
from ledger.cbor import decode_cbor, encode_cbor
from ledger.errors import FormatError
from ledger.reasons import Reason
from tests.attacks.marking import attack
from tests.world import DAY, NOW, SECONDS, World, signer
from verifier.expect import STATIC, Asked
from verifier.filing import file_verification, judge_filed, parse_filed
from verifier.report import Outcome, Report
from verifier.trust import TrustBundle

YEARS = timedelta(days=3650)
LATER = SECONDS + 3650 * DAY
SIZE = 512


@pytest.fixture
def world() -> World:
    return World()


def filed(world: World, *, held: bool = False, paper: bool = False) -> bytes:
    """The file of a valid verification of today."""
    body = world.body(paper=paper)
    certificate = world.certificate(body, neighbours=SIZE - 1)
    trust = world.bundle(others=world.log.held_files() if held else None)
    request = None if paper else world.request(holds=((1, SIZE),) if held else ())
    shown = certificate if request is None else world.presentation(certificate=certificate, request=request)
    report = world.verify(shown, trust=trust, expect=STATIC if request is None else Asked(request))
    assert report.outcome is Outcome.VALID
    return file_verification(report, [shown], request=request, trust=trust, now=NOW)


def later(world: World, directory: Directory | None = None, *, held: bool = False) -> TrustBundle:
    """A bundle cut ten years later; its status list is of that day, and says that the certificate is revoked."""
    return world.bundle(
        directory=directory,
        token=world.status_token(statuses={1234: 1}, issued=LATER - DAY, expires=LATER + 30 * DAY),
        issued=LATER - 3600,
        expires=LATER + 8 * DAY,
        version=900,
        others=world.log.held_files(time=LATER - 7200) if held else None,
    )


def judge(data: bytes, trust: TrustBundle) -> Report:
    return judge_filed(parse_filed(data), trust=trust, now=NOW + YEARS)


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("paper", [False, True])
def test_ten_years_later_it_is_still_valid(world: World, held: bool, paper: bool) -> None:
    """Expired, replaced, answered and over long since: as of its day it was in order."""
    data = filed(world, held=held, paper=paper)
    report = judge(data, later(world, held=held))
    assert (report.outcome, report.reason) == (Outcome.VALID, None)
    assert judge(data, later(world)).outcome is Outcome.VALID  # the completed proof needs no block


def index_of(world: World) -> int:
    proof = parse_certificate(world.certificate(neighbours=SIZE - 1)).proof
    assert proof is not None
    return proof.index


def with_office_key(world: World, **changes: object) -> Directory:
    directory = world.directory()
    first, *others = directory.keys
    new = replace(first, public_key=signer("new office").public_key, from_index=SIZE)
    return replace(directory, keys=(replace(first, **changes), new, *others))  # type: ignore[arg-type]  # its fields


@attack("A39", Reason.KEY_COMPROMISED_AFTER, Reason.KEY_VOID_ENTRY)
def test_what_became_known_of_the_key_since_counts(world: World) -> None:
    """Filed answers judged again after the office key was rotated, stolen later, stolen before, and disowned"""
    data = filed(world)
    at = index_of(world)
    assert judge(data, later(world, with_office_key(world, to_index=at + 1))).outcome is Outcome.VALID
    assert judge(data, later(world, with_office_key(world, void_from=at + 1))).outcome is Outcome.VALID
    stolen = judge(data, later(world, with_office_key(world, void_from=at)))
    assert (stolen.outcome, stolen.reason) == (Outcome.INVALID, Reason.KEY_COMPROMISED_AFTER)
    disowned = replace(world.directory(), voids=(VoidRange(1, 1, at, at + 1),))
    assert judge(data, later(world, disowned)).reason is Reason.KEY_VOID_ENTRY


def test_an_office_key_that_nobody_knows_any_more_cannot_be_told(world: World) -> None:
    directory = world.directory()
    gone = replace(directory, keys=directory.keys[1:])
    report = judge(filed(world), later(world, gone))
    assert (report.outcome, report.reason) == (Outcome.UNDETERMINED, Reason.KEY_UNKNOWN)


def test_the_blocks_of_a_log_outlive_its_keys(world: World) -> None:
    """Log and witnesses signed with keys that are retired; the block that is held needs none of them."""
    data = filed(world, held=True)
    world.log.signer = signer("another log key")
    world.log.witnesses = [signer(f"another witness {n}") for n in range(4)]
    assert judge(data, later(world)).reason is Reason.CKPT_SIG_MISSING
    assert judge(data, later(world, held=True)).outcome is Outcome.VALID


def test_only_as_of_its_day(world: World) -> None:
    """Another day than the holder answered on, a list that is not of that day, a list left out."""
    data = filed(world)
    fields = list(decode_cbor(data))
    for seconds, reason in (
        (DAY, Reason.PRES_EXPIRED),
        (-DAY, Reason.TIME_ISSUED_IN_FUTURE),
    ):
        moved = encode_cbor([fields[0], fields[1] + seconds, *fields[2:]])
        assert judge(moved, later(world)).outcome is not Outcome.VALID
        assert reason in {step.reason for step in judge(moved, later(world)).steps}
    without = encode_cbor([*fields[:5], [], fields[6]])
    assert judge(without, later(world)).reason is Reason.STATUS_LIST_FUTURE
    forged = world.status_token(key=signer("forger"))
    other = encode_cbor([*fields[:5], [[1, 0, forged]], fields[6]])
    assert judge(other, later(world)).reason is Reason.STATUS_LIST_WRONG_ISSUER


def test_a_filed_list_is_not_remembered_for_others(world: World) -> None:
    """The list of the file is of its day; the bundle's own list decides for everybody else."""
    data, trust = filed(world), world.bundle(token=world.status_token(statuses={1234: 1}))
    assert judge_filed(parse_filed(data), trust=trust, now=NOW).outcome is Outcome.VALID
    certificate = world.certificate(neighbours=SIZE - 1)
    report = world.verify(world.presentation(certificate=certificate), trust=trust)
    assert report.reason is Reason.STATUS_REVOKED


def test_a_filed_answer_is_not_used_up(world: World) -> None:
    data = filed(world)
    trust = later(world)
    assert [judge(data, trust).outcome for _ in range(2)] == [Outcome.VALID] * 2


@pytest.mark.parametrize("at", range(7))
def test_files_that_are_none(world: World, at: int) -> None:
    fields = list(decode_cbor(filed(world)))
    wrongs: tuple[object, ...] = (-1, "x", {}, [1])
    for wrong in wrongs:
        changed = [*fields[:at], wrong, *fields[at + 1 :]]
        with pytest.raises(FormatError):
            parse_filed(encode_cbor(changed))
