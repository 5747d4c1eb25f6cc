"""What an import changed under certificates that are out: live ones whose months the newest records tell otherwise.

Compared are the states of DOMAIN section 4 of each month that a certificate's strips cover, as far as both snapshots
say the month is complete (`settled`): a month that was not posted yet is no change. In the order 1 > 3 > 2 > 0

- a month that became more makes the certificate *superseded*: it says too little, and is to be replaced;
- a month that became less makes it *wrong*: it says too much, and is to be revoked, whatever else became more.

Whose person is no longer in the records is *gone*, and whose snapshot is destroyed *unknown*: a person has to look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from certificate.certificate import parse_certificate
from certificate.kinds import KINDS
from certificate.numbers import CertificateType
from certificate.slots import STRIP_YEARS, ClaimValue, registry_of
from issuer.home import Home
from issuer.register import RegisterRow
from issuer.service import opened_register
from issuer.snapshot import Snapshot
from ledger.errors import ConfigError

__all__ = ["Change", "Changed", "Records", "compare_months", "find_changed"]

_DAY = 86400
_LONGEST = 400 * _DAY  # no certificate is good for longer; spares parsing those that are older
_RANK = (0, 3, 1, 2)  # of states 0 to 3
_REGISTRY = registry_of(CertificateType.CONTRIBUTION)
_NOTHING = bytes(3)
_STRIPS = {
    kind.number: [_REGISTRY.by_name[f"strip.{kind.id}.-{back}"].slot for back in range(STRIP_YEARS)]
    for kind in KINDS
}


class Change(StrEnum):
    """What the newest records make of a certificate."""

    SUPERSEDED = "superseded"
    WRONG = "wrong"
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Changed:
    """A live certificate that the newest records tell otherwise. `is_paper`: its holder fetches no newer one."""

    number: str
    change: Change
    is_paper: bool


@dataclass(frozen=True, slots=True)
class Records:
    """What one snapshot says of one person: claims by slot, cut-off (YYYYMM), settled month by kind number."""

    claims: Mapping[int, ClaimValue]
    cut_off: int
    settled: Mapping[int, int]


def find_changed(
    home: Home, *, now: int, progress: Callable[[int, int], None] | None = None
) -> Iterator[Changed]:
    """Every live certificate from an older snapshot that changed, in the order they were minted.

    Args:
        now: POSIX seconds.
    Raises:
        ConfigError: `home.not_found` before the first import.
        IntegrityError: `store.…`.
    """
    newest = home.snapshot()
    snapshots = _Snapshots(home)
    with opened_register(home) as register:
        total = register.count_live(newest.digest, since=now - _LONGEST)
        for done, row in enumerate(register.live_rows(newest.digest, since=now - _LONGEST), start=1):
            change = _change(row, snapshots.of(row.identity.snapshot), newest)
            if change is not None and parse_certificate(row.signed).body.expires >= now // _DAY:
                yield Changed(row.number, change, row.is_paper)
            if progress is not None and done % 1000 == 0:
                progress(done, total)


def compare_months(old: Records, new: Records) -> Change | None:
    """What `new` makes of a certificate over `old`, records of one person; None: nothing changed."""
    more = False
    later_years = new.cut_off // 100 - old.cut_off // 100
    for kind, slots in _STRIPS.items():
        complete = min(_complete(old.settled.get(kind, 0)), _complete(new.settled.get(kind, 0)))
        for back in range(len(slots) - later_years):  # a year further back has no slot any more
            before, after = (
                _strip(records.claims, slots[at]) for records, at in ((old, back), (new, back + later_years))
            )
            if before == after:
                continue
            first = (old.cut_off // 100 - back) * 100 + 1
            for month in range(12):
                was, is_ = (_RANK[int.from_bytes(strip) >> 2 * month & 3] for strip in (before, after))
                # A month that was paid may not disappear, complete or not; an empty one may only be late.
                if is_ < was:
                    return Change.WRONG
                more = more or (is_ > was and first + month <= complete)
    return Change.SUPERSEDED if more else None


def _strip(claims: Mapping[int, ClaimValue], slot: int) -> bytes:
    strip = claims.get(slot)
    return strip if isinstance(strip, bytes) else _NOTHING


def _complete(settled: int) -> int:
    """The newest complete month; a year alone (YYYY00) is complete to its end."""
    return settled if settled % 100 else settled + 12


def _change(row: RegisterRow, old: Snapshot | None, newest: Snapshot) -> Change | None:
    person_no = row.identity.person_no
    if person_no not in newest:
        return Change.GONE
    if old is None:
        return Change.UNKNOWN
    return compare_months(*(_records(snapshot, person_no) for snapshot in (old, newest)))


def _records(snapshot: Snapshot, person_no: str) -> Records:
    return Records(snapshot.claims(person_no).claims, snapshot.cut_off, snapshot.settled)


class _Snapshots:
    """The snapshots of a home by digest, each opened once; None for one that was destroyed."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._opened: dict[bytes, Snapshot | None] = {}

    def of(self, digest: bytes) -> Snapshot | None:
        if digest not in self._opened:
            try:
                self._opened[digest] = self._home.snapshot(digest)
            except ConfigError:
                self._opened[digest] = None
        return self._opened[digest]
