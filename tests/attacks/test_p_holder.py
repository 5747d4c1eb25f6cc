"""Attacks on who shows an answer, to whom, when and how often: lines P09 to P17."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from certificate.certificate import encode_certificate, parse_certificate
from certificate.cose import encode_sign1, sign_object
from certificate.holding import disclose, present
from certificate.numbers import HEADER_KCWT, Typ
from certificate.presentation import parse_presentation
from certificate.qr_text import encode_file_text, encode_qr_text
from ledger.cbor import decode_cbor, encode_cbor
from ledger.reasons import Reason
from tests.attacks.forging import paper, presented, reason_of
from tests.attacks.marking import attack
from tests.verifier.judging import P256Holder, assert_refused
from tests.world import DAY, NOW, PURPOSE, SECONDS, SLOTS_24, World, signer
from verifier.expect import STATIC, Asked
from verifier.report import Outcome
from verifier.seen import MemorySeen, Seen
from verifier.seen_file import FileSeen
from verifier.verify import verify

DESK = "东门支行3号窗口"


# --- P09 to P17: who shows it, to whom, when -------------------------------------------------------------------------


@attack("P09", Reason.PRES_EXPIRED, Reason.PRES_REQUEST_MISMATCH, Reason.PRES_NONCE_REPLAYED)
def test_P09_a_photo_of_a_live_code() -> None:
    """Shown by someone else: later, at another request, at the same one again."""
    world = World()
    data, seen = world.presentation(), MemorySeen()
    assert world.verify(data, seen=seen).outcome is Outcome.VALID
    assert_refused(world.verify(data, seen=seen), 10, Reason.PRES_NONCE_REPLAYED)
    assert_refused(world.verify(data, now=NOW + timedelta(minutes=11)), 10, Reason.PRES_EXPIRED)
    tomorrow = world.request(nonce=b"t" * 16)
    assert_refused(world.verify(data, expect=Asked(tomorrow)), 10, Reason.PRES_REQUEST_MISMATCH)


@attack("P09", Reason.PRES_STATIC_COPY)
def test_P09_paper_shown_by_someone_else() -> None:
    """Authentic at most, and the report says that it is a copy; never an answer to a request."""
    world = World()
    data = paper(world)
    for _ in range(2):
        report = world.verify(data, expect=STATIC)
        assert (report.outcome, report.notes) == (Outcome.VALID, (Reason.PRES_STATIC_COPY,))
    assert_refused(world.verify(data), 10, Reason.PRES_BINDING_MISSING)


@attack("P09a", Reason.PRES_BINDING_MISSING)
@pytest.mark.parametrize("expect", ["static", "asked"])
def test_P09a_the_certificate_cut_out_of_a_presentation(expect: str) -> None:
    """The very bytes that stand in a presentation's header, offered alone."""
    world = World()
    nested = parse_presentation(world.presentation())
    inside = decode_cbor(nested.sign1.protected_bytes)[HEADER_KCWT]
    cut = encode_cbor(inside)
    report = world.verify(cut, expect=STATIC if expect == "static" else Asked(world.request()))
    assert_refused(report, 10, Reason.PRES_BINDING_MISSING)


@attack("P09a", Reason.PRES_REQUEST_MISMATCH)
def test_P09a_an_answer_offered_as_paper() -> None:
    """A whole answer where paper is expected."""
    world = World()
    assert_refused(world.verify(world.presentation(), expect=STATIC), 10, Reason.PRES_REQUEST_MISMATCH)


ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@attack("P09b", Reason.PRES_NONCE_REPLAYED)
@pytest.mark.parametrize("with_nonce", [True, False])
def test_P09b_the_other_signature_of_a_p256_key(with_nonce: bool) -> None:
    """(r, n - s), with and without a nonce, in memory and in a file."""
    world = World(holder=P256Holder())
    request = world.request() if with_nonce else world.request(nonce=None, desk=DESK)
    data = world.presentation(request=request)
    sign1 = parse_presentation(data).sign1
    s = (ORDER - int.from_bytes(sign1.signature[32:])).to_bytes(32)
    twin = encode_sign1(sign1.protected_bytes, sign1.payload_bytes, sign1.signature[:32] + s)
    seen = MemorySeen()
    assert world.verify(twin, expect=Asked(request)).outcome is Outcome.VALID
    assert world.verify(data, expect=Asked(request), seen=seen).outcome is Outcome.VALID
    assert_refused(world.verify(twin, expect=Asked(request), seen=seen), 10, Reason.PRES_NONCE_REPLAYED)


