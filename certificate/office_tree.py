"""How key events change the directory: who may say them, what a delegation may not exceed. Pure.

What ended stays ended: an index range only ever shrinks, and nothing that is void counts again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from certificate.directory import Directory, DirectoryKey, KeyRole, VoidRange, check_position
from certificate.key_event import Delegation, Disowning, End, Standing, UnverifiedKeyEvent, Void
from certificate.keys import key_id, verify_signature
from certificate.offices import Office, check_offices, offices_above
from ledger.errors import FormatError, VerificationError
from ledger.reasons import Reason

__all__ = ["apply_events"]


def apply_events(directory: Directory, events: Iterable[tuple[UnverifiedKeyEvent, int]]) -> Directory:
    """The directory after `events`, each with the index it is logged at; one that was applied before changes nothing.

    Raises:
        VerificationError: `trust.issuer_not_authorised` (more than the office above has, or said by somebody who may
            not), `sig.invalid`, `key.out_of_range` and the like (the key that says it was not good there),
            `key.revoked` (a range would grow again).
        FormatError: `key.kid_ambiguous`, `schema.field_unknown` (no such key or office).
    """
    draft = _Draft(directory)
    for statement, index in events:
        draft.apply(statement, index)
    return draft.finished()


_LIST_KEYS = (KeyRole.STATUS, KeyRole.STATUS_MLDSA)


class _Draft:
    """A directory being changed: a thousand delegations at once would otherwise be a thousand directories."""

    def __init__(self, directory: Directory) -> None:
        self._before = directory
        self._offices = {(office.authority, office.number): office for office in directory.offices}
        self._code_of = {(office.authority, office.code): office.number for office in directory.offices}
        self._keys = {key.kid: key for key in directory.keys}
        self._voids = list(directory.voids)

    def finished(self) -> Directory:
        d, offices, keys = self._before, tuple(self._offices.values()), tuple(self._keys.values())
        voids = tuple(self._voids)
        if (offices, keys, voids) == (d.offices, d.keys, d.voids):
            return d
        return replace(d, version=d.version + 1, offices=offices, keys=keys, voids=voids)

    def apply(self, statement: UnverifiedKeyEvent, index: int) -> None:
        event = statement.event
        said = event.said
        match said:
            case Delegation():
                about: Office | None = said.office
            case End() | Void():
                key = self._key(said.public_key)
                about = self._offices[key.authority, key.office]
            case Standing():
                about = self._offices.get((event.authority, said.office))
                if about is None:
                    raise FormatError(Reason.SCHEMA_FIELD_UNKNOWN, f"no office {said.office}")
            case Disowning():
                about = None
        speaker = self._speaker(statement, about, index)
        match said:
            case Delegation():
                self._delegate(said, event.log, speaker, index)
            case End():
                self._put(self._key(said.public_key), to_index=said.to_index)
            case Void():
                self._put(self._key(said.public_key), void_from=said.void_from)
            case Disowning():
                void = VoidRange(event.authority, event.log, said.from_index, said.to_index)
                if void not in self._voids:
                    self._voids.append(void)

    def _speaker(self, statement: UnverifiedKeyEvent, about: Office | None, index: int) -> DirectoryKey:
        """Who said so: an office above with a key that is good at `index`; only where there is none, the registrar."""
        event = statement.event
        key = self._keys.get(statement.sign1.kid)
        if key is None or key.authority != event.authority or key.role in _LIST_KEYS:
            raise VerificationError(Reason.TRUST_ISSUER_NOT_AUTHORISED, "said by an unknown key")
        above = {office.number for office in self._above(about)} if about is not None else set()
        if key.role is KeyRole.CERTIFICATE:
            if key.office not in above:
                raise VerificationError(
                    Reason.TRUST_ISSUER_NOT_AUTHORISED, f"office {key.office} is not above it"
                )
            check_position(self._before, key, log=event.log, index=index)
        elif any(
            self._is_good(other, event.log, index) for other in self._keys.values() if other.office in above
        ):
            raise VerificationError(Reason.TRUST_ISSUER_NOT_AUTHORISED, "an office above can say so itself")
        sign1 = statement.sign1
        verify_signature(public_key=key.public_key, message=sign1.to_be_signed, signature=sign1.signature)
        return key

    def _is_good(self, key: DirectoryKey, log: int, index: int) -> bool:
        if key.role is not KeyRole.CERTIFICATE:
            return False
        try:
            check_position(self._before, key, log=log, index=index)
        except VerificationError:
            return False
        return True

    def _delegate(self, said: Delegation, log: int, speaker: DirectoryKey, index: int) -> None:
        office, place = said.office, (said.office.authority, said.office.number)
        if speaker.to_index is not None and (said.to_index is None or said.to_index > speaker.to_index):
            raise VerificationError(
                Reason.TRUST_ISSUER_NOT_AUTHORISED, f"beyond index {speaker.to_index} of the key above"
            )
        if self._offices.setdefault(place, office) != office:
            raise FormatError(
                Reason.SCHEMA_FIELD_UNKNOWN, f"office {office.number} is another one in the directory"
            )
        check_offices({place: office} | {(o.authority, o.number): o for o in self._above(office)})
        if self._code_of.setdefault((office.authority, office.code), office.number) != office.number:
            raise FormatError(Reason.SCHEMA_FIELD_UNKNOWN, "the same office code twice in one authority")
        made = DirectoryKey(
            KeyRole.CERTIFICATE,
            office.authority,
            office.number,
            said.public_key,
            log,
            max(said.from_index, index + 1),  # no delegation makes good what stands before it
            said.to_index,
        )
        known = self._keys.setdefault(made.kid, made)
        if (known.public_key, known.office) != (made.public_key, made.office):
            raise FormatError(Reason.KEY_KID_AMBIGUOUS, f"key {made.kid.hex()}")

    def _above(self, office: Office) -> list[Office]:
        return list(offices_above(self._offices, office))

    def _key(self, public_key: bytes) -> DirectoryKey:
        key = self._keys.get(key_id(public_key))
        if key is None or key.public_key != public_key or key.role is not KeyRole.CERTIFICATE:
            raise FormatError(Reason.SCHEMA_FIELD_UNKNOWN, "no such office key")
        return key

    def _put(self, key: DirectoryKey, **bound: int) -> None:
        ((name, index),) = bound.items()
        before: int | None = getattr(key, name)
        if before is not None and index > before:
            raise VerificationError(Reason.KEY_REVOKED, f"ended at index {before} already")
        self._keys[key.kid] = replace(key, **bound)  # type: ignore[arg-type]  # indices, both of them
