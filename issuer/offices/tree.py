"""The offices of this bureau: added with a key that the office above delegates, suspended, removed, listed.

An office that is suspended or removed signs nothing from then on; what it certified before stays valid, so it stays in
the directory, and its number is never given to another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from certificate.directory import Directory, KeyRole
from certificate.key_event import Delegation, End, KeyEvent, Standing, State, sign_key_event
from certificate.keys import CoseSigner, Ed25519CoseSigner
from certificate.numbers import CertificateType
from certificate.offices import Office, offices_above
from issuer.bureau_ledger import BureauLedger
from issuer.casework.operators import operator_signer
from issuer.home import Home
from issuer.office_key import is_good, keys_of_office
from issuer.offices.events import (
    changing,
    nobody_minting,
    office_of_code,
    offices_by_place,
    publish_events,
    resume_events,
    speaker_for,
)
from issuer.offices.kept import KeyEvents
from issuer.publish import load_directory
from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = ["ListedOffice", "NewOffice", "add_offices", "close_office", "list_offices"]

_SEED_SIZE = 32


@dataclass(frozen=True, slots=True)
class NewOffice:
    """An office to be added. `parent` is the code of the office above, listed or added before it in the same list.

    `types` None: those of the office above. `to_index` None: its key has no end yet.
    """

    code: str
    name_zh: str
    name_en: str
    parent: str | None
    region_prefix: str
    types: tuple[CertificateType, ...] | None = None
    to_index: int | None = None


@dataclass(frozen=True, slots=True)
class ListedOffice:
    """An office as it stands: level 1 (city) to 4 (village), and whether a key of it is good now."""

    office: Office
    level: int
    state: State | None
    has_key: bool
    keys: int


def add_offices(
    home: Home,
    ledger: BureauLedger,
    wanted: Sequence[NewOffice],
    *,
    operator: str,
    passphrase: bytes,
    now: int,
    random: Callable[[int], bytes],
) -> Directory:
    """Add offices, each with a key of its own that the office above delegates; all or none. Returns the directory.

    Args:
        passphrase: the operator's own.
        now: POSIX seconds.
        random: source of key seeds, `os.urandom` outside tests.
    Raises:
        VerificationError: `trust.issuer_not_authorised`: an office that exceeds the one above, or a fifth level.
        ConfigError: `cli.duplicate_id` (the code is taken), `cli.not_found` (no such office above), and as
            `issuer.casework.operators.operator_signer`.
    """
    operator_signer(home, operator, passphrase)  # they are who they say
    with changing(home):
        directory = resume_events(home, ledger, now=now)
        batch = _Batch(home, directory, size=ledger.size)
        for new in wanted:
            batch.add(new, Ed25519CoseSigner(seed := random(_SEED_SIZE)), seed, operator=operator, now=now)
        return publish_events(home, ledger, batch.statements, now=now, keys=batch.keys)


def close_office(
    home: Home,
    ledger: BureauLedger,
    code: str,
    *,
    state: State,
    operator: str,
    passphrase: bytes,
    now: int,
) -> Directory:
    """Suspend or remove an office: its keys end here. Returns the directory.

    Raises:
        ConfigError: `cli.not_found`, `cli.exists` (it is so already, or offices below it still have keys), and as
            `issuer.casework.operators.operator_signer`.
        ConflictError: `store.locked` while a long minting run is under way.
    """
    operator_signer(home, operator, passphrase)  # they are who they say
    settings = home.settings
    with changing(home), nobody_minting(home):
        directory = resume_events(home, ledger, now=now)
        office = office_of_code(home, directory, code)
        if KeyEvents(home).states().get(office.number) in (state, State.REMOVED):
            raise ConfigError(Reason.CLI_EXISTS, f"office {office.number} is {state.name.lower()} already")
        if state is State.REMOVED and _has_live_below(directory, office, ledger.size):
            hint = "remove the offices below it first"
            raise ConfigError(Reason.CLI_EXISTS, "offices below it still have keys", hint=hint)
        size = ledger.size
        signer = speaker_for(home, directory, office, size=size)
        said: list[End | Standing] = [
            End(key.public_key, size)
            for key in keys_of_office(home, directory, office.number)
            if is_good(directory, key, size=size)
        ]
        said.append(Standing(office.number, state))
        statements = [
            sign_key_event(signer, KeyEvent(settings.authority, settings.log, now, (operator,), one))
            for one in said
        ]
        return publish_events(home, ledger, statements, now=now)


def list_offices(home: Home, *, size: int) -> list[ListedOffice]:
    """This bureau's offices in the directory's order. `size` is the ledger's."""
    directory, states = load_directory(home), KeyEvents(home).states()
    offices = offices_by_place(directory)
    keys: dict[int, list[bool]] = {}
    for key in directory.keys:
        if key.role is KeyRole.CERTIFICATE and key.authority == home.settings.authority:
            keys.setdefault(key.office, []).append(is_good(directory, key, size=size))
    return [
        ListedOffice(
            office=office,
            level=1 + len(list(offices_above(offices, office))),
            state=states.get(office.number),
            has_key=any(keys.get(office.number, ())),
            keys=len(keys.get(office.number, ())),
        )
        for office in directory.offices
        if office.authority == home.settings.authority
    ]


