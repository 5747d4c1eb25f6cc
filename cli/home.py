"""The `--home` option, and how a home's passphrase reaches it: a test home's own file, a prompt, or a descriptor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from cli.common import read_passphrase
from issuer.bureau_ledger import BureauLedger
from issuer.home import Home

__all__ = ["home_options", "open_home", "opened_ledger", "optional_home_options"]

_F = TypeVar("_F", bound=Callable[..., Any])


def home_options(function: _F) -> _F:
    """`--home` and `--passphrase-fd`."""
    return _options(function, required=True)


def optional_home_options(function: _F) -> _F:
    """The same, for a command that can do without a home."""
    return _options(function, required=False)


def open_home(path: Path, passphrase_fd: int | None) -> Home:
    """Open a home; its passphrase is asked for only if a sealed key is needed and the home keeps none."""
    return Home(path, passphrase=lambda: read_passphrase(passphrase_fd))


@contextmanager
def opened_ledger(home: Home) -> Iterator[BureauLedger]:
    """The home's ledger, closed again afterwards."""
    ledger = home.ledger()
    try:
        yield ledger
    finally:
        ledger.close()


def _options(function: _F, *, required: bool) -> _F:
    function = click.option(
        "--home",
        "home_path",
        type=click.Path(path_type=Path, file_okay=False),
        required=required,
        envvar="TALLY_HOME",
        help="The bureau's home (or TALLY_HOME).",
    )(function)
    return click.option(
        "--passphrase-fd", type=int, default=None, help="Read the passphrase from this file descriptor."
    )(function)
