"""Cutting a trust bundle: directory, tlog-policy, policies and status lists, signed as one (DESIGN 3.6).

Every status list, directory and tlog-policy that goes out is logged first, so that nobody can be handed one that others
do not see. Status lists and the whole are signed by the online key. Directory, tlog-policy and policies go out when
enough root keys signed them: at once where the home holds these keys, else the change waits as a draft
(`issuer.trust_root`) and the bundle goes on with what was signed. `issuer.repository` makes it a TUF repository.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Protocol

from certificate.cose import parse_sign1
from certificate.directory import Directory, parse_directory, sign_directory
from certificate.keys import CoseSigner, key_id
from certificate.numbers import Typ
from certificate.status_list import STATUS_BITS, StatusList, sign_status_token, status_list_uri
from issuer.held_files import PublishedLedger, held_files, padding
from issuer.home import LIVE_KEY, Home
from issuer.lock import locked
from issuer.policies import policy_files
from issuer.status_places import LIST_SIZE
from issuer.templates import template_files
from ledger.entry import EntryType, encode_entry
from ledger.errors import ConfigError, VerificationError
from ledger.proof import FullProof
from ledger.reasons import Reason
from verifier.endorsed import TARGETS_NAME, parse_targets
from verifier.held import milestones_file_name
from verifier.logged import PROOF_NAMES, encode_trust_proof
from verifier.trust import (
    BUNDLE_NAME,
    DIRECTORY_NAME,
    POLICY_NAME,
    VERSIONS_OF_A_ROOT,
    parse_bundle,
    sign_bundle,
    status_file_name,
)
from verifier.trust_dir import load_root_keys, replace_bundle, save_bundle_files

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
    """A ledger that can also be asked for a cosigned checkpoint, and for proofs under the newest one."""

    @property
    def size(self) -> int: ...

    def checkpoint(self, now: int) -> bytes: ...

    def prove(self, index: int) -> FullProof: ...


@dataclass(frozen=True, slots=True)
class _Signed:
    """What the offline keys signed, and by which keys it is checked."""

    files: Mapping[str, bytes]
    root_keys: list[bytes]


def load_directory(home: Home) -> Directory:
    """The directory as last published from this home."""
    return _parsed((home.trust_dir / DIRECTORY_NAME).read_bytes())


@lru_cache(maxsize=2)  # a service asks at each claim, and a thousand offices take a tenth of a second to read
def _parsed(data: bytes) -> Directory:
    return parse_directory(data).directory


def cut_bundle(
    home: Home,
    ledger: Checkpointer,
    *,
    now: int,
    directory: Directory | None = None,
    draft: Mapping[str, bytes] | None = None,
) -> int:
    """Sign and write a new bundle; returns its version. With `directory`, that one is published from now on.

    The new lists and trust files are logged and a cosigned checkpoint covers them before any file is written. Of two
    processes one waits for the other, so that no two bundles have one version.

    Args:
        draft: directory, tlog-policy, policies and their `targets.json`, signed by the holders of the root keys.
    Raises:
        ConfigError: `trust.threshold`: `directory` waits for signatures that this home cannot give.
        VerificationError: `trust.threshold`, `trust.bundle_sig_invalid`, `trust.bundle_rollback` of `draft`.
        ConflictError: `store.locked`, and what appending and signing raise.
    """
    with locked(home.path / "trust.lock", what="cutting a trust bundle", timeout=_PATIENCE):
        if not home.has_root:
            return _cut_under_one_key(home, ledger, now, directory)
        signed = _drafted(home, draft) if draft is not None else _signed(home, directory, now)
        version = _write_bundle(home, ledger, now, signed)
        if directory is not None and signed.files[DIRECTORY_NAME] != _encoded(home, directory):
            hint = (
                "take HOME/tuf/draft to the holders of the root keys: tally trust root sign DRAFT --key KEY"
            )
            raise ConfigError(Reason.TRUST_THRESHOLD, "the directory waits for signatures", hint=hint)
        return version


def _signed(home: Home, directory: Directory | None, now: int) -> _Signed:
    """The files as they stand in the home, signed if that can be done here; else those signed last."""
    path = home.trust_dir / TARGETS_NAME
    wanted = {POLICY_NAME: home.policy_path.read_bytes(), **policy_files(home), **template_files(home)}
    if directory is not None:
        wanted[DIRECTORY_NAME] = _encoded(home, directory)
    else:
        wanted[DIRECTORY_NAME] = (home.trust_dir / DIRECTORY_NAME).read_bytes()
    version, held = 0, None
    if path.exists():
        pinned = load_root_keys(home.trust_dir)
        present = parse_targets(path.read_bytes(), root_keys=pinned)
        version = present.version
        held = _Signed(_read(home, (*present.digests, TARGETS_NAME)), pinned)
        if present.digests == {name: sha256(content).digest() for name, content in wanted.items()}:
            return held
    from issuer.trust_root import draft_targets, root_keys  # python-tuf, wanted only by what changes

    keys = root_keys(home)
    targets = draft_targets(home, wanted, version=version + 1, now=now)
    try:
        parse_targets(targets, root_keys=keys)
    except VerificationError:
        if held is None:
            raise
        return held  # the root keys are elsewhere: the draft waits for their holders
    return _Signed(wanted | {TARGETS_NAME: targets}, keys)


def _drafted(home: Home, draft: Mapping[str, bytes]) -> _Signed:
    from issuer.trust_root import check_follows, root_keys

    keys = root_keys(home)
    if TARGETS_NAME not in draft:
        raise ConfigError(Reason.CLI_NOT_FOUND, TARGETS_NAME, hint="name the draft's folder")
    endorsed = parse_targets(draft[TARGETS_NAME], root_keys=keys)
    check_follows(home, endorsed)
    for name, digest in endorsed.digests.items():
        if name not in draft or sha256(draft[name]).digest() != digest:
            raise VerificationError(Reason.TRUST_BUNDLE_SIG_INVALID, f"{name} is not what was signed")
    return _Signed({name: draft[name] for name in (*endorsed.digests, TARGETS_NAME)}, keys)


def _write_bundle(home: Home, ledger: Checkpointer, now: int, signed: _Signed) -> int:
    authority = home.settings.authority
    files = dict(signed.files)
    logged = {
        proof: encode_entry(EntryType.TRUST_FILE, authority, sha256(files[name]).digest())
        for name, proof in PROOF_NAMES.items()
    }
    lists = _lists(home, now, files[DIRECTORY_NAME])
    indices = _log(home, ledger, [*logged.values(), *(entry for _, entry in lists.values())], now)
    files |= _held_files(home, ledger, now)
    for name, index in zip(logged, indices, strict=False):
        files[name] = encode_trust_proof(authority, ledger.prove(index))
    files |= {name: token for name, (token, _) in lists.items()}
    live = home.signer(LIVE_KEY)
    version = _next_version(home, live)
    files[BUNDLE_NAME] = sign_bundle(
        live,
        files,
        environment=home.settings.environment,
        version=version,
        issued=now,
        expires=now + BUNDLE_LIFETIME,
    )
    parse_bundle(files, root_keys=signed.root_keys)  # the verifier's own rules refuse what would not be read
    replace_bundle(home.trust_dir, files, root_keys=signed.root_keys)
    return version


def _cut_under_one_key(home: Home, ledger: Checkpointer, now: int, directory: Directory | None) -> int:
    """A home made before root keys were three: one key signs everything, and there is no TUF repository of it."""
    root = home.signer("root")
    lists = _lists(home, now, (home.trust_dir / DIRECTORY_NAME).read_bytes())
    files = {POLICY_NAME: home.policy_path.read_bytes(), **policy_files(home), **template_files(home)}
    files |= {name: token for name, (token, _) in lists.items()}
    entries = [entry for _, entry in lists.values()]
    if directory is None:
        files[DIRECTORY_NAME] = (home.trust_dir / DIRECTORY_NAME).read_bytes()
    else:
        files[DIRECTORY_NAME] = sign_directory(root, directory)
        digest = sha256(files[DIRECTORY_NAME]).digest()
        entries.insert(0, encode_entry(EntryType.TRUST_FILE, home.settings.authority, digest))
    _log(home, ledger, entries, now)
    files |= _held_files(home, ledger, now)
    version = _next_version(home, root)
    files[BUNDLE_NAME] = sign_bundle(
        root,
        files,
        environment=home.settings.environment,
        version=version,
        issued=now,
        expires=now + BUNDLE_LIFETIME,
    )
    save_bundle_files(home.trust_dir, files)
    return version


def _log(home: Home, ledger: Checkpointer, entries: list[bytes], now: int) -> list[int]:
    """Log what goes out, fill the block, and have it cosigned; returns the index of each."""
    indices = ledger.append(entries)
    ledger.append(padding(ledger.size, authority=home.settings.authority, random=os.urandom))
    ledger.checkpoint(now)
    return indices


def _held_files(home: Home, ledger: Checkpointer, now: int) -> dict[str, bytes]:
    return held_files(
        ledger, _milestones(home, ledger.log), now=now, validity_days=home.profile().validity_days
    )


def _encoded(home: Home, directory: Directory) -> bytes:
    return sign_directory(home.signer(LIVE_KEY), directory)


def _read(home: Home, names: Iterable[str]) -> dict[str, bytes]:
    return {name: (home.trust_dir / name).read_bytes() for name in names}


def _lists(home: Home, now: int, directory: bytes) -> dict[str, tuple[bytes, bytes]]:
    """File name to status list and its ledger entry; the keys that `directory` lists sign."""
    authority = home.settings.authority
    return {
        status_file_name(authority, number): (
            token,
            encode_entry(EntryType.STATUS_LIST, authority, sha256(token).digest()),
        )
        for number, token in enumerate(_status_tokens(home, now, _parsed(directory)))
    }


def _milestones(home: Home, log: int) -> bytes | None:
    """The milestones of the bundle before, if there are any."""
    path = home.trust_dir / milestones_file_name(log)
    return path.read_bytes() if path.exists() else None


def _status_tokens(home: Home, now: int, directory: Directory) -> list[bytes]:
    """One token per list in use, from the states in the register."""
    register = home.register()
    try:
        lists = [
            _packed(register.status_values(number)) for number in range(register.newest_status_list() + 1)
        ]
    finally:
        register.close()
    signer, second = home.signer("status"), home.status_mldsa_signer(directory)
    return [
        sign_status_token(
            signer,
            uri=status_list_uri(home.settings.authority, number),
            issued=now,
            expires=now + STATUS_LIFETIME,
            ttl=STATUS_TTL,
            statuses=values,
            mldsa_signer=second,
        )
        for number, values in enumerate(lists)
    ]


def _packed(values: Iterable[tuple[int, int]]) -> StatusList:
    packed = bytearray(LIST_SIZE * STATUS_BITS // 8)
    for index, value in values:
        packed[index // 4] |= value << STATUS_BITS * (index % 4)
    return StatusList(STATUS_BITS, bytes(packed))


def _next_version(home: Home, live: CoseSigner) -> int:
    """The next number. A new online key begins above all that the thief of the old one may have counted to."""
    path = home.trust_dir / BUNDLE_NAME
    if not path.exists():
        return 1
    last = parse_sign1(path.read_bytes(), Typ.BUNDLE)
    following = int(last.payload[2]) + 1
    if last.kid == key_id(live.public_key):
        return following
    from issuer.trust_root import root_chain

    roots = len(root_chain(home))
    return following if roots == 1 else max(following, roots * VERSIONS_OF_A_ROOT)
