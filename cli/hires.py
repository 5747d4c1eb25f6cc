"""`tally org hires`: ask a list of people, see where it stands, remind once, collect the answers.

The names and last four digits of the list stay in the list's own file; the wallet gets signed requests only.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from certificate.keys import CoseSigner
from certificate.qr_text import decode_any, decode_any_request, encode_request_text
from certificate.request import RequestBody, parse_registration, parse_request
from certificate.texts import Language, reason_text
from cli.asking import Askable, asking_options, pattern_of
from cli.common import (
    emit,
    force_option,
    json_option,
    language_option,
    read_input,
    require_writable,
    say,
    utc_now,
    write_new_file,
)
from cli.keys import open_signer, org_purpose
from cli.progress import progress
from cli.shown import read_one
from cli.tokens import read_token
from ledger.errors import ConfigError, FormatError
from ledger.reasons import Reason
from verifier.bulk.people import People, parse_people
from verifier.bulk.sheet import encode_sheet
from verifier.bulk.state import AskedPerson, BatchFile

if TYPE_CHECKING:
    from verifier.bulk.wallet_client import OrganisationClient

__all__ = ["hires"]

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)

state_option = click.option(
    "--state", "state_path", type=_FILE, required=True, help="The list's own file; it holds the names."
)
token_option = click.option(
    "--token-file", type=_FILE, required=True, help="File with the organisation's token at the wallet."
)


@click.group()
def hires() -> None:
    """Ask a list of people at once: each gets a request of their own.

    Example: tally org hires status --state hires.db --token-file token
    """


@hires.command()
@click.argument("csv_file", metavar="CSV")
@click.option("--wallet", required=True, help="URL of the citizens' wallet service.")
@token_option
@state_option
@asking_options(template="identity.24")
@click.option(
    "--request", "pattern_file", help="A signed request that says what is asked, instead of a template."
)
@click.option(
    "--org", "number", type=click.IntRange(1, 2**31), default=1, show_default=True, help="Who asks."
)
@click.option("--home", "home_path", type=_FOLDER, help="A bureau's home that keeps the organisation's key.")
@click.option("--key", "key_file", type=_FILE, help="The organisation's request key, with --registration.")
@click.option("--registration", "registration_file", help="The registration of that key.")
@click.option("--passphrase-fd", type=int, default=None, help="The key's passphrase, from this descriptor.")
@click.option("--trust", type=_FOLDER, help="Trust bundle whose policies --policy may name; or the home's.")
@click.option("--skip-bad", is_flag=True, help="Ask the good rows although others are bad.")
@click.option(
    "--links", "links_path", type=_FILE, required=True, help="CSV to write: whom to send which link."
)
@click.option("--qr-dir", type=_FOLDER, help="Write each request as a QR picture, named by its row.")
@force_option
@json_option
def send(
    csv_file: str,
    wallet: str,
    token_file: Path,
    state_path: Path,
    pattern_file: str | None,
    number: int,
    home_path: Path | None,
    key_file: Path | None,
    registration_file: str | None,
    passphrase_fd: int | None,
    trust: Path | None,
    skip_bad: bool,
    links_path: Path,
    qr_dir: Path | None,
    force: bool,
    as_json: bool,
    **asking: Any,
) -> None:
    """Send each person of CSV a request of their own. Run again after a crash, it sends nothing twice.

    CSV has the columns name (姓名), id_tail (身份证后四位) and, if you like, ref (工号).

    Example: tally org hires send hires.csv --wallet https://wallet.example --token-file token --state hires.db
    --home home --links links.csv
    """
    from verifier.bulk.wallet_client import wallet_url
    from verifier.bulk.work import ask, prepare

    people = _read_people(csv_file, skip_bad=skip_bad)
    url = wallet_url(wallet)
    require_writable(links_path, force=force)
    if state_path.exists():
        file = BatchFile(state_path)
        known_list, known_wallet, _ = file.batch()
        if (known_list, known_wallet) != (people.digest(), url):
            file.close()
            hint = "name another --state file for another list"
            raise ConfigError(Reason.CLI_EXISTS, f"{state_path.name} is of another list or wallet", hint=hint)
    else:
        key, registration = _asker(home_path, key_file, registration_file, number, passphrase_fd)
        org = parse_registration(registration).body.org
        askable = _askable(home_path, trust, passphrase_fd)
        if pattern_file is None:
            pattern = pattern_of(asking, org=org, nonce=None, desk=None, askable=askable)
        else:
            pattern = _pattern_in(pattern_file, org)
        file = BatchFile.create(
            state_path,
            prepare(
                people,
                pattern,
                key=key,
                registration=registration,
                random=os.urandom,
                policies=askable.policies,
            ),
            list_digest=people.digest(),
            wallet=url,
            org=org,
        )
    try:
        with _client(url, token_file) as client, _counting("sending", len(people.people)) as advance:
            sent = ask(file, client, progress=advance)
        everybody = file.everybody()
    finally:
        file.close()
    _write_links(links_path, everybody, force=force)
    if qr_dir is not None:
        _write_pictures(qr_dir, everybody, force=force)
    result = {
        "people": len(everybody),
        "sent": sent,
        "skipped": sorted({fault.row for fault in people.faults}),
        "links": str(links_path),
        "state": str(state_path),
    }
    emit(result, f"{sent} of {len(everybody)} requests sent now; links in {links_path}", as_json=as_json)


@hires.command()
@state_option
@token_option
@json_option
def status(state_path: Path, token_file: Path, as_json: bool) -> None:
    """Ask the wallet where each request stands: waiting, answered, refused, expired, withdrawn.

    Example: tally org hires status --state hires.db --token-file token
    """
    with _opened(state_path, token_file) as (file, client):
        everybody = _refreshed(file, client)
    counts = Counter(asked.state for asked in everybody)
    rows = [
        {
            "row": asked.person.row,
            "ref": asked.person.ref,
            "name": asked.person.name,
            "state": asked.state,
            "reminded": asked.reminded,
            "outcome": None if asked.result is None else asked.result.outcome,
            "reason": None if asked.result is None else asked.result.reason,
        }
        for asked in everybody
    ]
    lines = [", ".join(f"{count} {state}" for state, count in sorted(counts.items()))]
    lines += [f"{row['row']:>5}  {row['state']:<9}  {row['name']}  {row['ref']}".rstrip() for row in rows]
    emit({"counts": dict(counts), "people": rows}, "\n".join(lines), as_json=as_json)


@hires.command()
@state_option
@token_option
@click.option(
    "--links", "links_path", type=_FILE, help="CSV to write: the links of those who have not answered."
)
@force_option
@json_option
def remind(state_path: Path, token_file: Path, links_path: Path | None, force: bool, as_json: bool) -> None:
    """Remind everybody who has not answered: once, and never again.

    Example: tally org hires remind --state hires.db --token-file token
    """
    from verifier.bulk.work import remind as remind_everybody

    if links_path is not None:
        require_writable(links_path, force=force)
    with _opened(state_path, token_file) as (file, client):
        _refreshed(file, client)
        done = remind_everybody(file, client, now=lambda: int(utc_now().timestamp()))
        waiting = [asked for asked in file.everybody() if asked.state == "waiting"]
    if links_path is not None:
        _write_links(links_path, waiting, force=force)
    result = {"reminded": done.now, "before": done.before}
    emit(result, f"{done.now} reminded now, {done.before} had been before", as_json=as_json)


@hires.command()
@state_option
@token_option
@click.option("--trust", type=_FOLDER, required=True, help="Trust bundle folder.")
@click.option("--out", type=_FILE, required=True, help="CSV to write: the result for each person.")
@click.option(
    "--archive", "archive_dir", type=_FOLDER, help="Keep answers with signed proofs here; needs --key."
)
@click.option("--key", "key_file", type=_FILE, help="The organisation's request key, which signs the proofs.")
@click.option("--passphrase-fd", type=int, default=None, help="The key's passphrase, from this descriptor.")
@force_option
@language_option
@json_option
def collect(
    state_path: Path,
    token_file: Path,
    trust: Path,
    out: Path,
    archive_dir: Path | None,
    key_file: Path | None,
    passphrase_fd: int | None,
    force: bool,
    language: Language,
    as_json: bool,
) -> None:
    """Fetch and verify what was answered; an answer is acknowledged only when its result is safe on this disk.

    Example: tally org hires collect --state hires.db --token-file token --trust trust --out results.csv
    """
    from verifier.bulk.archive import Archive
    from verifier.bulk.work import collect as collect_answers
    from verifier.seen_file import FileSeen
    from verifier.trust_dir import SEEN_NAME, load_trust

    if (archive_dir is None) is not (key_file is None):
        raise click.UsageError("--archive and --key go together")
    require_writable(out, force=force)
    bundle = load_trust(trust)
    with _opened(state_path, token_file) as (file, client):
        _, _, org = file.batch()
        archive = None
        if archive_dir is not None and key_file is not None:
            key = open_signer(key_file, purpose=org_purpose(org), descriptor=passphrase_fd)
            archive = Archive(archive_dir, trust_dir=trust, trust=bundle, key=key)
        everybody = _refreshed(file, client)
        with _counting("collecting", len(everybody)) as advance:
            judged = collect_answers(
                file,
                client,
                trust=bundle,
                newest=FileSeen(trust / SEEN_NAME),
                now=utc_now,
                language=language,
                progress=advance,
                archive=archive,
            )
        everybody = file.everybody()
    write_new_file(out, _results(everybody, language), force=force, private=True)
    counts = Counter(_outcome(asked) for asked in everybody)
    text = f"{judged} judged now; " + ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    emit({"judged": judged, "counts": dict(counts), "file": str(out)}, text, as_json=as_json)


# --- what goes in ---------------------------------------------------------------------------------------------


def _read_people(name: str, *, skip_bad: bool) -> People:
    people = parse_people(read_input(name, at_most=2**20))
    for note in people.notes:
        say(f"row {note.row}, {note.column}: {note.text}")
    faults = [
        f"row {f.row}, {f.column}: {f.text}" if f.column else f"row {f.row}: {f.text}" for f in people.faults
    ]
    if faults and not skip_bad:
        hint = "correct these rows, or leave them out with --skip-bad; nothing was sent"
        raise FormatError(Reason.CLI_BATCH_INVALID, "; ".join(faults), hint=hint)
    for fault in faults:
        say(f"left out: {fault}")
    if not people.people:
        raise FormatError(Reason.CLI_BATCH_INVALID, "no good row is left")
    return people


def _asker(
    home_path: Path | None,
    key_file: Path | None,
    registration_file: str | None,
    org: int,
    descriptor: int | None,
) -> tuple[CoseSigner, bytes]:
    if home_path is not None and key_file is None and registration_file is None:
        from cli.home import open_home
        from issuer.organisations import registration_of

        home = open_home(home_path, descriptor)
        return home.signer(org_purpose(org)), registration_of(home, org)
    if home_path is not None or key_file is None or registration_file is None:
        raise click.UsageError("name either --home, or --key and --registration")
    registration = decode_any(read_one(registration_file))
    body = parse_registration(registration).body
    key = open_signer(key_file, purpose=org_purpose(body.org), descriptor=descriptor)
    if key.public_key != body.request_key:
        raise ConfigError(Reason.CLI_KEY_MISMATCH, "the registration is of another key")
    return key, registration


def _askable(home_path: Path | None, trust: Path | None, descriptor: int | None) -> Askable:
    """Of the bundle, or of the home; with neither, claims can be asked as the shipped templates do."""
    if trust is not None:
        from verifier.trust_dir import load_trust

        bundle = load_trust(trust)
        return Askable(bundle.policies, bundle.templates)
    if home_path is None:
        from certificate.template.shipped import shipped_templates

        return Askable({}, shipped_templates())
    from cli.home import open_home
    from issuer.policies import load_policies
    from issuer.templates import load_templates

    home = open_home(home_path, descriptor)
    return Askable(load_policies(home), load_templates(home))


def _pattern_in(name: str, org: int) -> RequestBody:
    body = parse_request(decode_any_request(read_one(name))).body
    if body.org != org:
        raise ConfigError(Reason.CLI_KEY_MISMATCH, f"a request of organisation {body.org}")
    return body


# --- what goes on ---------------------------------------------------------------------------------------------


@contextmanager
def _client(url: str, token_file: Path) -> Iterator[OrganisationClient]:
    from verifier.bulk.wallet_client import OrganisationClient

    client = OrganisationClient(url, read_token(token_file), pause=time.sleep)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def _opened(state_path: Path, token_file: Path) -> Iterator[tuple[BatchFile, OrganisationClient]]:
    file = BatchFile(state_path)
    try:
        with _client(file.batch()[1], token_file) as client:
            yield file, client
    finally:
        file.close()


def _refreshed(file: BatchFile, client: OrganisationClient) -> list[AskedPerson]:
    from verifier.bulk.work import refresh

    with _counting("asking the wallet", len(file.everybody())) as advance:
        refresh(file, client, progress=advance)
    return file.everybody()


@contextmanager
def _counting(label: str, total: int) -> Iterator[Callable[[], None]]:
    done = 0
    with progress(label) as draw:

        def advance() -> None:
            nonlocal done
            done += 1
            draw(done, total)

        yield advance


# --- what comes out -------------------------------------------------------------------------------------------


def _write_links(path: Path, everybody: list[AskedPerson], *, force: bool) -> None:
    rows = [[str(a.person.row), a.person.ref, a.person.name, a.link or ""] for a in everybody]
    content = encode_sheet(("row", "ref", "name", "link"), rows)
    write_new_file(path, content, force=force, private=True)


def _write_pictures(folder: Path, everybody: list[AskedPerson], *, force: bool) -> None:
    from certificate.qr_draw import draw_qr_png

    folder.mkdir(parents=True, exist_ok=True)
    for asked in everybody:
        picture = draw_qr_png(encode_request_text(asked.request), ecc="L")
        write_new_file(folder / f"{asked.person.row:04d}.png", picture, force=force)


def _results(everybody: list[AskedPerson], language: Language) -> bytes:
    """One row a person: state, outcome, reason, and a column for each fact that anybody showed."""
    facts = dict.fromkeys(
        claim for asked in everybody if asked.result is not None for claim, _ in asked.result.facts
    )
    header = ("row", "ref", "name", "id_tail", "state", "outcome", "reason", "explanation", *facts)
    return encode_sheet(header, (_result_row(asked, list(facts), language) for asked in everybody))


def _result_row(asked: AskedPerson, facts: list[str], language: Language) -> list[str]:
    person, result = asked.person, asked.result
    row = [str(person.row), person.ref, person.name, person.id_tail, asked.state]
    if result is None:
        return [*row, "", "", "", *("" for _ in facts)]
    reason = result.reason or ""
    shown = dict(result.facts)
    explanation = reason_text(Reason(reason), language) if reason else ""
    return [*row, result.outcome, reason, explanation, *(shown.get(fact, "") for fact in facts)]


def _outcome(asked: AskedPerson) -> str:
    return asked.state if asked.result is None else asked.result.outcome
