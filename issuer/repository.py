"""The trust bundle as a TUF repository: a static folder for any web server, or a stick (DESIGN 3.6).

    metadata/<n>.root.json …, <n>.targets.json, <n>.live.json, <n>.snapshot.json, timestamp.json
    targets/<sha256>.<name>

Files but the timestamp are written once and never change, so a reader meanwhile has the old set or the new one. The
versions of live, snapshot and timestamp are the bundle's; they expire with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from certificate.cose import parse_sign1
from certificate.numbers import Typ
from issuer.home import LIVE_KEY, Home
from issuer.trust_root import root_chain, root_keys
from issuer.tuf_metadata import (
    add_signature,
    encode_metadata,
    make_live,
    make_snapshot,
    make_timestamp,
)
from ledger.durable import map_os_error, place_durably, sync_folder
from verifier.endorsed import LIVE_ROLE, TARGETS_NAME, parse_targets
from verifier.trust import BUNDLE_NAME

__all__ = ["TIMESTAMP_NAME", "Published", "publish_repository"]

TIMESTAMP_NAME = "timestamp.json"


@dataclass(frozen=True, slots=True)
class Published:
    """Versions of bundle, root and targets, and how many bytes a new verifier fetches."""

    bundle: int
    root: int
    targets: int
    size: int


def publish_repository(home: Home, out: Path) -> Published:
    """Write the bundle in the home's trust folder into the repository `out`, new or older.

    Raises:
        ConfigError: `trust.missing` in a home without a root.
        VerificationError: `trust.threshold`, `trust.bundle_sig_invalid` when the newest root's keys did not sign yet.
        IntegrityError: `store.…`.
    """
    listing = parse_sign1((home.trust_dir / BUNDLE_NAME).read_bytes(), Typ.BUNDLE).payload
    _, _, version, _, expires, rows = listing
    files = {name: (home.trust_dir / name).read_bytes() for name in (*(row[0] for row in rows), BUNDLE_NAME)}
    targets = files.pop(TARGETS_NAME, b"")
    roots = root_chain(home)
    endorsed = parse_targets(targets, root_keys=root_keys(home))
    live_files = {name: content for name, content in files.items() if name not in endorsed.digests}
    metadata = {f"{number}.root.json": data for number, data in enumerate(roots, start=1)}
    metadata |= _online(home, (endorsed.version, targets), live_files, version=version, expires=expires)
    content = {f"targets/{sha256(data).hexdigest()}.{name}": data for name, data in files.items()}
    content |= {f"metadata/{name}": data for name, data in metadata.items()}
    _write(out, content)
    return Published(version, len(roots), endorsed.version, sum(map(len, content.values())))


def _online(
    home: Home,
    targets: tuple[int, bytes],
    live_files: Mapping[str, bytes],
    *,
    version: int,
    expires: int,
) -> dict[str, bytes]:
    """What the online key signs, with the targets it stands on; the timestamp last."""
    signer = home.signer(LIVE_KEY)
    live = encode_metadata(add_signature(make_live(version, live_files, expires=expires), [signer]))
    roles = {"targets": targets, LIVE_ROLE: (version, live)}
    snapshot = encode_metadata(add_signature(make_snapshot(version, roles, expires=expires), [signer]))
    stamp = encode_metadata(add_signature(make_timestamp(version, snapshot, expires=expires), [signer]))
    return {
        f"{targets[0]}.targets.json": targets[1],
        f"{version}.{LIVE_ROLE}.json": live,
        f"{version}.snapshot.json": snapshot,
        TIMESTAMP_NAME: stamp,
    }


def _write(out: Path, content: Mapping[str, bytes]) -> None:
    try:
        for folder in ("metadata", "targets"):
            (out / folder).mkdir(parents=True, exist_ok=True)
        for name in sorted(content, key=lambda name: (name.endswith(f"/{TIMESTAMP_NAME}"), name)):
            if name.endswith(TIMESTAMP_NAME):
                sync_folder(out / "metadata")
                sync_folder(out / "targets")
            elif (out / name).exists() and (out / name).read_bytes() == content[name]:
                continue
            place_durably(out / name, content[name], mode=0o644)
        sync_folder(out / "metadata")
    except OSError as exc:
        raise map_os_error(exc) from exc
