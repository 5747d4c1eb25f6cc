"""`tally org register|list|suspend`: who may ask."""

from __future__ import annotations

import os
from pathlib import Path

import click

from certificate.keys import Ed25519CoseSigner
from certificate.qr_text import encode_file_text
from certificate.request import DEFAULT_PURPOSE
from cli.asking import known_template
from cli.common import emit, force_option, json_option, require_writable, utc_now, write_new_file
from cli.home import home_options, open_home
from cli.keys import org_purpose, read_public_key
from issuer.home import Home
from issuer.organisations import (
    list_organisations,
    register_organisation,
    suspend_organisation,
)
from issuer.policies import load_policies
from issuer.templates import load_templates
from ledger.errors import ConfigError
from ledger.keyfile import load_key, save_key
from ledger.reasons import Reason

__all__ = ["list_", "register", "suspend"]

_FILE = click.Path(path_type=Path, dir_okay=False)


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
@click.option(
    "--request-key",
    "public_key_file",
    type=_FILE,
    help="OUT.pub of the organisation's own key; default: the home's.",
)
@click.option("--out", type=_FILE, help="Write the registration, for the organisation.")
@click.option("--allow-look-alike", is_flag=True, help="You compared it with the organisation it looks like.")
@click.option("--policy", "policies", multiple=True, help="Policy it may ask, by id; repeatable.")
@click.option(
    "--template",
    "templates",
    multiple=True,
    help="Template it may use: its policies and purpose; repeatable.",
)
@home_options
@force_option
@json_option
def register(
    number: int,
    name_zh: str,
    name_en: str,
    contact: str,
    purposes: tuple[str, ...],
    public_key_file: Path | None,
    out: Path | None,
    allow_look_alike: bool,
    policies: tuple[str, ...],
    templates: tuple[str, ...],
    home_path: Path,
    passphrase_fd: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Register an organisation for a year, or renew it. Its request key is made, or kept, in the home.

    Example: tally org register --org 7 --name-zh 示例学校 --name-en "Example School" --contact 示例路2号 --home home
    """
    if out is not None:
        require_writable(out, force=force)
    home = open_home(home_path, passphrase_fd)
    published = load_templates(home)
    used = [known_template(name, published) for name in templates]
    public_key = _home_key(home, number) if public_key_file is None else read_public_key(public_key_file)
    registration = register_organisation(
        home,
        org=number,
        name_zh=name_zh,
        name_en=name_en,
        contact=contact,
        request_key=public_key,
        now=int(utc_now().timestamp()),
        purposes=tuple(dict.fromkeys((*purposes, *(one.purpose for one in used)))),
        allow_look_alike=allow_look_alike,
        policies=_known(home, (*policies, *(name for one in used for name in one.policies))),
    )
    if out is not None:
        write_new_file(out, encode_file_text(registration).encode("ascii"), force=force)
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


def _home_key(home: Home, org: int) -> bytes:
    """The public part of the organisation's key in the home; made there the first time."""
    name = org_purpose(org)
    path = home.key_path(name)
    if path.exists():
        return load_key(path, purpose=name, passphrase=home.passphrase()).public_key
    seed = os.urandom(32)
    environment = home.settings.environment.name.lower()
    save_key(path, seed, purpose=name, environment=environment, passphrase=home.passphrase())
    return Ed25519CoseSigner(seed).public_key


def _known(home: Home, policies: tuple[str, ...]) -> tuple[str, ...]:
    known = load_policies(home)
    if unknown := [name for name in policies if name not in known]:
        raise ConfigError(
            Reason.POLICY_UNKNOWN, ", ".join(unknown), hint="tally issuer policy list shows them"
        )
    return tuple(sorted(set(policies)))
