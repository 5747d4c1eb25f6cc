"""Attacks on texts, QR codes, presentations and requests: lines P01 to P31."""

from __future__ import annotations

import itertools
import socket
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from certificate.certificate import encode_certificate, parse_certificate
from certificate.cose import encode_sign1, sign_object
from certificate.directory import sign_directory
from certificate.holding import disclose, present
from certificate.numbers import HEADER_KCWT, HEADER_X, CertificateType, Environment, Typ
from certificate.presentation import parse_presentation
from certificate.qr_text import encode_file_text, encode_qr_text, encode_request_text
from certificate.request import PolicyItem, SlotsItem
from certificate.slot_tree import Disclosure
from certificate.status_list import status_list_uri
from ledger.cbor import decode_cbor, encode_cbor
from ledger.reasons import Reason
from tests.attacks.forging import embellished, forged_paper, paper, presented, reason_of
from tests.attacks.marking import attack
from tests.verifier.judging import P256Holder, assert_refused, assert_undetermined, failing_step
from tests.world import DAY, NOW, PURPOSE, REGISTRY, SECONDS, SLOTS_24, World, signer
from verifier.expect import STATIC, Asked
from verifier.report import Outcome
from verifier.seen import MemorySeen, Seen
from verifier.seen_file import FileSeen
from verifier.trust import BUNDLE_NAME, DIRECTORY_NAME, parse_bundle, sign_bundle
from verifier.verify import verify

DESK = "东门支行3号窗口"


# --- P01 to P08: texts ----------------------------------------------------------------------------------------------


@attack("P01", Reason.ENC_BASE45_INVALID, Reason.ENC_BASE64_NONCANONICAL)
@pytest.mark.parametrize(
    "more", ["\n", "\n<more>", "!", "\x00", "https://example.test", "更多", "\ufeff", "?x=1"]
)
def test_P01_text_after_a_valid_code(more: str) -> None:
    """Text after a valid QR text, and after a valid file text."""
    world = World()
    data = world.presentation()
    shown = encode_qr_text(data).encode() + more.encode()
    assert_refused(world.verify(shown), 1, Reason.ENC_BASE45_INVALID)
    filed = encode_file_text(data).encode() + more.encode()
    assert_refused(world.verify(filed), 1, Reason.ENC_BASE64_NONCANONICAL)


@attack("P01", Reason.ENC_TRAILING_DATA)
@pytest.mark.parametrize("more", ["000", "FGW", "BB8", "UPF"])
def test_P01_letters_of_base45_after_a_valid_code(more: str) -> None:
    """Two bytes more, rightly spelled."""
    world = World()
    data = world.presentation()
    if len(data) % 2:  # an odd number of bytes ends in two letters; what follows is other bytes then
        data = world.presentation(lifetime=100)
    assert len(data) % 2 == 0
    report = world.verify((encode_qr_text(data) + more).encode())
    assert_refused(report, 2, Reason.ENC_TRAILING_DATA)


@attack("P02", Reason.ENC_BASE45_INVALID)
@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.lower().replace("ts1:", "TS1:"),
        lambda t: t[:50] + "\n" + t[50:],
        lambda t: t + "0" if len(t) % 3 == 1 else t[: len(t) - (len(t) - 5) % 3],
        lambda t: t[:-3] + ":::",
        lambda t: t[:30] + "\uff11" + t[31:],
        lambda t: t[:30] + "\u0661" + t[31:],
        lambda t: t[:30] + "a" + t[31:],
        lambda t: t[:30] + "_" + t[31:],
        lambda t: t + " ",
        lambda t: "TS1:" + ":::" + t[7:],
        lambda t: "TS1:" + " " + t[4:-1] + "\t",
    ],
    ids=["lower", "newline", "3n+1", ":::", "full-width", "arabic", "a", "_", "space", ":::-first", "tab"],
)
def test_P02_other_spellings_of_base45(change: Callable[[str], str]) -> None:
    """Lower case, a line break, length 3n+1, `:::`, full-width digits."""
    text = encode_qr_text(World().presentation())
    changed = change(text)
    assert changed != text
    assert_refused(World().verify(changed.encode()), 1, Reason.ENC_BASE45_INVALID)


