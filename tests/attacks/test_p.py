"""Attacks on texts, QR codes and answers in parts: lines P01 to P08."""

from __future__ import annotations

import socket
import zlib
from collections.abc import Callable

import pytest

from certificate.cose import sign_object
from certificate.numbers import CertificateType
from certificate.qr_text import encode_file_text, encode_qr_text, encode_request_text
from certificate.request import SlotsItem
from certificate.status_list import status_list_uri
from ledger.reasons import Reason
from tests.attacks.forging import paper
from tests.attacks.marking import attack
from tests.verifier.judging import assert_refused, failing_step
from tests.world import DAY, SECONDS, SLOTS_24, World, signer
from verifier.expect import STATIC, Asked
from verifier.report import Outcome

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
