"""Key files named on the command line; a sealed one asks for its passphrase at a terminal, or reads a descriptor."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from certificate.keys import Ed25519CoseSigner, check_key
from cli.common import read_input, read_passphrase
from ledger.errors import ConfigError, FormatError
from ledger.keyfile import load_key
from ledger.reasons import Reason

__all__ = [
    "HOLDER_PURPOSE",
    "new_passphrase",
    "open_holder_key",
    "open_seed",
    "open_signer",
    "org_purpose",
    "parse_public_key",
    "read_public_key",
]

HOLDER_PURPOSE = "holder"


def open_signer(path: Path, *, purpose: str, descriptor: int | None) -> Ed25519CoseSigner:
    """The signer in a key file made for `purpose`. Raises as `open_seed`."""
    return Ed25519CoseSigner(open_seed(path, purpose=purpose, descriptor=descriptor))


def open_seed(path: Path, *, purpose: str, descriptor: int | None) -> bytes:
    """The seed in a key file made for `purpose`, to be put into another file.

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
    return stored.seed


def org_purpose(org: int) -> str:
    """What the key file of an organisation's request key says it is for."""
    return f"org-{org}"


def open_holder_key(path: Path, descriptor: int | None) -> Ed25519CoseSigner:
    """A citizen's key. Raises as `open_signer`."""
    return open_signer(path, purpose=HOLDER_PURPOSE, descriptor=descriptor)


def new_passphrase(descriptor: int | None) -> bytes | None:
    """The passphrase for a new key; None, said so by the caller, when nobody gives one."""
    if descriptor is not None:
        return read_passphrase(descriptor)
    if not sys.stdin.isatty():
        return None
    given = click.prompt(
        "Passphrase (empty for none)", default="", hide_input=True, err=True, show_default=False
    )
    return str(given).encode() or None


def read_public_key(path: Path) -> bytes:
    """A raw public key from the file that was written beside a key, in hex.

    Raises:
        ConfigError: `cli.not_found`. FormatError: `key.malformed`, `key.weak`.
    """
    content = read_input(str(path), at_most=1024).removesuffix(b"\n")
    return parse_public_key(content.decode("ascii", "replace"))


def parse_public_key(text: str) -> bytes:
    """A raw public key from lower-case hex. Raises FormatError `key.malformed`, `key.weak`."""
    try:
        key = bytes.fromhex(text)
    except ValueError as exc:
        raise FormatError(Reason.KEY_MALFORMED, "a public key in hex is due") from exc
    if key.hex() != text:
        raise FormatError(Reason.KEY_MALFORMED, "lower-case hex without spaces is due")
    return check_key(key)
