"""A filled form on A4 (extra `forms`): its fields, the code of what was verified, and a line to sign.

The same form gives the same page, so that a printed one can be compared with what its code proves.
"""

from __future__ import annotations

import io
from collections.abc import Iterable

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from certificate.page_font import register_page_font
from certificate.qr_draw import draw_qr_png
from certificate.qr_text import encode_qr_text
from verifier.forms.filled import FilledForm, Row
from verifier.forms.words import FORM_WORDS

__all__ = ["QR_SIDE_MM", "SIGNATURE_MM", "draw_form_pdf", "form_mark"]

QR_SIDE_MM = 82  # a version 32 code has three pixels a module at 150 dpi; two stand side by side
SIGNATURE_MM = 30  # this much of the last page, from below, is for the hand
_LEFT, _RIGHT, _TOP = 20 * mm, A4[0] - 20 * mm, A4[1] - 20 * mm
_COLUMN = 66 * mm
_BOTTOM = (SIGNATURE_MM + 6) * mm


def draw_form_pdf(form: FilledForm) -> bytes:
    """The pages.

    Raises:
        FormatError: `qr.too_large`; `schema.text_forbidden_char`: a character that the page's font does not have.
    """
    return _Sheet(form).draw()


def form_mark(form: FilledForm) -> str:
    """What the file says of itself, so that whoever has it can draw it again."""
    template = form.template
    return f"tallystick form 1 {template.id} {template.digest.hex()} {form.language}"


class _Sheet:
    """Writes from the top down and begins a new page where the next thing does not fit."""

    def __init__(self, form: FilledForm) -> None:
        self._form = form
        self._words = FORM_WORDS[form.language]
        self._font = register_page_font("".join(self._texts()) + "0123456789: ")
        self._out = io.BytesIO()
        self._page = Canvas(self._out, pagesize=A4, invariant=True)
        self._y = _TOP

    def draw(self) -> bytes:
        form, words = self._form, self._words
        self._page.setTitle(form.title)
        self._page.setSubject(form_mark(form))
        self._write(form.title, _LEFT, 16)
        self._write(f"{words['purpose']}: {form.template.purpose}", _LEFT, 9)
        self._write(f"{words['legal_basis']}: {form.template.legal_basis}", _LEFT, 9)
        self._y -= 3 * mm
        for row in form.rows:
            self._row(row)
        self._y -= 2 * mm
        for text in (*form.covered, words["not_covered"], words["check"]):
            self._write(text, _LEFT, 8)
        self._codes()
        self._sign()
        self._page.showPage()
        self._page.save()
        return self._out.getvalue()

    def _texts(self) -> Iterable[str]:
        form = self._form
        yield from (form.title, form.template.purpose, form.template.legal_basis, *form.covered)
        yield from self._words.values()
        for row in form.rows:
            yield row.label
            for entry in row.entries:
                yield entry.text
                yield entry.origin

    def _row(self, row: Row) -> None:
        lines = sum(1 + len(self._wrapped(entry.text, _COLUMN, 10)) for entry in row.entries)
        self._need(min(lines * 5 * mm, 100 * mm))
        self._page.setLineWidth(0.3)
        self._page.line(_LEFT, self._y + 4.9 * mm, _RIGHT, self._y + 4.9 * mm)
        start = self._y
        self._write(row.label, _LEFT, 10, right=_COLUMN - 2 * mm)
        after, self._y = self._y, start
        for entry in row.entries:
            self._write(entry.text, _COLUMN, 10)
            if entry.origin:
                self._write(entry.origin, _COLUMN, 7)
        self._y = min(after, self._y) - 2.8 * mm

    def _codes(self) -> None:
        side = QR_SIDE_MM * mm
        for at, code in enumerate(self._form.codes):
            if at % 2 == 0:
                self._need(side + 2 * mm)
                self._y -= side
            picture = ImageReader(io.BytesIO(draw_qr_png(encode_qr_text(code), ecc="L")))
            self._page.drawImage(picture, _LEFT + at % 2 * (side + 4 * mm), self._y, side, side)

    def _sign(self) -> None:
        self._page.setFont(self._font, 10)
        self._page.drawString(_LEFT, 20 * mm, self._words["signature"])
        self._page.line(_LEFT, 18 * mm, _RIGHT, 18 * mm)

    def _need(self, height: float) -> None:
        if self._y - height < _BOTTOM:
            self._page.showPage()
            self._y = _TOP

    def _write(self, text: str, left: float, size: int, *, right: float = _RIGHT) -> None:
        for line in self._wrapped(text, left, size, right=right):
            self._need(size * 0.5 * mm)
            self._page.setFont(self._font, size)
            self._page.drawString(left, self._y, line)
            self._y -= size * 0.5 * mm

    def _wrapped(self, text: str, left: float, size: int, *, right: float = _RIGHT) -> list[str]:
        """Lines that fit: broken at a space where there is one, else between characters, as Chinese is."""
        lines, line = [], ""
        for character in text:
            if stringWidth(line + character, self._font, size) > right - left:
                head, space, tail = line.rpartition(" ")
                lines.append(head if space and head else line)
                line = tail if space and head else ""
            line += character
        return [*lines, line]
