"""The key that signs certificates, opened only if verifiers would accept what it signs now (ATTACKS K04).

The published directory decides, as it will for every verifier: whose the key is, and for which positions of the log.
An office's first key lies in `office-N`, later ones in `office-N-KID`.
"""

from __future__ import annotations

from certificate.directory import Directory, DirectoryKey, KeyRole, check_position
from certificate.keys import CoseSigner
from issuer.home import Home
from issuer.offices.kept import is_ending
from issuer.publish import load_directory
from ledger.errors import ConfigError, VerificationError
from ledger.reasons import Reason

__all__ = ["is_good", "key_name", "keys_of_office", "office_key_name", "office_signer", "standing_signer"]


def office_signer(home: Home, *, size: int, count: int = 1, office: int | None = None) -> CoseSigner:
    """An office's signing key.

    Args:
        size: of the log; what is signed now will stand at this index or later.
        count: how many entries it will take.
        office: number of the office; None for the home's own.
    Raises:
        ConfigError: `cli.key_mismatch` (no key of this office, or good from a later position only),
            `cli.key_retired` (its range has ended or has no room for so many, or it is void), and what opening
            a key file raises. `cli.key_retired` also while its end waits to be published.
    """
    settings, directory = home.settings, load_directory(home)
    number = settings.office if office is None else office
    signer = home.signer(office_key_name(home, directory, number))
    key = _listed(directory, signer.public_key)
    if key is None or (key.authority, key.office) != (settings.authority, number):
        hint = "put the key back that the directory lists, or publish a directory that lists this one"
        raise ConfigError(Reason.CLI_KEY_MISMATCH, "not a key of this office in the directory", hint=hint)
    if key.log != settings.log or size < key.from_index:
        raise ConfigError(Reason.CLI_KEY_MISMATCH, f"good from index {key.from_index} of log {key.log}")
    ends = [index for index in (key.to_index, key.void_from) if index is not None]
    if ends and size + count > min(ends):
        hint = "give the office a new key: tally issuer key rotate CODE"
        raise ConfigError(Reason.CLI_KEY_RETIRED, f"good below index {min(ends)}", hint=hint)
    if is_ending(home, signer.public_key):
        hint = "publish the directory that says so; until then nothing is signed"
        raise ConfigError(Reason.CLI_KEY_RETIRED, "its end was decided and is not published yet", hint=hint)
    return signer


def standing_signer(home: Home, directory: Directory, office: int, *, size: int) -> CoseSigner | None:
    """A key of `office` that lies here and is good at index `size` or later; None without one."""
    for key in keys_of_office(home, directory, office):
        path = home.key_path(key_name(home, key))
        if is_good(directory, key, size=size) and path.exists():
            return home.signer(key_name(home, key))
    return None


def is_good(directory: Directory, key: DirectoryKey, *, size: int) -> bool:
    """Whether what `key` signs now, at index `size` or later, counts."""
    try:
        check_position(directory, key, log=key.log, index=size)
    except VerificationError:
        return False
    return True


def keys_of_office(home: Home, directory: Directory, office: int) -> list[DirectoryKey]:
    """All keys an office had and has, the newest first."""
    authority = home.settings.authority
    keys = [
        key
        for key in directory.keys
        if key.role is KeyRole.CERTIFICATE and (key.authority, key.office) == (authority, office)
    ]
    return sorted(keys, key=lambda key: key.from_index, reverse=True)


def office_key_name(home: Home, directory: Directory, office: int) -> str:
    """The name of the key an office signs with now: the newest one that lies here."""
    for key in keys_of_office(home, directory, office):
        name = key_name(home, key)
        if home.key_path(name).exists():
            return name
    return f"office-{office}"


def key_name(home: Home, key: DirectoryKey) -> str:
    """Under which name a key of the directory lies here, if it does."""
    name = f"office-{key.office}-{key.kid.hex()}"
    return name if home.key_path(name).exists() else f"office-{key.office}"


def _listed(directory: Directory, public_key: bytes) -> DirectoryKey | None:
    return next(
        (key for key in directory.keys if key.role is KeyRole.CERTIFICATE and key.public_key == public_key),
        None,
    )
