"""`tally ledger`: check everything, sign a checkpoint, prove an entry; what strangers get is in `ledger_public`."""

from __future__ import annotations

from pathlib import Path

import click

from cli.access_log_file import check_access_log_file
from cli.common import emit, force_option, json_option, utc_now, write_new_file
from cli.home import home_options, open_home, opened_ledger, optional_home_options
from cli.ledger_public import add_mldsa_key_command, export, serve, vkeys
from ledger.cbor import encode_cbor
from ledger.proof import encode_proof

__all__ = ["ledger"]


@click.group()
def ledger() -> None:
    """Check the ledger, sign checkpoints, prove entries, publish the log.

    Example: tally ledger check --home home
    """


for _command in (add_mldsa_key_command, export, serve, vkeys):
    ledger.add_command(_command)


@ledger.command()
@click.option(
    "--access-log", "access_log", help="Check a citizen's exported access log instead; - for stdin."
)
@click.option("--trust", type=click.Path(path_type=Path), help="Trust bundle, with --access-log.")
@click.option("--wallet-key", help="The wallet's key in hex, with --access-log, where it is known.")
@optional_home_options
@json_option
def check(
    access_log: str | None,
    trust: Path | None,
    wallet_key: str | None,
    home_path: Path | None,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Recompute the whole ledger from its entries and compare with every signed checkpoint.

    With --access-log: check a citizen's exported access log, row by row, up to the bureau's ledger.

    Example: tally ledger check --home home
    """
    if access_log is not None:
        check_access_log_file(access_log, trust, wallet_key, as_json=as_json)
        return
    if home_path is None:
        raise click.UsageError("name a --home, or an --access-log")
    home = open_home(home_path, passphrase_fd)
    found = home.check_ledger()
    result = {
        "entries": found.size,
        "root": found.root_hash.hex(),
        "checkpoints": found.checkpoints,
        "cosigned": found.cosigned,
        "signed_size": found.signed_size,
    }
    text = f"all in order: {found.size:,} entries, {found.checkpoints} checkpoints, {found.cosigned} of them cosigned"
    emit(result, text, as_json=as_json)


@ledger.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Also write the note there.")
@home_options
@force_option
@json_option
def checkpoint(
    out: Path | None, home_path: Path, passphrase_fd: int | None, force: bool, as_json: bool
) -> None:
    """Sign a checkpoint over the ledger as it stands and have the witnesses cosign it.

    Example: tally ledger checkpoint --home home
    """
    home = open_home(home_path, passphrase_fd)
    with opened_ledger(home) as opened:
        note = opened.checkpoint(int(utc_now().timestamp()))
    if out is not None:
        write_new_file(out, note, force=force)
    text = note.decode("utf-8")
    emit({"note": text}, text.rstrip("\n"), as_json=as_json)


@ledger.command()
@click.argument("index", type=click.IntRange(0))
@click.option("--as", "form", type=click.Choice(["binary"]), default="binary", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option(
    "--entry-out", type=click.Path(path_type=Path, dir_okay=False), help="Also write the entry there."
)
@home_options
@force_option
@json_option
def prove(
    index: int,
    form: str,
    out: Path,
    entry_out: Path | None,
    home_path: Path,
    passphrase_fd: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Prove that entry INDEX is in the ledger, under its newest cosigned checkpoint.

    Example: tally ledger prove 0 --out proof.cbor --home home
    """
    home = open_home(home_path, passphrase_fd)
    with opened_ledger(home) as opened:
        proof, entry = opened.prove(index), opened.entry(index)
    write_new_file(out, encode_cbor(encode_proof(proof)), force=force)
    if entry_out is not None:
        write_new_file(entry_out, entry, force=force)
    result = {"index": index, "size": proof.size, "hashes": len(proof.path), "form": form, "file": str(out)}
    emit(result, f"{out}: entry {index} of {proof.size}, {len(proof.path)} hashes", as_json=as_json)