@attack("P09c", Reason.PRES_REQUEST_MISMATCH)
@pytest.mark.parametrize("desk", ["西门支行1号窗口", DESK + "2", "东门支行4号窗口"])
def test_P09c_an_answer_to_a_counter_shown_at_another_branch(desk: str) -> None:
    """A printed request of one desk, its answer photographed, shown at another desk of the same bank."""
    world = World()
    here, there = (world.request(nonce=None, desk=place) for place in (DESK, desk))
    data = world.presentation(request=here)
    assert world.verify(data, expect=Asked(here)).outcome is Outcome.VALID
    assert_refused(world.verify(data, expect=Asked(there)), 10, Reason.PRES_REQUEST_MISMATCH)


@attack("P09c", Reason.SCHEMA_FIELD_MISSING)
def test_P09c_a_request_with_neither_nonce_nor_desk() -> None:
    """A printed request that names no desk is none."""
    world = World()
    report = world.verify(world.presentation(), expect=Asked(world.request(nonce=None)))
    assert_refused(report, 10, Reason.SCHEMA_FIELD_MISSING)


@attack("P10", Reason.PRES_BINDING_MISSING, Reason.SIG_MISSING)
def test_P10_the_holders_signature_cut_off() -> None:
    """The holder's signature empty; the certificate alone; a paper one as an answer."""
    world = World()
    sign1 = parse_presentation(world.presentation()).sign1
    empty = encode_sign1(sign1.protected_bytes, sign1.payload_bytes, b"")
    assert_refused(world.verify(empty), 2, Reason.SIG_MISSING)
    assert_refused(world.verify(world.shown()), 10, Reason.PRES_BINDING_MISSING)
    report = world.verify(presented(world, paper(world)))  # signed by somebody, bound to nobody
    assert_refused(report, 10, Reason.PRES_BINDING_MISSING)


@attack("P11", Reason.PRES_BINDING_INVALID)
def test_P11_signed_by_another_key() -> None:
    """By a thief, by the office, by the asker, by the holder of another certificate."""
    world = World()
    for name in ("thief", "office", "asker", "registrar", "root"):
        data = present(signer(name), world.certificate(), world.request(), SLOTS_24, issued=SECONDS - 5)
        assert_refused(world.verify(data), 10, Reason.PRES_BINDING_INVALID)


@attack("P11", Reason.PRES_BINDING_INVALID)
@pytest.mark.parametrize("signature", [bytes(64), b"\xff" * 64, bytes(63), bytes(65), b"\x01", bytes(5000)])
def test_P11_signed_by_no_key(signature: bytes) -> None:
    """A signature of zeros, of another length, of nobody."""
    world = World()
    sign1 = parse_presentation(world.presentation()).sign1
    data = encode_sign1(sign1.protected_bytes, sign1.payload_bytes, signature)
    assert_refused(world.verify(data), 10, Reason.PRES_BINDING_INVALID)


def answer(world: World, payload: object, *, holder: str = "holder") -> bytes:
    """A presentation whose signed payload is anything."""
    certificate = decode_cbor(world.shown())
    return sign_object(
        signer(holder), Typ.PRESENTATION, payload, with_kid=False, more_headers={HEADER_KCWT: certificate}
    )


def honest_payload(world: World) -> list[object]:
    return list(decode_cbor(parse_presentation(world.presentation()).sign1.payload_bytes))


@attack("P12", Reason.PRES_AUDIENCE_MISMATCH)
@pytest.mark.parametrize("audience", [2, 10, 11, 2**31])
def test_P12_made_for_another_audience(audience: int) -> None:
    """A consent for another organisation, over this very request."""
    world = World()
    data = answer(world, [audience, *honest_payload(world)[1:]])
    assert_refused(world.verify(data), 10, Reason.PRES_AUDIENCE_MISMATCH)


@attack("P12", Reason.SCHEMA_FIELD_TYPE, Reason.ENC_NUMBER_RANGE, Reason.SCHEMA_FIELD_MISSING)
@pytest.mark.parametrize(
    ("audience", "reason"),
    [
        ([2, 1], Reason.SCHEMA_FIELD_TYPE),
        ([1], Reason.SCHEMA_FIELD_TYPE),
        ("1", Reason.SCHEMA_FIELD_TYPE),
        (True, Reason.SCHEMA_FIELD_TYPE),
        (None, Reason.SCHEMA_FIELD_TYPE),
        (0, Reason.ENC_NUMBER_RANGE),
        (-1, Reason.ENC_NUMBER_RANGE),
    ],
)
def test_P12_an_audience_of_another_shape(audience: object, reason: Reason) -> None:
    """An audience as a list with ours second, as text, null; absent."""
    world = World()
    rest = honest_payload(world)[1:]
    assert_refused(world.verify(answer(world, [audience, *rest])), 2, reason)
    assert_refused(world.verify(answer(world, rest)), 2, Reason.SCHEMA_FIELD_MISSING)


