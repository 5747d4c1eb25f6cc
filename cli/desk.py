"""`tally desk`: the page on which a clerk verifies, as a folder for any host, or served from this machine."""

from __future__ import annotations

from pathlib import Path

import click

from certificate.qr_text import decode_any_request
from cli.common import emit, json_option, say
from cli.desk_server import serve_desk
from cli.shown import read_one
from ledger.errors import ConfigError
from ledger.reasons import Reason
from verifier.desk_site import desk_files, export_desk
from verifier.trust_dir import load_trust

__all__ = ["desk"]

_FOLDER = click.Path(path_type=Path, file_okay=False)

trust_option = click.option("--trust", type=_FOLDER, required=True, help="Trust bundle folder.")
request_option = click.option(
    "--request",
    "requests",
    multiple=True,
    help="A signed request to show: text, picture or file, or a folder of them; repeatable.",
)
posts_option = click.option(
    "--posts",
    multiple=True,
    metavar="KIND=DAY",
    help="Day of the month on which a kind usually posts; repeatable.",
)


@click.group()
def desk() -> None:
    """The page on which a clerk verifies: nothing to install, offline after the first opening.

    Example: tally desk serve --trust trust --request R.txt
    """


@desk.command()
@click.option(
    "--out", type=_FOLDER, required=True, help="New folder, or an earlier export to bring up to date."
)
@trust_option
@request_option
@posts_option
@json_option
def export(out: Path, trust: Path, requests: tuple[str, ...], posts: tuple[str, ...], as_json: bool) -> None:
    """Write the page with the trust bundle and the requests as static files, for any web server.

    Run it again, after tally trust sync, to bring the folder up to date.

    Example: tally desk export --out desk --trust trust --request R.txt
    """
    count = export_desk(out, trust=trust, requests=_read_requests(requests), posts=_parse_posts(posts))
    emit(
        {"folder": str(out), "files": count}, f"{out}: {count} files; serve them over HTTPS", as_json=as_json
    )


@desk.command()
@trust_option
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8640, show_default=True, help="0: any free one."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@request_option
@posts_option
def serve(trust: Path, port: int, host: str, requests: tuple[str, ...], posts: tuple[str, ...]) -> None:
    """Serve the page from this machine. The bundle is read anew for each visit, so tally trust sync is enough.

    Browsers give camera and offline use to HTTPS and to this machine alone: for other machines export the page, or
    put a web server with a certificate before this one.

    Example: tally desk serve --trust trust --port 8640
    """
    load_trust(trust)
    files = desk_files(requests=_read_requests(requests), posts=_parse_posts(posts))
    with serve_desk(files, trust=trust, host=host, port=port) as server:
        say(f"{server.url}  (Ctrl+C ends it)")
        server.serve_forever()


def _read_requests(names: tuple[str, ...]) -> list[bytes]:
    return [decode_any_request(read_one(file)) for name in names for file in _files_of(name)]


def _files_of(name: str) -> list[str]:
    """The file itself, or the files of the folder, as `tally request stack` writes them."""
    folder = Path(name)
    return sorted(str(path) for path in folder.iterdir() if path.is_file()) if folder.is_dir() else [name]


def _parse_posts(texts: tuple[str, ...]) -> dict[str, int]:
    found = {}
    for text in texts:
        kind, _, day = text.partition("=")
        if not (day.isascii() and day.isdigit() and len(day) <= 2):
            raise ConfigError(Reason.CLI_USAGE, text, hint="name a kind and a day: medical.emp=20")
        found[kind] = int(day)
    return found
