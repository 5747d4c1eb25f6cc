"""`tally ledger`: check everything, sign a checkpoint, prove an entry; what strangers get is in `ledger_public`."""

from __future__ import annotations

from pathlib import Path

import click

from certificate.keys import key_id
from cli.access_log_file import check_access_log_file
from cli.common import emit, force_option, json_option, utc_now, write_new_file
from cli.home import home_options, open_home, opened_ledger, optional_home_options
from cli.ledger_appending import authority, credential, init
from cli.ledger_move import move
from cli.ledger_public import add_mldsa_key_command, export, serve, vkeys
from cli.ledger_watch import audit, monitor
from ledger.cbor import encode_cbor
from ledger.checkpoint import parse_checkpoint_note
from ledger.errors import ConflictError
from ledger.proof import encode_proof
from ledger.reasons import Reason
from ledger.receipt import ReceiptAlgorithm, growth_receipt, inclusion_receipt
from ledger.tlog_proof import encode_tlog_proof
from ledger.witness_protocol import encode_add_checkpoint

__all__ = ["ledger"]


@click.group()
def ledger() -> None:
    """Check the ledger, sign checkpoints, prove entries, publish the log.

    Example: tally ledger check --home home
    """


for _command in (
    add_mldsa_key_command,
    audit,
    authority,
    credential,
    export,
    init,
    monitor,
    move,
    serve,
    vkeys,
):
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
@click.option(
    "--as",
    "form",
    type=click.Choice(["binary", "tlog-proof", "cose", "cose-eddsa"]),
    default="binary",
    show_default=True,
)
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

    binary is our own form, tlog-proof the text of C2SP with all signatures, cose a receipt of RFC 9942, which the log
    alone signs; cose-eddsa the same for readers that know the algorithm by its older number.

    Example: tally ledger prove 0 --as tlog-proof --out 0.tlog-proof --home home
    """
    home = open_home(home_path, passphrase_fd)
    with opened_ledger(home) as opened:
        proof, note, entry = *opened.prove_with_note(index), opened.entry(index)
    checkpoint, _ = parse_checkpoint_note(note)
    if form == "tlog-proof":
        data = encode_tlog_proof(index, proof.path, note)
    elif form.startswith("cose"):
        signer = home.signer("log")
        data = inclusion_receipt(
            signer,
            kid=key_id(signer.public_key),
            index=index,
            size=proof.size,
            path=proof.path,
            root_hash=checkpoint.root_hash,
            algorithm=ReceiptAlgorithm.EDDSA if form == "cose-eddsa" else ReceiptAlgorithm.ED25519,
        )
    else:
        data = encode_cbor(encode_proof(proof))
    write_new_file(out, data, force=force)
    if entry_out is not None:
        write_new_file(entry_out, entry, force=force)
    result = {"index": index, "size": proof.size, "hashes": len(proof.path), "form": form, "file": str(out)}
    emit(result, f"{out}: entry {index} of {proof.size}, {len(proof.path)} hashes", as_json=as_json)


@ledger.command("prove-growth")
@click.argument("old_size", type=click.IntRange(1))
@click.option("--as", "form", type=click.Choice(["text", "cose"]), default="text", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@home_options
@force_option
@json_option
def prove_growth(
    old_size: int,
    form: str,
    out: Path,
    home_path: Path,
    passphrase_fd: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Prove that the newest cosigned tree begins with the tree of OLD_SIZE entries.

    text is what a witness is asked with (C2SP tlog-witness), cose a receipt of RFC 9942.

    Example: tally ledger prove-growth 1 --out growth.txt --home home
    """
    home = open_home(home_path, passphrase_fd)
    with opened_ledger(home) as opened:
        note = opened.newest_checkpoint()
        if note is None:
            raise ConflictError(Reason.LOG_INCLUSION_MISSING, "no cosigned checkpoint yet")
        checkpoint, _ = parse_checkpoint_note(note)
        path = opened.prove_consistency(old_size, checkpoint.size)
    if form == "text":
        data = encode_add_checkpoint(old_size=old_size, path=path, note=note)
    else:
        signer = home.signer("log")
        data = growth_receipt(
            signer,
            kid=key_id(signer.public_key),
            old_size=old_size,
            size=checkpoint.size,
            path=path,
            root_hash=checkpoint.root_hash,
        )
    write_new_file(out, data, force=force)
    result = {
        "old_size": old_size,
        "size": checkpoint.size,
        "hashes": len(path),
        "form": form,
        "file": str(out),
    }
    emit(result, f"{out}: {old_size} to {checkpoint.size}, {len(path)} hashes", as_json=as_json)
