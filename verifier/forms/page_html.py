"""A filled form as one HTML page that carries its codes with it: no script, no link, nothing to fetch."""

from __future__ import annotations

from base64 import b64encode
from html import escape

from certificate.qr_draw import draw_qr_png
from certificate.qr_text import encode_qr_text
from verifier.forms.filled import Entry, FilledForm, Row
from verifier.forms.words import FORM_WORDS

__all__ = ["draw_form_html"]

_STYLE = (
    "body{font-family:sans-serif;max-width:48rem;margin:2rem auto;line-height:1.4}"
    "table{border-collapse:collapse;width:100%}td,th{border:1px solid #999;padding:.4rem;text-align:left;"
    "vertical-align:top}small{color:#555}img{width:90mm;height:90mm;image-rendering:pixelated}"
    ".sign{margin:3rem 0 1rem;border-top:1px solid #000;white-space:pre;width:100%}"
)
# Whatever a name may hold, the page runs and fetches nothing.
_SAFE = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def draw_form_html(form: FilledForm) -> bytes:
    """The page, UTF-8. Raises FormatError `qr.too_large`."""
    words, template = FORM_WORDS[form.language], form.template
    head = "".join(f"<th>{escape(words[name])}</th>" for name in ("field", "value", "origin"))
    pictures = "".join(f'<img alt="QR" src="{_picture(code)}">' for code in form.codes)
    notes = "".join(f"<p><small>{escape(text)}</small></p>" for text in (*form.covered, words["not_covered"]))
    parts = (
        f'<!DOCTYPE html><html lang="{form.language}"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_SAFE}">',
        f"<title>{escape(form.title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(form.title)}</h1>",
        f"<p>{escape(words['purpose'])}: {escape(template.purpose)}<br>",
        f"{escape(words['legal_basis'])}: {escape(template.legal_basis)}</p>",
        f"<table><tr>{head}</tr>{''.join(map(_row, form.rows))}</table>{notes}",
        f"<p>{pictures}</p><p><small>{escape(words['check'])}</small></p>",
        f'<div class="sign">{escape(words["signature"])}</div></body></html>\n',
    )
    return "".join(parts).encode("utf-8")


def _row(row: Row) -> str:
    return "".join(
        f"<tr>{_heading(row) if at == 0 else ''}{_entry(entry)}</tr>" for at, entry in enumerate(row.entries)
    )


def _heading(row: Row) -> str:
    return f'<th rowspan="{len(row.entries)}">{escape(row.label)}</th>'


def _entry(entry: Entry) -> str:
    return (
        f"<td><bdi>{escape(entry.text)}</bdi></td><td><small><bdi>{escape(entry.origin)}</bdi></small></td>"
    )


def _picture(code: bytes) -> str:
    return "data:image/png;base64," + b64encode(draw_qr_png(encode_qr_text(code), ecc="L")).decode("ascii")
