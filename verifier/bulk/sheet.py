"""Tables out, as CSV that a spreadsheet opens as text: nothing in a cell is ever run as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

__all__ = ["encode_sheet"]

# A spreadsheet takes a cell that begins so as a formula or a command, also behind spaces.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "|", "%")


def encode_sheet(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """CSV in UTF-8 with BOM (so that Excel reads it right) and CRLF; a dangerous cell gets an apostrophe before it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    for row in (header, *rows):
        writer.writerow([_inert(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.lstrip(" \u3000\u00a0").startswith(_DANGEROUS) else cell
