"""`verify` from the outside: honest input is valid, and each way of cheating is refused for its own reason."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from certificate.certificate import encode_certificate, parse_certificate
from certificate.cose import encode_sign1, parse_sign1, sign_object
from certificate.numbers import CertificateType, Environment
from certificate.presentation import PresentationBody, sign_presentation
from certificate.qr_text import encode_file_text, encode_qr_text
from certificate.request import parse_request
from certificate.slot_tree import Disclosure
from certificate.status_list import Status, status_list_uri
from ledger.proof import FullProof, ShortProof
from ledger.reasons import Reason
from tests.attacks.marking import attack
from tests.verifier.judging import P256Holder, assert_refused, assert_undetermined, failing_step
from tests.world import DAY, NOW, SECONDS, SLOTS_24, TODAY, World, signer
from verifier.expect import STATIC, Asked
from verifier.report import Outcome, StepOutcome
from verifier.seen import MemorySeen

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


@attack("P03")
def test_every_prefix_of_a_valid_code_is_refused() -> None:
    """P03, all lengths."""
    world = World()
    text = encode_qr_text(world.presentation()).encode()
    trust, expect = world.bundle(), Asked(world.request())
    for length in range(len(text)):
        report = world.verify(text[:length], trust=trust, expect=expect)
        assert report.outcome is Outcome.INVALID, length
        assert failing_step(report)[0] in (1, 2)


@attack("A01")
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


def test_a_key_does_not_sign_for_the_office_next_door() -> None:
    """A14: both offices exist and may certify this region; the key is the first one's."""
    world = World()
    directory = world.directory()
    neighbour = replace(directory.offices[0], number=2, code="99010300")
    trust = world.bundle(directory=replace(directory, offices=(*directory.offices, neighbour)))
    data = world.certificate(world.body(paper=True, office=2), slots=SLOTS_24)
    assert_undetermined(world.verify(data, expect=STATIC, trust=trust), 3, Reason.KEY_UNKNOWN)


def test_a_key_counts_in_its_own_log_only() -> None:
    """The index range of a key is one of a certain log; a position in another log says nothing."""
    world = World()
    directory = world.directory()
    keys = (replace(directory.keys[0], log=2), *directory.keys[1:])
    logs = (*directory.logs, replace(directory.logs[0], number=2, origin="other.example.test/1"))
    trust = world.bundle(directory=replace(directory, keys=keys, logs=logs))
    data = world.certificate(world.body(paper=True), slots=SLOTS_24)
    assert_refused(world.verify(data, expect=STATIC, trust=trust), 6, Reason.KEY_OUT_OF_RANGE)


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
    d = world.directory(environment=Environment.PRODUCTION)
    trust = world.bundle(directory=replace(d, offices=(replace(d.offices[0], region_prefix="9"),)))
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


@pytest.mark.parametrize("what", ["signature", "statuses", "no signature of this key"])
def test_a_list_that_its_key_did_not_sign_is_refused(what: str) -> None:
    """The right key id, and a signature over other bytes: one bit changed, the list un-revoked, signed by another."""
    world = World()
    paper = world.certificate(world.body(paper=True), slots=SLOTS_24)
    revoking = parse_sign1(world.status_token(statuses={1234: Status.REVOKED}), "application/statuslist+cwt")
    clean = parse_sign1(world.status_token(), "application/statuslist+cwt")
    payload = clean.payload_bytes
    signature = {
        "signature": clean.signature[:-1] + bytes([clean.signature[-1] ^ 1]),
        "statuses": revoking.signature,
        "no signature of this key": signer("stranger").sign(clean.to_be_signed),
    }[what]
    token = encode_sign1(clean.protected_bytes, payload, signature)
    report = world.verify(paper, expect=STATIC, trust=world.bundle(token=token))
    assert_refused(report, 8, Reason.STATUS_LIST_SIG_INVALID)


def test_a_list_may_be_ahead_by_a_clocks_error() -> None:
    world = World()
    paper = world.certificate(world.body(paper=True), slots=SLOTS_24)
    trust = world.bundle(token=world.status_token(issued=SECONDS + 300))
    assert world.verify(paper, expect=STATIC, trust=trust).outcome is Outcome.VALID


def test_another_authority_says_nothing_about_our_certificates() -> None:
    """S06: a list under our name, signed by the status key of an authority next door."""
    world = World()
    directory, stranger = world.directory(), signer("status of another authority")
    other = replace(directory.authorities[0], number=2)
    key = replace(directory.keys[1], authority=2, public_key=stranger.public_key)
    trust = world.bundle(
        directory=replace(
            directory, authorities=(*directory.authorities, other), keys=(*directory.keys, key)
        ),
        token=world.status_token(key=stranger),
    )
    paper = world.certificate(world.body(paper=True), slots=SLOTS_24)
    report = world.verify(paper, expect=STATIC, trust=trust)
    assert_refused(report, 8, Reason.STATUS_LIST_WRONG_ISSUER)


@pytest.mark.parametrize(
    ("bits", "packed", "reason"),
    [
        (0, zlib.compress(bytes(1024)), Reason.STATUS_LIST_MALFORMED),
        (1, zlib.compress(bytes(1024)), Reason.STATUS_LIST_MALFORMED),
        (3, zlib.compress(bytes(1024)), Reason.STATUS_LIST_MALFORMED),
        (4, zlib.compress(bytes(1024)), Reason.STATUS_LIST_MALFORMED),
        (16, zlib.compress(bytes(1024)), Reason.STATUS_LIST_MALFORMED),
        (2, gzip.compress(bytes(1024), mtime=0), Reason.STATUS_LIST_MALFORMED),
        (2, zlib.compress(bytes(1024))[:-1], Reason.STATUS_LIST_MALFORMED),
        (2, zlib.compress(bytes(1024)) + b"x", Reason.STATUS_LIST_MALFORMED),
        (2, zlib.compress(bytes(20 * 2**20)), Reason.STATUS_LIST_TOO_LARGE),
    ],
)
def test_lists_of_another_shape_are_refused(bits: int, packed: bytes, reason: Reason) -> None:
    """S09, S10: width, container, cut short, 20 MB in 20 KB, rightly signed."""
    world = World()
    inner = {"bits": bits, "lst": packed}
    claims = {2: status_list_uri(1, 0), 4: SECONDS + DAY, 6: SECONDS - DAY, 65533: inner, 65534: 8 * DAY}
    trust = world.bundle(token=sign_object(world.status_key, "application/statuslist+cwt", claims))
    paper = world.certificate(world.body(paper=True), slots=SLOTS_24)
    assert_refused(world.verify(paper, expect=STATIC, trust=trust), 8, reason)


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
