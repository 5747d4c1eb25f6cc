"""`tally issuer`: records in, certificates out."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import click

from certificate.certificate import parse_certificate
from certificate.numbers import CertificateType
from certificate.qr_text import encode_qr_text
from certificate.slots import REGISTRIES
from certificate.texts import Language, claim_name, format_value
from cli.claims import slots_named
from cli.common import emit, force_option, json_option, language_option, say, utc_now, write_new_file
from cli.home import home_options, open_home, opened_ledger
from cli.issuer_cases import approve, cases, operator, resume, revoke, suspend
from cli.issuer_changed import changed
from cli.issuer_counter import counter_token, operator_log
from cli.issuer_key import key
from cli.issuer_office import office
from cli.issuer_policy import policy
from cli.issuer_printing import print_client
from cli.issuer_reissue import emit_reissue
from cli.issuer_report import report as supervisor_report
from cli.issuer_service import offer, serve, wallet_token
from cli.keys import parse_public_key, read_public_key
from cli.outputs import write_code
from cli.paper_list import export_list, paper_form
from cli.progress import progress
from issuer.bureau_ledger import BureauLedger
from issuer.export import (
    encode_shown,
    find_row,
    full_certificate,
    paper_extra,
    paper_slots,
    proof_of_row,
    published_size,
    tree_of_row,
)
from issuer.home import Home
from issuer.offices.events import office_of_code
from issuer.paper_stock import draw_certificate
from issuer.publish import load_directory
from issuer.register import PAPER, RegisterRow
from issuer.service import (
    MintRun,
    import_records,
    mint_all,
    mint_enrolled,
    mint_persons,
    opened_register,
    signed_summary,
)
from ledger.errors import ConfigError, FormatError
from ledger.held_log import smallest_proof
from ledger.reasons import Reason

__all__ = ["issuer"]

_REGISTRY = REGISTRIES[CertificateType.CONTRIBUTION]
_LISTED = 1000  # above this many, --json of mint gives a count and a file


@click.group()
def issuer() -> None:
    """Import records, mint, show and export certificates.

    Example: tally issuer mint --person 9900000001 --home home
    """


issuer.add_command(offer)
issuer.add_command(serve)
issuer.add_command(wallet_token)
issuer.add_command(counter_token)
issuer.add_command(operator_log)
issuer.add_command(policy)
for _command in (
    *(revoke, suspend, resume, approve, cases, operator, changed, supervisor_report),
    *(office, key, print_client),
):
    issuer.add_command(_command)


@issuer.command("import")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--max-quarantined", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where errors of persons are listed; default with a ceiling: HOME/last-import-report.jsonl.",
)
@click.option(
    "--summary",
    "summary_out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the signed summary goes: how many, from which records; it names nobody.",
)
@click.option(
    "--memory-limit",
    type=click.IntRange(1),
    metavar="MIB",
    help="Stay under so many MiB; default: what is quickest, about 900 for a million people.",
)
@home_options
@force_option
@json_option
def import_(
    folder: Path,
    max_quarantined: int,
    report: Path | None,
    memory_limit: int | None,
    summary_out: Path | None,
    home_path: Path,
    passphrase_fd: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Check a bureau export and keep it as the snapshot that certificates are minted from.

    Persons with errors are laid aside, up to the ceiling; the report names them, with file, row, column and rule.

    Example: tally issuer import city --max-quarantined 100 --report errors.jsonl --home home
    """
    home = open_home(home_path, passphrase_fd)
    if max_quarantined and report is None:
        report = home.path / "last-import-report.jsonl"  # who was laid aside must be known
    with progress("reading") as advance:
        summary = import_records(
            home,
            folder,
            now=_now(),
            max_quarantined=max_quarantined,
            report_path=report,
            memory_limit=None if memory_limit is None else memory_limit * 2**20,
            progress=advance,
        )
    if summary_out is not None:
        write_new_file(summary_out, signed_summary(home, summary.digest), force=force)
    result = {
        "persons": summary.persons,
        "rows": summary.rows,
        "quarantined": summary.quarantined,
        "cut_off": summary.cut_off,
        "snapshot": summary.digest.hex(),
        "report": None if report is None else str(report),
    }
    text = f"{summary.persons:,} people from {summary.rows:,} rows, data up to {summary.cut_off}"
    if summary.quarantined:
        text += f"; {summary.quarantined:,} people set aside with errors, named in {report}"
    with opened_register(home) as register:
        older = register.count_live(summary.digest, since=0)
    if older:
        say(f"{older:,} certificates are out from other records; see which changed: tally issuer changed")
    emit(result, text, as_json=as_json)


