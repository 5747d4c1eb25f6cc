"""Key events: who got a key, whose key ended where, which entries are disowned (DESIGN 3.3), signed and logged.

    protected {1: -19, 4: kid of who says so, 16: typ}
    payload   [1, kind, authority, log, time, operators, fields]

    kind 1 delegation  [office, code, zh, en, parent, region_prefix, types, public_key, from, to]
    kind 2 end         [public_key, to]                  no certificate at `to` or later
    kind 3 void        [public_key, void_from]           stolen: nothing at `void_from` or later counts
    kind 4 disown      [from, to]                        entries of the authority disowned, whoever signed them
    kind 5 standing    [office, state]                   state 1 suspended, 2 removed

`time` is POSIX seconds, `operators` the names of the one or two people who decided. A delegation, an end and a void are
said by an office above, a disowning, and what no office above can say, by the authority's registrar. Their digests are
logged as type 5 before they count. Verifiers read only the flattened directory, into which `apply_events` writes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from certificate.cose import Sign1, parse_sign1, sign_object
from certificate.directory import Office
from certificate.keys import CoseSigner, check_key
from certificate.numbers import CertificateType, Typ
from certificate.schema import take_array, take_bytes, take_int, take_optional_int, take_text, take_version
from ledger.entry import EntryType, encode_entry
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = [
    "Delegation",
    "Disowning",
    "End",
    "EventKind",
    "KeyEvent",
    "Standing",
    "State",
    "UnverifiedKeyEvent",
    "Void",
    "parse_key_event",
    "sign_key_event",
]

_MAX_INDEX = 2**62
_MAX_SECONDS = 2**40
_MAX_NUMBER = 65535


class EventKind(IntEnum):
    """What a key event says."""

    DELEGATION = 1
    END = 2
    VOID = 3
    DISOWNING = 4
    STANDING = 5


class State(IntEnum):
    """How an office stands; it can be delegated a key again when suspended, never when removed."""

    SUSPENDED = 1
    REMOVED = 2


@dataclass(frozen=True, slots=True)
class Delegation:
    """A key for an office, good at [from_index, to_index) of the log; the office is new or the one already listed."""

    office: Office
    public_key: bytes
    from_index: int
    to_index: int | None = None

    def encode(self) -> list[object]:
        o = self.office
        return [
            *(o.number, o.code, o.name_zh, o.name_en, o.parent, o.region_prefix, [int(t) for t in o.types]),
            *(self.public_key, self.from_index, self.to_index),
        ]


@dataclass(frozen=True, slots=True)
class End:
    """The range of a key ends before `to_index`."""

    public_key: bytes
    to_index: int

    def encode(self) -> list[object]:
        return [self.public_key, self.to_index]


@dataclass(frozen=True, slots=True)
class Void:
    """A key was stolen: what stands at `void_from` or later does not count."""

    public_key: bytes
    void_from: int

    def encode(self) -> list[object]:
        return [self.public_key, self.void_from]


@dataclass(frozen=True, slots=True)
class Disowning:
    """Positions [from_index, to_index) are not the authority's, whoever signed them."""

    from_index: int
    to_index: int

    def encode(self) -> list[object]:
        return [self.from_index, self.to_index]


@dataclass(frozen=True, slots=True)
class Standing:
    """An office was suspended or removed; its keys end by events of their own."""

    office: int
    state: State

    def encode(self) -> list[object]:
        return [self.office, int(self.state)]


_Said = Delegation | End | Void | Disowning | Standing
_KINDS: dict[type[object], EventKind] = {
    Delegation: EventKind.DELEGATION,
    End: EventKind.END,
    Void: EventKind.VOID,
    Disowning: EventKind.DISOWNING,
    Standing: EventKind.STANDING,
}


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """One event of an authority about keys that sign into one log."""

    authority: int
    log: int
    time: int
    operators: tuple[str, ...]
    said: _Said

    @property
    def kind(self) -> EventKind:
        return _KINDS[type(self.said)]

    def encode(self) -> list[object]:
        operators = list(self.operators)
        return [1, int(self.kind), self.authority, self.log, self.time, operators, self.said.encode()]


@dataclass(frozen=True, slots=True)
class UnverifiedKeyEvent:
    """A parsed event of which nothing was checked but its form."""

    sign1: Sign1
    event: KeyEvent

    def entry(self) -> bytes:
        """What is logged of it."""
        return encode_entry(EntryType.KEY_EVENT, self.event.authority, self.sign1.digest())


def sign_key_event(signer: CoseSigner, event: KeyEvent) -> bytes:
    """The tagged bytes. Raises FormatError for an event that the format refuses."""
    data = sign_object(signer, Typ.KEY_EVENT, event.encode())
    parse_key_event(data)
    return data


def parse_key_event(data: bytes) -> UnverifiedKeyEvent:
    """Parse the tagged bytes of a key event.

    Raises:
        FormatError: as all parsers; `enc.number_range` (an empty range), `key.weak`, `key.malformed`.
    """
    sign1 = parse_sign1(data, Typ.KEY_EVENT)
    if isinstance(sign1.payload, tuple) and sign1.payload:
        take_version(sign1.payload[0])
    _, kind, authority, log, time, operators, fields = take_array(sign1.payload, 7)
    number = take_int(authority, 1, _MAX_NUMBER)
    event = KeyEvent(
        authority=number,
        log=take_int(log, 1, _MAX_NUMBER),
        time=take_int(time, 0, _MAX_SECONDS),
        operators=tuple(take_text(name, at_most=64) for name in take_array(operators, at_most=2)),
        said=_said(EventKind(take_int(kind, 1, len(EventKind))), number, fields),
    )
    if not event.operators:
        raise FormatError(Reason.SCHEMA_FIELD_MISSING, "somebody decided it")
    return UnverifiedKeyEvent(sign1, event)


def _said(kind: EventKind, authority: int, fields: object) -> _Said:
    match kind:
        case EventKind.DELEGATION:
            return _delegation(authority, fields)
        case EventKind.END:
            key, end = take_array(fields, 2)
            return End(check_key(take_bytes(key, 32)), take_int(end, 0, _MAX_INDEX))
        case EventKind.VOID:
            key, start = take_array(fields, 2)
            return Void(check_key(take_bytes(key, 32)), take_int(start, 0, _MAX_INDEX))
        case EventKind.DISOWNING:
            first, end = take_array(fields, 2)
            start = take_int(first, 0, _MAX_INDEX)
            return Disowning(start, take_int(end, start + 1, _MAX_INDEX))
        case EventKind.STANDING:
            office, state = take_array(fields, 2)
            return Standing(take_int(office, 1, _MAX_NUMBER), State(take_int(state, 1, len(State))))


def _delegation(authority: int, fields: object) -> Delegation:
    number, code, zh, en, parent, prefix, types, key, start, end = take_array(fields, 10)
    first = take_int(start, 0, _MAX_INDEX)
    office = Office(
        authority=authority,
        number=take_int(number, 1, _MAX_NUMBER),
        code=take_text(code, at_most=16),
        name_zh=take_text(zh),
        name_en=take_text(en),
        parent=take_optional_int(parent, 1, _MAX_NUMBER),
        region_prefix=take_text(prefix, at_most=12),
        types=tuple(CertificateType(take_int(t, 1, 4)) for t in take_array(types, at_most=8)),
    )
    return Delegation(
        office, check_key(take_bytes(key, 32)), first, take_optional_int(end, first + 1, _MAX_INDEX)
    )
