"""The list of people to ask, from a spreadsheet's CSV: every fault of every row at once, each with its row number.

Columns, in Chinese or English, in any order: name (姓名), id_tail (身份证后四位), and optionally ref (工号), which is
the organisation's own mark. UTF-8 with or without BOM, or GB18030; comma, semicolon or tab. What a spreadsheet does to
numbers is undone where there is one reading (spaces, full-width digits, `="0017"`, a small x), and said; where there
are two (zeros that may have been dropped, a fraction), the row is refused. No message repeats what stands in a cell.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from certificate.display_text import check_display_text
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["MAX_PEOPLE", "People", "Person", "RowFault", "RowNote", "parse_people"]

MAX_PEOPLE = 1000
_MAX_BYTES = 2**20
_COLUMNS = {
    "name": "name",
    "full name": "name",
    "姓名": "name",
    "id_tail": "id_tail",
    "id tail": "id_tail",
    "last four": "id_tail",
    "last4": "id_tail",
    "身份证后四位": "id_tail",
    "身份证号后四位": "id_tail",
    "证件号码后四位": "id_tail",
    "后四位": "id_tail",
    "ref": "ref",
    "reference": "ref",
    "employee no": "ref",
    "工号": "ref",
    "编号": "ref",
    "备注": "ref",
}
_TAIL = re.compile(r"[0-9]{3}[0-9X]")
_FORMULA_TEXT = re.compile(r'="([^"]*)"')
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))


@dataclass(frozen=True, slots=True)
class Person:
    """One person to ask. `row` is the line of the spreadsheet, the header being line 1; `ref` may be empty."""

    row: int
    name: str
    id_tail: str
    ref: str


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why a row cannot be asked: its line, the column, and the fault in plain words."""

    row: int
    column: str
    text: str


@dataclass(frozen=True, slots=True)
class RowNote:
    """What was put right in a row."""

    row: int
    column: str
    text: str


@dataclass(frozen=True, slots=True)
class People:
    """A list as it was read: the good rows, the bad ones, and what was put right."""

    people: tuple[Person, ...]
    faults: tuple[RowFault, ...]
    notes: tuple[RowNote, ...]

    def digest(self) -> bytes:
        """SHA-256 over the good rows: tells one list from another."""
        lines = (f"{p.row}\0{p.name}\0{p.id_tail}\0{p.ref}" for p in self.people)
        return sha256("\n".join(lines).encode("utf-8")).digest()


def parse_people(data: bytes) -> People:
    """Read a list.

    Raises:
        FormatError: `enc.too_large`, `enc.utf8_invalid` (neither encoding), `schema.field_missing` (a column, or every
            row), `cli.template_unknown_field` (another column), `cli.duplicate_id` (a column twice),
            `cli.batch_invalid` (no CSV).
    """
    if len(data) > _MAX_BYTES:
        raise FormatError(Reason.ENC_TOO_LARGE, f"{len(data)} bytes, at most {_MAX_BYTES}")
    rows = list(_rows(_decoded(data)))
    if not rows:
        raise FormatError(Reason.SCHEMA_FIELD_MISSING, "an empty file")
    places = _places(rows[0][1])
    reading = _Reading(places, len(rows[0][1]))
    for line, cells in rows[1:]:
        reading.take(line, cells)
    if not reading.people and not reading.faults:
        raise FormatError(Reason.SCHEMA_FIELD_MISSING, "no row below the header")
    if len(reading.people) > MAX_PEOPLE:
        raise FormatError(Reason.ENC_TOO_LARGE, f"{len(reading.people)} people, at most {MAX_PEOPLE}")
    return People(tuple(reading.people), tuple(reading.faults), tuple(reading.notes))


