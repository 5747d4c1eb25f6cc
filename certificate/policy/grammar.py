"""The text of a rule, read into values.

    rule  = and-rule *("or" and-rule)            and-rule = unit *("and" unit)
    unit  = "(" rule ")" | N "of" "(" rule *("," rule) ")" | NAME "(" kinds *("," option "=" value) ")"
    kinds = kind | ("any" | "all" | N "of") "(" kind *("," kind) ")"
    value = N | YYYY-MM | YYYY-MM-DD | word | "text" | "[" "text" *("," "text") "]"

Bounded: 4,096 characters, 32 primitives, 8 levels, and 1,800 months, each counted for each of its
kinds. Nothing is looked up and nothing is computed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, NoReturn

from certificate.kinds import KIND_BY_ID
from certificate.policy.language import (
    ALL_BACK,
    BaseAverage,
    Combined,
    Count,
    Counting,
    Employer,
    End,
    KindSet,
    Leaf,
    Rule,
    Run,
    Status,
    Total,
    month_index,
)
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["parse_rule"]

_MAX_TEXT: Final = 4096
_MAX_LEAVES: Final = 32
_MAX_DEPTH: Final = 8
_MAX_MONTHS: Final = 600
_MAX_LOOKED_AT: Final = 1800  # bounds what an answer costs: up to four microseconds for a month of a kind
_MAX_FEN: Final = 10**11
_TOKEN: Final = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})(?![0-9A-Za-z_.-])"
    r"|(?P<month>[0-9]{4}-[0-9]{2})(?![0-9A-Za-z_.-])"
    r"|(?P<number>0|[1-9][0-9]{0,11})(?![0-9A-Za-z_.-])"
    r"|(?P<text>\"[^\"\n]{0,128}\")"
    r"|(?P<word>[A-Za-z][A-Za-z0-9_]*(?:\.[a-z]+)?)"
    r"|(?P<mark>[(),=\[\]])"
)
_MONTHLY: Final = {"end", "lag", "back", "otherwise", "posted_by", "flexible"}
_OPTIONS: Final[Mapping[str, frozenset[str]]] = {
    "RUN": frozenset({"months"} | _MONTHLY),
    "COUNT": frozenset({"months", "window", "gap_window", "max_gap_total", "max_gap_single"} | _MONTHLY),
    "TOTAL": frozenset({"months", "deemed", "moved"}),
    "EMPLOYER": frozenset({"months", "uscc"} | _MONTHLY),
    "STATUS": frozenset({"value"}),
    "BASE": frozenset({"average"}),
}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


_Value = int | str | date | tuple[str, ...] | End


def parse_rule(text: str, *, line: int = 1) -> Rule:
    """The rule that `text` says.

    Args:
        line: the line of the file on which `text` begins, for messages.
    Raises:
        FormatError: `policy.malformed`, naming line and what is wrong.
    """
    if len(text) > _MAX_TEXT:
        _refuse(line, f"a rule has at most {_MAX_TEXT} characters")
    return _Reader(_tokens(text, line)).whole()


def _tokens(text: str, line: int) -> list[_Token]:
    tokens, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            _refuse(line, f"{text[at]!r} cannot stand here")
        kind = match.lastgroup or ""
        if kind != "space":
            tokens.append(_Token(kind, match.group(), line))
        line += match.group().count("\n")
        at = match.end()
    return [*tokens, _Token("end", "", line)]


class _Reader:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._leaves = 0
        self._looked_at = 0

    def whole(self) -> Rule:
        rule = self._rule(1)
        if self._next.kind != "end":
            self._fail(f"'and', 'or' or the end is due, not {self._next.text!r}")
        return rule

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _fail(self, what: str) -> NoReturn:
        _refuse(self._next.line, what)

    def _take(self) -> _Token:
        token = self._next
        self._at += token.kind != "end"
        return token

    def _if(self, text: str) -> bool:
        if self._next.text != text or self._next.kind == "text":
            return False
        self._take()
        return True

    def _due(self, text: str) -> None:
        if not self._if(text):
            self._fail(f"{text!r} is due, not {self._next.text!r}")

    def _rule(self, depth: int) -> Rule:
        if depth > _MAX_DEPTH:
            self._fail(f"at most {_MAX_DEPTH} levels of brackets")
        parts = [self._and_rule(depth)]
        while self._if("or"):
            parts.append(self._and_rule(depth))
        return parts[0] if len(parts) == 1 else Combined(1, tuple(parts))

    def _and_rule(self, depth: int) -> Rule:
        parts = [self._unit(depth)]
        while self._if("and"):
            parts.append(self._unit(depth))
        return parts[0] if len(parts) == 1 else Combined(len(parts), tuple(parts))

    def _unit(self, depth: int) -> Rule:
        if self._if("("):
            rule = self._rule(depth + 1)
            self._due(")")
            return rule
        if self._next.kind == "number":
            count = self._of()
            parts = [self._rule(depth + 1)]
            while self._if(","):
                parts.append(self._rule(depth + 1))
            self._due(")")
            return Combined(self._at_least(count, len(parts)), tuple(parts))
        return self._leaf()

    def _of(self) -> int:
        count = int(self._take().text)
        self._due("of")
        self._due("(")
        return count

    def _at_least(self, count: int, size: int) -> int:
        if not 1 <= count <= size:
            _refuse(self._tokens[self._at - 1].line, f"{count} of {size}")
        return count

    def _leaf(self) -> Leaf:
        name = self._take()
        if name.text not in _OPTIONS:
            _refuse(name.line, f"{', '.join(_OPTIONS)} or '(' is due, not {name.text!r}")
        self._leaves += 1
        if self._leaves > _MAX_LEAVES:
            self._fail(f"at most {_MAX_LEAVES} primitives")
        self._due("(")
        kinds = self._kinds()
        options = _Options(name.text, name.line, self._options(_OPTIONS[name.text]))
        self._due(")")
        leaf = _LEAVES[name.text](kinds, options)
        self._looked_at += _months_looked_at(leaf)
        if self._looked_at > _MAX_LOOKED_AT:
            _refuse(
                name.line,
                f"more than {_MAX_LOOKED_AT} months are looked at, each counted for each of its kinds",
            )
        return leaf

    def _kinds(self) -> KindSet:
        if self._next.kind == "number":
            count: int | None = self._of()
        elif self._next.text in ("any", "all"):
            count = 1 if self._take().text == "any" else None
            self._due("(")
        else:
            return KindSet((self._kind(),), 1)
        kinds = [self._kind()]
        while self._if(","):
            kinds.append(self._kind())
        self._due(")")
        if len(set(kinds)) != len(kinds):
            self._fail("a kind is named twice")
        return KindSet(tuple(kinds), self._at_least(len(kinds) if count is None else count, len(kinds)))

    def _kind(self) -> str:
        token = self._take()
        if token.text not in KIND_BY_ID:
            _refuse(token.line, f"no kind is called {token.text!r}; kinds are {', '.join(KIND_BY_ID)}")
        return token.text

    def _options(self, allowed: frozenset[str]) -> dict[str, _Value]:
        found: dict[str, _Value] = {}
        while self._if(","):
            name = self._take()
            if name.text not in allowed:
                _refuse(
                    name.line, f"no such option here: {name.text!r}; there are {', '.join(sorted(allowed))}"
                )
            if name.text in found:
                _refuse(name.line, f"{name.text} stands twice")
            self._due("=")
            found[name.text] = self._value()
        return found

    def _value(self) -> _Value:
        if self._if("["):
            texts = [self._text()]
            while self._if(","):
                texts.append(self._text())
            self._due("]")
            return tuple(texts)
        token = self._take()
        match token.kind:
            case "number":
                return int(token.text)
            case "day":
                return _day(token)
            case "month":
                return End(month_index(_month(token)))
            case "text":
                return (token.text[1:-1],)
            case "word":
                return token.text
        _refuse(token.line, f"a value is due, not {token.text!r}")

    def _text(self) -> str:
        token = self._take()
        if token.kind != "text":
            _refuse(token.line, f"a text in quotes is due, not {token.text!r}")
        return token.text[1:-1]


@dataclass(frozen=True, slots=True)
class _Options:
    """The options of one primitive, taken with their type and range."""

    primitive: str
    line: int
    found: Mapping[str, _Value]

    def months(self, name: str = "months", default: int | None = None, *, low: int = 1) -> int:
        """A number of months."""
        value = self.found.get(name, default)
        if value is None:
            _refuse(self.line, f"{self.primitive} needs {name}")
        if not isinstance(value, int) or not low <= value <= _MAX_MONTHS:
            _refuse(self.line, f"{name} is a number of months, {low} to {_MAX_MONTHS}")
        return value

    def optional_months(self, name: str) -> int | None:
        return self.months(name, low=0) if name in self.found else None

    def number(self, name: str, low: int, high: int) -> int:
        value = self.found.get(name)
        if not isinstance(value, int) or not low <= value <= high:
            _refuse(self.line, f"{self.primitive} needs {name}, {low} to {high}")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.found.get(name, "yes" if default else "no")
        if value not in ("yes", "no"):
            _refuse(self.line, f"{name} is yes or no")
        return value == "yes"

    def end(self) -> End:
        fixed = self.found.get("end")
        if fixed is None:
            return End(lag=self.months("lag", 1, low=0))
        if not isinstance(fixed, End):
            _refuse(self.line, "end is a month YYYY-MM")
        if "lag" in self.found:
            _refuse(self.line, "a fixed end has no lag")
        return fixed

    def counting(self) -> Counting:
        posted_by = self.found.get("posted_by")
        if posted_by is not None and not isinstance(posted_by, date):
            _refuse(self.line, "posted_by is a day YYYY-MM-DD")
        return Counting(
            back=self._back(),
            otherwise=self.flag("otherwise", default=False),
            posted_by=posted_by,
            flexible=self.flag("flexible", default=True),
        )

    def _back(self) -> int:
        value = self.found.get("back", "exclude")
        if value in ("exclude", "include"):
            return 0 if value == "exclude" else ALL_BACK
        if not isinstance(value, int) or not 1 <= value <= _MAX_MONTHS:
            _refuse(self.line, "back is exclude, include, or how many months at most")
        return value

    def usccs(self) -> tuple[str, ...]:
        value = self.found.get("uscc")
        if not isinstance(value, tuple) or not 1 <= len(value) <= 64:
            _refuse(self.line, 'EMPLOYER needs uscc = "…" or a list of them')
        if not all(re.fullmatch(r"[0-9A-HJ-NP-RTUWXY]{18}", code) for code in value):
            _refuse(self.line, "a credit code has 18 digits and capitals")
        return value


def _months_looked_at(leaf: Leaf) -> int:
    match leaf:
        case Run() | Employer():
            return leaf.months * len(leaf.kinds.kinds)
        case Count():
            return max(leaf.window, leaf.gap_window) * len(leaf.kinds.kinds)
    return 0


def _run(kinds: KindSet, options: _Options) -> Run:
    return Run(kinds, options.months(), options.end(), options.counting())


def _count(kinds: KindSet, options: _Options) -> Count:
    months, window = options.months(), options.months("window")
    gaps = options.optional_months("max_gap_total"), options.optional_months("max_gap_single")
    if months > window:
        _refuse(options.line, f"{months} months do not fit into {window}")
    if gaps == (None, None) and "gap_window" in options.found:
        _refuse(options.line, "gap_window without a limit of gaps")
    counting = options.counting()
    if counting.back > 0 and gaps != (None, None):
        # Which of the back-paid months should fill the gaps? A rule that leaves it open has no one answer.
        _refuse(options.line, "with a limit of gaps, back is exclude or include")
    gap_window = options.months("gap_window", window)
    return Count(kinds, months, window, options.end(), counting, gap_window, *gaps)


def _total(kinds: KindSet, options: _Options) -> Total:
    return Total(
        kinds, options.months(), options.flag("deemed", default=False), options.flag("moved", default=False)
    )


def _employer(kinds: KindSet, options: _Options) -> Employer:
    return Employer(kinds, options.months(), options.usccs(), options.end(), options.counting())


def _status(kinds: KindSet, options: _Options) -> Status:
    return Status(kinds, options.number("value", 1, 3))


def _base(kinds: KindSet, options: _Options) -> BaseAverage:
    return BaseAverage(kinds, options.number("average", 1, _MAX_FEN))


_LEAVES: Final[Mapping[str, Callable[[KindSet, _Options], Leaf]]] = {
    "RUN": _run,
    "COUNT": _count,
    "TOTAL": _total,
    "EMPLOYER": _employer,
    "STATUS": _status,
    "BASE": _base,
}


def _day(token: _Token) -> date:
    try:
        return date.fromisoformat(token.text)
    except ValueError:
        _refuse(token.line, f"{token.text} is no day")


def _month(token: _Token) -> int:
    month = int(token.text[:4]) * 100 + int(token.text[5:])
    if not (1900 <= month // 100 <= 2999 and 1 <= month % 100 <= 12):
        _refuse(token.line, f"{token.text} is no month")
    return month


def _refuse(line: int, what: str) -> NoReturn:
    raise FormatError(
        Reason.POLICY_MALFORMED, f"line {line}: {what}", hint="correct the line and load it again"
    )
