"""Texts that people will see: what they may contain, so that nobody is fooled by what is invisible or looks alike.

Every name, purpose and employer in a signed object passes `check_display_text`; scripts, formulas and braces are plain
text here and made inert where they are shown (`verifier.render`, HTML, CSV).
"""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby

from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["FORBIDDEN_CATEGORIES", "MIXABLE_SCRIPTS", "check_display_text", "confusable_warning", "is_of"]

_MAX_MARKS = 4  # combining marks on one base letter; Vietnamese and Indic names need two
# Control, format (bidi, zero-width, soft hyphen, tags), private use, surrogate, unassigned; line and paragraph breaks.
FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
# Marks and fillers of other categories that show nothing: grapheme joiner, Hangul fillers, Khmer inherent vowels,
# Mongolian and other variation selectors, the empty Braille pattern. With one of them two names look the same.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# ASCII and the everyday Han range: printable, in NFC by construction, without marks. Nearly all names end here.
_PLAIN = re.compile(r"[!-~\u4e00-\u9fff()、·](?:[ -~\u4e00-\u9fff()、·]*[!-~\u4e00-\u9fff()、·])?")
MIXABLE_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK")


def check_display_text(text: str, *, max_code_points: int = 128) -> None:
    """Raise FormatError unless `text` may be shown to people.

    Raises:
        FormatError: `schema.field_missing` (empty), `schema.text_too_long` (code points, or combining marks on one
            letter), `schema.text_forbidden_char`, `schema.text_not_nfc`.
    """
    if not text:
        raise FormatError(Reason.SCHEMA_FIELD_MISSING, "an empty text")
    if len(text) > max_code_points:
        raise FormatError(Reason.SCHEMA_TEXT_TOO_LONG, f"{len(text)} code points, at most {max_code_points}")
    if _PLAIN.fullmatch(text):
        return
    for character in text:
        if unicodedata.category(character) in FORBIDDEN_CATEGORIES:
            raise FormatError(Reason.SCHEMA_TEXT_FORBIDDEN_CHAR, f"U+{ord(character):04X}")
    if hidden := _INVISIBLE.search(text):
        raise FormatError(Reason.SCHEMA_TEXT_FORBIDDEN_CHAR, f"U+{ord(hidden[0]):04X}")
    if text != text.strip():
        raise FormatError(Reason.SCHEMA_TEXT_FORBIDDEN_CHAR, "space at the start or the end")
    if _longest_run_of_marks(text) > _MAX_MARKS:
        raise FormatError(Reason.SCHEMA_TEXT_TOO_LONG, f"more than {_MAX_MARKS} marks on one letter")
    if not unicodedata.is_normalized("NFC", text):
        raise FormatError(Reason.SCHEMA_TEXT_NOT_NFC, "not in normalization form C")


def confusable_warning(text: str) -> Reason | None:
    """`schema.text_confusable` for a text that mixes like-looking scripts or uses full-width letters or digits.

    Such a text is shown with a warning: it may be a rare but honest name, and it never counts as a match.
    """
    if text.isascii() or _PLAIN.fullmatch(text):
        return None
    scripts = {
        script for letter in text if letter.isalpha() for script in MIXABLE_SCRIPTS if is_of(letter, script)
    }
    if len(scripts) > 1 or any("\uff10" <= letter <= "\uff5a" and letter.isalnum() for letter in text):
        return Reason.SCHEMA_TEXT_CONFUSABLE
    return None


def is_of(letter: str, script: str) -> bool:
    """Whether `letter` is of one of MIXABLE_SCRIPTS, by its name."""
    return unicodedata.name(letter, "").startswith(script)


def _longest_run_of_marks(text: str) -> int:
    # By category: enclosing and spacing marks are of combining class 0.
    runs = (
        sum(1 for _ in run)
        for is_mark, run in groupby(text, lambda letter: unicodedata.category(letter)[0] == "M")
        if is_mark
    )
    return max(runs, default=0)