@attack("P13")
@pytest.mark.parametrize("expect", [None, False, True, "static", b"", 0, object(), Asked])
def test_P13_no_mode_without_an_expectation(expect: object) -> None:
    """`verify` without a request and without `STATIC`, or with something else in their place, does not run."""
    world = World()
    arguments = {"trust": world.bundle(), "now": NOW, "seen": MemorySeen()}
    with pytest.raises(TypeError):
        verify(world.presentation(), **arguments, expect=expect)  # type: ignore[arg-type]  # the attack
    with pytest.raises(TypeError):
        verify(world.presentation(), **arguments)  # type: ignore[arg-type]  # the attack


@attack("P14", Reason.SCHEMA_FIELD_MISSING, Reason.SCHEMA_FIELD_TYPE)
def test_P14_the_time_of_the_consent_is_absent() -> None:
    """No time, no lifetime; null in their place."""
    world = World()
    audience, digest, issued, lifetime = honest_payload(world)
    for payload in ([audience, digest], [audience, digest, issued], []):
        assert_refused(world.verify(answer(world, payload)), 2, Reason.SCHEMA_FIELD_MISSING)
    for payload in ([audience, digest, None, lifetime], [audience, digest, issued, None]):
        assert_refused(world.verify(answer(world, payload)), 2, Reason.SCHEMA_FIELD_TYPE)


@attack("P14", Reason.TIME_ISSUED_IN_FUTURE)
@pytest.mark.parametrize("ahead", [301, 3600, 10**9])
def test_P14_a_consent_from_the_future(ahead: int) -> None:
    """Signed 301 seconds ahead, an hour, thirty years."""
    world = World()
    assert world.verify(world.presentation(issued=SECONDS + 300)).outcome is Outcome.VALID
    report = world.verify(world.presentation(issued=SECONDS + ahead))
    assert_refused(report, 10, Reason.TIME_ISSUED_IN_FUTURE)


@attack("P14", Reason.PRES_EXPIRED)
def test_P14_older_than_it_lives() -> None:
    """A second too late; a year too late; after the request itself ran out."""
    world = World()
    assert world.verify(world.presentation(issued=SECONDS - 599)).outcome is Outcome.VALID
    for issued in (SECONDS - 600, SECONDS - 365 * DAY, 0):
        assert_refused(world.verify(world.presentation(issued=issued)), 10, Reason.PRES_EXPIRED)
    request = world.request(expires=SECONDS - 60)
    late = world.presentation(request=request, issued=SECONDS - 59)
    assert_refused(world.verify(late, expect=Asked(request)), 10, Reason.PRES_EXPIRED)


@attack("P14", Reason.ENC_NUMBER_RANGE)
@pytest.mark.parametrize("lifetime", [0, -1, 44_641, 2**31, 2**63])
def test_P14_a_consent_for_ever(lifetime: int) -> None:
    """A lifetime of nothing, of more than a month, of for ever."""
    world = World()
    payload = [*honest_payload(world)[:3], lifetime]
    assert_refused(world.verify(answer(world, payload)), 2, Reason.ENC_NUMBER_RANGE)


@attack("P15", Reason.PRES_NONCE_REPLAYED)
@pytest.mark.parametrize("form", ["bytes", "text", "file"])
def test_P15_shown_twice(form: str, tmp_path: Path) -> None:
    """A second time, after a restart of the verifier, and in another of its forms."""
    world = World()
    data = world.presentation()
    forms = {"text": encode_qr_text(data).encode(), "bytes": data, "file": encode_file_text(data).encode()}
    assert world.verify(data, seen=FileSeen(tmp_path / "seen.db")).outcome is Outcome.VALID
    report = world.verify(forms[form], seen=FileSeen(tmp_path / "seen.db"))
    assert_refused(report, 10, Reason.PRES_NONCE_REPLAYED)


@attack("P15")
def test_P15_shown_in_parallel_to_two_verifiers_with_one_memory(tmp_path: Path) -> None:
    """Twenty threads, two memories over one file: one succeeds."""
    world = World()
    data, trust, expect = world.presentation(), world.bundle(), Asked(world.request())
    memories: list[Seen] = [FileSeen(tmp_path / "seen.db"), FileSeen(tmp_path / "seen.db")]
    gate = threading.Barrier(8)

    def use(number: int) -> Outcome:
        gate.wait()
        return world.verify(data, trust=trust, expect=expect, seen=memories[number % 2]).outcome

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(use, range(8)))
    assert outcomes.count(Outcome.VALID) == 1