@attack("P03")
@pytest.mark.parametrize("form", ["bytes", "file"])
def test_P03_every_prefix_of_the_other_forms(form: str) -> None:
    """Every prefix of the bytes and of the file text."""
    world = World()
    data = world.presentation()
    whole = data if form == "bytes" else encode_file_text(data).encode()
    trust, expect = world.bundle(), Asked(world.request())
    for length in range(len(whole)):
        report = world.verify(whole[:length], trust=trust, expect=expect)
        assert report.outcome is Outcome.INVALID
        assert failing_step(report)[0] in (1, 2)


FOREIGN = [
    b"HC1:6BF",
    b"HC2:6BF",
    b"https://verify.example.test/?c=1",
    b"HTTPS://VERIFY.EXAMPLE.TEST/",
    b"javascript:alert(1)",
    b"data:text/html,<script>",
    b"WIFI:T:WPA;S:x;P:y;;",
    b"alipays://platformapi/startapp",
    b"weixin://wxpay/bizpayurl?pr=x",
    b"BEGIN:VCARD\n",
    b"MATMSG:TO:x@example.test;;",
    b"openid-credential-offer://?x",
    b"shc:/56762909",
    b"TS2:000",
    b"TS11:000",
    b"ts1:000",
    b" TS1:000",
    "ＴＳ１：000".encode(),
    b"eyJhbGciOiJub25lIn0.e30.",
    b"\xef\xbb\xbfTS1:000",
    b"\x1f\x8b\x08",
    b"%PDF-1.7",
    b"{}",
    b"",
]