@issuer.command()
@click.option("--person", "persons", multiple=True, help="Person number; repeatable.")
@click.option("--enrolled", is_flag=True, help="Everyone who holds a key.")
@click.option("--all", "everyone", is_flag=True, help="Everyone, as paper stock.")
@click.option(
    "--holder-key", type=click.Path(path_type=Path, exists=True), help="With one --person: the .pub file."
)
@click.option("--reissue-void", is_flag=True, help="Whatever honest fell with a stolen key, once more.")
@click.option("--office", "office_code", help="Code of the office that signs; default: the home's own.")
@click.option(
    "--holder-keys",
    type=click.Path(path_type=Path, exists=True),
    help="With --enrolled: CSV person_no,key to add first.",
)
@home_options
@json_option
def mint(
    persons: tuple[str, ...],
    enrolled: bool,
    everyone: bool,
    reissue_void: bool,
    holder_key: Path | None,
    office_code: str | None,
    holder_keys: Path | None,
    home_path: Path,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Mint certificates from the newest snapshot, log them, and cut a new trust bundle. Never mints one twice.

    Example: tally issuer mint --person 9900000001 --holder-key me.key.pub --home home
    """
    if sum((bool(persons), enrolled, everyone, reissue_void)) != 1:
        raise click.UsageError("name one of --person NO, --enrolled, --all, --reissue-void")
    if holder_key is not None and len(persons) != 1:
        raise click.UsageError("--holder-key goes with exactly one --person")
    home = open_home(home_path, passphrase_fd)
    if reissue_void:
        emit_reissue(home, as_json=as_json)
        return
    by = None if office_code is None else office_of_code(home, load_directory(home), office_code).number
    with opened_ledger(home) as ledger:
        if everyone:
            with progress("minting") as advance:
                run = mint_all(home, ledger, now=_now(), office=by, progress=advance)
        elif enrolled:
            if holder_keys is not None:
                _enroll(home, _read_holder_keys(holder_keys))
            with progress("minting") as advance:
                run = mint_enrolled(home, ledger, now=_now(), office=by, progress=advance)
            _say_who_left(home)
        else:
            holder = PAPER if holder_key is None else read_public_key(holder_key)
            pairs = [(person, holder) for person in persons]
            run = mint_persons(home, ledger, pairs, now=_now(), office=by)
    _emit_run(home, run, as_json)


def _enroll(home: Home, pairs: list[tuple[str, bytes]]) -> None:
    """Enroll holders of keys. A list with an unknown person enrolls nobody."""
    snapshot = home.snapshot()
    for number, (person_no, _) in enumerate(pairs, start=1):
        if person_no not in snapshot:
            raise ConfigError(Reason.CLI_BATCH_INVALID, f"line {number}: no such person in the records")
    with opened_register(home) as register:
        register.enroll(pairs)


def _say_who_left(home: Home) -> None:
    snapshot = home.snapshot()
    with opened_register(home) as register:
        gone = sum(person_no not in snapshot for person_no, _ in register.enrolled())
    if gone:
        say(f"{gone:,} who hold a key are not in the newest records: none for them")


def _read_holder_keys(path: Path) -> list[tuple[str, bytes]]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise ConfigError(Reason.CLI_BATCH_INVALID, "not a CSV file in UTF-8") from exc
    pairs = []
    for number, row in enumerate(rows, start=1):
        try:
            person_no, key = row
            pairs.append((person_no, parse_public_key(key)))
        except (ValueError, FormatError) as exc:
            raise ConfigError(Reason.CLI_BATCH_INVALID, f"line {number}: person_no,key in hex") from exc
    return pairs


def _emit_run(home: Home, run: MintRun, as_json: bool) -> None:
    listed = [{"number": c.number, "index": c.index, "new": c.is_new} for c in run.certificates]
    result: dict[str, Any] = {"minted": run.minted, "already": run.already, "resumed": run.resumed}
    if len(listed) > _LISTED:
        path = home.path / "last-mint.json"
        write_new_file(path, json.dumps(listed).encode(), force=True)
        result |= {"count": len(listed), "file": str(path)}
    else:
        result["certificates"] = listed
    text = f"{run.minted:,} minted, {run.already:,} existed"
    if run.resumed:
        text += f", {run.resumed:,} of an interrupted run completed"
    if len(listed) <= 20:
        text += "".join(f"\n  {c['number']}  entry {c['index']}" for c in listed)
    emit(result, text, as_json=as_json)


@issuer.command()
@click.argument("number", metavar="NO")
@home_options
@language_option
@json_option
def show(number: str, home_path: Path, passphrase_fd: int | None, language: Language, as_json: bool) -> None:
    """Show one certificate, by its number or for a person number: what it says and where it is logged.

    Example: tally issuer show 9900000001 --home home
    """
    home = open_home(home_path, passphrase_fd)
    row = find_row(home, number)
    tree = tree_of_row(home, row)
    body = parse_certificate(row.signed).body
    disclosures, _ = tree.disclose(tree.slots)
    claims = [
        {
            "name": _REGISTRY.claim_at(d.slot).name,
            "label": claim_name(_REGISTRY.claim_at(d.slot), language, body.cut_off),
            "value": format_value(_REGISTRY.claim_at(d.slot), d.value, language),
        }
        for d in disclosures
    ]
    result = {
        "number": row.number,
        "person_no": row.identity.person_no,
        "paper": row.is_paper,
        "cut_off": body.cut_off,
        "region": body.region,
        "log": row.log,
        "index": row.log_index,
        "claims": claims,
    }
    head = f"{row.number}  region {body.region}  data up to {body.cut_off}  entry {row.log_index} of log {row.log}"
    text = "\n".join([head, *(f"  {claim['label']}: {claim['value']}" for claim in claims)])
    emit(result, text, as_json=as_json)


@issuer.command()
@click.argument("number", metavar="NO", required=False)
@click.option("--as", "form", type=click.Choice(["text", "file", "png", "svg", "pdf"]), required=True)
@click.option(
    "--show",
    "show_",
    multiple=True,
    help="Claim to show, by name or slot; default: name, last four, 3 years.",
)
@click.option("--for", "audience", help="Paper: for whom it is good (仅供…).")
@click.option("--purpose", help="Paper: what for (办理…使用).")
@click.option(
    "--short-proof",
    is_flag=True,
    help="Paper: a smaller code, for readers with today's bundle or a later one.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--list", "list_name", help="Instead of NO: a file of one number a line; - for stdin.")
@click.option(
    "--out-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="With --list: the folder, a file each, named by certificate number.",
)
@home_options
@force_option
@language_option
@json_option
def export(
    number: str | None,
    form: str,
    show_: tuple[str, ...],
    audience: str | None,
    purpose: str | None,
    short_proof: bool,
    out: Path | None,
    list_name: str | None,
    out_dir: Path | None,
    home_path: Path,
    passphrase_fd: int | None,
    force: bool,
    language: Language,
    as_json: bool,
) -> None:
    """Export a certificate: `file` is all of it, for its holder; the other forms are paper that shows a few claims.

    Paper is minted when a paper certificate with these words does not exist yet. With --list and --out-dir: png, svg
    or pdf for many; run again after an interruption, it goes on where it stopped and prints a line for each.

    Example: tally issuer export 9900000001 --as png --out paper.png --home home
    """
    home = open_home(home_path, passphrase_fd)
    with opened_ledger(home) as ledger:
        if list_name is not None:
            if number is not None or out is not None or out_dir is None or form in ("text", "file"):
                raise click.UsageError(
                    "--list goes with --out-dir and --as png, svg or pdf, without NO and --out"
                )
            extra = paper_extra(audience=audience, purpose=purpose)
            export_list(
                home,
                ledger,
                list_name,
                out_dir=out_dir,
                form=form,
                show=show_,
                extra=extra,
                short=short_proof,
                language=language,
            )
            return
        if number is None or out is None:
            raise click.UsageError("name NO and --out, or --list and --out-dir")
        if form == "file":
            row = find_row(home, number)
            data = full_certificate(home, ledger, row)
            write_code(out, "file", "", data, force=force)
            shown = len(parse_certificate(data).disclosures)
        else:
            row = _paper_row(home, ledger, number, audience, purpose)
            tree = tree_of_row(home, row)
            wanted = slots_named(show_, _REGISTRY, cut_off=row.identity.cut_off)
            slots = paper_slots(tree, wanted)
            holds = published_size(home, ledger.log) if short_proof else 0
            data = encode_shown(row, tree, slots, smallest_proof(proof_of_row(ledger, row), holds=holds))
            _write_paper(out, form, data, force=force, language=language)
            shown = len(slots)
    result = {"file": str(out), "number": row.number, "bytes": len(data), "claims": shown}
    emit(result, f"{out}: certificate {row.number}, {shown} claims, {len(data)} bytes", as_json=as_json)


def _paper_row(
    home: Home, ledger: BureauLedger, number: str, audience: str | None, purpose: str | None
) -> RegisterRow:
    """The paper certificate to export: the one with this number, or the person's own, minted now if need be."""
    extra = paper_extra(audience=audience, purpose=purpose)
    with opened_register(home) as register:
        row = register.by_number(number)
    if row is not None and row.is_paper and not extra:
        return row
    person_no = number if row is None else row.identity.person_no
    run = mint_persons(home, ledger, [(person_no, PAPER)], now=_now(), extra=extra or None)
    return find_row(home, run.certificates[0].number)


def _write_paper(out: Path, form: str, data: bytes, *, force: bool, language: Language) -> None:
    if form == "text":
        write_code(out, form, encode_qr_text(data), data, force=force)
    else:
        write_new_file(out, draw_certificate(data, paper_form(form), language), force=force)


def _now() -> int:
    return int(utc_now().timestamp())
