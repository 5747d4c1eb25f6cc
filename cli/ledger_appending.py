"""`tally ledger init|authority|credential`: a log of its own for several issuers, and who may append to it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import click

from certificate.numbers import Environment
from cli.common import (
    emit,
    force_option,
    json_option,
    read_input,
    read_passphrase,
    require_writable,
    say,
    utc_now,
    write_new_file,
)
from cli.home import home_options, open_home
from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = ["authority", "credential", "init"]


@click.command()
@click.argument("home_path", metavar="HOME", type=click.Path(path_type=Path, file_okay=False))
@click.option("--origin", required=True, help="The log's name, such as log.example.gov.cn/2026.")
@click.option(
    "--production", is_flag=True, help="A real log: its keys under a passphrase that is kept nowhere."
)
@click.option(
    "--passphrase-fd", type=int, default=None, help="Read the passphrase from this file descriptor."
)
@json_option
def init(home_path: Path, origin: str, production: bool, passphrase_fd: int | None, as_json: bool) -> None:
    """Set up HOME as a log for other organisations' issuers: keys, ledger, four local witnesses.

    The issuers get HOME/ledger/policy.txt, and each its credential: tally ledger authority add.

    Example: tally ledger init log --origin log.example-province.test/2026
    """
    from issuer.setup import create_log_home

    if production:
        environment, passphrase = Environment.PRODUCTION, read_passphrase(passphrase_fd, confirm=True)
    else:
        environment, passphrase = Environment.TEST, secrets.token_hex(16).encode()
        say("test home: the passphrase is kept in HOME/passphrase; do not use it for real people")
    home = create_log_home(
        home_path,
        origin,
        environment,
        passphrase=passphrase,
        random=os.urandom,
        now=int(utc_now().timestamp()),
    )
    say("the four witnesses are local; real ones are other departments': tally witness init")
    result = {"home": str(home_path), "origin": origin, "policy": str(home.policy_path)}
    emit(result, f"log {home_path} is ready; issuers need {home.policy_path}", as_json=as_json)


@click.group()
def authority() -> None:
    """Say which authorities may append to this home's log, each under its own number alone.

    Example: tally ledger authority list --home log
    """


@authority.command()
@click.argument("number", metavar="AUTHORITY", type=click.IntRange(0, 2**63 - 1))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="For the issuer.")
@home_options
@force_option
@json_option
def add(
    number: int, out: Path, home_path: Path, passphrase_fd: int | None, force: bool, as_json: bool
) -> None:
    """Make a credential for AUTHORITY; the log keeps its hash. It signs nothing. A second one may replace it.

    Example: tally ledger authority add 1 --out authority-1.credential --home log
    """
    credentials = open_home(home_path, passphrase_fd).append_credentials()
    require_writable(out, force=force)
    secret = credentials.add(number, os.urandom)
    write_new_file(out, f"{secret}\n".encode(), force=force, private=True)
    made = credentials.all()[-1]
    result = {"authority": number, "id": made.id, "file": str(out)}
    emit(result, f"{out}: authority {number} may append, credential {made.id}", as_json=as_json)


@authority.command("list")
@home_options
@json_option
def list_(home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """List the credentials by authority and id; the secrets are nowhere.

    Example: tally ledger authority list --home log
    """
    known = open_home(home_path, passphrase_fd).append_credentials().all()
    rows = [{"authority": one.authority, "id": one.id} for one in known]
    text = "\n".join(f"authority {one.authority}  credential {one.id}" for one in known)
    emit({"credentials": rows}, text or "nobody may append over HTTP", as_json=as_json)


@authority.command()
@click.argument("number", metavar="AUTHORITY", type=click.IntRange(0, 2**63 - 1))
@click.option("--id", "id_", help="One credential, by what list prints; default: all of AUTHORITY.")
@home_options
@json_option
def remove(number: int, id_: str | None, home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """Take credentials back, at once; what was logged stays logged.

    Example: tally ledger authority remove 1 --home log
    """
    count = open_home(home_path, passphrase_fd).append_credentials().remove(number, id_)
    emit({"authority": number, "removed": count}, f"{count} of authority {number} removed", as_json=as_json)


@click.command()
@click.argument("file", metavar="FILE")
@home_options
@json_option
def credential(file: str, home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """Give an issuer's HOME the credential in FILE, in place of the one it had; - for stdin.

    Example: tally ledger credential authority-1.credential --home home
    """
    from issuer.far.opening import save_credential

    home = open_home(home_path, passphrase_fd)
    if not home.settings.is_far:
        hint = "it is for homes made with: tally init HOME --ledger URL"
        raise ConfigError(Reason.CLI_USAGE, "this home has a ledger of its own", hint=hint)
    save_credential(home.policy_path.parent, read_input(file, at_most=4096).decode("ascii", "replace"))
    emit({"authority": home.settings.authority}, "the credential is in place", as_json=as_json)
