"""What a verifier expects to see. There is no default and no mode without checks."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from certificate.policy.language import Policy
from ledger.proof import FullProof

__all__ = ["STATIC", "Archive", "Asked", "Expectation", "Filed", "Static", "Subject", "same_text"]

_DOTS = str.maketrans(dict.fromkeys("\u2022\u2027\u22c5\u30fb\uff65", "\u00b7"))


@dataclass(frozen=True, slots=True)
class Subject:
    """The person that was asked, as far as the organisation itself knows: kept on its side, sent to nobody.

    `id_tail` are the last four characters of the ID number.
    """

    name: str | None = None
    id_tail: str | None = None

    def claims(self) -> dict[str, str]:
        """What is known, by the name of the claim that must agree."""
        known = {"name": self.name, "id_tail": self.id_tail}
        return {claim: value for claim, value in known.items() if value is not None}


def same_text(left: str, right: str) -> bool:
    """Whether two spellings are of one name or number: spaces, letter case and the kind of middle dot do not count."""
    return _plain(left) == _plain(right)


def _plain(text: str) -> str:
    joined = "".join(unicodedata.normalize("NFC", text).split())
    return joined.translate(_DOTS).casefold()


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer to this request: the bytes of the request the verifier asked, and whom it asked if it knows that."""

    request: bytes
    subject: Subject | None = None


@dataclass(frozen=True, slots=True)
class Static:
    """A paper copy: authentic at most, and to be compared with an identity document."""


STATIC = Static()


@dataclass(frozen=True, slots=True)
class Filed:
    """What was filed beside an answer, so that it can be judged again (`verifier.filing`).

    Args:
        proofs: the completed ledger proofs, by log and index.
        status_tokens: the status lists that were read, by authority and number.
        policies: those that were asked, by id.
    """

    proofs: Mapping[tuple[int, int], FullProof] = field(default_factory=dict)
    status_tokens: Mapping[tuple[int, int], bytes] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Archive:
    """An answer that was filed: its dates, status and policies are judged as of its day, by what was filed; keys,
    directory and log by what the trust bundle knows today, so that what was found out since counts.

    Args:
        shown: what was expected then.
        time: POSIX seconds of the verification.
    """

    shown: Asked | Static
    time: int
    filed: Filed


Expectation = Asked | Static | Archive
