"""`tally witness`: another department cosigns a log's checkpoints, with keys and a memory of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click

from cli.common import emit, json_option, read_passphrase, say, utc_now
from ledger.errors import ConfigError
from ledger.note import encode_vkey, parse_vkey
from ledger.reasons import Reason

__all__ = ["witness"]

_folder = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
_passphrase_fd = click.option(
    "--passphrase-fd", type=int, default=None, help="Read the passphrase from this file descriptor."
)


@click.group()
def witness() -> None:
    """Cosign the checkpoints of other departments' logs, each only as an extension of the last.

    Example: tally witness serve witness --port 8445
    """


@witness.command()
@_folder
@click.option("--name", required=True, help="Of its keys: an address without scheme, witness.example.org/w1.")
@click.option("--url", help="Where logs reach it; written into the lines for the policy file.")
@click.option("--test", is_flag=True, help="For tests: keys that are not sealed.")
@_passphrase_fd
@json_option
def init(
    folder: Path, name: str, url: str | None, test: bool, passphrase_fd: int | None, as_json: bool
) -> None:
    """Make a witness in FOLDER with an Ed25519 and an ML-DSA-44 key; prints the lines for a log's policy file.

    Example: tally witness init witness --name witness.example.org/w1 --url https://witness.example.org --test
    """
    from ledger.witness_home import WitnessHome

    passphrase = None if test else read_passphrase(passphrase_fd, confirm=True)
    home = WitnessHome.create(folder, name=name, passphrase=passphrase, test=test, random=os.urandom)
    label = name.replace("/", "-")
    lines = [
        " ".join(["witness", known, encode_vkey(key), *([url] if url else [])])
        for known, key in zip((label, f"{label}-mldsa"), home.vkeys(passphrase), strict=True)
    ]
    say("the log's operator adds these lines to the policy file; then: tally witness add-log FOLDER VKEY...")
    emit({"policy": lines}, "\n".join(lines), as_json=as_json)


@witness.command("add-log")
@_folder
@click.argument("vkeys", metavar="VKEY...", nargs=-1, required=True)
@json_option
def add_log(folder: Path, vkeys: tuple[str, ...], as_json: bool) -> None:
    """Serve one more log, by the keys that `tally ledger vkeys` prints; keys of witnesses are left out.

    Example: tally witness add-log witness VKEY
    """
    from ledger.witness_home import WitnessHome

    known = WitnessHome(folder).add_log([parse_vkey(vkey) for vkey in vkeys])
    emit({"keys": known}, f"{known} log keys known", as_json=as_json)


@witness.command()
@_folder
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8445, show_default=True)
@_passphrase_fd
def serve(folder: Path, host: str, port: int, passphrase_fd: int | None) -> None:
    """Answer logs (C2SP tlog-witness) and monitors. It does not start when its memory was lost or restored.

    Example: tally witness serve witness --port 8445
    """
    import uvicorn

    from ledger.http.witness_app import create_witness_app
    from ledger.witness_home import WitnessHome

    home = WitnessHome(folder)
    passphrase = _passphrase_of(home.vkeys, passphrase_fd)
    home.open(passphrase).close()  # what is wrong shows here, in a sentence, and not in the server's start
    app = create_witness_app(lambda: home.open(passphrase), clock=lambda: int(utc_now().timestamp()))
    say(f"{home.name} at http://{host}:{port}/; stop with Ctrl-C")
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )


def _passphrase_of(opens: Callable[[bytes | None], object], descriptor: int | None) -> bytes | None:
    """None if the keys are not sealed; else what the descriptor or the person at the terminal says."""
    if descriptor is not None:
        return read_passphrase(descriptor)
    try:
        opens(None)
    except ConfigError as exc:
        if exc.reason is not Reason.KEY_PASSPHRASE:
            raise
        return read_passphrase(None)
    return None
