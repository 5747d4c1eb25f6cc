"""`tally org new-key|rollover|resume|announce`: an organisation's request key, and how another takes its place."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from certificate.keys import Ed25519CoseSigner
from certificate.qr_text import decode_any, encode_file_text
from certificate.request import parse_registration
from certificate.rollover import sign_rollover
from cli.common import emit, force_option, json_option, require_writable, say, utc_now, write_new_file
from cli.home import home_options, open_home
from cli.keys import new_passphrase, open_signer, org_purpose, read_public_key
from cli.shown import read_one
from ledger.keyfile import save_key

__all__ = ["announce", "new_key", "resume", "rollover"]

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("new-key")
@click.option("--org", "number", type=click.IntRange(1, 2**31), required=True)
@click.option("--out", type=_FILE, required=True, help="Key file to write; OUT.pub goes to the registrar.")
@click.option("--replaces", type=_FILE, help="The present key: it signs the new one in.")
@click.option("--rollover", "rollover_path", type=_FILE, help="With --replaces: the file for the registrar.")
@click.option("--environment", type=click.Choice(["test", "production"]), default="test", show_default=True)
@click.option(
    "--passphrase-fd", type=int, default=None, help="Seal it with a passphrase from this descriptor."
)
@click.option(
    "--old-passphrase-fd", type=int, default=None, help="The present key's passphrase, from this one."
)
@json_option
def new_key(
    number: int,
    out: Path,
    replaces: Path | None,
    rollover_path: Path | None,
    environment: str,
    passphrase_fd: int | None,
    old_passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Make a request key. With --replaces, the present key names it as its successor.

    Example: tally org new-key --org 7 --out new.key --replaces old.key --rollover rollover
    """
    if (replaces is None) is not (rollover_path is None):
        raise click.UsageError("--replaces and --rollover go together")
    old = None
    if replaces is not None and rollover_path is not None:
        old = open_signer(replaces, purpose=org_purpose(number), descriptor=old_passphrase_fd)
        require_writable(rollover_path, force=False)
    passphrase = new_passphrase(passphrase_fd)
    if passphrase is None:
        say("the key is not sealed by a passphrase; whoever can read the file can ask in your name")
    seed = os.urandom(32)
    new = Ed25519CoseSigner(seed)
    save_key(out, seed, purpose=org_purpose(number), environment=environment, passphrase=passphrase)
    write_new_file(out.with_name(out.name + ".pub"), new.public_key.hex().encode() + b"\n", force=False)
    if old is not None and rollover_path is not None:
        signed = sign_rollover(old, new, org=number, time=int(utc_now().timestamp()))
        write_new_file(rollover_path, encode_file_text(signed).encode("ascii"), force=False)
    emit({"key": str(out), "public_key": new.public_key.hex()}, f"{out} written", as_json=as_json)


@click.command("rollover")
@click.argument("rollover_file", metavar="ROLLOVER")
@click.option("--out", type=_FILE, required=True, help="The new registration, for the organisation.")
@home_options
@force_option
@json_option
def rollover(
    rollover_file: str, out: Path, home_path: Path, passphrase_fd: int | None, force: bool, as_json: bool
) -> None:
    """Register the request key that an organisation's present key names as its successor.

    Example: tally org rollover rollover --home home --out org-7.registration
    """
    from issuer.organisations import roll_over_organisation

    require_writable(out, force=force)
    registration = roll_over_organisation(
        open_home(home_path, passphrase_fd),
        decode_any(read_one(rollover_file)),
        now=int(utc_now().timestamp()),
    )
    _write_registration(registration, out, force=force, as_json=as_json)


@click.command("resume")
@click.option("--org", "number", type=click.IntRange(1, 2**31), required=True)
@click.option("--request-key", "public_key_file", type=_FILE, required=True, help="OUT.pub of its new key.")
@click.option("--out", type=_FILE, required=True, help="The new registration, for the organisation.")
@home_options
@force_option
@json_option
def resume(
    number: int,
    public_key_file: Path,
    out: Path,
    home_path: Path,
    passphrase_fd: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Let a suspended organisation ask again, with another key than the one it was suspended with.

    Example: tally org resume --org 7 --request-key new.key.pub --home home --out org-7.registration
    """
    from issuer.organisations import resume_organisation

    require_writable(out, force=force)
    registration = resume_organisation(
        open_home(home_path, passphrase_fd),
        number,
        request_key=read_public_key(public_key_file),
        now=int(utc_now().timestamp()),
    )
    _write_registration(registration, out, force=force, as_json=as_json)


@click.command("announce")
@click.option("--wallet", required=True, help="URL of the citizens' wallet service.")
@click.option("--token-file", type=_FILE, required=True, help="File with the organisation's token.")
@click.option("--rollover", "rollover_file", required=True, help="The rollover, signed by both keys.")
@click.option("--registration", "registration_file", required=True, help="The registration of the new key.")
@json_option
def announce(
    wallet: str, token_file: Path, rollover_file: str, registration_file: str, as_json: bool
) -> None:
    """Tell a wallet service that the request key changed: it takes no new request under the old one.

    Example: tally org announce --wallet https://wallet.example --token-file token --rollover rollover --registration R
    """
    from cli.tokens import read_token
    from verifier.bulk.wallet_client import OrganisationClient

    client = OrganisationClient(wallet, read_token(token_file), pause=time.sleep)
    try:
        key = client.roll_key_over(
            decode_any(read_one(rollover_file)), decode_any(read_one(registration_file))
        )
    finally:
        client.close()
    emit({"request_key": key}, f"the wallet takes requests under key {key[:16]}… now", as_json=as_json)


def _write_registration(registration: bytes, out: Path, *, force: bool, as_json: bool) -> None:
    write_new_file(out, encode_file_text(registration).encode("ascii"), force=force)
    body = parse_registration(registration).body
    result = {"org": body.org, "request_key": body.request_key.hex(), "registration": str(out)}
    emit(
        result, f"organisation {body.org} asks under key {body.request_key.hex()[:16]}… now", as_json=as_json
    )
