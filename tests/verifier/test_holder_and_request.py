"""Steps 10 and 11 from the outside: the right holder, this very request, in time, once."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from certificate.cose import encode_sign1
from certificate.holding import present
from certificate.numbers import CertificateType
from certificate.policy.parsing import parse_policy
from certificate.presentation import MAX_LIFETIME, parse_presentation
from certificate.request import PolicyItem, SlotsItem
from certificate.slot_tree import ClaimsTree
from certificate.slots import REGISTRIES
from ledger.reasons import Reason
from tests.policy.histories import policy_file
from tests.verifier.judging import P256Holder, assert_refused, assert_undetermined
from tests.world import NOW, PURPOSE, REGISTRY, SECONDS, SLOTS_24, TODAY, World, signer
from verifier.expect import STATIC, Asked
from verifier.report import Outcome
from verifier.seen import MemorySeen, Seen
from verifier.seen_file import FileSeen

# --- step 10 ------------------------------------------------------------


def test_a_thief_with_another_key_is_refused() -> None:
    world = World()
    data = present(
        signer("thief"), world.certificate(), world.request(), SLOTS_24, issued=SECONDS - 5, lifetime=10
    )
    assert_refused(world.verify(data), 10, Reason.PRES_BINDING_INVALID)


@pytest.mark.parametrize("expectation", ["static", "asked"])
def test_a_certificate_cut_out_of_a_presentation_is_refused(expectation: str) -> None:
    """P09a, P10: offered as paper, and as an answer."""
    world = World()
    expect = STATIC if expectation == "static" else Asked(world.request())
    assert_refused(world.verify(world.shown(), expect=expect), 10, Reason.PRES_BINDING_MISSING)


def test_paper_is_no_answer_and_an_answer_is_no_paper() -> None:
    world = World()
    paper = world.certificate(world.body(paper=True), slots=SLOTS_24)
    assert_refused(world.verify(paper), 10, Reason.PRES_BINDING_MISSING)
    assert_refused(world.verify(world.presentation(), expect=STATIC), 10, Reason.PRES_REQUEST_MISMATCH)


def test_an_answer_for_another_organisation_is_refused() -> None:
    world = World()
    data = world.presentation()
    other = world.request(registration=world.registration(org=2), org=2)
    assert_refused(world.verify(data, expect=Asked(other)), 10, Reason.PRES_AUDIENCE_MISMATCH)


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": b"m" * 16},
        {"purpose": "贷款审批"},
        {"legal_basis": "另一依据"},
        {"retention": 31},
        {"nonce": None, "desk": "东门支行3号窗口"},
    ],
)
def test_an_answer_to_another_request_is_refused(changes: dict[str, object]) -> None:
    """P09c, P16: other nonce, purpose, basis, retention or desk: the digest binds them all."""
    world = World()
    data = world.presentation()
    registration = world.registration(purposes=(PURPOSE, "贷款审批"))
    other = world.request(registration=registration, **changes)
    assert_refused(world.verify(data, expect=Asked(other)), 10, Reason.PRES_REQUEST_MISMATCH)


def test_an_answer_ends_with_its_minutes() -> None:
    world = World()
    data = world.presentation(issued=SECONDS - 599, lifetime=10)
    assert world.verify(data).outcome is Outcome.VALID
    assert_refused(world.verify(data, now=NOW + timedelta(seconds=1)), 10, Reason.PRES_EXPIRED)


def test_an_answer_from_the_future_is_refused() -> None:
    world = World()
    assert world.verify(world.presentation(issued=SECONDS + 300)).outcome is Outcome.VALID
    report = world.verify(world.presentation(issued=SECONDS + 301))
    assert_refused(report, 10, Reason.TIME_ISSUED_IN_FUTURE)


def test_an_answer_to_a_counter_request_lives_five_minutes_whatever_it_says() -> None:
    world = World()
    request = world.request(nonce=None, desk="东门支行3号窗口")
    data = world.presentation(request=request, issued=SECONDS - 299, lifetime=60)
    assert world.verify(data, expect=Asked(request)).outcome is Outcome.VALID
    late = world.verify(data, expect=Asked(request), now=NOW + timedelta(seconds=1))
    assert_refused(late, 10, Reason.PRES_EXPIRED)


def test_what_was_asked_must_be_shown() -> None:
    world = World()
    report = world.verify(world.presentation(slots=SLOTS_24[:3]))
    assert_refused(report, 10, Reason.DISC_REQUIRED_MISSING)


@pytest.mark.parametrize(
    ("registration", "reason"),
    [
        ({"request_key": signer("stranger").public_key}, Reason.ORG_UNREGISTERED),
        ({"valid_to": TODAY - 1}, Reason.ORG_UNREGISTERED),
        ({"org": 2}, Reason.ORG_UNREGISTERED),
        ({"purposes": (PURPOSE + " ",)}, Reason.SCHEMA_TEXT_FORBIDDEN_CHAR),
        ({"purposes": ("别的用途",)}, Reason.ORG_PURPOSE_NOT_ALLOWED),
        ({"slots": ((CertificateType.CONTRIBUTION, (16, 18)),)}, Reason.ORG_PURPOSE_NOT_ALLOWED),
    ],
)
def test_requests_outside_their_registration_are_refused(
    registration: dict[str, object], reason: Reason
) -> None:
    world = World()
    request = world.request(registration=world.registration(**registration))
    honest = world.presentation()
    assert_refused(world.verify(honest, expect=Asked(request)), 10, reason)


def test_a_registration_by_anyone_else_counts_for_nothing() -> None:
    world = World()
    forged = World(registrar=signer("office")).registration()
    data = world.presentation()
    report = world.verify(data, expect=Asked(world.request(registration=forged)))
    assert_refused(report, 10, Reason.ORG_UNREGISTERED)


@pytest.fixture(params=["memory", "file"])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Seen]:
    """A verifier's memory, opened anew on each call; in memory there is only the one."""
    if request.param == "memory":
        kept = MemorySeen()
        return lambda: kept
    return lambda: FileSeen(tmp_path / "seen.db")


