"""Private keys as files: a seed, sealed under a passphrase (argon2id, XSalsa20-Poly1305) or, for tests, not.

A key file is JSON, mode 0600, owned by who uses it, in a folder nobody else can write to. Purpose,
environment, algorithm and public key stand in the clear and are bound into the seal, so that a file cannot be made to
look like another one. A file that names no algorithm holds an Ed25519 key.
"""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Final

from nacl import bindings
from nacl.exceptions import CryptoError

from ledger.durable import create_durably, map_os_error
from ledger.ed25519 import Ed25519Signer
from ledger.errors import ConfigError, FormatError
from ledger.mldsa import MlDsa44Signer
from ledger.reasons import Reason

__all__ = ["ENVIRONMENTS", "SALT_SIZE", "SEED_SIZE", "KeyAlgorithm", "StoredKey", "load_key", "save_key"]

SEED_SIZE: Final = bindings.crypto_sign_SEEDBYTES
SALT_SIZE: Final = bindings.crypto_pwhash_SALTBYTES
ENVIRONMENTS = ("test", "production")

_FORMAT = "tallystick-key/1"
_MAX_FILE = 4096
_NONCE_SIZE = bindings.crypto_secretbox_NONCEBYTES
_PURPOSE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)
_HEX = re.compile(r"(?:[0-9a-f]{2})*", re.ASCII)
_CLEAR_FIELDS = {"format", "purpose", "environment", "public_key"}
_SEALED_FIELDS = _CLEAR_FIELDS | {"salt", "sealed"}
_UNSEALED_FIELDS = _CLEAR_FIELDS | {"seed"}
_ALGORITHM = "algorithm"  # only in files of keys that are not Ed25519

# Sealing keys of this process, by SHA-256 of salt and passphrase: the keys of one home share a salt, and
# stretching a passphrase costs a tenth of a second and 64 MiB.
_stretched: dict[bytes, bytes] = {}
_MAX_STRETCHED = 8


