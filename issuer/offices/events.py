"""Key events of one home: logged, and written into the directory that goes out.

The order that must hold: event kept, then logged, then published. A run killed anywhere is completed by the next one;
an event that was applied before changes nothing. Where the root keys are elsewhere, the directory waits for their
holders, and what is decided meanwhile goes into the same draft.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from certificate.directory import Directory
from certificate.key_event import parse_key_event
from certificate.keys import CoseSigner
from certificate.office_tree import apply_events
from certificate.offices import Office, offices_above
from issuer.bureau_ledger import BureauLedger
from issuer.home import Home
from issuer.lock import KEYS_LOCK, locked
from issuer.office_key import standing_signer
from issuer.offices.kept import KeyEvents
from issuer.publish import Checkpointer, cut_bundle, load_directory
from ledger.errors import ConfigError
from ledger.keyfile import SALT_SIZE, save_key
from ledger.reasons import Reason

__all__ = [
    "changing",
    "nobody_minting",
    "office_of_code",
    "offices_by_place",
    "publish_events",
    "resume_events",
    "speaker_for",
]

_PATIENCE = 60.0  # seconds


@contextmanager
def changing(home: Home) -> Iterator[None]:
    """Held while offices or keys are changed: one change after the other."""
    with locked(home.path / "offices.lock", what="changing offices or keys", timeout=_PATIENCE):
        yield


@contextmanager
def nobody_minting(home: Home) -> Iterator[None]:
    """Held while a key that is in use is ended, so that nothing signed with it is logged behind its end."""
    with locked(home.path / KEYS_LOCK, what="minting", timeout=_PATIENCE):
        yield


def publish_events(
    home: Home,
    ledger: BureauLedger,
    statements: Sequence[bytes],
    *,
    now: int,
    keys: Sequence[tuple[str, bytes]] = (),
) -> Directory:
    """Log events and cut a bundle whose directory they are written into; returns that directory. Within `changing`.

    Args:
        keys: name and seed of new keys, saved before anything is logged.
        now: POSIX seconds.
    Raises:
        VerificationError, FormatError: as `certificate.office_tree.apply_events`; then nothing was kept or logged.
        ConflictError, IntegrityError: what logging and cutting raise; the next change completes this one.
    """
    parsed = [parse_key_event(statement) for statement in statements]
    first = ledger.size
    apply_events(load_directory(home), [(event, first + at) for at, event in enumerate(parsed)])
    salt = os.urandom(SALT_SIZE)  # shared by keys made together, so that one passphrase is stretched once
    for name, seed in keys:
        save_key(
            home.key_path(name),
            seed,
            purpose=name,
            environment=home.settings.environment.name.lower(),
            passphrase=home.passphrase(),
            salt=salt,
        )
    KeyEvents(home).add(statements)
    return resume_events(home, ledger, now=now)


def resume_events(home: Home, ledger: Checkpointer, *, now: int) -> Directory:
    """Complete what a killed run kept and did not publish; returns the directory as it stands then."""
    events = KeyEvents(home)
    waiting = events.waiting()
    directory = load_directory(home)
    if not waiting:
        return directory
    parsed = [parse_key_event(statement) for _, statement in waiting]
    indices = ledger.append([event.entry() for event in parsed])  # logged before: the index it has
    changed = apply_events(directory, zip(parsed, indices, strict=True))
    if changed != directory:
        try:
            cut_bundle(home, ledger, now=now, directory=changed)
        except ConfigError as exc:
            if exc.reason is not Reason.TRUST_THRESHOLD:
                raise
            return changed  # waits for signatures; kept as not published until they are there
    events.place([(position, index) for (position, _), index in zip(waiting, indices, strict=True)])
    return changed


def speaker_for(home: Home, directory: Directory, office: Office | None, *, size: int) -> CoseSigner:
    """Who signs an event about `office`: the nearest office above whose key is good now, else the registrar.

    Raises what opening a key file raises.
    """
    if office is not None:
        for above in offices_above(offices_by_place(directory), office):
            signer = standing_signer(home, directory, above.number, size=size)
            if signer is not None:
                return signer
    return home.signer("registrar")


def offices_by_place(directory: Directory) -> dict[tuple[int, int], Office]:
    """The offices of a directory by authority and number."""
    return {(office.authority, office.number): office for office in directory.offices}


def office_of_code(home: Home, directory: Directory, code: str) -> Office:
    """This bureau's office with a code. Raises ConfigError `cli.not_found`."""
    for office in directory.offices:
        if (office.authority, office.code) == (home.settings.authority, code):
            return office
    raise ConfigError(Reason.CLI_NOT_FOUND, "no office has this code", hint="tally issuer office list")