@attack("P15", Reason.STORE_IO_ERROR)
def test_P15_a_memory_that_cannot_be_written(tmp_path: Path) -> None:
    """No memory, no verdict: a file that is no database, a folder that is not there."""
    (tmp_path / "seen.db").write_bytes(b"garbage" * 1000)
    assert reason_of(lambda: FileSeen(tmp_path / "seen.db")) is Reason.STORE_IO_ERROR
    assert reason_of(lambda: FileSeen(tmp_path / "no" / "seen.db")) is Reason.STORE_IO_ERROR


@attack("P15", Reason.STORE_IO_ERROR)
def test_P15_a_memory_that_breaks_in_the_middle(tmp_path: Path) -> None:
    """The used answers are gone while the versions can still be read: that is no fault of who shows something."""
    memory = FileSeen(tmp_path / "seen.db")
    with sqlite3.connect(tmp_path / "seen.db") as connection:
        connection.execute("DROP TABLE used")
    connection.close()
    world = World()
    data = world.presentation()
    assert reason_of(lambda: world.verify(data, seen=memory)) is Reason.STORE_IO_ERROR


@attack("P16", Reason.PRES_REQUEST_MISMATCH)
@pytest.mark.parametrize(
    "purpose", ["贷款审批", PURPOSE + "。", PURPOSE + "(一)", "loan", "Loan", "核验参保缴费情況"]
)
def test_P16_another_purpose_than_the_one_agreed_to(purpose: str) -> None:
    """The request binds the purpose by its digest: another one, be it by a letter, makes another request."""
    world = World()
    data = world.presentation()
    registration = world.registration(purposes=(PURPOSE, purpose))
    other = world.request(registration=registration, purpose=purpose)
    assert_refused(world.verify(data, expect=Asked(other)), 10, Reason.PRES_REQUEST_MISMATCH)


@attack("P16", Reason.ORG_PURPOSE_NOT_ALLOWED, Reason.SCHEMA_TEXT_FORBIDDEN_CHAR)
def test_P16_a_purpose_outside_the_registration() -> None:
    """A purpose that the registrar did not allow, also one that differs in case or in spaces."""
    world = World()
    registration = world.registration(purposes=("Loan",))
    data = world.presentation()
    for purpose in ("loan", "LOAN", "Loan approval", "Lo an"):
        request = world.request(registration=registration, purpose=purpose)
        assert_refused(world.verify(data, expect=Asked(request)), 10, Reason.ORG_PURPOSE_NOT_ALLOWED)
    for purpose in (" Loan", "Loan ", "Loan\u200b", "Lo\u00adan"):
        request = world.request(registration=registration, purpose=purpose)
        assert_refused(world.verify(data, expect=Asked(request)), 10, Reason.SCHEMA_TEXT_FORBIDDEN_CHAR)


@attack("P17", Reason.PRES_BINDING_INVALID)
@pytest.mark.parametrize("slots", [SLOTS_24[:3], (0, *SLOTS_24), (0, 1, 4), ()])
def test_P17_a_proof_from_a_presentation_with_other_fields(slots: tuple[int, ...]) -> None:
    """The holder's signature over one set of claims, put under another set of the same certificate."""
    world = World()
    other = parse_presentation(world.presentation()).sign1
    whole = world.certificate()
    mine = decode_cbor(other.protected_bytes)
    headers = {**mine, HEADER_KCWT: decode_cbor(disclose(whole, slots) if slots else undisclosed(whole))}
    data = encode_sign1(encode_cbor(headers), other.payload_bytes, other.signature)
    assert_refused(world.verify(data), 10, Reason.PRES_BINDING_INVALID)


def undisclosed(certificate: bytes) -> bytes:
    parsed = parse_certificate(certificate)
    return encode_certificate(parsed.sign1, (), parsed.body.claims_root, parsed.proof)


@attack("P16", Reason.ORG_UNREGISTERED)
def test_P16_a_request_by_somebody_else() -> None:
    """The request signed by another key than the registered one; a registration by no registrar."""
    world = World()
    data = world.presentation()
    stranger = World(asker=signer("stranger")).request(registration=world.registration())
    assert_refused(world.verify(data, expect=Asked(stranger)), 10, Reason.ORG_UNREGISTERED)
    forged = world.request(registration=World(registrar=signer("stranger")).registration())
    assert_refused(world.verify(data, expect=Asked(forged)), 10, Reason.ORG_UNREGISTERED)
