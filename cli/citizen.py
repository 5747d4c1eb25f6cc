"""What all commands of a citizen at a wallet service share: key, service, trust bundle, and being logged in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cli.common import utc_now
from cli.keys import open_holder_key

if TYPE_CHECKING:
    from cli.wallet_client import WalletClient

__all__ = ["citizen_options", "logged_in"]

_F = TypeVar("_F", bound=Callable[..., Any])


def citizen_options(function: _F) -> _F:
    """`--key`, `--wallet`, `--trust`, `--passphrase-fd`."""
    for option in (
        click.option("--passphrase-fd", type=int, default=None, help="The key file's passphrase."),
        click.option(
            "--trust", type=click.Path(path_type=Path), required=True, help="Folder of the trust bundle."
        ),
        click.option("--wallet", "wallet_url", required=True, help="Address of the wallet service."),
        click.option(
            "--key", "key_file", type=click.Path(path_type=Path), required=True, help="Your key file."
        ),
    ):
        function = option(function)
    return function


def logged_in(
    key_file: Path, passphrase_fd: int | None, url: str, trust: Path
) -> AbstractContextManager[WalletClient]:
    """A client of the service at `url`, logged in with the key. Raises as `open_holder_key` and `load_trust`."""
    from cli.wallet_client import opened_client
    from verifier.trust_dir import load_trust

    signer = open_holder_key(key_file, passphrase_fd)
    return opened_client(url, signer, load_trust(trust), clock=lambda: int(utc_now().timestamp()))
