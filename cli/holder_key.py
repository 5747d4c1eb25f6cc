"""The holder's key file, as every command of a citizen opens it."""

from __future__ import annotations

import sys
from pathlib import Path

from certificate.keys import Ed25519CoseSigner
from cli.common import read_passphrase
from ledger.errors import ConfigError
from ledger.keyfile import load_key
from ledger.reasons import Reason

__all__ = ["HOLDER_PURPOSE", "open_holder_key"]

HOLDER_PURPOSE = "holder"


def open_holder_key(path: Path, descriptor: int | None) -> Ed25519CoseSigner:
    """The holder's key; a sealed one asks for its passphrase at a terminal."""
    given = None if descriptor is None else read_passphrase(descriptor)
    try:
        stored = load_key(path, purpose=HOLDER_PURPOSE, passphrase=given)
    except ConfigError as exc:
        if exc.reason is not Reason.KEY_PASSPHRASE or given is not None or not sys.stdin.isatty():
            raise
        stored = load_key(path, purpose=HOLDER_PURPOSE, passphrase=read_passphrase(None))
    return Ed25519CoseSigner(stored.seed)
