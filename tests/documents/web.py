"""Writes the tables that the browser's verifier takes from the Python side: reasons, numbers, characters, words.

python -m tests.documents.web
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from enum import IntEnum
from pathlib import Path
from typing import Final

import verifier
from certificate import display_text
from certificate.directory import KeyRole
from certificate.numbers import Algorithm, CertificateType, Environment, Presenter, Typ
from certificate.status_list import Status
from ledger.entry import EntryType
from ledger.reasons import Reason, verdict_of
from tests.documents.web_texts import TEXT_FILES, javascript

__all__ = ["FILES", "FOLDER", "forbidden_in"]

FOLDER: Final = Path(verifier.__file__).parent / "web" / "generated"
_LAST: Final = 0x10FFFF
_NUMBERS: Final[tuple[type[IntEnum], ...]] = (
    Algorithm,
    CertificateType,
    Environment,
    EntryType,
    KeyRole,
    Presenter,
    Status,
    Typ,
)


def _reasons() -> str:
    verdicts = {reason.value: verdict_of(reason).value for reason in Reason}
    return javascript("What each reason does to the step in which it occurs.", {"VERDICTS": verdicts})


def _numbers() -> str:
    tables = {table.__name__: {member.name: int(member) for member in table} for table in _NUMBERS}
    return javascript("The numbers of the formats.", tables)


def _characters() -> str:
    """By ranges, and not by the browser's own tables, which are of another version of Unicode in each browser."""
    ranges = {
        "FORBIDDEN": _ranges(
            lambda letter: unicodedata.category(letter) in display_text.FORBIDDEN_CATEGORIES
        ),
        "MARKS": _ranges(lambda letter: unicodedata.category(letter)[0] == "M"),
    }
    scripts = {script: _ranges(_letters_of(script)) for script in display_text.MIXABLE_SCRIPTS}
    folded = [
        f"{ord(letter):x}={'.'.join(f'{ord(part):x}' for part in letter.casefold())}"
        for letter in map(chr, range(_LAST + 1))
        if letter.casefold() != letter.lower()
    ]
    head = f"Ranges of characters by their properties in Unicode {unicodedata.unidata_version}, in hex."
    return javascript(head, {**ranges, "SCRIPTS": scripts, "FOLDED": " ".join(folded)})


def _letters_of(script: str) -> Callable[[str], bool]:
    return lambda letter: letter.isalpha() and display_text.is_of(letter, script)


def _ranges(wanted: Callable[[str], bool]) -> str:
    found: list[tuple[int, int]] = []
    for point in range(_LAST + 1):
        if wanted(chr(point)):
            first = found.pop()[0] if found and found[-1][1] == point - 1 else point
            found.append((first, point))
    return " ".join(f"{first:x}" if first == last else f"{first:x}-{last:x}" for first, last in found)


def forbidden_in(text: str) -> set[int]:
    """The code points that a `characters.js` forbids: those that its Unicode does not know are among them."""
    ranges = re.search(r"FORBIDDEN = Object.freeze\((.*?)\);", text)
    assert ranges is not None
    points: set[int] = set()
    for bounds in json.loads(ranges[1]).split():
        first, _, last = bounds.partition("-")
        points.update(range(int(first, 16), int(last or first, 16) + 1))
    return points


FILES: Final[Mapping[str, Callable[[], str]]] = {
    "reasons.js": _reasons,
    "numbers.js": _numbers,
    "characters.js": _characters,
    **TEXT_FILES,
}
"""File name in `FOLDER` to what gives its content."""


if __name__ == "__main__":
    for name, content in FILES.items():
        (FOLDER / name).write_text(content(), encoding="utf-8")
