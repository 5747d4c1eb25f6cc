"""QR text and pictures: one spelling, stated capacities, and codes that a real decoder reads back."""

from __future__ import annotations

import io
import os
import random
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from certificate.base45 import decode_base45, encode_base45
from certificate.qr_draw import draw_qr_png, draw_qr_svg
from certificate.qr_text import (
    MAX_BYTES,
    ErrorCorrection,
    decode_any,
    decode_any_request,
    decode_file_text,
    decode_qr_text,
    encode_file_text,
    encode_qr_text,
    encode_request_text,
    qr_capacity,
    qr_version,
)
from ledger.errors import FormatError
from ledger.reasons import Reason
from verifier.images import read_codes

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def naive_base45(data: bytes) -> str:
    """Written from RFC 9285 section 4, digit by digit."""
    text = ""
    for at in range(0, len(data), 2):
        group = data[at : at + 2]
        number = int.from_bytes(group)
        for _ in range(3 if len(group) == 2 else 2):
            number, digit = divmod(number, 45)
            text += ALPHABET[digit]
    return text


@given(st.binary(max_size=200))
def test_base45_is_the_naive_one_and_comes_back(data: bytes) -> None:
    assert encode_base45(data) == naive_base45(data)
    assert decode_base45(encode_base45(data)) == data


@given(st.text(ALPHABET, max_size=30))
def test_a_text_is_base45_in_one_spelling_or_not_at_all(text: str) -> None:
    with suppress(FormatError):
        assert encode_base45(decode_base45(text)) == text


@given(st.binary(max_size=100))
def test_the_file_form_comes_back(data: bytes) -> None:
    assert decode_file_text(encode_file_text(data)) == data


@pytest.mark.parametrize("text", ["0oR=", "0oR\n", "0o+R", "0oQa0", "0oR", " 0oQ", "0oQA "])
def test_other_spellings_of_the_file_form_are_refused(text: str) -> None:
    with pytest.raises(FormatError) as refusal:
        decode_file_text(text)
    assert refusal.value.reason is Reason.ENC_BASE64_NONCANONICAL


def test_each_form_leads_to_the_same_bytes() -> None:
    data = b"\xd2\x84" + os.urandom(50)
    forms = (data, encode_qr_text(data).encode(), encode_file_text(data).encode())
    assert {decode_any(form) for form in forms} == {data}
    assert decode_any_request(encode_request_text(data).encode()) == data


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"TSQ1:ABC", Reason.ENC_PREFIX_UNKNOWN),
        (b"ts1:ABC", Reason.ENC_PREFIX_UNKNOWN),
        (b"HC1:ABC", Reason.ENC_PREFIX_UNKNOWN),
        (b"javascript:alert(1)", Reason.ENC_PREFIX_UNKNOWN),
        (b"WIFI:T:WPA;S:x;P:y;;", Reason.ENC_PREFIX_UNKNOWN),
        (b"\xff\xfe", Reason.ENC_PREFIX_UNKNOWN),
        ("TS1:１２３".encode(), Reason.ENC_BASE45_INVALID),
        (b"TS1:ABC\n", Reason.ENC_BASE45_INVALID),
        (b"\xd2" * (MAX_BYTES + 1), Reason.ENC_TOO_LARGE),
    ],
)
def test_what_is_not_ours_is_refused(data: bytes, reason: Reason) -> None:
    """P02, P04."""
    with pytest.raises(FormatError) as refusal:
        decode_any(data)
    assert refusal.value.reason is reason


def test_capacities_are_those_of_the_design() -> None:
    sizes: list[tuple[int, ErrorCorrection, int]] = [
        (25, "L", 1232), (30, "L", 1677), (32, "L", 1890), (25, "M", 964), (30, "M", 1326),
    ]  # fmt: skip
    for version, level, size in sizes:
        assert qr_capacity(version, level) == size
        assert qr_version(size, level) == version
        assert qr_version(size + 1, level) == version + 1
    assert qr_version(5000, "L") is None


def modules_of(png: bytes) -> int:
    """Modules on a side of a picture drawn at 4 pixels a module with a quiet zone of 4."""
    return Image.open(io.BytesIO(png)).width // 4 - 8


def dark_pixels(png: bytes) -> set[tuple[int, int]]:
    """Dark modules of a picture as above, with its quiet zone, as (x, y)."""
    picture = Image.open(io.BytesIO(png)).convert("L")
    side = picture.width // 4
    return {(x, y) for x in range(side) for y in range(side) if picture.getpixel((4 * x, 4 * y)) == 0}


