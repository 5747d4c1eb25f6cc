"""`tally verify`: what someone shows, judged offline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from certificate.keys import Ed25519CoseSigner
from certificate.qr_text import decode_any, decode_any_request, encode_file_text
from certificate.request import parse_request
from certificate.texts import Language
from cli.common import (
    EXIT_CANNOT_TELL,
    EXIT_NO,
    EXIT_OK,
    emit,
    force_option,
    json_option,
    language_option,
    read_input,
    require_writable,
    utc_now,
    write_new_file,
)
from cli.forms import FormWish, compare_form, form_options
from cli.keys import open_signer, org_purpose
from cli.shown import read_one, read_shown_file, shown_in
from cli.verify_many import verify_many
from ledger.errors import ConfigError
from ledger.reasons import Reason
from verifier.expect import STATIC, Asked, Subject
from verifier.filing import file_verification, judge_filed, parse_filed
from verifier.proof_of_verification import prove_verification, rejudge
from verifier.render import rejudged_json, rejudged_text, report_json, report_text
from verifier.report import Outcome
from verifier.seen_file import FileSeen
from verifier.trust_dir import SEEN_NAME, load_trust
from verifier.verify import verify as verify_bytes

__all__ = ["verify"]

_EXIT = {Outcome.VALID: EXIT_OK, Outcome.INVALID: EXIT_NO, Outcome.UNDETERMINED: EXIT_CANNOT_TELL}


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1)
@click.option(
    "--trust", type=click.Path(path_type=Path, file_okay=False), required=True, help="Trust bundle folder."
)
@click.option("--request", "request_file", help="The request that was asked: text, picture or file.")
@click.option("--static", is_flag=True, help="A paper copy: compare the identity document.")
@click.option("--list", "list_name", help="Judge each line of this file: a QR text, or the name of a file.")
@click.option("--each", is_flag=True, help="Judge each FILE on its own instead of all together.")
@click.option("--subject-name", help="Who was asked, by name: another person's answer is refused.")
@click.option("--subject-tail", help="Who was asked, by the last four characters of the ID number.")
@click.option(
    "--proof-out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a signed proof of this verification, without personal data.",
)
@click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The organisation's request key, which signs --proof-out.",
)
@click.option("--passphrase-fd", type=int, default=None, help="The key's passphrase, from this descriptor.")
@click.option("--proof", "proof_file", help="Judge a filed answer again, as of the day of this proof.")
@click.option("--presentation", "filed", multiple=True, help="The same as FILE; repeatable.")
@click.option(
    "--evidence-out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Put what was judged on file, with all that judging it again needs.",
)
@click.option(
    "--evidence", "evidence_file", help="Judge such a file again, as of its day, by this trust bundle."
)
@form_options
@force_option
@click.option("--seen", type=click.Path(path_type=Path, dir_okay=False), help="Memory of used answers.")
@language_option
@json_option
def verify(
    files: tuple[str, ...],
    trust: Path,
    request_file: str | None,
    static: bool,
    list_name: str | None,
    each: bool,
    subject_name: str | None,
    subject_tail: str | None,
    proof_out: Path | None,
    key_file: Path | None,
    passphrase_fd: int | None,
    proof_file: str | None,
    filed: tuple[str, ...],
    evidence_out: Path | None,
    evidence_file: str | None,
    form_out: Path | None,
    form_template: str | None,
    force: bool,
    seen: Path | None,
    language: Language,
    as_json: bool,
) -> None:
    """Verify FILE: a QR picture (PNG, JPEG, PDF), its text, or a file; - for stdin. No connection is opened.

    Several FILEs are several presentations that together answer one request. An answer counts once: its use is
    remembered in the trust folder, or in the file named by --seen. With --proof-out the organisation signs what was
    found; with --proof an answer that was filed, with its request and the trust bundle of that day, is judged again.
    With --evidence-out all of it goes into one file, and --evidence judges that by a later trust bundle: what became
    known of keys since then counts, what ran out since does not.
    With --form-out a form is filled from what is shown; a filled form is verified like any answer, and refused where
    its page says something else than its code.
    With --each or --list every object is judged on its own, on all cores: a line of JSON each, in their order.

    Example: tally verify P.png --trust home/trust --request R.txt
    """
    if evidence_file is not None:
        if any(
            (files, filed, list_name, static, request_file, proof_file, proof_out, evidence_out, form_out)
        ):
            raise click.UsageError("--evidence stands alone, beside --trust")
        report = judge_filed(parse_filed(read_input(evidence_file)), trust=load_trust(trust), now=utc_now())
        emit(report_json(report, language), report_text(report, language), as_json=as_json)
        raise click.exceptions.Exit(_EXIT[report.outcome])
    if static == (request_file is not None):
        raise click.UsageError("name either --request FILE or --static")
    if not (files or filed or list_name):
        raise click.UsageError("name what is shown: FILE or --presentation FILE")
    if (proof_out is None) is not (key_file is None):
        raise click.UsageError("--proof-out and --key go together")
    if static and (subject_name or subject_tail or proof_out or proof_file):
        raise click.UsageError("a paper copy has no --subject-…, --proof-out or --proof")
    if proof_file is not None and form_out is not None:
        raise click.UsageError("a form is filled from an answer as it is verified, not from a filed one")
    if each or list_name is not None:
        if subject_name or subject_tail or proof_out or proof_file or evidence_out or form_out:
            raise click.UsageError(
                "--each and --list take no --subject-…, --proof-out, --proof, --evidence-out or --form-out"
            )
        worst = verify_many(
            (*files, *filed),
            list_name=list_name,
            trust=trust,
            request=None if request_file is None else decode_any_request(read_one(request_file)),
            seen=seen or trust / SEEN_NAME,
            language=language,
            full=as_json,
        )
        raise click.exceptions.Exit(_EXIT[worst])
    bundle = load_trust(trust)
    asked = None if request_file is None else decode_any_request(read_one(request_file))
    contents = [read_shown_file(name) for name in (*files, *filed)]
    shown = [part for content in contents for part in shown_in(content)]
    subject = Subject(subject_name, subject_tail) if subject_name or subject_tail else None
    if proof_file is not None and asked is not None:
        proof = decode_any(read_one(proof_file))
        again = rejudge(proof, shown, request=asked, trust=bundle, subject=subject)
        compared = compare_form(contents, again.report, shown, trust=bundle, now=again.body.time)
        again = replace(again, report=compared)
        emit(rejudged_json(again, language), rejudged_text(again, language), as_json=as_json)
        raise click.exceptions.Exit(_EXIT[again.report.outcome])
    wish = FormWish(form_out, form_template, bundle, force=force)
    key = None
    if asked is not None and key_file is not None and proof_out is not None:
        # Before the answer is used up: what could go wrong with key and file goes wrong now.
        key = _request_key(key_file, asked, passphrase_fd)
        require_writable(proof_out, force=force)
    if evidence_out is not None:
        require_writable(evidence_out, force=force)
    now = utc_now()
    report = verify_bytes(
        shown[0] if len(shown) == 1 else shown,
        trust=bundle,
        now=now,
        expect=STATIC if asked is None else Asked(asked, subject),
        seen=FileSeen(seen or trust / SEEN_NAME),
    )
    report = compare_form(contents, report, shown, trust=bundle, now=int(now.timestamp()))
    emit(report_json(report, language), report_text(report, language), as_json=as_json)
    wish.write(report, shown, language=language, now=int(now.timestamp()))
    if asked is not None and proof_out is not None and key is not None:
        proof = prove_verification(report, shown, request=asked, trust=bundle, now=now, key=key)
        write_new_file(proof_out, encode_file_text(proof).encode("ascii"), force=force)
    if evidence_out is not None:
        data = file_verification(report, shown, request=asked, trust=bundle, now=now)
        write_new_file(evidence_out, data, force=force)
    raise click.exceptions.Exit(_EXIT[report.outcome])


def _request_key(path: Path, request: bytes, descriptor: int | None) -> Ed25519CoseSigner:
    asked = parse_request(request)
    key = open_signer(path, purpose=org_purpose(asked.body.org), descriptor=descriptor)
    if key.public_key != asked.registration.body.request_key:
        hint = "name the key that signed the request"
        raise ConfigError(Reason.CLI_KEY_MISMATCH, "another request key", hint=hint)
    return key
