"""The ledger's entries under this bureau's authority, compared with its own register.

A certificate entry that the register does not know was made by somebody who could append here: with a stolen office
key, or the log's operator, or whoever holds the append credential. An entry is a digest and does not tell which; where
no office key counts at its position, no certificate can ever stand on it, and only planting is left (ATTACKS A39b).
Entries of other types have no register: they are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from certificate.directory import Directory, KeyRole
from issuer.bureau_ledger import LogEntries
from issuer.register import Register
from ledger.entry import EntryType, parse_entry

__all__ = ["Audit", "Possible", "Unknown", "audit_ledger"]

_AT_ONCE = 500


class Possible(StrEnum):
    """Who can have made an entry that the register does not know."""

    STOLEN_KEY_OR_PLANTED = "a stolen office key, or planted by whoever can append"
    DISOWNED = "disowned by this bureau: no certificate can stand on it"
    PLANTED = "planted by whoever can append: no office key counts at this position"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A certificate entry that this bureau did not make."""

    index: int
    digest: bytes
    possible: Possible


@dataclass(frozen=True, slots=True)
class Audit:
    """What was compared.

    Args:
        matched: certificate entries that stand where the register says.
        unknown: those that it does not know.
        misplaced: indices of certificate entries that the register has at another index.
        unmarked: indices of certificate entries that the register holds as not logged yet; the next mint marks them.
        missing: indices at which the register has a certificate and the ledger has not.
        others: entries under this authority of each other type.
        foreign: entries under other authorities.
    """

    size: int
    matched: int
    unknown: tuple[Unknown, ...]
    misplaced: tuple[int, ...]
    unmarked: tuple[int, ...]
    missing: tuple[int, ...]
    others: dict[EntryType, int]
    foreign: int

    @property
    def in_order(self) -> bool:
        """Whether nothing is left to do: what was disowned is dealt with."""
        open_ = [one for one in self.unknown if one.possible is not Possible.DISOWNED]
        return not (open_ or self.misplaced or self.missing)


def audit_ledger(
    store: LogEntries, register: Register, *, authority: int, log: int, directory: Directory
) -> Audit:
    """Compare every entry. One pass over the ledger and one over the register, 500 at a time.

    Raises:
        IntegrityError: `store.…`.
    """
    size = store.size()
    matched: set[int] = set()
    unknown: list[Unknown] = []
    misplaced: list[int] = []
    unmarked: list[int] = []
    others: Counter[EntryType] = Counter()
    foreign = 0
    for start in range(0, size, _AT_ONCE):
        found: list[tuple[int, bytes]] = []
        for row in store.entries(start, min(start + _AT_ONCE, size)):
            entry = parse_entry(row.entry)
            if entry.authority != authority:
                foreign += 1
            elif entry.entry_type == EntryType.CERTIFICATE:
                found.append((row.index, entry.digest))
            else:
                others[entry.entry_type] += 1
        places = register.places([digest for _, digest in found])
        for index, digest in found:
            if digest not in places:
                unknown.append(Unknown(index, digest, _possible(index, directory, authority, log)))
            elif places[digest] is None:
                unmarked.append(index)
            elif places[digest] != index:
                misplaced.append(index)
            else:
                matched.add(index)
    logged = (index for _, batch in register.logged_batches() for index, _ in batch)
    missing = tuple(index for index in logged if index not in matched)
    return Audit(
        size, len(matched), tuple(unknown), tuple(misplaced), tuple(unmarked), missing, dict(others), foreign
    )


def _possible(index: int, directory: Directory, authority: int, log: int) -> Possible:
    if directory.is_void(authority=authority, log=log, index=index):
        return Possible.DISOWNED
    keys: Sequence[tuple[int, int | None, int | None]] = [
        (key.from_index, key.to_index, key.void_from)
        for key in directory.keys
        if key.role is KeyRole.CERTIFICATE and key.authority == authority and key.log == log
    ]
    for first, end, void in keys:
        limit = min((bound for bound in (end, void) if bound is not None), default=index + 1)
        if first <= index < limit:
            return Possible.STOLEN_KEY_OR_PLANTED
    return Possible.PLANTED
