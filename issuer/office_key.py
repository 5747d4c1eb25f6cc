"""The key that signs certificates, opened only if verifiers would accept what it signs now (ATTACKS K04).

The published directory decides, as it will for every verifier: whose the key is, and for which positions of the log.
"""

from __future__ import annotations

from certificate.directory import DirectoryKey, KeyRole
from certificate.keys import CoseSigner
from issuer.home import Home
from issuer.publish import load_directory
from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = ["office_signer"]


def office_signer(home: Home, *, size: int) -> CoseSigner:
    """The minting office's signing key.

    Args:
        size: of the log; what is signed now will stand at this index or later.
    Raises:
        ConfigError: `cli.key_mismatch` (no key of this office, or good from a later position only),
            `cli.key_retired` (its range has ended, or it is void), and what opening a key file raises.
    """
    settings = home.settings
    signer = home.signer(f"office-{settings.office}")
    key = _listed(home, signer.public_key)
    if key is None or (key.authority, key.office) != (settings.authority, settings.office):
        hint = "put the key back that the directory lists, or publish a directory that lists this one"
        raise ConfigError(Reason.CLI_KEY_MISMATCH, "not a key of this office in the directory", hint=hint)
    if key.log != settings.log or size < key.from_index:
        raise ConfigError(Reason.CLI_KEY_MISMATCH, f"good from index {key.from_index} of log {key.log}")
    ends = [index for index in (key.to_index, key.void_from) if index is not None]
    if ends and size >= min(ends):
        raise ConfigError(
            Reason.CLI_KEY_RETIRED, f"good below index {min(ends)}", hint="mint with the office's newer key"
        )
    return signer


def _listed(home: Home, public_key: bytes) -> DirectoryKey | None:
    keys = load_directory(home).keys
    return next(
        (key for key in keys if key.role is KeyRole.CERTIFICATE and key.public_key == public_key), None
    )
