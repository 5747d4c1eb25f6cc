"""Cutting a trust bundle: directory, tlog-policy and status lists, signed as one (DESIGN 3.6).

Every status list and directory that goes out is logged first, so that nobody can be handed one that others do not
see. Distribution over the network comes later; here a bundle is a folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import Protocol

from certificate.cose import parse_sign1
from certificate.directory import Directory, parse_directory, sign_directory
from certificate.numbers import Typ
from certificate.status_list import STATUS_BITS, StatusList, sign_status_token, status_list_uri
from issuer.held_files import PublishedLedger, held_files, padding
from issuer.home import Home
from issuer.lock import locked
from issuer.policies import policy_files
from issuer.status_places import LIST_SIZE
from issuer.templates import template_files
from ledger.entry import EntryType, encode_entry
from verifier.held import milestones_file_name
from verifier.trust import BUNDLE_NAME, DIRECTORY_NAME, POLICY_NAME, sign_bundle, status_file_name
from verifier.trust_dir import save_bundle_files

__all__ = [
    "BUNDLE_LIFETIME",
    "STATUS_LIFETIME",
    "Checkpointer",
    "cut_bundle",
    "load_directory",
]

_DAY = 86400
BUNDLE_LIFETIME = 8 * _DAY  # the promised offline time
STATUS_TTL = 8 * _DAY
STATUS_LIFETIME = 30 * _DAY
_PATIENCE = 60.0  # seconds; cutting takes a tenth of one, and a checkpoint under way a few


class Checkpointer(PublishedLedger, Protocol):
    """A ledger that can also be asked for a cosigned checkpoint."""

    @property
    def size(self) -> int: ...

    def checkpoint(self, now: int) -> bytes: ...


def load_directory(home: Home) -> Directory:
    """The directory as last published from this home."""
    return _parsed((home.trust_dir / DIRECTORY_NAME).read_bytes())


@lru_cache(maxsize=2)  # a service asks at each claim, and a thousand offices take a tenth of a second to read
def _parsed(data: bytes) -> Directory:
    return parse_directory(data).directory


def cut_bundle(home: Home, ledger: Checkpointer, *, now: int, directory: Directory | None = None) -> int:
    """Sign and write a new bundle; returns its version. With `directory`, that one is published from now on.

    The new lists and directory are logged and a cosigned checkpoint covers them before any file is written. Of two
    processes one waits for the other, so that no two bundles have one version.

    Raises:
        ConflictError: `store.locked`, and what appending and signing raise.
    """
    with locked(home.path / "trust.lock", what="cutting a trust bundle", timeout=_PATIENCE):
        return _cut_bundle(home, ledger, now, directory)


def _cut_bundle(home: Home, ledger: Checkpointer, now: int, directory: Directory | None) -> int:
    root, settings = home.signer("root"), home.settings
    files = {POLICY_NAME: home.policy_path.read_bytes(), **policy_files(home), **template_files(home)}
    entries = []
    if directory is None:
        files[DIRECTORY_NAME] = (home.trust_dir / DIRECTORY_NAME).read_bytes()
    else:
        files[DIRECTORY_NAME] = sign_directory(root, directory)
        entries.append(
            encode_entry(EntryType.TRUST_FILE, settings.authority, sha256(files[DIRECTORY_NAME]).digest())
        )
    for number, token in enumerate(_status_tokens(home, now)):
        files[status_file_name(settings.authority, number)] = token
        entries.append(encode_entry(EntryType.STATUS_LIST, settings.authority, sha256(token).digest()))
    ledger.append(entries)
    ledger.append(padding(ledger.size, authority=settings.authority, random=os.urandom))
    ledger.checkpoint(now)
    files |= held_files(
        ledger, _milestones(home, ledger.log), now=now, validity_days=home.profile().validity_days
    )
    version = _last_version(home) + 1
    files[BUNDLE_NAME] = sign_bundle(
        root,
        files,
        environment=settings.environment,
        version=version,
        issued=now,
        expires=now + BUNDLE_LIFETIME,
    )
    save_bundle_files(home.trust_dir, files)
    return version


def _milestones(home: Home, log: int) -> bytes | None:
    """The milestones of the bundle before, if there are any."""
    path = home.trust_dir / milestones_file_name(log)
    return path.read_bytes() if path.exists() else None


def _status_tokens(home: Home, now: int) -> list[bytes]:
    """One token per list in use, from the states in the register."""
    register = home.register()
    try:
        lists = [
            _packed(register.status_values(number)) for number in range(register.newest_status_list() + 1)
        ]
    finally:
        register.close()
    signer = home.signer("status")
    return [
        sign_status_token(
            signer,
            uri=status_list_uri(home.settings.authority, number),
            issued=now,
            expires=now + STATUS_LIFETIME,
            ttl=STATUS_TTL,
            statuses=values,
        )
        for number, values in enumerate(lists)
    ]


def _packed(values: Iterable[tuple[int, int]]) -> StatusList:
    packed = bytearray(LIST_SIZE * STATUS_BITS // 8)
    for index, value in values:
        packed[index // 4] |= value << STATUS_BITS * (index % 4)
    return StatusList(STATUS_BITS, bytes(packed))


def _last_version(home: Home) -> int:
    path = home.trust_dir / BUNDLE_NAME
    if not path.exists():
        return 0
    version = parse_sign1(path.read_bytes(), Typ.BUNDLE).payload[2]
    return int(version)
