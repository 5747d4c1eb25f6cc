"""What a wallet's operator does with the bureau: its token here, our token there, heads on a schedule."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cli.common import emit, json_option, read_input, utc_now
from cli.wallet_db import db_option
from ledger.errors import ConfigError
from ledger.reasons import Reason

if TYPE_CHECKING:
    from wallet_api.service import Service

__all__ = ["OPERATOR_COMMANDS", "head_options", "sending_heads"]

_F = TypeVar("_F", bound=Callable[..., Any])


@click.command("bureau-token")
@db_option
@click.option("--end-others", is_flag=True, help="End the tokens it had before.")
@json_option
def bureau_token(db: str, end_others: bool, as_json: bool) -> None:
    """Make a token for the bureau, which tells here whom its staff looked up. Shown once, stored as a hash.

    Example: tally wallet bureau-token --db wallet.db
    """
    from wallet_api.login import end_bureau_tokens, make_bureau_token
    from wallet_api.store.opening import open_store

    store = open_store(db)
    if end_others:
        end_bureau_tokens(store)
    token = make_bureau_token(store, secret=os.urandom(32), now=int(utc_now().timestamp()))
    store.close()
    emit({"token": token}, token, as_json=as_json)


def head_options(function: _F) -> _F:
    """`--bureau`, `--bureau-token-file`, `--head-minutes` of the service."""
    for option in (
        click.option(
            "--head-minutes",
            type=click.IntRange(1, 24 * 60),
            default=60,
            show_default=True,
            help="How often the head of the access log is sent, if it changed.",
        ),
        click.option(
            "--bureau-token-file",
            "token_file",
            type=click.Path(path_type=Path, dir_okay=False),
            help="File with the token of tally issuer wallet-token.",
        ),
        click.option("--bureau", help="Address of the bureau that logs the heads of the access log."),
    ):
        function = option(function)
    return function


@contextmanager
def sending_heads(
    service: Service, bureau: str | None, token_file: Path | None, head_minutes: int
) -> Iterator[None]:
    """Send heads while the block runs; nothing without a bureau. Raises ConfigError `cli.usage`."""
    if (bureau is None) is not (token_file is None):
        raise ConfigError(
            Reason.CLI_USAGE, "one of --bureau and --bureau-token-file", hint="give both, or none"
        )
    if bureau is None or token_file is None:
        yield
        return
    from wallet_api.head_sender import HeadSender

    token = read_input(str(token_file), at_most=1024).decode("ascii", "replace").strip()
    sender = HeadSender(service, bureau.rstrip("/"), token, every=60 * head_minutes)
    sender.start()
    try:
        yield
    finally:
        sender.stop()


OPERATOR_COMMANDS = (bureau_token,)
