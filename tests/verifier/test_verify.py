"""`verify` from the outside: honest input is valid, and each way of cheating is refused for its own reason."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certificate.certificate import encode_certificate, parse_certificate
from certificate.cose import encode_sign1
from certificate.holding import present
from certificate.numbers import Algorithm, CertificateType, Environment
from certificate.presentation import PresentationBody, parse_presentation, sign_presentation
from certificate.qr_text import encode_file_text, encode_qr_text
from certificate.request import PolicyItem, SlotsItem, parse_request
from certificate.slot_tree import Disclosure
from certificate.status_list import Status, status_list_uri
from ledger.proof import FullProof, ShortProof
from ledger.reasons import Reason
from tests.world import DAY, NOW, PURPOSE, REGISTRY, SECONDS, SLOTS_24, TODAY, World, signer
from verifier.expect import STATIC, Asked
from verifier.report import Outcome, Report, StepOutcome
from verifier.seen import MemorySeen, Seen
from verifier.seen_file import FileSeen


def failing_step(report: Report) -> tuple[int, Reason | None]:
    step = next(s for s in report.steps if s.reason is report.reason)
    return step.step, step.reason


def assert_refused(report: Report, step: int, reason: Reason) -> None:
    assert failing_step(report) == (step, reason)
    assert report.outcome is Outcome.INVALID


def assert_undetermined(report: Report, step: int, reason: Reason) -> None:
    assert failing_step(report) == (step, reason)
    assert report.outcome is Outcome.UNDETERMINED


# --- honest input -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "bytes", "file"])
def test_an_honest_answer_is_valid_in_each_form(form: str) -> None:
    world = World()
    data = world.presentation()
    forms = {"text": encode_qr_text(data).encode(), "bytes": data, "file": encode_file_text(data).encode()}
    report = world.verify(forms[form])
    assert report.outcome is Outcome.VALID
    assert report.reason is None
    assert [step.outcome for step in report.steps] == [StepOutcome.OK] * 11
    assert [d.slot for d in report.disclosed] == list(SLOTS_24)
    assert report.certificate is not None
    assert report.certificate.body.cut_off == 202610
    assert report.evidence.request_digest == parse_request(world.request()).digest()


def test_honest_paper_is_valid_and_labelled_as_a_copy() -> None:
    world = World()
    paper = world.certificate(world.body(paper=True), slots=SLOTS_24)
    report = world.verify(encode_qr_text(paper).encode(), expect=STATIC)
    assert report.outcome is Outcome.VALID
    assert report.notes == (Reason.PRES_STATIC_COPY,)


def test_a_p256_holder_is_as_good_as_an_ed25519_one() -> None:
    world = World(holder=P256Holder())
    assert world.verify(world.presentation()).outcome is Outcome.VALID


def test_a_certificate_is_valid_on_its_last_day_and_not_after() -> None:
    world = World()
    body = world.body(paper=True, expires=TODAY)
    paper = world.certificate(body, slots=SLOTS_24)
    last_second = NOW.replace(hour=23, minute=59, second=59)
    assert world.verify(paper, expect=STATIC, now=last_second).outcome is Outcome.VALID
    assert_refused(
        world.verify(paper, expect=STATIC, now=last_second + timedelta(seconds=1)), 7, Reason.TIME_EXPIRED
    )


# --- step 1 and 2 ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.ENC_PREFIX_UNKNOWN),
        (b"https://example.test/?c=1", Reason.ENC_PREFIX_UNKNOWN),
        (b"TS2:ABC", Reason.ENC_PREFIX_UNKNOWN),
        (b"TS1:abc", Reason.ENC_BASE45_INVALID),
        (b"TS1:GGW", Reason.ENC_BASE45_INVALID),
        (b"TS1:" + b"0" * 70_000, Reason.ENC_TOO_LARGE),
    ],
)
def test_texts_that_are_not_ours_stop_at_step_1(data: bytes, reason: Reason) -> None:
    assert_refused(World().verify(data), 1, reason)


def test_every_prefix_of_a_valid_code_is_refused() -> None:
    """P03, all lengths."""
    world = World()
    text = encode_qr_text(world.presentation()).encode()
    trust, expect = world.bundle(), Asked(world.request())
    for length in range(len(text)):
        report = world.verify(text[:length], trust=trust, expect=expect)
        assert report.outcome is Outcome.INVALID, length
        assert failing_step(report)[0] in (1, 2)


def test_every_flipped_bit_of_a_valid_answer_is_refused() -> None:
    """A01 and P29: each bit in turn; no crash, no accept."""
    world = World()
    data = world.presentation()
    trust, expect = world.bundle(), Asked(world.request())
    accepted = []
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        if world.verify(bytes(changed), trust=trust, expect=expect).outcome is Outcome.VALID:
            accepted.append(bit)
    assert accepted == []


def test_payload_bits_break_the_issuer_signature() -> None:
    world = World()
    certificate = parse_certificate(world.certificate(world.body(paper=True), slots=SLOTS_24))
    sign1 = certificate.sign1
    payload = sign1.payload_bytes
    reasons = set()
    for byte in range(len(payload)):
        changed = payload[:byte] + bytes([payload[byte] ^ 1]) + payload[byte + 1 :]
        data = encode_sign1(sign1.protected_bytes, changed, sign1.signature, sign1.unprotected)
        report = world.verify(data, expect=STATIC)
        assert report.outcome is not Outcome.VALID
        reasons.add(report.reason)
    assert Reason.SIG_INVALID in reasons


@pytest.mark.parametrize("extra", [b"\x00", b"\xf6"])
def test_bytes_after_the_object_are_refused(extra: bytes) -> None:
    world = World()
    assert_refused(world.verify(world.presentation() + extra), 2, Reason.ENC_TRAILING_DATA)


def test_two_certificates_in_a_row_are_refused() -> None:
    world = World()
    paper = world.certificate(world.body(paper=True), slots=SLOTS_24)
    assert_refused(world.verify(paper + paper, expect=STATIC), 2, Reason.ENC_TRAILING_DATA)


def test_objects_of_another_kind_are_no_certificates() -> None:
    """A29: a status list, a request and a directory, rightly signed, offered as a certificate."""
    world = World()
    files = world.bundle_files()
    for data in (world.status_token(), world.request(), files["directory.cose"], files["bundle.cose"]):
        assert_refused(world.verify(data, expect=STATIC), 2, Reason.KEY_PURPOSE_MISMATCH)


# --- steps 3 and 4 --------------------------------------------------------------------------------------------------


def test_an_unknown_key_is_unknown_not_forged() -> None:
    world = World()
    data = world.certificate(world.body(paper=True), slots=SLOTS_24, key=signer("stranger"))
    assert_undetermined(world.verify(data, expect=STATIC), 3, Reason.KEY_UNKNOWN)


def test_a_key_for_another_purpose_signs_no_certificate() -> None:
    world = World()
    data = world.certificate(world.body(paper=True), slots=SLOTS_24, key=world.status_key)
    assert_refused(world.verify(data, expect=STATIC), 3, Reason.KEY_PURPOSE_MISMATCH)


@pytest.mark.parametrize(
    ("changes", "reason", "undetermined"),
    [
        ({"office": 2}, Reason.KEY_UNKNOWN, True),
        ({"authority": 2}, Reason.KEY_UNKNOWN, True),
        ({"region": 990202}, Reason.TRUST_ISSUER_NOT_AUTHORISED, False),
    ],
)
def test_an_office_certifies_only_its_own(
    changes: dict[str, int], reason: Reason, undetermined: bool
) -> None:
    world = World()
    report = world.verify(world.certificate(world.body(paper=True, **changes), slots=SLOTS_24), expect=STATIC)
    (assert_undetermined if undetermined else assert_refused)(report, 3, reason)


def test_a_type_the_office_may_not_issue_is_refused() -> None:
    world = World()
    directory = world.directory()
    office = replace(directory.offices[0], types=(CertificateType.EMPLOYER,))
    trust = world.bundle(directory=replace(directory, offices=(office,)))
    data = world.certificate(world.body(paper=True), slots=SLOTS_24)
    assert_refused(world.verify(data, expect=STATIC, trust=trust), 3, Reason.TRUST_ISSUER_NOT_AUTHORISED)


def test_a_test_region_is_refused_in_production() -> None:
    world = World()
    data = world.certificate(world.body(paper=True), slots=SLOTS_24)
    trust = world.bundle(directory=world.directory(environment=Environment.PRODUCTION))
    assert_refused(world.verify(data, expect=STATIC, trust=trust), 3, Reason.KEY_ENV_TEST)


def test_a_stale_bundle_cannot_tell_and_names_itself() -> None:
    """P25: a clock ten years ahead."""
    world = World()
    report = world.verify(world.presentation(), now=NOW + timedelta(days=3650))
    assert_undetermined(report, 3, Reason.TRUST_BUNDLE_STALE)


def test_an_older_bundle_than_one_seen_is_refused() -> None:
    world = World()
    seen = MemorySeen()
    assert (
        world.verify(world.presentation(), trust=world.bundle(version=7), seen=seen).outcome is Outcome.VALID
    )
    report = world.verify(world.presentation(), trust=world.bundle(version=6), seen=seen)
    assert_refused(report, 3, Reason.TRUST_BUNDLE_ROLLBACK)


# --- steps 5 and 6 --------------------------------------------------------------------------------------------------


def with_proof(world: World, change: Callable[[FullProof], object]) -> bytes:
    certificate = parse_certificate(world.certificate(world.body(paper=True), slots=SLOTS_24))
    assert isinstance(certificate.proof, FullProof)
    proof = change(certificate.proof)
    return encode_certificate(certificate.sign1, certificate.disclosures, certificate.multiproof, proof)  # type: ignore[arg-type]  # any proof


@pytest.mark.parametrize(
    ("change", "reason", "undetermined"),
    [
        (lambda p: None, Reason.LOG_INCLUSION_MISSING, False),
        (lambda p: replace(p, index=p.index ^ 1), Reason.LOG_INCLUSION_INVALID, False),
        (lambda p: replace(p, path=(bytes(32), *p.path[1:])), Reason.LOG_INCLUSION_INVALID, False),
        (lambda p: replace(p, path=p.path[:-1]), Reason.LOG_PROOF_MALFORMED, False),
        (lambda p: replace(p, path=(*p.path, bytes(32))), Reason.LOG_PROOF_MALFORMED, False),
        (lambda p: replace(p, signatures=p.signatures[1:]), Reason.CKPT_SIG_MISSING, False),
        (lambda p: replace(p, signatures=p.signatures[:3]), Reason.CKPT_QUORUM_UNMET, False),
        (lambda p: replace(p, signatures=(*p.signatures[:3], p.signatures[2])), Reason.CKPT_QUORUM_UNMET, False),
        (lambda p: replace(p, log=2), Reason.LOG_UNKNOWN_ORIGIN, True),
        (lambda p: ShortProof(1, p.index, p.path[:8]), Reason.LOG_SUBTREE_UNKNOWN, True),
    ],
)  # fmt: skip
def test_ledger_proofs_are_judged(
    change: Callable[[FullProof], object], reason: Reason, undetermined: bool
) -> None:
    world = World()
    report = world.verify(with_proof(world, change), expect=STATIC)
    (assert_undetermined if undetermined else assert_refused)(report, 5, reason)


def test_the_proof_of_another_certificate_does_not_help() -> None:
    """L04: the entry is computed from the certificate itself, so another's true proof leads nowhere."""
    world = World()
    unlogged = parse_certificate(
        world.certificate(world.body(paper=True, status_index=9), slots=SLOTS_24, logged=False)
    )
    other = parse_certificate(world.certificate(world.body(paper=True), slots=SLOTS_24))
    data = encode_certificate(unlogged.sign1, unlogged.disclosures, unlogged.multiproof, other.proof)
    assert_refused(world.verify(data, expect=STATIC), 5, Reason.LOG_INCLUSION_INVALID)


