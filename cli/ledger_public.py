"""`tally ledger export|serve|vkeys`: the log as strangers get it, and the keys to check it by."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.common import emit, json_option, say, utc_now
from cli.home import home_options, open_home
from cli.progress import progress
from issuer.home import Home
from ledger.note import encode_vkey

if TYPE_CHECKING:
    from ledger.http.append_routes import Appending

__all__ = ["add_mldsa_key_command", "export", "serve", "vkeys"]


@click.command()
@click.option("--out", required=True, help="A folder, or an object store: s3://bucket/prefix.")
@home_options
@json_option
def export(out: str, home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """Write the log as C2SP tlog-tiles to a folder or object store, or bring that up to date; any web server serves it.

    An object store's credentials and region are taken from its usual environment variables.

    Example: tally ledger export --out public --home home
    """
    from ledger.export import export_log
    from ledger.export_target import open_target
    from ledger.publication import Publication

    target = open_target(out)
    home = open_home(home_path, passphrase_fd)
    with closing(home.open_store()) as store, progress("export") as advance:
        done = export_log(Publication(store), target, progress=advance)
    result = {
        "origin": home.settings.origin,
        "old_size": done.old_size,
        "size": done.size,
        "written": done.written,
    }
    emit(result, f"{out}: {done.size:,} entries, {done.written:,} new files", as_json=as_json)


@click.command()
@home_options
@json_option
def vkeys(home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """Print the keys that checkpoints are verified by, one a line: the log's first, then the witnesses'.

    Example: tally ledger vkeys --home home
    """
    policy = open_home(home_path, passphrase_fd).trust_policy()
    logs = [encode_vkey(log.key) for log in policy.logs]
    witnesses = [encode_vkey(witness.key) for witness in policy.witnesses]
    emit({"log": logs, "witnesses": witnesses}, "\n".join([*logs, *witnesses]), as_json=as_json)


@click.command("add-mldsa-key")
@home_options
@json_option
def add_mldsa_key_command(home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """Give an older home's log its post-quantum key; new homes have one. Then give witnesses and verifiers the key.

    Example: tally ledger add-mldsa-key --home home
    """
    from issuer.setup import add_mldsa_key

    vkey = add_mldsa_key(open_home(home_path, passphrase_fd), random=os.urandom)
    emit({"vkey": vkey}, vkey, as_json=as_json)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8444, show_default=True)
@click.option(
    "--append", "appending", is_flag=True, help="Also take entries of authorities with a credential."
)
@home_options
def serve(host: str, port: int, appending: bool, home_path: Path, passphrase_fd: int | None) -> None:
    """Serve the log over HTTP: checkpoint, tiles and entries (C2SP tlog-tiles). Reads only, and needs no key.

    With --append it takes entries too (tally ledger authority says of whom), signs checkpoints when asked, and needs
    the log's keys. The whole ledger is recomputed before the first answer. Put TLS and a cache in front of it.

    Example: tally ledger serve --home home --port 8444
    """
    import uvicorn

    from ledger.http.log_app import create_log_app

    home = open_home(home_path, passphrase_fd)
    found = home.check_ledger()
    say(f"{found.size:,} entries in order; serving http://{host}:{port}/checkpoint; stop with Ctrl-C")
    app = create_log_app(home.open_store, appending=_appending(home) if appending else None)
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )


def _appending(home: Home) -> Appending:
    from ledger.group_commit import GroupCommit
    from ledger.http.append_routes import Appending

    commits = GroupCommit(home.sequencer, clock=lambda: int(utc_now().timestamp()))
    return Appending(home.append_credentials(), commits)
