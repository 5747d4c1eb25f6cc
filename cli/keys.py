"""Key files named on the command line; a sealed one asks for its passphrase at a terminal, or reads a descriptor."""

from __future__ import annotations

import sys
from pathlib import Path

from certificate.keys import Ed25519CoseSigner
from cli.common import read_passphrase
from ledger.errors import ConfigError
from ledger.keyfile import load_key
from ledger.reasons import Reason

__all__ = ["HOLDER_PURPOSE", "open_holder_key", "open_signer", "org_purpose"]

HOLDER_PURPOSE = "holder"


def open_signer(path: Path, *, purpose: str, descriptor: int | None) -> Ed25519CoseSigner:
    """The signer in a key file made for `purpose`.

    Raises:
        ConfigError: as `load_key` and `read_passphrase`.
    """
    given = None if descriptor is None else read_passphrase(descriptor)
    try:
        stored = load_key(path, purpose=purpose, passphrase=given)
    except ConfigError as exc:
        if exc.reason is not Reason.KEY_PASSPHRASE or given is not None or not sys.stdin.isatty():
            raise
        stored = load_key(path, purpose=purpose, passphrase=read_passphrase(None))
    return Ed25519CoseSigner(stored.seed)


def org_purpose(org: int) -> str:
    """What the key file of an organisation's request key says it is for."""
    return f"org-{org}"


def open_holder_key(path: Path, descriptor: int | None) -> Ed25519CoseSigner:
    """A citizen's key. Raises as `open_signer`."""
    return open_signer(path, purpose=HOLDER_PURPOSE, descriptor=descriptor)
