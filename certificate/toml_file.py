"""A small TOML file with flat keys, whose members are taken with their type and refused with their line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NoReturn, TypeVar

from certificate.display_text import check_display_text
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["TomlFile", "read_toml"]

_MAX_LINE: Final = 1024
_KINDS: Final[Mapping[type, str]] = {
    int: "a number",
    str: "a text",
    bool: "true or false",
    list: "a list of texts",
}
_T = TypeVar("_T")


def read_toml(data: bytes, *, at_most: int, reason: Reason) -> TomlFile:
    """The members of a file of at most so many bytes.

    Args:
        reason: what every refusal of this file is called.
    Raises:
        FormatError: `reason`, naming the line and what is wrong.
    """
    if len(data) > at_most:
        _refuse(reason, 1, f"a file of this kind has at most {at_most} bytes")
    for number, row in enumerate(data.split(b"\n"), 1):
        if len(row) > _MAX_LINE:  # also bounds what a dotted key can cost the TOML reader
            _refuse(reason, number, f"a line has at most {_MAX_LINE} bytes")
    try:
        text = data.decode("utf-8")
        return TomlFile(text, tomllib.loads(text), reason)
    except UnicodeDecodeError:
        _refuse(reason, 1, "not UTF-8")
    except tomllib.TOMLDecodeError as exc:
        line = re.search(r"at line ([0-9]+)", str(exc))
        _refuse(reason, int(line[1]) if line else text.count("\n") + 1, "not TOML")
    except RecursionError:
        _refuse(reason, 1, "nested too deeply")


@dataclass(frozen=True, slots=True)
class TomlFile:
    """Takes members with their type; knows on which line each stands. Every method raises FormatError `reason`."""

    text: str
    members: Mapping[str, Any]
    reason: Reason

    def check_keys(self, required: Sequence[str], optional: Sequence[str]) -> None:
        for name in self.members:
            if name not in required and name not in optional:
                self.fail(name, f"there is no key {name!r}")
            if isinstance(self.members[name], dict):
                self.fail(name, "there are no tables")
        for name in required:
            if name not in self.members:
                _refuse(self.reason, 1, f"{name} is missing")

    def take(self, name: str, kind: type[_T], *, default: _T | None = None) -> _T:
        value = self.members.get(name, default)
        if type(value) is not kind:
            self.fail(name, f"{name} is {_KINDS[kind]}")
        return value

    def number(self, name: str, low: int, high: int, *, default: int | None = None) -> int:
        value = self.take(name, int, default=default)
        if not low <= value <= high:
            self.fail(name, f"{name} is {low} to {high}")
        return value

    def matching(self, name: str, pattern: str, longest: int) -> str:
        value = self.take(name, str)
        if len(value) > longest or re.fullmatch(pattern, value) is None:
            self.fail(name, f"{name} has at most {longest} characters and the form {pattern}")
        return value

    def display(self, name: str) -> str:
        """A text that may be shown to people."""
        value = self.take(name, str)
        try:
            check_display_text(value)
        except FormatError as exc:
            self.fail(name, f"{name}: {exc.reason.value}")
        return value

    def day(self, name: str) -> date:
        value = self.members.get(name)
        if not isinstance(value, date) or isinstance(value, datetime):
            self.fail(name, f"{name} is a day YYYY-MM-DD")
        return value

    def texts(self, name: str, most: int) -> tuple[str, ...]:
        values = self.take(name, list, default=[])
        if (
            len(values) > most
            or not all(type(value) is str for value in values)
            or len(set(values)) < len(values)
        ):
            self.fail(name, f"{name} is a list of at most {most} different texts")
        return tuple(values)

    def names(self, name: str, most: int, known: Container[str]) -> tuple[str, ...]:
        """A list of names of claims."""
        found = self.texts(name, most)
        for claim in found:
            if claim not in known:
                self.fail(name, f"no claim is called {claim!r}")
        return found

    def line(self, name: str) -> int:
        found = re.search(rf"(?m)^[ \t\[]*{re.escape(name)}[ \t]*[=\].]", self.text)
        return 1 if found is None else self.text.count("\n", 0, found.start()) + 1

    def fail(self, name: str, what: str, *, below: int = 0) -> NoReturn:
        """Refuse member `name`; `below` counts lines down from where it begins."""
        _refuse(self.reason, self.line(name) + below, what)


def _refuse(reason: Reason, line: int, what: str) -> NoReturn:
    raise FormatError(reason, f"line {line}: {what}", hint="correct the line and load it again")