class _Reading:
    """The rows as they come, with what was found in them."""

    def __init__(self, places: dict[str, int], width: int) -> None:
        self.people: list[Person] = []
        self.faults: list[RowFault] = []
        self.notes: list[RowNote] = []
        self._places = places
        self._width = width
        self._seen: dict[tuple[str, str], int] = {}

    def take(self, line: int, cells: Sequence[str]) -> None:
        if not any(cell.strip() for cell in cells):
            return
        if len(cells) != self._width:
            self.faults.append(RowFault(line, "", f"{len(cells)} cells where the header has {self._width}"))
            return
        before = len(self.faults)
        name, tail = (
            self._name(line, self._cell(cells, "name")),
            self._tail(line, self._cell(cells, "id_tail")),
        )
        ref = self._ref(line, self._cell(cells, "ref"))
        if len(self.faults) > before:
            return
        first = self._seen.setdefault((name, tail), line)
        if first != line:
            self.faults.append(RowFault(line, "name", f"the same person as in row {first}"))
            return
        self.people.append(Person(line, name, tail, ref))

    def _cell(self, cells: Sequence[str], column: str) -> str:
        return cells[self._places[column]] if column in self._places else ""

    def _name(self, line: int, cell: str) -> str:
        name = unicodedata.normalize("NFC", " ".join(cell.translate(_INVISIBLE).split()))
        if name != cell:
            self.notes.append(RowNote(line, "name", "spaces or invisible characters removed"))
        return self._checked(line, "name", name, at_most=64)

    def _ref(self, line: int, cell: str) -> str:
        ref = " ".join(cell.split())
        return self._checked(line, "ref", ref, at_most=64) if ref else ""

    def _tail(self, line: int, cell: str) -> str:
        tail, undone = _plain_number(cell)
        if undone:
            self.notes.append(RowNote(line, "id_tail", undone))
        if _TAIL.fullmatch(tail) is None:
            self.faults.append(RowFault(line, "id_tail", _tail_fault(tail)))
        return tail

    def _checked(self, line: int, column: str, text: str, *, at_most: int) -> str:
        try:
            check_display_text(text, max_code_points=at_most)
        except FormatError as exc:
            self.faults.append(
                RowFault(line, column, _TEXT_FAULTS.get(exc.reason, "cannot be shown to people"))
            )
        return text


_TEXT_FAULTS = {
    Reason.SCHEMA_FIELD_MISSING: "empty",
    Reason.SCHEMA_TEXT_TOO_LONG: "too long",
    Reason.SCHEMA_TEXT_FORBIDDEN_CHAR: "holds a character that cannot be shown",
}


def _plain_number(cell: str) -> tuple[str, str]:
    """The cell as a spreadsheet's user meant it, and what was undone for that."""
    undone = []
    quoted = _FORMULA_TEXT.fullmatch(cell.strip())
    text = cell if quoted is None else quoted[1]
    if quoted is not None or text.startswith("'"):
        undone.append("the mark of a text cell removed")
        text = text.removeprefix("'")
    narrow = unicodedata.normalize("NFKC", text)
    if any("\uff01" <= letter <= "\uff5e" for letter in text):
        undone.append("full-width characters narrowed")
    bare = "".join(narrow.translate(_INVISIBLE).split())
    if bare != narrow:
        undone.append("spaces removed")
    upper = bare[:-1] + bare[-1:].replace("x", "X")
    if upper != bare:
        undone.append("x written as X")
    return upper, ", ".join(undone)


def _tail_fault(tail: str) -> str:
    if not tail:
        return "empty"
    if re.fullmatch(r"[0-9]{1,3}|[0-9]{1,2}X", tail):
        return f"{len(tail)} characters where 4 are due: zeros at the start may be lost, make the column text"
    if len(tail) == 18:
        return "a whole ID number: give the last four characters only"
    if re.fullmatch(r"[0-9]+[.][0-9]*|[0-9.]+[Ee][+-]?[0-9]+", tail):
        return "a number with a fraction or an exponent: make the column text"
    return "not three digits and a digit or X"


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FormatError(Reason.ENC_UTF8_INVALID, "neither UTF-8 nor GB18030", hint="save it as CSV UTF-8")


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line it starts on."""
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as exc:
        raise FormatError(Reason.CLI_BATCH_INVALID, f"row {line} is not CSV") from exc


def _places(header: Sequence[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for at, title in enumerate(header):
        column = _COLUMNS.get(" ".join(unicodedata.normalize("NFKC", title).split()).lower())
        if column is None:
            hint = "columns are name (姓名), id_tail (身份证后四位) and ref (工号)"
            raise FormatError(Reason.CLI_TEMPLATE_UNKNOWN_FIELD, f"column {at + 1}", hint=hint)
        if column in places:
            raise FormatError(
                Reason.CLI_DUPLICATE_ID, f"column {at + 1} says the same as column {places[column] + 1}"
            )
        places[column] = at
    for due in ("name", "id_tail"):
        if due not in places:
            raise FormatError(Reason.SCHEMA_FIELD_MISSING, f"no column {due}")
    return places
