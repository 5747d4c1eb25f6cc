"""`tally wallet devices|add-device|join|remove-device|delegate|end-delegation`: a citizen's keys and proxies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from certificate.keys import check_key
from certificate.qr_text import encode_file_text
from cli.citizen import citizen_options, logged_in
from cli.common import emit, force_option, json_option, read_input, write_new_file
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["DEVICE_COMMANDS"]

_F = TypeVar("_F", bound=Callable[..., Any])


@click.command()
@citizen_options
@json_option
def devices(key_file: Path, wallet_url: str, trust: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """The keys that open your safe, and those that did.

    Example: tally wallet devices --key me.key --wallet http://127.0.0.1:8470 --trust trust
    """
    with logged_in(key_file, passphrase_fd, wallet_url, trust) as client:
        rows = [dict(row.members) for row in client.devices()]
    lines = (
        f"{row['device']}{' (this one)' if row['this'] else ''}  since {_day(row['added'])}"
        + ("" if row["ended"] is None else f", ended {_day(row['ended'])}")
        for row in rows
    )
    emit({"devices": rows}, "\n".join(lines), as_json=as_json)


@click.command("add-device")
@click.argument("public_key")
@citizen_options
@json_option
def add_device(
    public_key: str,
    key_file: Path,
    wallet_url: str,
    trust: Path,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Offer your safe to another device for ten minutes. PUBLIC_KEY is its .pub file.

    Example: tally wallet add-device tablet.key.pub --key me.key --wallet http://127.0.0.1:8470 --trust trust
    """
    with logged_in(key_file, passphrase_fd, wallet_url, trust) as client:
        client.take_in(_public_key(public_key))
    emit({"offered": True}, "offered; run tally wallet join on the other device", as_json=as_json)


@click.command()
@click.argument("public_key")
@citizen_options
@json_option
def join(
    public_key: str,
    key_file: Path,
    wallet_url: str,
    trust: Path,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Accept another device's offer. PUBLIC_KEY is the .pub file of the device whose safe it is.

    Example: tally wallet join me.key.pub --key tablet.key --wallet http://127.0.0.1:8470 --trust trust
    """
    with logged_in(key_file, passphrase_fd, wallet_url, trust) as client:
        client.join(_public_key(public_key))
    emit({"joined": True}, "this device opens the safe now", as_json=as_json)


@click.command("remove-device")
@click.argument("device")
@citizen_options
@json_option
def remove_device(
    device: str, key_file: Path, wallet_url: str, trust: Path, passphrase_fd: int | None, as_json: bool
) -> None:
    """End another device's key, by its id: whoever holds it is out at once.

    Example: tally wallet remove-device 0123456789abcdef --key me.key --wallet http://127.0.0.1:8470 --trust trust
    """
    with logged_in(key_file, passphrase_fd, wallet_url, trust) as client:
        client.remove_device(device)
    emit({"removed": device}, f"{device} is out", as_json=as_json)


@click.command()
@click.argument("public_key")
@click.option("--days", type=click.IntRange(1, 366), default=30, show_default=True, help="From today on.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The signed delegation."
)
@citizen_options
@force_option
@json_option
def delegate(
    public_key: str,
    days: int,
    out: Path,
    key_file: Path,
    wallet_url: str,
    trust: Path,
    passphrase_fd: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Let another person's key act for you. The bureau mints their certificate from the file.

    Example: tally wallet delegate proxy.key.pub --out D.b64 --key me.key --wallet http://127.0.0.1:8470 --trust trust
    """
    with logged_in(key_file, passphrase_fd, wallet_url, trust) as client:
        id_, statement = client.delegate(_public_key(public_key), types=(1,), days=days)
    write_new_file(out, encode_file_text(statement).encode("ascii"), force=force)
    emit({"delegation": id_, "file": str(out)}, f"{out}: delegation {id_}", as_json=as_json)


@click.command("end-delegation")
@click.argument("delegation")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The signed end.")
@citizen_options
@force_option
@json_option
def end_delegation(
    delegation: str,
    out: Path,
    key_file: Path,
    wallet_url: str,
    trust: Path,
    passphrase_fd: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """End a delegation: from now on the proxy can consent to nothing. The bureau ends their certificate by the file.

    Example: tally wallet end-delegation ID --out E.b64 --key me.key --wallet http://127.0.0.1:8470 --trust trust
    """
    with logged_in(key_file, passphrase_fd, wallet_url, trust) as client:
        statement = client.end_delegation(delegation)
    write_new_file(out, encode_file_text(statement).encode("ascii"), force=force)
    emit({"delegation": delegation, "file": str(out)}, f"{delegation} has ended", as_json=as_json)


DEVICE_COMMANDS = (devices, add_device, join, remove_device, delegate, end_delegation)


def _public_key(name: str) -> bytes:
    """The raw key in a .pub file: one line of hex."""
    try:
        return check_key(bytes.fromhex(read_input(name, at_most=1024).decode("ascii").strip()))
    except ValueError as exc:
        raise FormatError(Reason.KEY_MALFORMED, "one line of hex is due") from exc


def _day(time: int) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d}"
