"""`tally org register|list|suspend`: who may ask."""

from __future__ import annotations

import os
from pathlib import Path

import click

from certificate.keys import Ed25519CoseSigner
from certificate.request import DEFAULT_PURPOSE
from cli.common import emit, json_option, utc_now
from cli.home import home_options, open_home
from issuer.organisations import (
    list_organisations,
    register_organisation,
    suspend_organisation,
)
from ledger.keyfile import load_key, save_key

__all__ = ["list_", "register", "suspend"]


@click.command("register")
@click.option(
    "--org", "number", type=click.IntRange(1, 2**31), required=True, help="The organisation's number."
)
@click.option("--name-zh", required=True)
@click.option("--name-en", required=True)
@click.option("--contact", required=True, help="How citizens reach it.")
@click.option(
    "--purpose", "purposes", multiple=True, default=(DEFAULT_PURPOSE,), help="Allowed purpose; repeatable."
)
@home_options
@json_option
def register(
    number: int,
    name_zh: str,
    name_en: str,
    contact: str,
    purposes: tuple[str, ...],
    home_path: Path,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Register an organisation for a year, or renew it. Its request key is made, or kept, in the home.

    Example: tally org register --org 7 --name-zh 示例学校 --name-en "Example School" --contact 示例路2号 --home home
    """
    home = open_home(home_path, passphrase_fd)
    name = f"org-{number}"
    path = home.key_path(name)
    if path.exists():
        public_key = load_key(path, purpose=name, passphrase=home.passphrase()).public_key
    else:
        seed = os.urandom(32)
        environment = home.settings.environment.name.lower()
        save_key(path, seed, purpose=name, environment=environment, passphrase=home.passphrase())
        public_key = Ed25519CoseSigner(seed).public_key
    register_organisation(
        home,
        org=number,
        name_zh=name_zh,
        name_en=name_en,
        contact=contact,
        request_key=public_key,
        now=int(utc_now().timestamp()),
        purposes=tuple(purposes),
    )
    emit(
        {"org": number, "request_key": public_key.hex()}, f"organisation {number} registered", as_json=as_json
    )


@click.command("list")
@home_options
@json_option
def list_(home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """List registered organisations.

    Example: tally org list --home home
    """
    known = list_organisations(open_home(home_path, passphrase_fd))
    rows = [
        {
            "org": item.body.org,
            "name_zh": item.body.name_zh,
            "name_en": item.body.name_en,
            "purposes": list(item.body.purposes),
            "suspended": item.suspended,
        }
        for item in known
    ]
    text = "\n".join(
        f"{row['org']}  {row['name_zh']}  {'suspended' if row['suspended'] else ''}".rstrip() for row in rows
    )
    emit({"organisations": rows}, text, as_json=as_json)


@click.command("suspend")
@click.option("--org", "number", type=click.IntRange(1, 2**31), required=True)
@home_options
@json_option
def suspend(number: int, home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """Stop an organisation from making new requests.

    Example: tally org suspend --org 7 --home home
    """
    suspend_organisation(open_home(home_path, passphrase_fd), number)
    emit({"org": number, "suspended": True}, f"organisation {number} suspended", as_json=as_json)