@pytest.mark.parametrize("position", ["before", "after", "void", "range"])
def test_keys_are_judged_by_position(position: str) -> None:
    """A39: what the key signed before the theft stays good; what is logged later, or disowned, falls."""
    world = World()
    data = world.certificate(world.body(paper=True), slots=SLOTS_24)
    proof = parse_certificate(data).proof
    assert isinstance(proof, FullProof)
    index, directory = proof.index, world.directory()
    assert world.verify(data, expect=STATIC).outcome is Outcome.VALID
    key = directory.keys[0]
    from certificate.directory import VoidRange

    changed = {
        "before": replace(key, void_from=index + 1),
        "after": replace(key, void_from=index),
        "void": key,
        "range": replace(key, to_index=index),
    }[position]
    voids = (VoidRange(1, 1, index, index + 1),) if position == "void" else ()
    trust = world.bundle(directory=replace(directory, keys=(changed, *directory.keys[1:]), voids=voids))
    report = world.verify(data, expect=STATIC, trust=trust)
    if position == "before":
        assert report.outcome is Outcome.VALID
    else:
        reasons = {
            "after": Reason.KEY_COMPROMISED_AFTER,
            "void": Reason.KEY_VOID_ENTRY,
            "range": Reason.KEY_OUT_OF_RANGE,
        }
        assert_refused(report, 6, reasons[position])