def test_an_answer_counts_once(memory: Callable[[], Seen]) -> None:
    """P15: a second time, and after a restart."""
    world = World()
    data = world.presentation()
    assert world.verify(data, seen=memory()).outcome is Outcome.VALID
    assert_refused(world.verify(data, seen=memory()), 10, Reason.PRES_NONCE_REPLAYED)


def test_with_a_nonce_each_certificate_answers_once(memory: Callable[[], Seen]) -> None:
    world = World()
    certificate = world.certificate()
    first = world.presentation(certificate=certificate, issued=SECONDS - 30)
    second = world.presentation(certificate=certificate, issued=SECONDS - 20)
    assert world.verify(first, seen=memory()).outcome is Outcome.VALID
    assert_refused(world.verify(second, seen=memory()), 10, Reason.PRES_NONCE_REPLAYED)


def test_of_twenty_parallel_uses_one_succeeds(memory: Callable[[], Seen]) -> None:
    world = World()
    data, trust, expect = world.presentation(), world.bundle(), Asked(world.request())

    def use(_: int) -> Outcome:
        return world.verify(data, trust=trust, expect=expect, seen=memory()).outcome

    memory()
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(use, range(20)))
    assert outcomes.count(Outcome.VALID) == 1


def test_a_used_answer_is_refused_even_where_something_else_cannot_be_told() -> None:
    world = World()
    data, seen = world.presentation(), MemorySeen()
    assert world.verify(data, seen=seen).outcome is Outcome.VALID
    again = world.verify(data, seen=seen, trust=world.bundle(with_list=False))
    assert_refused(again, 10, Reason.PRES_NONCE_REPLAYED)


def test_an_answer_given_after_the_request_ran_out_is_refused() -> None:
    world = World()
    request = world.request(expires=SECONDS - 60)
    in_time = world.presentation(request=request, issued=SECONDS - 60)
    late = world.presentation(request=request, issued=SECONDS - 59)
    assert world.verify(in_time, expect=Asked(request)).outcome is Outcome.VALID
    assert_refused(world.verify(late, expect=Asked(request)), 10, Reason.PRES_EXPIRED)


def test_claims_of_another_certificate_type_do_not_answer() -> None:
    """Slot 16 is the settled month here and the headcount on an employer's certificate."""
    world = World()
    registration = world.registration(slots=((CertificateType.EMPLOYER, (0, 100)),))
    request = world.request(registration=registration, items=(SlotsItem(CertificateType.EMPLOYER, (16,)),))
    data = world.presentation(request=request, slots=(16,))
    assert_refused(world.verify(data, expect=Asked(request)), 10, Reason.DISC_REQUIRED_MISSING)


@pytest.mark.parametrize("lifetime", [0, -1, MAX_LIFETIME + 1])
def test_a_lifetime_out_of_range_is_no_presentation(lifetime: int) -> None:
    """A renewal of access is a new consent: nothing lives longer than a month."""
    world = World()
    report = world.verify(world.presentation(lifetime=lifetime))
    assert_refused(report, 2, Reason.ENC_NUMBER_RANGE)


def test_an_answer_that_was_not_valid_is_not_used_up() -> None:
    world = World()
    data, seen = world.presentation(), MemorySeen()
    undetermined = world.verify(data, seen=seen, trust=world.bundle(with_list=False))
    assert undetermined.outcome is Outcome.UNDETERMINED
    assert world.verify(data, seen=seen).outcome is Outcome.VALID


