"""A policy file: TOML with flat keys, the rule as text. Checked when it is loaded, named by the digest of its bytes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final, NoReturn, TypeVar

from certificate.display_text import check_display_text
from certificate.numbers import CertificateType
from certificate.policy.grammar import parse_rule
from certificate.policy.language import Policy
from certificate.slots import REGISTRIES
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["MAX_POLICY_SIZE", "SCHEMA", "parse_policy"]

MAX_POLICY_SIZE: Final = 16 * 1024
SCHEMA: Final = 1
_MAX_LINE: Final = 1024
_CLAIMS: Final = REGISTRIES[CertificateType.CONTRIBUTION].by_name
_REQUIRED: Final = (
    "schema", "id", "version", "title_zh", "title_en", "purpose", "legal_basis", "valid_from", "valid_to", "records",
    "rule",
)  # fmt: skip
_OPTIONAL: Final = ("regions", "max_age", "show", "retention_days", "at_counter")
_RECORDS: Final = {"this authority": True, "anywhere": False}
_T = TypeVar("_T")


def parse_policy(data: bytes) -> Policy:
    """Read and check one policy file.

    Raises:
        FormatError: `policy.malformed`, naming the line and what is wrong.
    """
    if len(data) > MAX_POLICY_SIZE:
        _refuse(1, f"a policy has at most {MAX_POLICY_SIZE} bytes")
    for number, row in enumerate(data.split(b"\n"), 1):
        if len(row) > _MAX_LINE:  # also bounds what a dotted key can cost the TOML reader
            _refuse(number, f"a line has at most {_MAX_LINE} bytes")
    try:
        text = data.decode("utf-8")
        members = tomllib.loads(text)
    except UnicodeDecodeError:
        _refuse(1, "not UTF-8")
    except tomllib.TOMLDecodeError as exc:
        line = re.search(r"at line ([0-9]+)", str(exc))
        _refuse(int(line[1]) if line else text.count("\n") + 1, "not TOML")
    except RecursionError:
        _refuse(1, "nested too deeply")
    return _File(text, members).policy(bytes(data))


class _File:
    """Takes members with their type; knows on which line each stands."""

    def __init__(self, text: str, members: Mapping[str, Any]) -> None:
        self._text = text
        self._members = members

    def policy(self, source: bytes) -> Policy:
        self._check_keys()
        if self._take("schema", int) != SCHEMA:
            self._fail("schema", f"schema {SCHEMA} is known")
        valid_from, valid_to = self._day("valid_from"), self._day("valid_to")
        if valid_to < valid_from:
            self._fail("valid_to", "ends before it begins")
        return Policy(
            id=self._matching("id", r"[a-z0-9]+(\.[a-z0-9]+)*", 32),
            version=self._number("version", 1, 10**6),
            digest=sha256(source).digest(),
            title_zh=self._display("title_zh"),
            title_en=self._display("title_en"),
            purpose=self._display("purpose"),
            legal_basis=self._display("legal_basis"),
            valid_from=valid_from,
            valid_to=valid_to,
            here=self._records(),
            rule=parse_rule(self._take("rule", str), line=self._rule_line()),
            regions=self._regions(),
            max_age=self._number("max_age", 0, 600, default=2),
            show=self._show(),
            retention=self._number("retention_days", 0, 36500, default=30),
            at_counter=self._take("at_counter", bool, default=True),
            source=source,
        )

    def _check_keys(self) -> None:
        for name in self._members:
            if name not in _REQUIRED and name not in _OPTIONAL:
                self._fail(name, f"there is no key {name!r}")
            if isinstance(self._members[name], dict):
                self._fail(name, "a policy has no tables")
        for name in _REQUIRED:
            if name not in self._members:
                _refuse(1, f"{name} is missing")

    def _take(self, name: str, kind: type[_T], *, default: _T | None = None) -> _T:
        value = self._members.get(name, default)
        if type(value) is not kind:
            self._fail(name, f"{name} is {_KINDS[kind]}")
        return value

    def _number(self, name: str, low: int, high: int, *, default: int | None = None) -> int:
        value = self._take(name, int, default=default)
        if not low <= value <= high:
            self._fail(name, f"{name} is {low} to {high}")
        return value

    def _matching(self, name: str, pattern: str, longest: int) -> str:
        value = self._take(name, str)
        if len(value) > longest or re.fullmatch(pattern, value) is None:
            self._fail(name, f"{name} has at most {longest} characters and the form {pattern}")
        return value

    def _display(self, name: str) -> str:
        value = self._take(name, str)
        try:
            check_display_text(value)
        except FormatError as exc:
            self._fail(name, f"{name}: {exc.reason.value}")
        return value

    def _day(self, name: str) -> date:
        value = self._members.get(name)
        if not isinstance(value, date) or isinstance(value, datetime):
            self._fail(name, f"{name} is a day YYYY-MM-DD")
        return value

    def _records(self) -> bool:
        value = self._take("records", str)
        if value not in _RECORDS:
            self._fail("records", f"records is one of {', '.join(map(repr, _RECORDS))}")
        return _RECORDS[value]

    def _texts(self, name: str, most: int) -> tuple[str, ...]:
        values = self._take(name, list, default=[])
        if (
            len(values) > most
            or not all(type(value) is str for value in values)
            or len(set(values)) < len(values)
        ):
            self._fail(name, f"{name} is a list of at most {most} different texts")
        return tuple(values)

    def _regions(self) -> tuple[str, ...]:
        regions = self._texts("regions", 64)
        if not all(re.fullmatch(r"[0-9]{1,6}", region) for region in regions):
            self._fail("regions", "a region is a prefix of a code of six digits")
        return regions

    def _show(self) -> tuple[str, ...]:
        shown = self._texts("show", 16)
        for name in shown:
            if name not in _CLAIMS:
                self._fail("show", f"no claim is called {name!r}")
        return shown

    def _line(self, name: str) -> int:
        found = re.search(rf"(?m)^[ \t\[]*{re.escape(name)}[ \t]*[=\].]", self._text)
        return 1 if found is None else self._text.count("\n", 0, found.start()) + 1

    def _rule_line(self) -> int:
        """TOML drops a line break that follows the opening quotes."""
        opened = re.search(r'(?m)^[ \t]*rule[ \t]*=[ \t]*(?:"""|\'\'\')\r?\n', self._text)
        return self._line("rule") + (opened is not None)

    def _fail(self, name: str, what: str) -> NoReturn:
        _refuse(self._line(name), what)


_KINDS: Final[Mapping[type, str]] = {
    int: "a number",
    str: "a text",
    bool: "true or false",
    list: "a list of texts",
}


def _refuse(line: int, what: str) -> NoReturn:
    raise FormatError(
        Reason.POLICY_MALFORMED, f"line {line}: {what}", hint="correct the line and load it again"
    )