class KeyAlgorithm(StrEnum):
    """What the seed in a key file is the seed of."""

    ED25519 = "Ed25519"
    ML_DSA_44 = "ML-DSA-44"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as read from its file.

    Args:
        purpose: what it is for, such as `log` or `witness-1`.
        environment: `test` or `production`.
        seed: 32 secret bytes.
    """

    purpose: str
    environment: str
    public_key: bytes
    seed: bytes = field(repr=False)
    signer: Ed25519Signer | MlDsa44Signer = field(repr=False, compare=False)


def save_key(
    path: Path,
    seed: bytes,
    *,
    purpose: str,
    environment: str,
    passphrase: bytes | None,
    salt: bytes | None = None,
    algorithm: KeyAlgorithm = KeyAlgorithm.ED25519,
) -> None:
    """Write a new key file, mode 0600. An existing one is never overwritten.

    Args:
        seed: 32 secret random bytes.
        purpose: lower-case letters, digits and hyphens.
        environment: `test` or `production`.
        passphrase: seals the seed; None leaves it in the clear.
        salt: 16 bytes, shared by keys that are opened together; None takes fresh random ones.
        algorithm: what the seed is the seed of.
    Raises:
        FormatError: `key.malformed` for a seed, salt, purpose or environment that cannot be.
        ConfigError: `cli.exists`, `cli.key_permissions` (the folder), `key.passphrase` (an empty one),
            `cli.not_found` (no such folder).
        IntegrityError: `store.…` when the file cannot be written.
    """
    if len(seed) != SEED_SIZE or (salt is not None and len(salt) != SALT_SIZE):
        raise FormatError(Reason.KEY_MALFORMED, f"a seed of {len(seed)} bytes, or a salt of another length")
    if not _PURPOSE.fullmatch(purpose) or environment not in ENVIRONMENTS:
        raise FormatError(Reason.KEY_MALFORMED, "purpose or environment")
    _check_folder(path.parent)
    clear = {
        "format": _FORMAT,
        "purpose": purpose,
        "environment": environment,
        "public_key": _signer_of(seed, algorithm).public_key.hex(),
    }
    if algorithm is not KeyAlgorithm.ED25519:
        clear[_ALGORITHM] = algorithm.value
    if passphrase is None:
        secret = {"seed": seed.hex()}
    else:
        salt = bindings.randombytes(SALT_SIZE) if salt is None else salt
        secret = {"salt": salt.hex(), "sealed": _seal(seed, clear, passphrase, salt).hex()}
    create_durably(path, (json.dumps(clear | secret, indent=1) + "\n").encode("ascii"))


def load_key(path: Path, *, purpose: str, passphrase: bytes | None) -> StoredKey:
    """Read a key file.

    Args:
        purpose: what the caller wants the key for.
        passphrase: None opens only a file that is not sealed; a passphrase opens only one that is.
    Raises:
        ConfigError: `cli.not_found`, `cli.key_permissions` (link, foreign owner, readable by others, folder
            open to others), `key.malformed`, `key.purpose_mismatch` or `key.passphrase`.
    """
    fields = _parse(_read_private(path))
    if fields["purpose"] != purpose:
        raise ConfigError(
            Reason.KEY_PURPOSE_MISMATCH,
            f"a key for {fields['purpose']}",
            hint=f"Use a key made for {purpose}.",
        )
    if ("sealed" in fields) is (passphrase is None):
        raise ConfigError(
            Reason.KEY_PASSPHRASE,
            "the key is sealed" if passphrase is None else "the key is not sealed",
            hint="Give the passphrase." if passphrase is None else "Leave the passphrase out.",
        )
    seed = _unhex(fields["seed"]) if passphrase is None else _open(fields, passphrase)
    if len(seed) != SEED_SIZE:
        raise _malformed("seed of another length")
    signer = _signer_of(seed, KeyAlgorithm(fields.get(_ALGORITHM, KeyAlgorithm.ED25519)))
    if signer.public_key.hex() != fields["public_key"]:
        raise _malformed("the public key is of another seed")
    return StoredKey(purpose, fields["environment"], signer.public_key, seed, signer)


def _signer_of(seed: bytes, algorithm: KeyAlgorithm) -> Ed25519Signer | MlDsa44Signer:
    return Ed25519Signer(seed) if algorithm is KeyAlgorithm.ED25519 else MlDsa44Signer(seed)


def _seal(seed: bytes, clear: dict[str, str], passphrase: bytes, salt: bytes) -> bytes:
    """Nonce ‖ box of (seed ‖ digest of the clear fields)."""
    nonce = bindings.randombytes(_NONCE_SIZE)
    return nonce + bindings.crypto_secretbox(seed + _digest(clear), nonce, _stretch(passphrase, salt))


def _open(fields: dict[str, str], passphrase: bytes) -> bytes:
    sealed, salt = _unhex(fields["sealed"]), _unhex(fields["salt"])
    if len(salt) != SALT_SIZE or len(sealed) <= _NONCE_SIZE:
        raise _malformed("seal of another length")
    try:
        opened = bindings.crypto_secretbox_open(
            sealed[_NONCE_SIZE:], sealed[:_NONCE_SIZE], _stretch(passphrase, salt)
        )
    except (CryptoError, ValueError) as exc:
        raise ConfigError(
            Reason.KEY_PASSPHRASE, "it does not open the key", hint="Check the passphrase and try again."
        ) from exc
    clear = {name: value for name, value in fields.items() if name in _CLEAR_FIELDS | {_ALGORITHM}}
    if opened[SEED_SIZE:] != _digest(clear):
        raise _malformed("purpose, environment or public key were changed after sealing")
    return opened[:SEED_SIZE]


def _stretch(passphrase: bytes, salt: bytes) -> bytes:
    if not passphrase:
        raise ConfigError(Reason.KEY_PASSPHRASE, "an empty passphrase", hint="Choose a long one.")
    name = sha256(salt + passphrase).digest()
    if name not in _stretched:
        while len(_stretched) >= _MAX_STRETCHED:
            _stretched.pop(next(iter(_stretched)))
        _stretched[name] = bindings.crypto_pwhash_alg(
            bindings.crypto_secretbox_KEYBYTES,
            passphrase,
            salt,
            bindings.crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE,
            bindings.crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE,
            bindings.crypto_pwhash_ALG_ARGON2ID13,
        )
    return _stretched[name]


def _digest(clear: dict[str, str]) -> bytes:
    return sha256(json.dumps(clear, sort_keys=True, separators=(",", ":")).encode("ascii")).digest()


def _read_private(path: Path) -> bytes:
    """The bytes of a file that is ours alone. All checks are made on the opened file, not on its name."""
    _check_folder(path.parent)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as exc:
        raise ConfigError(Reason.CLI_NOT_FOUND, path.name, hint="Check the path of the key file.") from exc
    except OSError as exc:  # ELOOP: a link
        raise _permissions(path.name, "it is a link, or cannot be opened") from exc
    try:
        _require_private(path.name, os.fstat(descriptor))
        return os.read(descriptor, _MAX_FILE + 1)
    except OSError as exc:
        raise map_os_error(exc) from exc
    finally:
        os.close(descriptor)


def _require_private(name: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _permissions(name, "it is not a plain file")
    if status.st_uid != os.geteuid():
        raise _permissions(name, "it belongs to somebody else")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise _permissions(name, f"its mode is {stat.S_IMODE(status.st_mode):04o}")


def _check_folder(folder: Path) -> None:
    try:
        mode = folder.stat().st_mode
    except OSError as exc:
        raise ConfigError(Reason.CLI_NOT_FOUND, folder.name, hint="Make the folder first.") from exc
    if mode & stat.S_IWOTH:  # a sticky bit does not help: anybody may put a file under a name we look for
        raise _permissions(folder.name, "anybody may write to the folder")


def _parse(data: bytes) -> dict[str, str]:
    if len(data) > _MAX_FILE:
        raise _malformed("too long")
    try:
        value = json.loads(data.decode("ascii"), object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as exc:
        raise _malformed("not a key file") from exc
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise _malformed("not a key file")
    fields: dict[str, str] = value
    if fields.get("format") != _FORMAT or set(fields) - {_ALGORITHM} not in (
        _SEALED_FIELDS,
        _UNSEALED_FIELDS,
    ):
        raise _malformed("fields of another format")
    if fields.get(_ALGORITHM, KeyAlgorithm.ML_DSA_44) != KeyAlgorithm.ML_DSA_44:
        raise _malformed("another algorithm")
    if not _PURPOSE.fullmatch(fields["purpose"]) or fields["environment"] not in ENVIRONMENTS:
        raise _malformed("purpose or environment")
    return fields


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a field twice")
    return dict(pairs)


def _unhex(text: str) -> bytes:
    if not _HEX.fullmatch(text):
        raise _malformed("not hexadecimal")
    return bytes.fromhex(text)


def _malformed(detail: str) -> ConfigError:
    return ConfigError(Reason.KEY_MALFORMED, detail, hint="Restore the key file from its backup.")


def _permissions(name: str, detail: str) -> ConfigError:
    return ConfigError(
        Reason.CLI_KEY_PERMISSIONS,
        f"{name}: {detail}",
        hint="Make it a plain file of your own: chmod 600, in a folder that only you can write to.",
    )
