"""Small checks that every parser of our arrays shares: arity, type and range, each with its own reason."""

from __future__ import annotations

from typing import Any

from certificate.display_text import check_display_text
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["take_array", "take_bytes", "take_int", "take_optional_int", "take_text", "take_version"]


def take_array(value: object, arity: int | None = None, *, at_most: int = 4096) -> tuple[Any, ...]:
    """`value` as a tuple of `arity` items, or of `at_most` items where the arity is free.

    Raises:
        FormatError: `schema.field_type`, `schema.field_missing` (too short), `schema.field_unknown` (too long).
    """
    if type(value) is not tuple:
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "an array is due")
    if arity is not None and len(value) < arity:
        raise FormatError(Reason.SCHEMA_FIELD_MISSING, f"{len(value)} fields where {arity} are due")
    if len(value) > (at_most if arity is None else arity):
        raise FormatError(Reason.SCHEMA_FIELD_UNKNOWN, f"{len(value)} fields, more than the format has")
    return value


def take_int(value: object, low: int, high: int) -> int:
    """`value` as an integer in low...high. Raises FormatError `schema.field_type` or `enc.number_range`."""
    if type(value) is not int:
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "an integer is due")
    if not low <= value <= high:
        raise FormatError(Reason.ENC_NUMBER_RANGE, f"an integer outside {low}...{high}")
    return value


def take_optional_int(value: object, low: int, high: int) -> int | None:
    """As `take_int`, or null."""
    return None if value is None else take_int(value, low, high)


def take_bytes(value: object, *sizes: int) -> bytes:
    """`value` as a byte string of one of `sizes`. Raises FormatError `schema.field_type`."""
    if type(value) is not bytes or (sizes and len(value) not in sizes):
        raise FormatError(
            Reason.SCHEMA_FIELD_TYPE, f"a byte string of {' or '.join(map(str, sizes)) or 'any'} bytes is due"
        )
    return value


def take_text(value: object, *, at_most: int = 128) -> str:
    """`value` as a text that may be shown to people. Raises FormatError `schema.field_type` or `schema.text_…`."""
    if type(value) is not str:
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "a text is due")
    check_display_text(value, max_code_points=at_most)
    return value


def take_version(value: object, supported: int = 1) -> None:
    """Raise FormatError `enc.version_unsupported` unless `value` is the one version this code speaks."""
    if take_int(value, 0, 2**31) != supported:
        raise FormatError(Reason.ENC_VERSION_UNSUPPORTED, f"version {value}", hint="update the program")
