"""The TUF metadata of a trust bundle, made and signed with python-tuf (DESIGN 3.6).

Root and targets belong to the offline keys, more than half of which must sign. The targets delegate to one online role,
`live`, whose key also signs snapshot and timestamp: all three stand on the same machine, and a thief of it gets all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from securesystemslib.signer import Signature, SSlibKey
from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Key,
    Metadata,
    MetaFile,
    Role,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from certificate.keys import CoseSigner
from ledger.errors import FormatError, VerificationError
from ledger.reasons import Reason
from verifier.endorsed import LIVE_PATHS, LIVE_ROLE, majority, tuf_key, tuf_key_id

__all__ = [
    "add_signature",
    "check_next_root",
    "encode_metadata",
    "make_live",
    "make_root",
    "make_snapshot",
    "make_targets",
    "make_timestamp",
    "parse_root",
    "parse_targets_metadata",
    "parse_unsigned_root",
    "role_keys",
]

_DAY = 86400
ROOT_LIFETIME = 2 * 365 * _DAY
TARGETS_LIFETIME = 365 * _DAY
_ONLINE = ("snapshot", "timestamp")
_S = TypeVar("_S", Root, Snapshot, Targets, Timestamp)


def make_root(version: int, *, root_keys: Sequence[bytes], live_key: bytes, now: int) -> Metadata[Root]:
    """The unsigned root of `version`: these keys for root and targets, that one for snapshot and timestamp."""
    offline = [tuf_key_id(key) for key in root_keys]
    threshold = majority(len(offline))
    roles = {name: Role(list(offline), threshold) for name in ("root", "targets")}
    roles |= {name: Role([tuf_key_id(live_key)], 1) for name in _ONLINE}
    keys: dict[str, Key] = {tuf_key_id(key): _key(key) for key in (*root_keys, live_key)}
    return Metadata(
        Root(
            version=version,
            expires=_time(now + ROOT_LIFETIME),
            keys=keys,
            roles=roles,
            consistent_snapshot=True,
        )
    )


def make_targets(version: int, files: Mapping[str, bytes], *, live_key: bytes, now: int) -> Metadata[Targets]:
    """The unsigned targets: the digests of `files`, and the delegation to the online key."""
    role = DelegatedRole(
        name=LIVE_ROLE, keyids=[tuf_key_id(live_key)], threshold=1, terminating=True, paths=list(LIVE_PATHS)
    )
    delegations = Delegations(keys={tuf_key_id(live_key): _key(live_key)}, roles={LIVE_ROLE: role})
    expires = _time(now + TARGETS_LIFETIME)
    return Metadata(
        Targets(version=version, expires=expires, targets=_targets(files), delegations=delegations)
    )


def make_live(version: int, files: Mapping[str, bytes], *, expires: int) -> Metadata[Targets]:
    return Metadata(Targets(version=version, expires=_time(expires), targets=_targets(files)))


def make_snapshot(
    version: int, roles: Mapping[str, tuple[int, bytes]], *, expires: int
) -> Metadata[Snapshot]:
    """`roles`: name to version and bytes of its metadata."""
    meta = {
        f"{name}.json": MetaFile.from_data(number, data, ["sha256"]) for name, (number, data) in roles.items()
    }
    return Metadata(Snapshot(version=version, expires=_time(expires), meta=meta))


def make_timestamp(version: int, snapshot: bytes, *, expires: int) -> Metadata[Timestamp]:
    meta = MetaFile.from_data(version, snapshot, ["sha256"])
    return Metadata(Timestamp(version=version, expires=_time(expires), snapshot_meta=meta))


def add_signature(metadata: Metadata[_S], signers: Iterable[CoseSigner]) -> Metadata[_S]:
    """Sign in place, beside the signatures that are there."""
    for signer in signers:
        keyid = tuf_key_id(signer.public_key)
        metadata.signatures[keyid] = Signature(keyid, signer.sign(metadata.signed_bytes).hex())
    return metadata


def encode_metadata(metadata: Metadata[Any]) -> bytes:
    encoded: bytes = metadata.to_bytes()
    return encoded


def parse_root(data: bytes) -> Metadata[Root]:
    """A root that is its own keys' word. Raises FormatError `trust.malformed`, VerificationError `trust.threshold`."""
    root = _parsed(data, Root)
    _verify(root.signed, root)
    return root


def parse_targets_metadata(data: bytes) -> Metadata[Targets]:
    """Raises FormatError `trust.malformed`. Its signatures are not checked."""
    return _parsed(data, Targets)


def check_next_root(old: Metadata[Root], data: bytes) -> Metadata[Root]:
    """The root that follows `old`: the next version, signed by enough keys of both.

    Raises:
        FormatError: `trust.malformed`. VerificationError: `trust.threshold`, `trust.bundle_rollback` (its version).
    """
    new = parse_root(data)
    if new.signed.version != old.signed.version + 1:
        raise VerificationError(
            Reason.TRUST_BUNDLE_ROLLBACK, f"root {new.signed.version} after {old.signed.version}"
        )
    _verify(old.signed, new)
    return new


def role_keys(root: Metadata[Root], role: str) -> list[bytes]:
    """The raw public keys of a role."""
    signed = root.signed
    return [bytes.fromhex(signed.keys[keyid].keyval["public"]) for keyid in signed.roles[role].keyids]


def parse_unsigned_root(data: bytes) -> Metadata[Root]:
    """Raises FormatError `trust.malformed`. Its signatures are not checked."""
    return _parsed(data, Root)


def _verify(delegator: Root, root: Metadata[Root]) -> None:
    try:
        delegator.verify_delegate("root", root.signed_bytes, root.signatures)
    except RepositoryError as exc:
        hint = "each holder runs: tally trust root sign DRAFT --key KEY"
        raise VerificationError(Reason.TRUST_THRESHOLD, str(exc), hint=hint) from exc


def _parsed(data: bytes, kind: type[_S]) -> Metadata[_S]:
    try:
        parsed: Metadata[_S] = Metadata.from_bytes(data)
    except (RepositoryError, DownloadError, ValueError) as exc:
        raise FormatError(Reason.TRUST_MALFORMED, "TUF metadata") from exc
    if not isinstance(parsed.signed, kind):
        raise FormatError(Reason.TRUST_MALFORMED, "TUF metadata of another role")
    return parsed


def _key(public_key: bytes) -> SSlibKey:
    return SSlibKey.from_dict(tuf_key_id(public_key), tuf_key(public_key))


def _targets(files: Mapping[str, bytes]) -> dict[str, TargetFile]:
    return {name: TargetFile.from_data(name, content, ["sha256"]) for name, content in files.items()}


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
