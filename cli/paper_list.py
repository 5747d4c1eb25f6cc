"""Paper for a list: a file for each line, and a line of JSON saying which."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from certificate.numbers import CertificateType
from certificate.slots import REGISTRIES, ClaimValue
from certificate.texts import Language
from cli.claims import slots_named
from cli.common import read_input, say, utc_now
from cli.progress import progress
from issuer.bureau_ledger import BureauLedger
from issuer.home import Home
from issuer.paper_stock import PaperForm, export_paper
from ledger.durable import map_os_error
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["export_list", "paper_form"]

_FORMS: Mapping[str, PaperForm] = {"png": "png", "svg": "svg", "pdf": "pdf"}


def paper_form(form: str) -> PaperForm:
    """`form` as one of the forms that are drawn."""
    return _FORMS[form]


def export_list(
    home: Home,
    ledger: BureauLedger,
    list_name: str,
    *,
    out_dir: Path,
    form: str,
    show: Sequence[str],
    extra: Mapping[int, ClaimValue],
    short: bool,
    language: Language,
) -> None:
    """Draw paper for each number in the file `list_name`; prints {"no", "number", "file", "kept"} for each.

    Raises:
        FormatError: `enc.utf8_invalid`. ConfigError: as `issuer.paper_stock.export_paper`.
    """
    try:
        asked = [line for line in read_input(list_name).decode("ascii").splitlines() if line]
    except UnicodeDecodeError as exc:
        raise FormatError(Reason.ENC_UTF8_INVALID, "a list holds one number a line") from exc
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise map_os_error(exc) from exc
    slots = slots_named(show, REGISTRIES[CertificateType.CONTRIBUTION], cut_off=home.snapshot().cut_off)
    kept = 0
    with progress("drawing") as advance:
        files = export_paper(
            home,
            ledger,
            asked,
            folder=out_dir,
            form=paper_form(form),
            show=slots,
            language=language,
            now=int(utc_now().timestamp()),
            extra=extra or None,
            short=short,
        )
        for done, file in enumerate(files, start=1):
            line = {"no": file.asked, "number": file.number, "file": str(file.path), "kept": file.kept}
            click.echo(json.dumps(line, ensure_ascii=False))
            kept += file.kept
            advance(done, len(asked))
    say(f"{len(asked) - kept:,} drawn, {kept:,} lay there already")
