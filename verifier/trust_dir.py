"""A trust bundle in a folder: reading it, and replacing it as a whole.

`root.keys` beside the bundle holds the pinned root keys, one raw Ed25519 public key in hex a line. It is put there by
hand, by `tally init`, or by `tally trust sync`, which changes it only when enough of them signed their successors.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ledger.errors import ConfigError, FormatError, ProjectError, UndeterminedError
from ledger.reasons import Reason
from verifier.trust import BUNDLE_NAME, TrustBundle, parse_bundle

__all__ = [
    "ROOT_KEYS_NAME",
    "SEEN_NAME",
    "format_root_keys",
    "load_root_keys",
    "load_trust",
    "replace_bundle",
    "save_bundle_files",
]

ROOT_KEYS_NAME = "root.keys"
SEEN_NAME = "seen.db"
_TRIES, _PAUSE = (
    3,
    0.1,
)  # a file takes a sync, some ten milliseconds; after three looks at the same it is as it is
_SUFFIXES = (".cbor", ".cose", ".cwt", ".json", ".toml", ".txt")


def load_trust(folder: Path) -> TrustBundle:
    """Read, check and open the bundle in `folder`. One that is being replaced is read again until it is whole.

    Raises:
        UndeterminedError: `trust.missing`.
        FormatError, VerificationError: as `parse_bundle`.
    """
    unchanged, before = 0, None
    while True:
        files, root_keys = _read(folder)
        try:
            return parse_bundle(files, root_keys=root_keys)
        except ProjectError:
            unchanged = unchanged + 1 if files == before else 0
            if unchanged >= _TRIES:
                raise
        before = files
        time.sleep(_PAUSE)


def _read(folder: Path) -> tuple[dict[str, bytes], list[bytes]]:
    try:
        return load_bundle_files(folder), load_root_keys(folder)
    except (OSError, UnicodeDecodeError) as exc:
        hint = "name the folder that holds bundle.cose and root.keys with --trust"
        raise UndeterminedError(Reason.TRUST_MISSING, "no readable bundle there", hint=hint) from exc


def load_bundle_files(folder: Path) -> dict[str, bytes]:
    """The bundle's files, unchecked. Raises OSError."""
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.suffix in _SUFFIXES and path.is_file()
    }


def load_root_keys(folder: Path) -> list[bytes]:
    """The pinned keys. Raises FormatError `trust.malformed`, OSError, UnicodeDecodeError."""
    return _parse_root_keys((folder / ROOT_KEYS_NAME).read_text("ascii"))


def save_bundle_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a bundle's files; `bundle.cose` last, so that a reader meanwhile sees a mismatch and not a mixture.

    Raises:
        ConfigError: `store.io_error`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in sorted(files, key=lambda name: (name == BUNDLE_NAME, name)):
            temporary = folder / f".{name}.new"
            with temporary.open("wb") as stream:
                stream.write(files[name])
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(folder / name)
    except OSError as exc:
        raise ConfigError(Reason.STORE_IO_ERROR, "writing the trust bundle") from exc


def replace_bundle(folder: Path, files: Mapping[str, bytes], *, root_keys: Sequence[bytes]) -> None:
    """Make `folder` hold this bundle and these pinned keys, and nothing of the one before.

    Raises:
        ConfigError: `store.io_error`; then the folder opens with nothing until this is run again.
    """
    save_bundle_files(folder, {**files, ROOT_KEYS_NAME: format_root_keys(root_keys).encode()})
    try:
        for path in folder.iterdir():
            if path.suffix in _SUFFIXES and path.is_file() and path.name not in files:
                path.unlink()
    except OSError as exc:
        raise ConfigError(Reason.STORE_IO_ERROR, "writing the trust bundle") from exc


def format_root_keys(keys: Sequence[bytes]) -> str:
    """The text of `root.keys`."""
    return "".join(f"{key.hex()}\n" for key in keys)


def _parse_root_keys(text: str) -> list[bytes]:
    lines = text.splitlines()
    if not lines or not all(re.fullmatch(r"[0-9a-f]{64}", line) for line in lines):
        raise FormatError(Reason.TRUST_MALFORMED, f"{ROOT_KEYS_NAME} holds one key in hex a line")
    return [bytes.fromhex(line) for line in lines]
