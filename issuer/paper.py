"""A paper certificate as an A4 page: what it says, for whom it is good, its QR code, and how to check it.

The QR code is what counts; the page repeats its signed content for the eye. The page's fonts are the reader's own
(CID fonts are not embedded); a font that carries rare name characters comes with the citizen's paper.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from certificate.certificate import parse_certificate
from certificate.qr_draw import draw_qr_png
from certificate.qr_text import encode_qr_text
from certificate.texts import Language, claim_name, format_value, type_name

__all__ = ["QR_SIDE_MM", "draw_paper"]

QR_SIDE_MM = 80  # at least 60 mm, so that a 150 dpi scan reads
_MEDIUM_FITS = 1326  # bytes of version 30 at level M
_FONT = "STSong-Light"
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
            "The screen counts, not this sheet; compare the identity document of whoever shows it.",
        ),
    },
}


def draw_paper(certificate: bytes, language: Language) -> bytes:
    """One PDF page for a paper certificate given as its tagged bytes.

    Raises:
        FormatError: the bytes are no certificate; `qr.too_large`.
    """
    parsed = parse_certificate(certificate)
    body, words = parsed.body, _WORDS[language]
    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    out = io.BytesIO()
    page = Canvas(out, pagesize=A4, invariant=True)
    page.setTitle(f"{type_name(body.type, language)} {body.number}")
    page.setFont(_FONT, 18)
    page.drawString(_LEFT, _TOP, type_name(body.type, language))
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
    bottom = _write(page, lines, _TOP - 14 * mm, 11)
    text = encode_qr_text(certificate)
    picture = draw_qr_png(text, ecc="M" if len(certificate) <= _MEDIUM_FITS else "L")
    side = QR_SIDE_MM * mm
    page.drawImage(ImageReader(io.BytesIO(picture)), _LEFT, bottom - side - 4 * mm, side, side)
    _write(page, list(words["check"]), bottom - side - 14 * mm, 8)
    page.showPage()
    page.save()
    return out.getvalue()


def _write(page: Canvas, lines: list[str], top: float, size: int) -> float:
    """Write `lines` from `top` down; returns where the next thing may stand."""
    page.setFont(_FONT, size)
    for line in lines:
        page.drawString(_LEFT, top, line)
        top -= size * 0.6 * mm
    return top
