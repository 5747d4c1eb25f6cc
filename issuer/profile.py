"""A bureau's profile: how its local codes read, and its few rules of its own (DOMAIN sections 2 and 4).

The profile is a TOML file, `issuer/profiles/example-city.toml` is the example. Its `id` stands in every certificate.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from certificate.kinds import KIND_BY_ID, Kind
from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = ["Charge", "Profile", "load_profile", "parse_profile"]

_T = TypeVar("_T")
_MAX_BYTES: Final = 64 * 1024
_REQUIRED: Final = {
    "id",
    "name",
    "test",
    "late_grace",
    "utc_offset_hours",
    "validity_days",
    "kinds",
    "charges",
}
_OPTIONAL: Final = {"characters", "minted_answers"}
_MAX_ANSWERS: Final = 32  # so many slots a certificate has for them


class Charge(StrEnum):
    """What a charge code means for a month: back-paid by its code, or judged by when it was settled."""

    NORMAL = "normal"
    BACK = "back"
    DEFERRED = "deferred"


@dataclass(frozen=True, slots=True)
class Profile:
    """How one bureau's export reads.

    Attributes:
        id: number of the profile in certificates.
        test: synthetic records; region 99 is accepted only here.
        late_grace: months a settlement may follow its period and still be on time.
        utc_offset_hours: the bureau's zone.
        validity_days: how long its certificates are valid.
        kinds: local kind code to branch.
        charges: local charge code to its meaning.
        characters: private-use character of the bureau's font to the text it stands for.
        minted_answers: ids of the policies whose answers are minted into certificates; the order gives the slots.
    """

    id: int
    name: str
    test: bool
    late_grace: int
    utc_offset_hours: int
    validity_days: int
    kinds: Mapping[str, Kind]
    charges: Mapping[str, Charge]
    characters: Mapping[str, str] = field(default_factory=dict)
    minted_answers: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[object, ...]:
        """Read-only views do not travel to other processes, what they show does."""
        values = (getattr(self, name.name) for name in fields(self))
        return Profile, tuple(dict(value) if isinstance(value, Mapping) else value for value in values)


def load_profile(path: Path) -> Profile:
    """Read a profile file.

    Raises:
        ConfigError: `records.schema` when the file is missing, is no TOML or lacks a setting.
    """
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise _malformed(f"{path.name} cannot be read") from exc
    return parse_profile(data)


def parse_profile(data: bytes) -> Profile:
    """The profile in the TOML text `data`, at most 64 KiB. Raises ConfigError `records.schema`."""
    if len(data) > _MAX_BYTES:
        raise _malformed(f"{len(data)} bytes, at most {_MAX_BYTES}")
    try:
        raw = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise _malformed("not TOML in UTF-8") from exc
    if not _REQUIRED <= raw.keys() <= _REQUIRED | _OPTIONAL:
        wrong = sorted((_REQUIRED - raw.keys()) | (raw.keys() - _REQUIRED - _OPTIONAL))
        raise _malformed(f"missing or unknown settings: {', '.join(wrong)}")
    return Profile(
        id=_integer(raw, "id", 1, 2**31 - 1),
        name=_name(raw["name"]),
        test=_boolean(raw, "test"),
        late_grace=_integer(raw, "late_grace", 0, 24),
        utc_offset_hours=_integer(raw, "utc_offset_hours", -12, 14),
        validity_days=_integer(raw, "validity_days", 1, 3660),
        kinds=_codes(raw, "kinds", 3, KIND_BY_ID),
        charges=_codes(raw, "charges", 2, {charge.value: charge for charge in Charge}),
        characters=_characters(raw.get("characters", {})),
        minted_answers=_names(raw, "minted_answers", _MAX_ANSWERS),
    )


def _codes(raw: Mapping[str, Any], table: str, size: int, meanings: Mapping[str, _T]) -> Mapping[str, _T]:
    codes = raw[table]
    if not isinstance(codes, dict) or not codes:
        raise _malformed(f"[{table}] is a table of codes")
    for code, meaning in codes.items():
        if re.fullmatch(rf"[0-9A-Za-z]{{1,{size}}}", code) is None:
            raise _malformed(f"[{table}] has a code that is not 1 to {size} letters and digits")
        if not isinstance(meaning, str) or meaning not in meanings:
            raise _malformed(f"[{table}] {code}: use one of {', '.join(sorted(meanings))}")
    return MappingProxyType({code: meanings[meaning] for code, meaning in codes.items()})


def _characters(raw: object) -> Mapping[str, str]:
    if not isinstance(raw, dict):
        raise _malformed("[characters] is a table")
    mapped: dict[str, str] = {}
    for code_point, text in raw.items():
        if re.fullmatch(r"E[0-9A-F]{3}|F[0-8][0-9A-F]{2}|(?:F|10)[0-9A-F]{4}", code_point) is None:
            raise _malformed("[characters] maps private-use code points in hex, such as E000")
        if not isinstance(text, str) or not 1 <= len(text) <= 4:
            raise _malformed(f"[characters] {code_point} stands for one to four characters")
        mapped[chr(int(code_point, 16))] = text
    return MappingProxyType(mapped)


def _names(raw: Mapping[str, Any], key: str, most: int) -> tuple[str, ...]:
    names = raw.get(key, [])
    if not isinstance(names, list) or len(names) > most or not all(type(name) is str for name in names):
        raise _malformed(f"{key} is a list of at most {most} texts")
    if len(set(names)) < len(names):
        raise _malformed(f"{key} names one twice")
    return tuple(names)


def _integer(raw: Mapping[str, Any], key: str, low: int, high: int) -> int:
    value = raw[key]
    if type(value) is not int or not low <= value <= high:
        raise _malformed(f"{key} is an integer in {low}...{high}")
    return value


def _boolean(raw: Mapping[str, Any], key: str) -> bool:
    value = raw[key]
    if type(value) is not bool:
        raise _malformed(f"{key} is true or false")
    return value


def _name(value: object) -> str:
    if not isinstance(value, str) or re.fullmatch(r"[a-z0-9-]{1,40}", value) is None:
        raise _malformed("name is 1 to 40 of a-z, 0-9 and -")
    return value


def _malformed(detail: str) -> ConfigError:
    hint = "compare the profile with issuer/profiles/example-city.toml"
    return ConfigError(Reason.RECORDS_SCHEMA, f"profile: {detail}", hint=hint)