class _Batch:
    """Delegations of one run. Offices and signers of the run itself are known to those that follow."""

    def __init__(self, home: Home, directory: Directory, *, size: int) -> None:
        self._home = home
        self._directory = directory
        self._size = size
        self._by_code = {o.code: o for o in directory.offices if o.authority == home.settings.authority}
        self._next = 1 + max((office.number for office in self._by_code.values()), default=0)
        self._signers: dict[str, CoseSigner] = {}
        self.statements: list[bytes] = []
        self.keys: list[tuple[str, bytes]] = []

    def add(self, new: NewOffice, made: Ed25519CoseSigner, seed: bytes, *, operator: str, now: int) -> None:
        settings = self._home.settings
        parent = self._parent(new)
        if new.code in self._by_code:
            hint = "an office that is listed gets a key by: tally issuer key rotate CODE"
            raise ConfigError(Reason.CLI_DUPLICATE_ID, "an office has this code", hint=hint)
        types = new.types
        if types is None:
            types = (CertificateType.CONTRIBUTION,) if parent is None else parent.types
        office = Office(
            authority=settings.authority,
            number=self._next,
            code=new.code,
            name_zh=new.name_zh,
            name_en=new.name_en,
            parent=None if parent is None else parent.number,
            region_prefix=new.region_prefix,
            types=types,
        )
        signer = self._signers.get(new.parent or "")
        if signer is None:
            signer = speaker_for(self._home, self._directory, office, size=self._size)
            if parent is not None:
                self._signers[parent.code] = signer
        said = Delegation(office, made.public_key, self._size, new.to_index)
        event = KeyEvent(settings.authority, settings.log, now, (operator,), said)
        self.statements.append(sign_key_event(signer, event))
        self.keys.append((f"office-{office.number}", seed))
        self._by_code[office.code] = office
        self._signers[office.code] = made
        self._next += 1

    def _parent(self, new: NewOffice) -> Office | None:
        if new.parent is None:
            return None
        if new.parent not in self._by_code:
            raise ConfigError(Reason.CLI_NOT_FOUND, "no office above has this code")
        return self._by_code[new.parent]


def _has_live_below(directory: Directory, office: Office, size: int) -> bool:
    offices = offices_by_place(directory)
    below = {o.number for o in directory.offices if office in offices_above(offices, o)}
    return any(
        key.role is KeyRole.CERTIFICATE
        and key.authority == office.authority
        and key.office in below
        and is_good(directory, key, size=size)
        for key in directory.keys
    )
