"""`tally issuer print-client`: bank branches, kiosks and HR desks that may have certificates printed."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from cli.common import emit, json_option, utc_now
from cli.home import home_options, open_home
from issuer.printing.clients import PrintClient, PrintClients
from issuer.printing.pages import PAGES

__all__ = ["print_client"]


@click.group("print-client")
def print_client() -> None:
    """Who may have certificates printed by `tally issuer serve`, and for whom.

    Example: tally issuer print-client list --home home
    """


@print_client.command()
@click.argument("name")
@click.option("--audience", required=True, help="For whom its pages are good; printed on each.")
@click.option("--purpose", "purposes", multiple=True, required=True, help="What they may be for; repeatable.")
@click.option("--page", "pages", multiple=True, required=True, type=click.Choice(sorted(PAGES)))
@click.option(
    "--region", "regions", multiple=True, required=True, help="Prefix of the people's regions; repeatable."
)
@click.option(
    "--employer", "employers", multiple=True, help="Credit code of the people's employer; default: any."
)
@click.option(
    "--days", type=click.IntRange(1, 366), default=90, show_default=True, help="How long its token is good."
)
@home_options
@json_option
def add(
    name: str,
    audience: str,
    purposes: tuple[str, ...],
    pages: tuple[str, ...],
    regions: tuple[str, ...],
    employers: tuple[str, ...],
    days: int,
    home_path: Path,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Let a client print within a scope. Its token is shown once.

    Example: tally issuer print-client add desk7 --audience 示例银行 --purpose 贷款 --page contribution.years
    """
    client = PrintClient(name, audience, pages, purposes, regions, employers)
    now = _now()
    token = _clients(home_path, passphrase_fd).add(client, now=now, days=days, random=os.urandom)
    emit({"client": name, "token": token, "expires": now + days * 86400}, token, as_json=as_json)


@print_client.command()
@click.argument("name")
@home_options
@json_option
def revoke(name: str, home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """Take a client's token back, at once.

    Example: tally issuer print-client revoke branch-7 --home home
    """
    _clients(home_path, passphrase_fd).end(name, now=_now())
    emit({"client": name, "revoked": True}, f"{name} prints no more", as_json=as_json)


@print_client.command("list")
@home_options
@json_option
def list_(home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """List the clients and what they may print.

    Example: tally issuer print-client list --home home
    """
    rows = [
        {
            "client": client.name,
            "audience": client.audience,
            "pages": list(client.pages),
            "purposes": list(client.purposes),
            "regions": list(client.regions),
            "employers": list(client.employers),
            "expires": expires,
            "revoked": ended is not None,
        }
        for client, expires, ended in _clients(home_path, passphrase_fd).all()
    ]
    text = "\n".join(
        f"{row['client']}  {row['audience']}  "
        + (
            "revoked"
            if row["revoked"]
            else f"until {datetime.fromtimestamp(int(str(row['expires'])), UTC):%Y-%m-%d}"
        )
        for row in rows
    )
    emit({"clients": rows}, text, as_json=as_json)


def _clients(home_path: Path, passphrase_fd: int | None) -> PrintClients:
    return PrintClients(open_home(home_path, passphrase_fd).path / "printing.db")


def _now() -> int:
    return int(utc_now().timestamp())