# --- steps 7 and 8 --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"expires": TODAY - 1}, Reason.TIME_EXPIRED),
        ({"issued": TODAY + 1}, Reason.TIME_ISSUED_IN_FUTURE),
        ({"issued": TODAY - 1, "expires": TODAY - 2}, Reason.TIME_INCONSISTENT),
    ],
)
def test_times_are_judged(changes: dict[str, int], reason: Reason) -> None:
    world = World()
    data = world.certificate(world.body(paper=True, **changes), slots=SLOTS_24)
    assert_refused(world.verify(data, expect=STATIC), 7, reason)


def test_a_clock_set_back_is_noticed() -> None:
    """P24: the bundle's own signed time is ahead of the clock."""
    world = World()
    paper = world.certificate(world.body(paper=True), slots=SLOTS_24)
    trust = world.bundle(issued=SECONDS + 2 * DAY)
    assert_undetermined(world.verify(paper, expect=STATIC, trust=trust), 7, Reason.TIME_CLOCK_REGRESSED)


@pytest.mark.parametrize(
    ("token", "reason", "undetermined"),
    [
        ({"statuses": {1234: Status.REVOKED}}, Reason.STATUS_REVOKED, False),
        ({"statuses": {1234: Status.SUSPENDED}}, Reason.STATUS_SUSPENDED, False),
        ({"statuses": {1234: Status.REPLACED}}, Reason.STATUS_REPLACED, False),
        ({"issued": SECONDS - 9 * DAY}, Reason.STATUS_LIST_STALE, True),
        ({"issued": SECONDS - 9 * DAY, "expires": SECONDS}, Reason.STATUS_LIST_EXPIRED, True),
        ({"issued": SECONDS + 301}, Reason.STATUS_LIST_FUTURE, True),
        ({"uri": status_list_uri(1, 1)}, Reason.STATUS_LIST_URI_MISMATCH, False),
        ({"key": signer("office")}, Reason.STATUS_LIST_WRONG_ISSUER, False),
        ({"size": 1024}, Reason.STATUS_INDEX_RANGE, False),
    ],
)  # fmt: skip
def test_status_lists_are_judged(token: dict[str, object], reason: Reason, undetermined: bool) -> None:
    world = World()
    paper = world.certificate(world.body(paper=True), slots=SLOTS_24)
    trust = world.bundle(token=world.status_token(**token))  # type: ignore[arg-type]  # its own keywords
    report = world.verify(paper, expect=STATIC, trust=trust)
    (assert_undetermined if undetermined else assert_refused)(report, 8, reason)


