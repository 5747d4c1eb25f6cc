"""Texts that people will see: what they may contain, so that nobody is fooled by what is invisible."""

from __future__ import annotations

import unicodedata

from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["check_display_text", "confusable_warning"]


def check_display_text(text: str, *, max_code_points: int = 128) -> None:
    if not text:
        raise FormatError(Reason.SCHEMA_FIELD_MISSING, "an empty text")
    if len(text) > max_code_points:
        raise FormatError(Reason.SCHEMA_TEXT_TOO_LONG, f"{len(text)} code points")
    if text != text.strip() or any(unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs", "Cn") for c in text):
        raise FormatError(Reason.SCHEMA_TEXT_FORBIDDEN_CHAR, "")
    if not unicodedata.is_normalized("NFC", text):
        raise FormatError(Reason.SCHEMA_TEXT_NOT_NFC, "")


def confusable_warning(text: str) -> Reason | None:
    return None
