"""Hostile codes and pictures: whatever is held before the camera, only our own error comes out (ATTACKS P01, P03)."""

from __future__ import annotations

import io
import random
import sys
from collections import Counter
from collections.abc import Callable
from typing import Final

import pytest
import qrcode
from PIL import Image
from qrcode.util import QRData
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from certificate.qr_draw import draw_qr_png
from certificate.qr_text import (
    decode_any,
    decode_any_request,
    encode_file_text,
    encode_qr_text,
    encode_request_text,
)
from ledger.errors import ConfigError, FormatError, ProjectError
from ledger.reasons import Reason
from tests.attacks.marking import attack
from verifier.images import read_codes

DATA = b"\xd2\x84" + random.Random(7).randbytes(78)
TEXT = encode_qr_text(DATA)
ALPHANUMERIC: Final = 2  # mode indicators, ISO/IEC 18004 section 7.4.1
BYTE: Final = 4


def png_of(*segments: QRData) -> bytes:
    symbol = qrcode.QRCode()
    for segment in segments:
        symbol.add_data(segment, optimize=0)
    out = io.BytesIO()
    symbol.make_image().save(out)
    return out.getvalue()


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.open(io.BytesIO(draw_qr_png(TEXT))).convert("L").save(out, "JPEG", quality=60)
    return out.getvalue()


def pdf(encrypt: StandardEncryption | None = None) -> bytes:
    out = io.BytesIO()
    page = Canvas(out, encrypt=encrypt)
    page.drawImage(ImageReader(io.BytesIO(draw_qr_png(TEXT))), 50, 50, 150, 150)
    page.showPage()
    page.save()
    return out.getvalue()


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, lost, added, or the end cut off."""
    hurt = bytearray(data)
    for _ in range(chance.choice((1, 2, 5, 20))):
        at = chance.randrange(len(hurt))
        match chance.randrange(4):
            case 0:
                hurt[at] = chance.randrange(256)
            case 1:
                del hurt[at : at + chance.randrange(1, 20)]
            case 2:
                hurt[at:at] = chance.randbytes(4)
            case _:
                del hurt[chance.randrange(len(hurt) // 2, len(hurt)) :]
    return bytes(hurt)


def outcome(data: bytes) -> str:
    try:
        read_codes(data)
    except ProjectError as refusal:
        return refusal.reason.value
    return "read"


@pytest.mark.parametrize(
    ("picture", "rounds"),
    [(lambda: draw_qr_png(TEXT), 200), (jpeg, 200), (pdf, 200)],
    ids=["png", "jpeg", "pdf"],
)
def test_damaged_pictures_raise_our_error_only(picture: Callable[[], bytes], rounds: int) -> None:
    whole = picture()
    assert read_codes(whole) == [TEXT]
    chance = random.Random(rounds)
    outcomes = Counter(outcome(damaged(whole, chance)) for _ in range(rounds))
    assert outcomes.keys() <= {"read", "image.unreadable", "image.no_code", "enc.too_large"}
    assert outcomes["image.unreadable"] > 10


def test_a_pdf_whose_page_is_lost_is_unreadable() -> None:
    """The file opens and its page does not."""
    whole = pdf()
    hurt = whole.replace(b"/Type /Page\n", b"/Type /Pagf\n").replace(b"/MediaBox", b"/MediaBix")
    assert hurt != whole
    assert outcome(hurt) in {"image.unreadable", "image.no_code"}


def test_a_pdf_under_a_password_is_unreadable() -> None:
    assert outcome(pdf(StandardEncryption("secret"))) == "image.unreadable"


@attack("P01", Reason.ENC_BASE45_INVALID)
@pytest.mark.parametrize("more", [b"\nmore", b"\x00\xff", b"https://example.com", "更多".encode()])
def test_a_second_segment_in_byte_mode_counts(more: bytes) -> None:
    """P01: what stands behind ours in the symbol is not overlooked."""
    picture = png_of(QRData(TEXT, mode=ALPHANUMERIC), QRData(more, mode=BYTE))
    [shown] = read_codes(picture)
    assert shown != TEXT
    assert shown.startswith(TEXT)
    with pytest.raises(FormatError) as refusal:
        decode_any(shown.encode("utf-8"))
    assert refusal.value.reason is Reason.ENC_BASE45_INVALID


def test_two_codes_in_one_picture_are_both_read() -> None:
    texts = [TEXT, encode_request_text(DATA)]
    pictures = [Image.open(io.BytesIO(draw_qr_png(text))).convert("L") for text in texts]
    sheet = Image.new("L", (sum(picture.width for picture in pictures) + 40, 400), 255)
    sheet.paste(pictures[0], (0, 0))
    sheet.paste(pictures[1], (pictures[0].width + 40, 0))
    out = io.BytesIO()
    sheet.save(out, "PNG")
    assert sorted(read_codes(out.getvalue())) == sorted(texts)


@attack("P03")
@pytest.mark.parametrize(
    ("whole", "decode"),
    [
        (encode_qr_text(DATA), decode_any),
        (encode_file_text(DATA), decode_any),
        (encode_request_text(DATA), decode_any_request),
        (encode_file_text(DATA), decode_any_request),
    ],
    ids=["qr", "file", "request-qr", "request-file"],
)
def test_no_prefix_of_a_code_is_the_code(whole: str, decode: Callable[[bytes], bytes]) -> None:
    """P03: all lengths. What still decodes is shorter, its last byte a stump perhaps; the steps refuse it."""
    assert decode(whole.encode()) == DATA
    refusals: Counter[Reason] = Counter()
    for length in range(len(whole)):
        try:
            part = decode(whole[:length].encode())
        except FormatError as refusal:
            refusals[refusal.reason] += 1
        else:
            assert DATA.startswith(part[:-1])
            assert len(part) < len(DATA)
    assert refusals.keys() <= {
        Reason.ENC_PREFIX_UNKNOWN,
        Reason.ENC_BASE45_INVALID,
        Reason.ENC_BASE64_NONCANONICAL,
    }
    assert refusals[Reason.ENC_PREFIX_UNKNOWN] >= 2
    assert len(refusals) == 2


@pytest.mark.parametrize(
    ("module", "call"),
    [
        ("zxingcpp", lambda: draw_qr_png(TEXT)),
        ("PIL", lambda: draw_qr_png(TEXT)),
        ("zxingcpp", lambda: read_codes(b"")),
    ],
)
def test_without_the_extra_it_says_what_to_install(
    module: str, call: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError) as refusal:
        call()
    assert refusal.value.reason is Reason.CLI_EXTRA_MISSING
    assert "tallystick[qr]" in refusal.value.hint