def test_the_neighbour_of_a_revoked_certificate_is_not_revoked() -> None:
    """S01: bit order. Every neighbour of index 1234 within its byte and the bytes beside it."""
    world = World()
    paper = world.certificate(world.body(paper=True), slots=SLOTS_24)
    for neighbour in (*range(1224, 1234), *range(1235, 1244)):
        trust = world.bundle(token=world.status_token(statuses={neighbour: Status.REVOKED}))
        assert world.verify(paper, expect=STATIC, trust=trust).outcome is Outcome.VALID


def test_a_missing_list_cannot_tell() -> None:
    world = World()
    paper = world.certificate(world.body(paper=True), slots=SLOTS_24)
    report = world.verify(paper, expect=STATIC, trust=world.bundle(with_list=False))
    assert_undetermined(report, 8, Reason.STATUS_LIST_MISSING)


def test_an_older_list_than_one_seen_is_refused() -> None:
    world = World()
    paper = world.certificate(world.body(paper=True), slots=SLOTS_24)
    seen = MemorySeen()
    newer = world.bundle(token=world.status_token(issued=SECONDS - 60))
    assert world.verify(paper, expect=STATIC, trust=newer, seen=seen).outcome is Outcome.VALID
    older = world.bundle(token=world.status_token(issued=SECONDS - 120))
    report = world.verify(paper, expect=STATIC, trust=older, seen=seen)
    assert_refused(report, 8, Reason.STATUS_LIST_ROLLBACK)


