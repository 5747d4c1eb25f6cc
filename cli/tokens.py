"""A bearer token in a file: it stands in no argument list and no environment."""

from __future__ import annotations

import stat
from pathlib import Path

from cli.common import read_input, say
from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = ["read_token"]


def read_token(path: Path) -> str:
    """The token; a file that others can read is said.

    Raises:
        ConfigError: `cli.not_found`, `auth.invalid` (no token in it).
    """
    token = read_input(str(path), at_most=4096).strip()
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        say(f"{path.name} can be read by others: chmod 600 it")
    if not token.isascii() or not token:
        raise ConfigError(Reason.AUTH_INVALID, f"{path.name} holds no token")
    return token.decode("ascii")
