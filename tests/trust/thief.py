"""A publisher whose keys were stolen, some or all: it serves whatever those keys can sign, and what they cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from certificate.cose import parse_sign1
from certificate.keys import Ed25519CoseSigner
from certificate.numbers import Typ
from issuer.home import LIVE_KEY, ROOT_KEYS, Home
from issuer.tuf_metadata import (
    add_signature,
    encode_metadata,
    make_live,
    make_snapshot,
    make_targets,
    make_timestamp,
    parse_targets_metadata,
)
from verifier.endorsed import TARGETS_NAME, is_live_name
from verifier.trust import BUNDLE_NAME, sign_bundle

__all__ = ["Served", "snapshot_of"]


@dataclass(frozen=True)
class Served:
    """What stands in a home's trust folder, to be changed and served."""

    home: Home
    files: Mapping[str, bytes]
    version: int
    issued: int
    expires: int

    @classmethod
    def of(cls, home: Home) -> Served:
        names = [
            path.name for path in home.trust_dir.iterdir() if path.is_file() and path.name != "root.keys"
        ]
        files = {name: (home.trust_dir / name).read_bytes() for name in names}
        _, _, version, issued, expires, _ = parse_sign1(files[BUNDLE_NAME], Typ.BUNDLE).payload
        return cls(home, files, version, issued, expires)

    @property
    def live(self) -> Ed25519CoseSigner:
        return self.home.signer(LIVE_KEY)

    def roots(self, count: int = 3) -> list[Ed25519CoseSigner]:
        return [self.home.signer(name) for name in ROOT_KEYS[:count]]

    def with_files(self, changes: Mapping[str, bytes | None], **numbers: int) -> Served:
        """Other files (None: left out) under a manifest that the stolen online key signs."""
        files = {name: data for name, data in {**self.files, **changes}.items() if data is not None}
        del files[BUNDLE_NAME]
        changed = replace(self, **{"version": self.version + 1, **numbers})  # type: ignore[arg-type]  # numbers
        files[BUNDLE_NAME] = sign_bundle(
            self.live,
            files,
            environment=self.home.settings.environment,
            version=changed.version,
            issued=changed.issued,
            expires=changed.expires,
        )
        return replace(changed, files=files)

    def with_targets(
        self, signers: Sequence[Ed25519CoseSigner], changes: Mapping[str, bytes], **numbers: int
    ) -> Served:
        """Other offline files, listed in a `targets.json` that `signers` signed."""
        present = parse_targets_metadata(self.files[TARGETS_NAME]).signed
        offline = {name: self.files[name] for name in present.targets} | dict(changes)
        targets = make_targets(present.version + 1, offline, live_key=self.live.public_key, now=self.issued)
        data = encode_metadata(add_signature(targets, signers))
        return self.with_files({**offline, TARGETS_NAME: data}, **numbers)

    def write(
        self, out: Path, *, listed_by_live: Mapping[str, bytes] | None = None, expires: int | None = None
    ) -> None:
        """The repository, as the product lays it out; `listed_by_live` stands in the online key's list as well."""
        version, until = self.version, self.expires if expires is None else expires
        targets = self.files[TARGETS_NAME]
        number = parse_targets_metadata(targets).signed.version
        live_files = {name: data for name, data in self.files.items() if is_live_name(name)}
        live_files |= dict(listed_by_live or {})
        live = encode_metadata(add_signature(make_live(version, live_files, expires=until), [self.live]))
        roles = {"targets": (number, targets), "live": (version, live)}
        snapshot = encode_metadata(add_signature(make_snapshot(version, roles, expires=until), [self.live]))
        stamp = encode_metadata(add_signature(make_timestamp(version, snapshot, expires=until), [self.live]))
        content = {
            f"metadata/{number}.targets.json": targets,
            f"metadata/{version}.live.json": live,
            f"metadata/{version}.snapshot.json": snapshot,
            "metadata/timestamp.json": stamp,
        }
        for name, data in {**self.files, **live_files}.items():
            if "/" not in name:
                content[f"targets/{sha256(data).hexdigest()}.{name}"] = data
        for path in sorted(self.home.tuf_dir.glob("*.root.json")):
            content[f"metadata/{path.name}"] = path.read_bytes()
        for name, data in content.items():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_bytes(data)


def snapshot_of(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` with its bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
