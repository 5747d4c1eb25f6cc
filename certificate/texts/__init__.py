"""Words for people, in Chinese and English: names of claims, branches and states, values, and a sentence per reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

from certificate.slots import Claim, ValueType
from certificate.texts import en, zh
from certificate.texts.reasons_en import REASONS_EN
from certificate.texts.reasons_zh import REASONS_ZH
from ledger.reasons import Reason

__all__ = [
    "LANGUAGES",
    "Language",
    "at_least_text",
    "claim_name",
    "format_value",
    "kind_name",
    "reason_text",
    "state_name",
    "type_name",
]

Language = Literal["zh", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")

_KINDS: Final = {"zh": zh.KINDS, "en": en.KINDS}
_TYPES: Final = {"zh": zh.TYPES, "en": en.TYPES}
_STATES: Final = {"zh": zh.STATES, "en": en.STATES}
_STATUSES: Final = {"zh": zh.STATUSES, "en": en.STATUSES}
_CLAIMS: Final = {"zh": zh.CLAIMS, "en": en.CLAIMS}
_REASONS: Final[Mapping[Language, Mapping[str, str]]] = {"zh": REASONS_ZH, "en": REASONS_EN}
# One mark a month: on time, back-paid, counted otherwise, none.
_MARKS: Final = {0: "·", 1: "●", 2: "◐", 3: "○"}


def reason_text(reason: Reason, language: Language) -> str:
    """What is wrong and what to do next, in one sentence."""
    return _REASONS[language][reason.value]


def kind_name(kind: str, language: Language) -> str:
    return _KINDS[language][kind]


def type_name(type_: int, language: Language) -> str:
    return _TYPES[language][int(type_)]


def state_name(state: int, language: Language) -> str:
    """The name of a month state, 0 to 3 (DOMAIN section 4)."""
    return _STATES[language][state]


def claim_name(claim: Claim, language: Language, cut_off: int | None = None) -> str:
    """The claim's name for people. A strip names its year when the certificate's `cut_off` (YYYYMM) is known."""
    name = _CLAIMS[language][claim.label_key]
    if not claim.kind:
        return name
    kind = kind_name(claim.kind, language)
    if claim.value_type is ValueType.STRIP:
        year = f"-{claim.years_back}" if cut_off is None else str(cut_off // 100 - claim.years_back)
        return f"{kind} {year}年{name}" if language == "zh" else f"{kind} {year}, {name}"
    return f"{kind}{name}" if language == "zh" else f"{kind}, {name}"


def format_value(claim: Claim, value: Any, language: Language) -> str:
    """A claim's value for people: yuan with two decimals, months as 2026-10, a strip as twelve marks."""
    formatter = _FORMATTERS.get(claim.value_type)
    return str(value) if formatter is None else formatter(value, language)


def at_least_text(months: int, language: Language) -> str:
    """What the opening of a threshold commitment says."""
    return f"至少 {months} 个月" if language == "zh" else f"at least {months} months"


def _month(value: int) -> str:
    return f"{value // 100}-{value % 100:02d}" if value % 100 else str(value // 100)


def _date(value: int) -> str:
    return f"{value // 10000}-{value // 100 % 100:02d}-{value % 100:02d}"


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d}"


def _money(fen: int, language: Language) -> str:
    return f"{_yuan(fen)} 元" if language == "zh" else f"CNY {_yuan(fen)}"


def _months(value: int, language: Language) -> str:
    return f"{value} 个月" if language == "zh" else f"{value} months"


def _strip(value: bytes, language: Language) -> str:
    """January to December, in groups of three."""
    bits = int.from_bytes(value)
    marks = [_MARKS[bits >> 2 * month & 3] for month in range(12)]
    return " ".join("".join(marks[at : at + 3]) for at in range(0, 12, 3))


def _employer(value: Sequence[Any], language: Language) -> str:
    uscc, name, since, months = value
    code = f" {uscc}" if uscc else ""
    if language == "zh":
        return f"{name}{code}，{_month(since)} 起，{months} 个月"
    return f"{name}{code}, since {_month(since)}, {months} months"


def _spell(value: Sequence[Any], language: Language) -> str:
    name, first, last, months = value
    comma = "，" if language == "zh" else ", "
    return comma.join((name, f"{_month(first)} – {_month(last)}", _months(months, language)))


def _balance(value: Sequence[int], language: Language) -> str:
    fen, as_of = value
    return f"{_money(fen, language)} ({_date(as_of)})"


def _proxy(value: Sequence[Any], language: Language) -> str:
    name, tail, until, _ = value
    return f"{name} ({tail}), {_date(until)}"


_COMMITTED: Final[Mapping[Language, str]] = {"zh": "未出示月数", "en": "no number of months is shown"}
_FORMATTERS: Final[Mapping[ValueType, Callable[[Any, Language], str]]] = {
    ValueType.MONTH: lambda value, _: _month(value),
    ValueType.DATE: lambda value, _: _date(value),
    ValueType.MONTHS: _months,
    ValueType.FEN: _money,
    ValueType.STRIP: _strip,
    ValueType.STATUS: lambda value, language: _STATUSES[language][value],
    ValueType.EMPLOYER: _employer,
    ValueType.SPELL: _spell,
    ValueType.BALANCE: _balance,
    ValueType.PROXY: _proxy,
    ValueType.COMMITMENT: lambda _, language: _COMMITTED[language],  # how many months, its opening says
    ValueType.ANSWER: lambda value, language: str(value[1]).lower(),
}