# --- step 9 -----------------------------------------------------------------------------------------------------------


def with_disclosures(world: World, change: Callable[[list[Disclosure]], list[Disclosure]]) -> bytes:
    """Disclosures changed and signed again by the holder himself: a citizen who embellishes."""
    shown = parse_certificate(world.shown())
    forged = encode_certificate(shown.sign1, change(list(shown.disclosures)), shown.multiproof, shown.proof)
    body = PresentationBody(1, parse_request(world.request()).digest(), SECONDS - 30, 10)
    return sign_presentation(world.holder, body, forged)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: [replace(d[0], value=202609), *d[1:]], Reason.DISC_DIGEST_MISMATCH),
        (lambda d: [*d[:3], replace(d[3], value=b"UUT")], Reason.DISC_DIGEST_MISMATCH),
        (lambda d: [*d, Disclosure(bytes(16), 307, 360)], Reason.DISC_MALFORMED),
        (lambda d: d[:3], Reason.DISC_MALFORMED),
        (lambda d: [*d[:3], d[2]], Reason.DISC_DUPLICATE),
        (lambda d: [*d[:3], replace(d[3], slot=15)], Reason.SCHEMA_FIELD_UNKNOWN),
        (lambda d: [replace(d[0], value="<script>"), *d[1:]], Reason.SCHEMA_FIELD_TYPE),
    ],
)  # fmt: skip
def test_changed_disclosures_are_refused(
    change: Callable[[list[Disclosure]], list[Disclosure]], reason: Reason
) -> None:
    world = World()
    assert_refused(world.verify(with_disclosures(world, change)), 9, reason)


# --- step 10 ----------------------------------------------------------------------------------------------------------


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


# --- several presentations, policies ------------------------------------------------------------------------------------


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


class P256Holder:
    """A holder whose phone keeps a P-256 key."""

    algorithm = Algorithm.ESP256

    def __init__(self) -> None:
        self._key = ec.derive_private_key(0x1234567, ec.SECP256R1())
        self.public_key = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)

    def sign(self, message: bytes) -> bytes:
        r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)


def test_the_holder_of_a_p256_key_cannot_be_answered_for_with_ed25519() -> None:
    world = World(holder=P256Holder())
    data = present(
        signer("thief"), world.certificate(), world.request(), SLOTS_24, issued=SECONDS - 5, lifetime=10
    )
    assert_refused(world.verify(data), 10, Reason.ALG_KEY_MISMATCH)