@attack("P04", Reason.ENC_PREFIX_UNKNOWN)
@pytest.mark.parametrize("text", FOREIGN, ids=repr)
def test_P04_codes_of_others(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes of other schemes; web, script, payment and Wi-Fi texts: named as not ours, and nothing is opened."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError("something was opened")

    world = World()
    trust, expect = world.bundle(), Asked(world.request())
    monkeypatch.setattr(socket, "socket", never)
    monkeypatch.setattr("builtins.open", never)
    report = world.verify(text, trust=trust, expect=expect)
    monkeypatch.undo()
    assert_refused(report, 1, Reason.ENC_PREFIX_UNKNOWN)


@attack("P04", Reason.ENC_PREFIX_UNKNOWN)
def test_P04_a_request_is_no_answer() -> None:
    """A request's text where an answer is due."""
    world = World()
    report = world.verify(encode_request_text(world.request()).encode())
    assert_refused(report, 1, Reason.ENC_PREFIX_UNKNOWN)


def status_token(world: World, packed: bytes) -> bytes:
    claims = {2: status_list_uri(1, 0), 4: SECONDS + DAY, 6: SECONDS - DAY, 65534: 8 * DAY}
    return sign_object(
        world.status_key, "application/statuslist+cwt", claims | {65533: {"bits": 2, "lst": packed}}
    )


@attack("P05", Reason.STATUS_LIST_TOO_LARGE)
@pytest.mark.parametrize("size", [4 * 2**20 + 1, 10**7, 10**8])
def test_P05_the_only_thing_we_inflate(size: int) -> None:
    """Our codes are not compressed. A status list is: 10 MB and 100 MB of zeros, rightly signed."""
    world = World()
    packed = zlib.compress(bytes(size), 9)
    trust = world.bundle(token=status_token(world, packed))
    report = world.verify(paper(world), expect=STATIC, trust=trust)
    assert_refused(report, 8, Reason.STATUS_LIST_TOO_LARGE)


@attack("P05", Reason.ENC_PREFIX_UNKNOWN)
def test_P05_a_compressed_code() -> None:
    """A code that holds compressed bytes is not inflated by anybody."""
    world = World()
    for bomb in (zlib.compress(bytes(10**6), 9), zlib.compress(world.presentation())):
        report = world.verify(encode_qr_text(bomb).encode())
        assert report.outcome is Outcome.INVALID
        assert failing_step(report)[0] == 2
        assert_refused(world.verify(bomb), 1, Reason.ENC_PREFIX_UNKNOWN)


def part_of(world: World, slots: tuple[int, ...], request: bytes, certificate: bytes) -> bytes:
    return world.presentation(request=request, certificate=certificate, slots=slots)


def two_items(world: World) -> tuple[bytes, bytes, list[bytes]]:
    """A request of two items, a certificate, and the two answers to it."""
    items = (SlotsItem(CertificateType.CONTRIBUTION, SLOTS_24), SlotsItem(CertificateType.CONTRIBUTION, (0,)))
    request, certificate = world.request(items=items), world.certificate()
    return request, certificate, [part_of(world, slots, request, certificate) for slots in (SLOTS_24, (0,))]


@attack("P07", Reason.DISC_REQUIRED_MISSING)
@pytest.mark.parametrize("left", [0, 1])
def test_P07_a_part_is_missing(left: int) -> None:
    """One symbol holds a code, so nothing is in parts; an answer of several presentations with one left out."""
    world = World()
    request, _, parts = two_items(world)
    assert world.verify(parts, expect=Asked(request)).outcome is Outcome.VALID
    report = world.verify([parts[left]], expect=Asked(request))
    assert_refused(report, 10, Reason.DISC_REQUIRED_MISSING)


@attack("P07", Reason.DISC_REQUIRED_MISSING)
def test_P07_a_part_twice_instead_of_the_other() -> None:
    """A part doubled, the other one missing."""
    world = World()
    request, _, parts = two_items(world)
    report = world.verify([parts[0], parts[0]], expect=Asked(request))
    assert_refused(report, 10, Reason.DISC_REQUIRED_MISSING)


@attack("P07", Reason.PRES_REQUEST_MISMATCH)
def test_P07_a_part_of_another_set() -> None:
    """One part answers another request."""
    world = World()
    request, certificate, parts = two_items(world)
    other = world.request(items=(SlotsItem(CertificateType.CONTRIBUTION, (0,)),), nonce=b"m" * 16)
    foreign = part_of(world, (0,), other, certificate)
    report = world.verify([parts[0], foreign], expect=Asked(request))
    assert report.outcome is Outcome.INVALID
    assert Reason.PRES_REQUEST_MISMATCH in {part.reason for part in report.parts}


@attack("P07", Reason.ENC_TOO_LARGE)
@pytest.mark.parametrize("count", [0, 17, 256, 100_000])
def test_P07_no_part_and_too_many(count: int) -> None:
    """No presentation at all; 17; 100,000."""
    world = World()
    assert_refused(world.verify([b"TS1:"] * count), 1, Reason.ENC_TOO_LARGE)


@attack("P07", Reason.PRES_SUBJECT_MISMATCH)
def test_P07_parts_of_two_people() -> None:
    """The months of one person and the name of another."""
    one, two = World(), World(holder=signer("another"))
    request, _, parts = two_items(one)
    name = part_of(two, (0,), request, two.certificate())
    report = one.verify([parts[0], name], expect=Asked(request))
    assert report.outcome is Outcome.INVALID
    assert {part.reason for part in report.parts} == {Reason.PRES_SUBJECT_MISMATCH}


URLS = [
    "file:///etc/passwd",
    "http://127.0.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "https://status.example.test/1",
    "//evil.example.test",
    "urn:tallystick:status:1:1",
    "urn:tallystick:status:01:0",
    "URN:TALLYSTICK:STATUS:1:0",
    "urn:tallystick:status:1:0 ",
    "urn:tallystick:status:1:0#x",
    "",
]


@attack("P08", Reason.STATUS_LIST_URI_MISMATCH)
@pytest.mark.parametrize("uri", URLS)
def test_P08_an_address_of_a_list(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that names a file, this machine, a metadata address: no request leaves, and it is not the list."""

    def no_socket(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", no_socket)
    world = World()
    trust = world.bundle(token=world.status_token(uri=uri))
    report = world.verify(paper(world), expect=STATIC, trust=trust)
    assert_refused(report, 8, Reason.STATUS_LIST_URI_MISMATCH)


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


# --- P18 to P23: what is disclosed -----------------------------------------------------------------------------------


@attack("P18", Reason.DISC_DIGEST_MISMATCH)
@pytest.mark.parametrize("at", range(4))
def test_P18_a_value_changed_with_its_salt_kept(at: int) -> None:
    """One value changed, its salt kept; one salt changed, its value kept; two salts exchanged."""
    world = World()
    value = 202609 if at == 0 else b"UUT"
    changed = embellished(world, lambda d: [*d[:at], replace(d[at], value=value), *d[at + 1 :]])
    assert_refused(world.verify(changed), 9, Reason.DISC_DIGEST_MISMATCH)
    salted = embellished(world, lambda d: [*d[:at], replace(d[at], salt=bytes(16)), *d[at + 1 :]])
    assert_refused(world.verify(salted), 9, Reason.DISC_DIGEST_MISMATCH)
    swapped = embellished(
        world, lambda d: [replace(d[0], salt=d[3].salt), *d[1:3], replace(d[3], salt=d[0].salt)]
    )
    assert_refused(world.verify(swapped), 9, Reason.DISC_DIGEST_MISMATCH)


@attack("P18", Reason.DISC_DIGEST_MISMATCH)
def test_P18_hashes_beside_the_disclosures_changed() -> None:
    """Hidden hashes flipped, exchanged, doubled in place of another."""
    world = World()
    for change in (
        lambda m: bytes([m[0] ^ 1]) + m[1:],
        lambda m: m[32:64] + m[:32] + m[64:],
        lambda m: m[:-32] + m[:32],
        lambda m: bytes(len(m)),
    ):
        data = embellished(world, lambda shown: shown, hashes=change)
        assert_refused(world.verify(data), 9, Reason.DISC_DIGEST_MISMATCH)


@attack("P19", Reason.DISC_MALFORMED)
@pytest.mark.parametrize("slot", [1, 4, 304 + 3, 448])
def test_P19_a_disclosure_that_nothing_signed_refers_to(slot: int) -> None:
    """A claim added: the hashes beside it no longer fit. Which one is too many, nobody can tell."""
    world = World()
    values: dict[int, object] = {1: "0017", 4: "990000", 307: 360, 448: [None, "样例", 202101, 9]}
    extra = Disclosure(bytes(16), slot, values[slot])  # type: ignore[arg-type]  # right for its slot
    data = embellished(world, lambda shown: sorted([*shown, extra], key=lambda d: d.slot))
    assert_refused(world.verify(data), 9, Reason.DISC_MALFORMED)


@attack("P19", Reason.DISC_DIGEST_MISMATCH)
def test_P19_an_added_disclosure_with_hashes_that_fit() -> None:
    """The same, with as many hashes as such a set needs."""
    world = World()
    whole = world.certificate()
    more = parse_certificate(disclose(whole, (*SLOTS_24, 304 + 3)))
    forged = [replace(d, value=999) if d.slot == 307 else d for d in more.disclosures]
    data = encode_certificate(more.sign1, forged, more.multiproof, more.proof)
    assert_refused(world.verify(presented(world, data)), 9, Reason.DISC_DIGEST_MISMATCH)


@attack("P20", Reason.DISC_DUPLICATE)
@pytest.mark.parametrize("at", range(4))
def test_P20_a_disclosure_twice(at: int) -> None:
    """The same disclosure twice; the same slot with another value."""
    world = World()
    twice = embellished(world, lambda d: [*d[: at + 1], d[at], *d[at + 1 :]])
    assert_refused(world.verify(twice), 9, Reason.DISC_DUPLICATE)
    value = 202609 if at == 0 else b"UUT"
    other = embellished(world, lambda d: [*d[: at + 1], replace(d[at], value=value), *d[at + 1 :]])
    assert_refused(world.verify(other), 9, Reason.DISC_DUPLICATE)


@attack("P20", Reason.DISC_MALFORMED)
def test_P20_disclosures_out_of_order() -> None:
    """Each set has one spelling: slots rise."""
    world = World()
    for order in itertools.islice(itertools.permutations(range(4)), 1, None):
        data = embellished(world, lambda d, order=order: [d[at] for at in order])  # type: ignore[misc]
        assert_refused(world.verify(data), 9, Reason.DISC_MALFORMED)


def with_disclosure_item(world: World, item: object) -> bytes:
    """An answer whose first disclosure is `item`."""
    parsed = parse_certificate(world.shown())
    shown = [item, *(d.encode() for d in parsed.disclosures[1:])]
    extras = [shown, parsed.multiproof, list(parsed.sign1.unprotected[HEADER_X])[2]]
    sign1 = parsed.sign1
    forged = encode_sign1(sign1.protected_bytes, sign1.payload_bytes, sign1.signature, {HEADER_X: extras})
    return presented(world, forged)


@attack("P21", Reason.DISC_MALFORMED)
@pytest.mark.parametrize(
    "name", ["exp", "iss", "cnf", "expires", "authority", "_sd", "...", "__proto__", "name"]
)
def test_P21_a_disclosure_named_like_a_clear_field(name: str) -> None:
    """Claims have slot numbers and no names: one that is named like a clear field is malformed."""
    report = World().verify(with_disclosure_item(World(), [bytes(16), name, 1]))
    assert_refused(report, 2, Reason.DISC_MALFORMED)


@attack("P22", Reason.DISC_MALFORMED)
@pytest.mark.parametrize(
    "item",
    [
        [bytes(16), 16],
        [bytes(16), 16, 202610, None],
        [bytes(16)],
        [],
        [16, bytes(16), 202610],
        ["salt", 16, 202610],
        [bytes(16), True, 202610],
        [bytes(16), b"\x10", 202610],
        [bytes(16), 16, None],
        {0: bytes(16), 1: 16, 2: 202610},
        b"",
        None,
        16,
    ],
    ids=repr,
)
def test_P22_disclosures_of_another_shape(item: object) -> None:
    """Two or four parts, a name for a number, a number for a salt, no value."""
    world = World()
    assert_refused(world.verify(with_disclosure_item(world, item)), 2, Reason.DISC_MALFORMED)


@attack("P22", Reason.DISC_MALFORMED)
@pytest.mark.parametrize("size", [0, 4, 15, 17, 32])
def test_P22_a_salt_of_another_length(size: int) -> None:
    """A salt of 4 bytes, and of any length but 16."""
    world = World()
    data = embellished(world, lambda d: [replace(d[0], salt=bytes(size)), *d[1:]])
    assert_refused(world.verify(data), 9, Reason.DISC_MALFORMED)


@attack("P22", Reason.DISC_MALFORMED)
@pytest.mark.parametrize(
    "change", [lambda m: m[:-1], lambda m: m[:-32], lambda m: m + bytes(32), lambda m: b""]
)
def test_P22_hashes_missing_or_left_over(change: Callable[[bytes], bytes]) -> None:
    """Hashes cut, missing, left over."""
    world = World()
    data = embellished(world, lambda shown: shown, hashes=change)
    assert_refused(world.verify(data), 9, Reason.DISC_MALFORMED)


@attack("P23", Reason.DISC_REQUIRED_MISSING)
@pytest.mark.parametrize("at", range(4))
def test_P23_what_was_asked_is_hidden(at: int) -> None:
    """Type, times and status place are always visible; an asked claim that is hidden is missed."""
    world = World()
    slots = SLOTS_24[:at] + SLOTS_24[at + 1 :]
    assert_refused(world.verify(world.presentation(slots=slots)), 10, Reason.DISC_REQUIRED_MISSING)


@attack("P23", Reason.SCHEMA_FIELD_MISSING, Reason.SCHEMA_FIELD_TYPE)
@pytest.mark.parametrize("field", range(1, 12))
def test_P23_a_clear_field_is_hidden(field: int) -> None:
    """Each clear field left out, or null: signed by the office, and no certificate."""
    world = World()
    payload = world.body().encode()
    without = [*payload[:field], *payload[field + 1 :]]
    report = world.verify(forged_paper(world, payload=without), expect=STATIC)
    assert_refused(report, 2, Reason.SCHEMA_FIELD_MISSING)
    payload[field] = None
    report = world.verify(forged_paper(world, payload=payload), expect=STATIC)
    if field != 11:  # without a holder it is paper
        assert_refused(report, 2, Reason.SCHEMA_FIELD_TYPE)


@attack("P23", Reason.SCHEMA_FIELD_MISSING)
@pytest.mark.parametrize("presenter", [1, 2])
def test_P23_a_proxy_without_a_key(presenter: int) -> None:
    """A proxy's or guardian's certificate as paper: it is bound to a key or it is none."""
    world = World()
    payload = world.body(paper=True).encode()
    payload[12] = presenter
    report = world.verify(forged_paper(world, payload=payload), expect=STATIC)
    assert_refused(report, 2, Reason.SCHEMA_FIELD_MISSING)


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
    assert {"issuer/offers.py", "issuer/secret_list.py"} <= set(compared)
    world = World()
    good, trust = paper(world), world.bundle()
    bad = [good[:-1] + bytes([good[-1] ^ bit]) for bit in (1, 2, 4, 8, 16, 32, 64, 128)]
    times = []
    for data in bad * 5:
        started = time.perf_counter()
        world.verify(data, expect=STATIC, trust=trust)
        times.append(time.perf_counter() - started)
    assert sorted(times)[len(times) // 2] < 0.1


@attack("P16", Reason.ORG_UNREGISTERED)
def test_P16_a_request_by_somebody_else() -> None:
    """The request signed by another key than the registered one; a registration by no registrar."""
    world = World()
    data = world.presentation()
    stranger = World(asker=signer("stranger")).request(registration=world.registration())
    assert_refused(world.verify(data, expect=Asked(stranger)), 10, Reason.ORG_UNREGISTERED)
    forged = world.request(registration=World(registrar=signer("stranger")).registration())
    assert_refused(world.verify(data, expect=Asked(forged)), 10, Reason.ORG_UNREGISTERED)


@attack("P23", Reason.POLICY_UNKNOWN)
def test_P23_a_question_that_nobody_knows() -> None:
    """A policy that is not in the bundle: cannot be told, never yes."""
    world = World()
    items = (SlotsItem(CertificateType.CONTRIBUTION, SLOTS_24), PolicyItem("housing.24", bytes(32)))
    request = world.request(registration=world.registration(policies=("housing.24",)), items=items)
    report = world.verify(world.presentation(request=request), expect=Asked(request))
    assert_undetermined(report, 11, Reason.POLICY_UNKNOWN)


@attack("P22", Reason.SCHEMA_FIELD_UNKNOWN, Reason.ENC_TOO_LARGE)
def test_P22_more_disclosures_than_slots() -> None:
    """More disclosures than the tree has slots, more hashes than it has nodes."""
    world = World()
    data = embellished(world, lambda d: [d[0]] * (REGISTRY.slot_count + 1))
    assert_refused(world.verify(data), 2, Reason.SCHEMA_FIELD_UNKNOWN)
    many = embellished(world, lambda d: d, hashes=lambda m: m + bytes(32 * REGISTRY.slot_count))
    assert_refused(world.verify(many), 2, Reason.ENC_TOO_LARGE)
