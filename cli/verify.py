"""`tally verify`: what someone shows, judged offline."""

from __future__ import annotations

from pathlib import Path

import click

from certificate.qr_text import decode_any_request
from certificate.texts import Language
from cli.common import (
    EXIT_CANNOT_TELL,
    EXIT_NO,
    EXIT_OK,
    emit,
    json_option,
    language_option,
    read_input,
    utc_now,
)
from ledger.errors import FormatError
from ledger.reasons import Reason
from verifier.expect import STATIC, Asked
from verifier.render import report_json, report_text
from verifier.report import Outcome
from verifier.seen_file import FileSeen
from verifier.trust_dir import SEEN_NAME, load_trust
from verifier.verify import verify as verify_bytes

__all__ = ["read_one", "read_shown", "verify"]

_EXIT = {Outcome.VALID: EXIT_OK, Outcome.INVALID: EXIT_NO, Outcome.UNDETERMINED: EXIT_CANNOT_TELL}
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"%PDF")


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--trust", type=click.Path(path_type=Path, file_okay=False), required=True, help="Trust bundle folder."
)
@click.option("--request", "request_file", help="The request that was asked: text, picture or file.")
@click.option("--static", is_flag=True, help="A paper copy: compare the identity document.")
@click.option("--seen", type=click.Path(path_type=Path, dir_okay=False), help="Memory of used answers.")
@language_option
@json_option
def verify(
    files: tuple[str, ...],
    trust: Path,
    request_file: str | None,
    static: bool,
    seen: Path | None,
    language: Language,
    as_json: bool,
) -> None:
    """Verify FILE: a QR picture (PNG, JPEG, PDF), its text, or a file; - for stdin. No connection is opened.

    Several FILEs are several presentations that together answer one request. An answer counts once: its use is
    remembered in the trust folder, or in the file named by --seen.

    Example: tally verify P.png --trust home/trust --request R.txt
    """
    if static == (request_file is not None):
        raise click.UsageError("name either --request FILE or --static")
    bundle = load_trust(trust)
    expect = STATIC if request_file is None else Asked(decode_any_request(read_one(request_file)))
    shown = [part for name in files for part in read_shown(name)]
    report = verify_bytes(
        shown[0] if len(shown) == 1 else shown,
        trust=bundle,
        now=utc_now(),
        expect=expect,
        seen=FileSeen(seen or trust / SEEN_NAME),
    )
    emit(report_json(report, language), report_text(report, language), as_json=as_json)
    raise click.exceptions.Exit(_EXIT[report.outcome])


def read_shown(name: str) -> list[bytes]:
    """What a file shows: the text of each QR code in a picture or PDF, or the file's own bytes.

    Raises:
        ConfigError: `cli.not_found`. FormatError: `image.unreadable`, `image.no_code`.
    """
    content = read_input(name)
    if not content.startswith(_PICTURES):
        return [content.rstrip(b"\r\n") if content.startswith(b"TS") else content]
    from verifier.images import read_codes

    return [text.encode("utf-8", "surrogatepass") for text in read_codes(content)]


def read_one(name: str) -> bytes:
    """As `read_shown`, where exactly one thing must be shown."""
    shown = read_shown(name)
    if len(shown) != 1:
        raise FormatError(Reason.ENC_TRAILING_DATA, f"{len(shown)} codes where one is due")
    return shown[0]
