"""A paper certificate as an A4 page: what it says, for whom it is good, its QR code, and how to check it.

The QR code is what counts; the page repeats its signed content for the eye, in a font that it carries with it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from certificate.certificate import UnverifiedCertificate, parse_certificate
from certificate.page_font import register_page_font
from certificate.qr_draw import draw_qr_png
from certificate.qr_text import ErrorCorrection, encode_qr_text
from certificate.texts import Language, claim_name, format_value, type_name

__all__ = ["QR_SIDE_MM", "draw_paper", "draw_papers"]

QR_SIDE_MM = 80  # at least 60 mm, so that a 150 dpi scan reads
_MEDIUM_FITS = 1326  # bytes of version 30 at level M
_LEFT, _TOP = 22 * mm, A4[1] - 25 * mm
_DAY = 86400
_WORDS = {
    "zh": {
        "number": "证明编号",
        "region": "参保地区",
        "cut_off": "数据截至",
        "expires": "有效期至",
        "check": (
            "核验方法：用核验程序扫描二维码；程序请从您自己的收藏打开，不要使用本页上的任何网址。",
            "用别的程序扫描只会显示一串字符，这是正常的：二维码里没有网址。",
            "以屏幕显示的核验结果为准，本页文字仅供阅读；请同时核对出示人的身份证件。",
        ),
    },
    "en": {
        "number": "Certificate no.",
        "region": "Region",
        "cut_off": "Data up to",
        "expires": "Valid until",
        "check": (
            "To check: scan the code with a verifier opened from your own bookmark, not from an address on a sheet.",
            "Another app shows a row of characters. That is normal: the code holds no address.",
            "The screen counts, not this sheet; compare the identity document of whoever shows it.",
        ),
    },
}


def draw_paper(certificate: bytes, language: Language) -> bytes:
    """One PDF page for a paper certificate given as its tagged bytes.

    Raises:
        FormatError: the bytes are no certificate; `qr.too_large`; a character the page's font does not have.
    """
    return draw_papers([certificate], language)[0]


def draw_papers(certificates: Sequence[bytes], language: Language) -> list[bytes]:
    """As `draw_paper`, for many: cutting the font down takes longer than drawing, so they share one."""
    if not certificates:
        return []
    parsed = [parse_certificate(certificate) for certificate in certificates]
    facts = [_facts(one, language) for one in parsed]
    titles = [type_name(one.body.type, language) for one in parsed]
    check = _WORDS[language]["check"]
    font = register_page_font("".join((*titles, *(line for lines in facts for line in lines), *check)))
    return [
        _draw(certificate, one.body.number, title, lines, check, font)
        for certificate, one, title, lines in zip(certificates, parsed, titles, facts, strict=True)
    ]


def _draw(
    certificate: bytes, number: str, title: str, facts: Sequence[str], check: Sequence[str], font: str
) -> bytes:
    out = io.BytesIO()
    page = Canvas(out, pagesize=A4, invariant=True)
    page.setTitle(f"{title} {number}")
    page.setFont(font, 18)
    page.drawString(_LEFT, _TOP, title)
    bottom = _write(page, facts, _TOP - 14 * mm, font, 11)
    level: ErrorCorrection = "M" if len(certificate) <= _MEDIUM_FITS else "L"
    picture = draw_qr_png(encode_qr_text(certificate), ecc=level)
    side = QR_SIDE_MM * mm
    page.drawImage(ImageReader(io.BytesIO(picture)), _LEFT, bottom - side - 4 * mm, side, side)
    _write(page, check, bottom - side - 14 * mm, font, 9)
    page.showPage()
    page.save()
    return out.getvalue()


def _facts(parsed: UnverifiedCertificate, language: Language) -> list[str]:
    """The signed facts of the page, line by line."""
    body, words = parsed.body, _WORDS[language]
    expires = datetime.fromtimestamp(body.expires * _DAY, UTC).strftime("%Y-%m-%d")
    lines = [
        f"{words['number']}: {body.number}",
        f"{words['region']}: {body.region}",
        f"{words['cut_off']}: {body.cut_off // 100}-{body.cut_off % 100:02d}",
        f"{words['expires']}: {expires}",
        "",
    ]
    for disclosure in parsed.disclosures:
        claim = body.registry.claim_at(disclosure.slot)
        value = format_value(claim, disclosure.value, language)
        lines.append(f"{claim_name(claim, language, body.cut_off)}: {value}")
    return lines


def _write(page: Canvas, lines: Sequence[str], top: float, font: str, size: int) -> float:
    """Write `lines` from `top` down; returns where the next thing may stand."""
    page.setFont(font, size)
    for line in lines:
        page.drawString(_LEFT, top, line)
        top -= size * 0.6 * mm
    return top