def dark_modules(svg: str) -> set[tuple[int, int]]:
    runs = re.findall(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z", svg)
    assert all(width == back for _, _, width, back in runs)
    return {(int(x) + step, int(y)) for x, y, width, _ in runs for step in range(int(width))}


@pytest.mark.parametrize("level", ["L", "M"])
@pytest.mark.parametrize("version", [5, 12, 20, 25, 30, 36, 40])
def test_full_symbols_have_the_stated_version_and_read_back(version: int, level: ErrorCorrection) -> None:
    text = encode_qr_text(random.Random(version).randbytes(qr_capacity(version, level)))
    png = draw_qr_png(text, ecc=level)
    assert modules_of(png) == 17 + 4 * version  # alphanumeric mode, or it would need a larger symbol
    assert read_codes(png) == [text]
    svg = draw_qr_svg(text, ecc=level)
    assert svg.startswith("<?xml")
    assert f'viewBox="0 0 {17 + 4 * version + 8} ' in svg
    assert dark_modules(svg) == dark_pixels(png)


def test_a_text_too_long_for_one_symbol_is_said_so() -> None:
    fits, text = (encode_qr_text(random.Random(9).randbytes(qr_capacity(40, "M") + more)) for more in (0, 1))
    for draw in (draw_qr_png, draw_qr_svg):
        assert draw(fits, ecc="M")
        with pytest.raises(FormatError) as refusal:
            draw(text, ecc="M")
        assert refusal.value.reason is Reason.QR_TOO_LARGE


def picture_of(text: str, scale: int) -> Image.Image:
    return Image.open(io.BytesIO(draw_qr_png(text, ecc="L", scale=scale))).convert("L")


def saved(picture: Image.Image, form: str, **options: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def test_resaved_tilted_and_blurred_pictures_read_back() -> None:
    text = encode_qr_text(random.Random(3).randbytes(1114))
    picture = picture_of(text, 8)
    tilted = picture.rotate(7, resample=Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    assert read_codes(saved(picture.resize((1080, 1080)), "JPEG", quality=60)) == [text]
    assert read_codes(saved(tilted, "PNG")) == [text]
    assert read_codes(saved(picture.filter(ImageFilter.GaussianBlur(1.5)), "PNG")) == [text]


def test_a_pdf_page_reads_back() -> None:
    text = encode_qr_text(random.Random(4).randbytes(900))
    out = io.BytesIO()
    page = Canvas(out)
    page.drawImage(ImageReader(io.BytesIO(draw_qr_png(text, ecc="M"))), 30 * mm, 100 * mm, 60 * mm, 60 * mm)
    page.showPage()
    page.save()
    assert read_codes(out.getvalue()) == [text]


def test_a_code_on_a_transparent_ground_reads_back() -> None:
    text = encode_qr_text(random.Random(5).randbytes(300))
    dark = picture_of(text, 4).point(lambda level: 255 - level)
    picture = Image.new("RGBA", dark.size, (0, 0, 0, 0))
    picture.putalpha(dark)
    assert read_codes(saved(picture, "PNG")) == [text]


def test_a_pdf_of_many_pages_is_refused_not_read_in_part() -> None:
    out = io.BytesIO()
    page = Canvas(out)
    for _ in range(21):
        page.showPage()
    page.save()
    with pytest.raises(FormatError) as refusal:
        read_codes(out.getvalue())
    assert refusal.value.reason is Reason.ENC_TOO_LARGE


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.IMAGE_UNREADABLE),
        (b"\x89PNG\r\n\x1a\n", Reason.IMAGE_UNREADABLE),
        (b"\xff\xd8\xff\xe0garbage", Reason.IMAGE_UNREADABLE),
        (b"%PDF-1.7 garbage", Reason.IMAGE_UNREADABLE),
        (b"GIF89a", Reason.IMAGE_UNREADABLE),
        (bytes(33 * 2**20), Reason.ENC_TOO_LARGE),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes, reason: Reason) -> None:
    with pytest.raises(FormatError) as refusal:
        read_codes(data)
    assert refusal.value.reason is reason


def test_a_picture_without_a_code_and_a_picture_too_large() -> None:
    for picture, reason in (
        (Image.new("L", (300, 300), 255), Reason.IMAGE_NO_CODE),
        (Image.new("1", (8000, 8000), 1), Reason.ENC_TOO_LARGE),
    ):
        with pytest.raises(FormatError) as refusal:
            read_codes(saved(picture, "PNG"))
        assert refusal.value.reason is reason


def test_a_code_with_more_behind_ours_is_refused() -> None:
    """P01: text after a valid code, in another segment of the symbol."""
    text = encode_qr_text(b"\xd2\x84" + bytes(40))
    shown = read_codes(draw_qr_png(text + "\n<more>"))[0]
    with pytest.raises(FormatError) as refusal:
        decode_qr_text(shown)
    assert refusal.value.reason is Reason.ENC_BASE45_INVALID
