"""The `--home` option, and how a home's passphrase reaches it: a test home's own file, a prompt, or a descriptor."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from issuer.home import Home
from ledger.errors import ConfigError
from ledger.reasons import Reason
from ledger.sequencer import Sequencer

__all__ = ["home_options", "open_home", "opened_ledger", "read_passphrase"]

_F = TypeVar("_F", bound=Callable[..., Any])


def home_options(function: _F) -> _F:
    """`--home` and `--passphrase-fd`."""
    function = click.option(
        "--home",
        "home_path",
        type=click.Path(path_type=Path, file_okay=False),
        required=True,
        envvar="TALLY_HOME",
        help="The bureau's home (or TALLY_HOME).",
    )(function)
    return click.option(
        "--passphrase-fd", type=int, default=None, help="Read the passphrase from this file descriptor."
    )(function)


def open_home(path: Path, passphrase_fd: int | None) -> Home:
    """Open a home; its passphrase is asked for only if a sealed key is needed and the home keeps none."""
    return Home(path, passphrase=lambda: read_passphrase(passphrase_fd))


def read_passphrase(descriptor: int | None, *, confirm: bool = False) -> bytes:
    """The passphrase from a descriptor or a prompt; never from the command line or the environment.

    Raises:
        ConfigError: `key.passphrase` when there is neither.
    """
    if descriptor is not None:
        try:
            with os.fdopen(descriptor, "rb", closefd=False) as stream:
                given = stream.read(4096).rstrip(b"\n")
        except OSError as exc:
            raise ConfigError(Reason.KEY_PASSPHRASE, "the descriptor cannot be read") from exc
    elif sys.stdin.isatty():
        given = str(
            click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
        ).encode()
    else:
        raise ConfigError(Reason.KEY_PASSPHRASE, "no terminal to ask at", hint="use --passphrase-fd N")
    if not given:
        raise ConfigError(Reason.KEY_PASSPHRASE, "an empty passphrase")
    return given


@contextmanager
def opened_ledger(home: Home) -> Iterator[Sequencer]:
    """The home's ledger, closed again afterwards."""
    ledger = home.ledger()
    try:
        yield ledger
    finally:
        ledger.close()