def test_a_second_signature_over_the_same_consent_is_the_same_answer() -> None:
    """P09b: (r, n - s) of a P-256 holder, to a counter request without nonce."""
    holder = P256Holder()
    world = World(holder=holder)
    request = world.request(nonce=None, desk="东门支行3号窗口")
    data = world.presentation(request=request)
    sign1 = parse_presentation(data).sign1
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    s = (order - int.from_bytes(sign1.signature[32:])).to_bytes(32)
    twin = encode_sign1(sign1.protected_bytes, sign1.payload_bytes, sign1.signature[:32] + s)
    seen = MemorySeen()
    assert world.verify(data, expect=Asked(request), seen=seen).outcome is Outcome.VALID
    assert twin != data
    assert_refused(world.verify(twin, expect=Asked(request), seen=seen), 10, Reason.PRES_NONCE_REPLAYED)


def test_a_hostile_message_does_not_spoil_the_next() -> None:
    """A33."""
    world = World()
    seen, trust = MemorySeen(), world.bundle()
    for hostile in (b"\x81" * 5000, b"TS1:", b"\xd2\x84", os.urandom(3000)):
        world.verify(hostile, seen=seen, trust=trust)
    assert world.verify(world.presentation(), seen=seen, trust=trust).outcome is Outcome.VALID


# --- several presentations, policies ------------------------------------------------------------


def test_several_presentations_answer_one_request_together() -> None:
    world = World()
    name = REGISTRY.slot_of("name")
    items = (
        SlotsItem(CertificateType.CONTRIBUTION, SLOTS_24),
        SlotsItem(CertificateType.CONTRIBUTION, (name,)),
    )
    request = world.request(items=items)
    certificate = world.certificate()
    parts = [
        world.presentation(request=request, certificate=certificate, slots=SLOTS_24),
        world.presentation(request=request, certificate=certificate, slots=(name,)),
    ]
    alone = world.verify(parts[0], expect=Asked(request))
    assert_refused(alone, 10, Reason.DISC_REQUIRED_MISSING)
    together = world.verify(parts, expect=Asked(request))
    assert together.outcome is Outcome.VALID
    assert len(together.parts) == 2


def test_presentations_of_different_people_do_not_add_up() -> None:
    world = World()
    other = World(holder=signer("other holder"))
    request = world.request()
    entries = [world.presentation(request=request), other.presentation(request=request)]
    report = world.verify(entries, expect=Asked(request))
    assert report.outcome is Outcome.INVALID
    assert report.parts[0].reason is Reason.PRES_SUBJECT_MISMATCH


def test_a_policy_that_is_not_in_the_bundle_cannot_be_told() -> None:
    world = World()
    items = (SlotsItem(CertificateType.CONTRIBUTION, SLOTS_24), PolicyItem("housing.24", bytes(32)))
    registration = world.registration(policies=("housing.24",))
    request = world.request(registration=registration, items=items)
    report = world.verify(world.presentation(request=request), expect=Asked(request))
    assert_undetermined(report, 11, Reason.POLICY_UNKNOWN)


def test_a_certificate_of_another_type_does_not_show_what_a_policy_wants_to_see() -> None:
    """An employer certificate has no slot for a claim of the policy: it does not show it, and nothing breaks."""
    world = World()
    policy = parse_policy(policy_file("RUN(pension.emp, months = 1)", more='show = ["name"]'))
    tree = ClaimsTree.from_seed(REGISTRIES[CertificateType.EMPLOYER], b"s" * 32, {16: 360})
    body = world.body(type=CertificateType.EMPLOYER, claims_root=tree.root())
    certificate = world.certificate(body, tree=tree)
    registration = world.registration(policies=(policy.id,))
    request = world.request(registration=registration, items=(PolicyItem(policy.id, policy.digest),))
    types = (CertificateType.CONTRIBUTION, CertificateType.EMPLOYER)
    directory = world.directory(offices=(replace(world.directory().offices[0], types=types),))
    trust = world.bundle(directory=directory, policies=(policy.source,))
    data = world.presentation(certificate=certificate, request=request, slots=(16,))
    report = world.verify(data, expect=Asked(request), trust=trust)
    assert_refused(report, 10, Reason.DISC_REQUIRED_MISSING)


def test_the_holder_of_a_p256_key_cannot_be_answered_for_with_ed25519() -> None:
    world = World(holder=P256Holder())
    data = present(
        signer("thief"), world.certificate(), world.request(), SLOTS_24, issued=SECONDS - 5, lifetime=10
    )
    assert_refused(world.verify(data), 10, Reason.ALG_KEY_MISMATCH)
