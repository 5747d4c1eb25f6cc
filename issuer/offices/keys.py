"""Office keys: a new one in the place of the old, an orderly end, and the end of a stolen one.

These are executed when two people decided (`issuer.offices.cases`); each is one or more signed and logged key events.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from certificate.directory import Directory, DirectoryKey
from certificate.key_event import Delegation, Disowning, End, KeyEvent, State, Void, sign_key_event
from certificate.keys import Ed25519CoseSigner, key_id
from certificate.offices import Office
from issuer.bureau_ledger import BureauLedger
from issuer.home import Home
from issuer.office_key import is_good, keys_of_office
from issuer.offices.events import (
    changing,
    nobody_minting,
    office_of_code,
    publish_events,
    resume_events,
    speaker_for,
)
from issuer.offices.kept import KeyEvents
from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = ["Voiding", "retire_key", "rotate_key", "void_key"]

_SEED_SIZE = 32


@dataclass(frozen=True, slots=True)
class Voiding:
    """What is void: from where on a key, and which ranges of entries are disowned whoever signed them.

    `kid` None names the newest key of the office; `void_from` None leaves the key as it is.
    """

    kid: bytes | None
    void_from: int | None
    disowned: tuple[tuple[int, int], ...] = ()


def rotate_key(
    home: Home,
    ledger: BureauLedger,
    code: str,
    *,
    operators: tuple[str, str],
    now: int,
    random: Callable[[int], bytes],
) -> Directory:
    """Give an office a new key; what was good until now ends. Returns the directory.

    Raises:
        ConfigError: `cli.not_found`, `cli.key_retired` (the office was removed).
        ConflictError: `store.locked` while a long minting run is under way.
    """
    with changing(home), nobody_minting(home):
        directory = resume_events(home, ledger, now=now)
        office = office_of_code(home, directory, code)
        if KeyEvents(home).states().get(office.number) is State.REMOVED:
            raise ConfigError(Reason.CLI_KEY_RETIRED, "the office was removed for good")
        size, seed = ledger.size, random(_SEED_SIZE)
        made = Ed25519CoseSigner(seed)
        ends: list[Delegation | End] = [*_ends(home, directory, office, size)]
        said = [*ends, Delegation(office, made.public_key, size)]
        name = f"office-{office.number}-{_kid(made)}"
        statements = _signed(home, directory, office, said, size=size, operators=operators, now=now)
        return publish_events(home, ledger, statements, now=now, keys=[(name, seed)])


def retire_key(
    home: Home, ledger: BureauLedger, code: str, *, operators: tuple[str, str], now: int
) -> Directory:
    """End an office's key and give it no other. Raises as `rotate_key`, `cli.key_retired` when none is good."""
    with changing(home), nobody_minting(home):
        directory = resume_events(home, ledger, now=now)
        office = office_of_code(home, directory, code)
        said = _ends(home, directory, office, ledger.size)
        if not said:
            raise ConfigError(Reason.CLI_KEY_RETIRED, "no key of this office is good any more")
        statements = _signed(home, directory, office, said, size=ledger.size, operators=operators, now=now)
        return publish_events(home, ledger, statements, now=now)


def void_key(
    home: Home, ledger: BureauLedger, code: str, voiding: Voiding, *, operators: tuple[str, str], now: int
) -> Directory:
    """End a stolen key at an index, and disown entries. It waits for no minting run: what falls is minted again.

    Keys that the stolen one delegated at that index or later were never good, and what those delegated neither.

    Raises:
        ConfigError: `cli.not_found` (office or key), `cli.usage` (beyond the end of the ledger, or nothing named).
        VerificationError: `key.revoked`: it is void from an earlier index already.
    """
    with changing(home):
        directory = resume_events(home, ledger, now=now)
        office = office_of_code(home, directory, code)
        size = ledger.size
        named = [*(end for _, end in voiding.disowned), voiding.void_from or 0]
        if max(named) > size or (voiding.void_from is None and not voiding.disowned):
            raise ConfigError(Reason.CLI_USAGE, f"indices up to {size}", hint="name --from or --disown")
        statements: list[bytes] = []
        if voiding.void_from is not None:
            key = _chosen(home, directory, office, voiding.kid)
            voided = {key.kid: replace(key, void_from=voiding.void_from)}
            for fallen in _delegated_by(directory, KeyEvents(home), key, voiding.void_from):
                voided[fallen.kid] = replace(fallen, void_from=fallen.from_index)
            after = replace(directory, keys=tuple(voided.get(one.kid, one) for one in directory.keys))
            for one in voided.values():
                assert one.void_from is not None
                said = [Void(one.public_key, one.void_from)]
                about = directory.office(one.authority, one.office)
                statements += _signed(home, after, about, said, size=size, operators=operators, now=now)
        disowned = [Disowning(first, end) for first, end in voiding.disowned]
        statements += _signed(home, directory, None, disowned, size=size, operators=operators, now=now)
        return publish_events(home, ledger, statements, now=now)


def _ends(home: Home, directory: Directory, office: Office, size: int) -> list[End]:
    keys = keys_of_office(home, directory, office.number)
    return [End(key.public_key, size) for key in keys if is_good(directory, key, size=size)]


def _chosen(home: Home, directory: Directory, office: Office, kid: bytes | None) -> DirectoryKey:
    for key in keys_of_office(home, directory, office.number):
        if kid in (None, key.kid):
            return key
    raise ConfigError(Reason.CLI_NOT_FOUND, "the office has no such key", hint="tally issuer key list CODE")


def _delegated_by(
    directory: Directory, events: KeyEvents, key: DirectoryKey, void_from: int
) -> list[DirectoryKey]:
    """The keys whose delegation `key` signed at `void_from` or later, and what those delegated; not the void ones."""
    listed = {one.public_key: one for one in directory.keys}
    fallen: list[DirectoryKey] = []
    signers = {key.kid: void_from}
    for statement, index in events.published():  # in order: what delegates was delegated before
        said, by = statement.event.said, statement.sign1.kid
        if isinstance(said, Delegation) and by in signers and index >= signers[by]:
            made = listed[said.public_key]
            signers[made.kid] = 0
            if made.void_from is None or made.void_from > made.from_index:
                fallen.append(made)
    return fallen


def _signed(
    home: Home,
    directory: Directory,
    office: Office | None,
    said: Sequence[Delegation | End | Void | Disowning],
    *,
    size: int,
    operators: tuple[str, str],
    now: int,
) -> list[bytes]:
    settings = home.settings
    signer = speaker_for(home, directory, office, size=size)
    return [
        sign_key_event(signer, KeyEvent(settings.authority, settings.log, now, operators, one))
        for one in said
    ]


def _kid(signer: Ed25519CoseSigner) -> str:
    return key_id(signer.public_key).hex()
