"""Words for people, zh and en."""

from __future__ import annotations

from typing import Any, Literal

from certificate.slots import Claim
from ledger.reasons import Reason

Language = Literal["zh", "en"]


def claim_name(claim: Claim, language: Language, cut_off: int | None = None) -> str:
    return claim.name


def type_name(type_: Any, language: Language) -> str:
    return str(type_)


def format_value(claim: Claim, value: Any, language: Language) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def reason_text(reason: Reason, language: Language) -> str:
    return reason.value
